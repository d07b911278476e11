/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "holdings.h"

#include <stdlib.h>
#include <string.h>

struct mpsc_holdings *
mpsc_holdings_new(const char *endpoint, const char *solution_id,
                  const char *boot_id, mpsc_clock_fn *clock,
                  struct mpsc_gate *gate)
{
    struct mpsc_holdings *holdings = calloc(1, sizeof(*holdings));

    if (holdings == NULL) {
        return NULL;
    }
    holdings->references = 1;
    holdings->cache = mpsc_cache_new(gate);
    holdings->state = mpsc_state_new(endpoint, solution_id, boot_id, clock);
    if (holdings->cache == NULL || holdings->state == NULL) {
        mpsc_holdings_release(&holdings);
    }
    return holdings;
}

struct mpsc_holdings *
mpsc_holdings_hold(struct mpsc_holdings *holdings)
{
    holdings->references++;
    return holdings;
}

void
mpsc_holdings_release(struct mpsc_holdings **holdings)
{
    struct mpsc_holdings *old = *holdings;

    *holdings = NULL;
    if (old == NULL || --old->references > 0) {
        return;
    }
    mpsc_cache_free(&old->cache);
    mpsc_state_free(&old->state);
    free(old);
}

void
mpsc_holdings_see(struct mpsc_holdings *holdings, const char *digest,
                  const struct mpsc_shared *shared)
{
    if (holdings->partner_digest[0] != '\0' &&
        strcmp(holdings->partner_digest, digest) != 0) {
        holdings->carried = holdings->shared.trouble;
        for (int i = 0; i < MPSC_TROUBLE_COUNT; i++) {
            holdings->carries |= holdings->carried.since_s[i] != 0;
        }
    }
    holdings->shared = *shared;
    memcpy(holdings->partner_digest, digest, sizeof(holdings->partner_digest));
}

void
mpsc_holdings_purge(struct mpsc_holdings *holdings,
                    const struct mpsc_epoch *epoch,
                    const struct mpsc_time *now)
{
    int64_t until_ms = epoch->raised_ms;

    if (holdings->epoch_known && holdings->epoch == epoch->number) {
        return;
    }
    if (holdings->epoch_known) {
        /* A time that can't be, or none: of two evils, one request more. */
        if (until_ms <= 0 || until_ms > now->boot_ms) {
            until_ms = now->boot_ms;
        }
        mpsc_cache_purge(holdings->cache, until_ms);
        holdings->swept = MPSC_HOLDINGS_UNSWEPT;
    }
    holdings->epoch_known = 1;
    holdings->epoch = epoch->number;
    holdings->all_before_ms = epoch->all_before_ms;
}
