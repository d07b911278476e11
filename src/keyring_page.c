/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "keyring_page.h"

#include <stdlib.h>
#include <string.h>

#include "digest.h"

uint64_t
mpsc_keyring_hash(const char *text)
{
    char hex[MPSC_DIGEST_HEX_SIZE];

    if (mpsc_digest_sha256(text, strlen(text), hex) != 0) {
        return 0;
    }
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}

unsigned
mpsc_keyring_page(const char *business_id)
{
    return (unsigned)(mpsc_keyring_hash(business_id) % MPSC_KEYRING_PAGES);
}
