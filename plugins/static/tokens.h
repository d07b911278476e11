/* SPDX-License-Identifier: MIT */
/*
 * tokens: the contents of static_file: who has which token.
 *
 *     {
 *       "1001": {"access_token": "...", "expires_at": 1735689600},
 *       "1002": {"access_token": "..."}
 *     }
 *
 * A business's object is what the endpoint answers. Not locked.
 */
#ifndef MPSC_STATIC_TOKENS_H
#define MPSC_STATIC_TOKENS_H

#include "credential.h"

struct mpsc_static_token {
    char business_id[MPS_BUSINESS_ID_MAX + 1];
    struct mpsc_credential *credential; /* a reference */
    int is_refused;                     /* was invalidated */
};

struct mpsc_static_tokens {
    struct mpsc_static_token *token; /* sorted by business_id */
    size_t count;
};

/*
 * Reads the file into *tokens, which is empty before. A token without an
 * expiry is served for as long as it is in the file. MPS_OK, or MPS_E_CONFIG
 * or MPS_E_NO_MEMORY with a message that names the file and the line or the
 * business; *tokens is empty then.
 */
int mpsc_static_tokens_read(const char *path,
                            struct mpsc_static_tokens *tokens,
                            struct mps_error *error);

/* The business's, or NULL. */
struct mpsc_static_token *
mpsc_static_tokens_find(const struct mpsc_static_tokens *tokens,
                        const char *business_id);

/* Takes over from the tokens read before what the same token had: that it was
 * refused, and the credential that hosts know. */
void mpsc_static_tokens_inherit(struct mpsc_static_tokens *tokens,
                                const struct mpsc_static_tokens *former);

/* Releases and empties. */
void mpsc_static_tokens_free(struct mpsc_static_tokens *tokens);

#endif
