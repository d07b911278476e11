/* SPDX-License-Identifier: MIT */
/*
 * holdings: what a process knows under one endpoint and solution: tokens,
 * failures, the endpoint's and the keyring's condition. It outlives a change
 * of the configuration that leaves those two as they are.
 *
 * Guarded by the provider's lock, but for `state`, which has its own.
 */
#ifndef MPSC_HOLDINGS_H
#define MPSC_HOLDINGS_H

#include "cache.h"
#include "counts.h"
#include "digest.h"
#include "epoch.h"
#include "state.h"

struct mpsc_prefetch;

/* Whether all of the keyring was read. */
enum mpsc_holdings_swept {
    MPSC_HOLDINGS_UNSWEPT,
    MPSC_HOLDINGS_TRIED, /* it couldn't be */
    MPSC_HOLDINGS_SWEPT
};

/* How many outcomes are counted at once. */
#define MPSC_HOLDINGS_OUTCOMES 64

struct mpsc_holdings {
    unsigned references; /* of profiles */
    struct mpsc_cache *cache;
    struct mpsc_state *state;

    int succeeded; /* the endpoint has given a token */
    int skew_told; /* that the clocks differ */
    int probing;   /* a flight of ours asks an endpoint that has failed */

    int looked; /* what follows is known, as far as it can be */

    /* The last look at what all processes of the user share. */
    struct mpsc_shared shared;
    char partner_digest[MPSC_DIGEST_HEX_SIZE]; /* the partner's token as it
                                                * was read last; "" = never */

    /* Troubles under the token before that one, which nobody will end where
     * they are noted: they go over to the present one's. */
    struct mpsc_trouble_view carried;
    int carries;

    /* Outcomes that the counts don't have yet; see standing.h. */
    unsigned asking; /* fetches that ask the endpoint now */
    struct mpsc_outcome outcomes[MPSC_HOLDINGS_OUTCOMES];
    size_t outcome_count;
    int64_t outcomes_since_ms; /* CLOCK_MONOTONIC: the first of them, or the
                                * last try to write them that failed */

    /* The purge epoch that was seen last, and what it said. */
    uint64_t epoch;
    int epoch_known;
    int64_t all_before_ms; /* CLOCK_BOOTTIME */

    int64_t keyring_mute_until_ms; /* CLOCK_MONOTONIC: not asked till then */
    uint64_t generation;           /* the keyring's, as it was seen last */
    uint64_t swept_generation;     /* the same when all of it was read */
    enum mpsc_holdings_swept swept;
    int64_t swept_ms;              /* CLOCK_MONOTONIC */
    struct mpsc_prefetch *loading; /* reads it all now; NULL = nobody */
    unsigned keyring_finds; /* since then or ever: tokens that memory lacked
                             * and a flight found there */
};

/* New and empty, with one reference; NULL without memory. gate: see cache.h.
 */
struct mpsc_holdings *mpsc_holdings_new(const char *endpoint,
                                        const char *solution_id,
                                        const char *boot_id,
                                        mpsc_clock_fn *clock,
                                        struct mpsc_gate *gate);

/* One reference more; returns its argument. */
struct mpsc_holdings *mpsc_holdings_hold(struct mpsc_holdings *holdings);

/* One less; the last one wipes and frees, and nobody may come for them through
 * the gate any more. *holdings becomes NULL; fine on NULL. */
void mpsc_holdings_release(struct mpsc_holdings **holdings);

/* Takes over what all processes know with the partner's token of this
 * digest. */
void mpsc_holdings_see(struct mpsc_holdings *holdings, const char *digest,
                       const struct mpsc_shared *shared);

/* Takes over a purge epoch that was read: where it is another than the one
 * seen last, all tokens that were received before it are dropped. */
void mpsc_holdings_purge(struct mpsc_holdings *holdings,
                         const struct mpsc_epoch *epoch,
                         const struct mpsc_time *now);

#endif
