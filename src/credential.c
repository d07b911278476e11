/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "credential.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lifetime.h"

struct mpsc_credential *
mpsc_credential_new(struct mpsc_record *record, int source,
                    const struct mpsc_time *now,
                    const char boot_id[MPSC_BOOT_ID_SIZE])
{
    struct mpsc_credential *credential = calloc(1, sizeof(*credential));

    if (credential == NULL) {
        return NULL;
    }
    if (mpsc_digest_sha256(record->token.data, record->token.len,
                           credential->digest) != 0) {
        free(credential);
        return NULL;
    }
    atomic_init(&credential->references, 1);
    atomic_flag_clear(&credential->handed_out);
    mpsc_secret_move(&credential->token, &record->token);
    credential->received_at = record->received_at;
    credential->received_ms = mpsc_lifetime_received_ms(record, now, boot_id);
    credential->end_ms = mpsc_lifetime_end_ms(record, now, boot_id);
    credential->public.size = sizeof(credential->public);
    credential->public.access_token = credential->token.data;
    credential->public.expires_at = record->expires_at;
    credential->public.endpoint_expires_at = record->endpoint_expires_at;
    credential->public.source = source;
    memcpy(credential->public.token_id, credential->digest,
           MPSC_TOKEN_ID_DIGITS);
    return credential;
}

void
mpsc_credential_free(struct mpsc_credential *credential)
{
    int saved = errno;

    mpsc_secret_free(&credential->token);
    free(credential);
    errno = saved;
}
