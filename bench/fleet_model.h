/* SPDX-License-Identifier: MIT */
/*
 * fleet_model: many machines with many businesses each at one endpoint, under
 * a virtual clock. What is decided is decided by the module's own refresh.c,
 * limit.c and retry.c; how they are put together follows get.c, flight.c,
 * standing.c and fetch.c.
 *
 * Simplified are:
 * - Each business is asked for once a second on each machine, by one process:
 *   more of them share limits and tokens, and come to the same moments.
 * - No keyring, and tokens of one length of life. Each request takes 100 ms.
 *   16 refreshes in the background or 64 fetches run at once, as in io.c, and
 *   go in step.
 * - Of MPSC_E_AUTH, invalidations, purges and clocks that step there is none.
 */
#ifndef BENCH_FLEET_MODEL_H
#define BENCH_FLEET_MODEL_H

#include <stdint.h>

#define FLEET_LIFETIME_MIN 60

/* Minutes from the start, up to before the second; none where they equal. */
struct fleet_span {
    double from_min, to_min;
};

struct fleet_plan {
    unsigned machines;
    unsigned businesses; /* of each machine, at most 60000 */
    unsigned lifetimes;  /* how long it goes on */
    uint32_t seed;
    struct fleet_span outage; /* every request ends in 503 */
    struct fleet_span usage;  /* answers tell of 96 per cent */
    struct fleet_span limit;  /* every request ends in 429, with a Retry-After
                               * up to its end */
};

struct fleet_result {
    int64_t *per_minute; /* requests; the caller frees it */
    unsigned minutes;
    int64_t requests;
    /* From the third lifetime on, in requests per minute. */
    double mean;
    double peak;
    unsigned peak_minute;
    /* Tokens that ended before another one was there: though the endpoint had
     * been neither down nor limiting at some second between the refresh's
     * drawn moment and the end; and all others. */
    int64_t lost;
    int64_t unavoidable;
};

/* 0, or -1 without memory. */
int fleet_run(const struct fleet_plan *plan, struct fleet_result *result);

#endif
