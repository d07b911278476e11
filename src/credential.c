/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "credential.h"

#include <stddef.h>
#include <string.h>

#include "lifetime.h"
#include "vault.h"

struct mpsc_credential *
mpsc_credential_new(struct mpsc_record *record, int source,
                    const struct mpsc_time *now,
                    const char boot_id[MPSC_BOOT_ID_SIZE])
{
    char digest[MPSC_DIGEST_HEX_SIZE];
    struct mpsc_credential *credential;

    if (mpsc_digest_sha256(record->token.data, record->token.len, digest) !=
        0) {
        return NULL;
    }
    credential = mpsc_vault_new(offsetof(struct mpsc_credential, token) +
                                record->token.len + 1);
    if (credential == NULL) {
        return NULL;
    }
    atomic_init(&credential->references, 1);
    atomic_flag_clear(&credential->handed_out);
    memcpy(credential->token, record->token.data, record->token.len);
    mpsc_secret_free(&record->token);
    credential->received_at = record->received_at;
    credential->received_ms = mpsc_lifetime_received_ms(record, now, boot_id);
    credential->end_ms = mpsc_lifetime_end_ms(record, now, boot_id);
    credential->public.size = sizeof(credential->public);
    credential->public.access_token = credential->token;
    credential->public.expires_at = record->expires_at;
    credential->public.endpoint_expires_at = record->endpoint_expires_at;
    credential->public.source = source;
    memcpy(credential->public.token_id, digest, MPSC_TOKEN_ID_DIGITS);
    return credential;
}

int
mpsc_credential_digest(const struct mpsc_credential *credential,
                       char digest[MPSC_DIGEST_HEX_SIZE])
{
    return mpsc_digest_sha256(credential->token, strlen(credential->token),
                              digest);
}

void
mpsc_credential_free(struct mpsc_credential *credential)
{
    mpsc_vault_free(credential);
}
