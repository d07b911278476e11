/* SPDX-License-Identifier: MIT */
/*
 * digest.h where GLib is at hand anyway: to load and initialise libcrypto
 * for it took a third of the time until the helper runs.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "digest.h"

#include <glib.h>
#include <string.h>

int
mpsc_digest_sha256(const void *bytes, size_t len,
                   char hex[MPSC_DIGEST_HEX_SIZE])
{
    char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, len);

    memcpy(hex, sum, MPSC_DIGEST_HEX_SIZE);
    g_free(sum);
    return 0;
}
