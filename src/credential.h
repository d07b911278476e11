/* SPDX-License-Identifier: MIT */
/*
 * credential: the value that hosts hold: immutable, reference-counted, wiped
 * when the last holder releases it.
 */
#ifndef MPSC_CREDENTIAL_H
#define MPSC_CREDENTIAL_H

#include <mps/credential.h>
#include <stdatomic.h>

#include "digest.h"
#include "record.h"

/* Of a token's digest, as many name it in logs and audits. */
#define MPSC_TOKEN_ID_DIGITS 12

/* In the vault, with its token behind it. */
struct mpsc_credential {
    struct mps_credential public; /* first: hosts get its address */
    int64_t received_at;          /* Unix seconds */
    int64_t received_ms;          /* CLOCK_BOOTTIME of this boot */
    int64_t refresh_ms;           /* likewise; set before others see it */
    int64_t end_ms;               /* likewise: not served from then on */
    atomic_uint references;
    atomic_flag handed_out; /* set when a host got it for the first time */
    char token[];           /* NUL-terminated */
};

/*
 * A new credential with one reference, which takes the record's token.
 * source: MPS_SOURCE_. NULL without memory (the record keeps its token).
 */
struct mpsc_credential *
mpsc_credential_new(struct mpsc_record *record, int source,
                    const struct mpsc_time *now,
                    const char boot_id[MPSC_BOOT_ID_SIZE]);

/* The token's SHA-256 in hex: it is needed too rarely to be kept. 0, or -1
 * where libcrypto refuses. */
int mpsc_credential_digest(const struct mpsc_credential *credential,
                           char digest[MPSC_DIGEST_HEX_SIZE]);

/* One more reference; returns its argument. Any thread. */
static inline struct mpsc_credential *
mpsc_credential_hold(struct mpsc_credential *credential)
{
    atomic_fetch_add_explicit(&credential->references, 1,
                              memory_order_relaxed);
    return credential;
}

/* Wipes and frees, when nobody holds it any more. errno is kept. */
void mpsc_credential_free(struct mpsc_credential *credential);

/* One less; the last one wipes and frees. NULL is fine. Any thread, and in a
 * child of fork(2). errno is kept. */
static inline void
mpsc_credential_release(struct mpsc_credential *credential)
{
    if (credential != NULL &&
        atomic_fetch_sub_explicit(&credential->references, 1,
                                  memory_order_acq_rel) == 1) {
        mpsc_credential_free(credential);
    }
}

/* From what a host gives back to what it was; NULL stays NULL. */
static inline struct mpsc_credential *
mpsc_credential_of(const struct mps_credential *credential)
{
    /* The cast gives back what const took for the host alone: the struct is
     * the first member of ours. */
    return (struct mpsc_credential *)(uintptr_t)credential;
}

#endif
