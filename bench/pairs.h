/* SPDX-License-Identifier: MIT */
/*
 * pairs: loops that get a business's token and give it back, the module's and
 * the floor's, on one thread or several.
 */
#ifndef BENCH_PAIRS_H
#define BENCH_PAIRS_H

#include <stddef.h>

/* Gets and releases `pairs` tokens of the `count` businesses in turn. Ends the
 * program where one isn't there. */
typedef void pairs_fn(const char *const *ids, size_t count, size_t pairs);

pairs_fn module_pairs; /* get_credential() and release_credential() */
pairs_fn floor_pairs;
pairs_fn alone_pairs; /* none: hashes the ID, and shares nothing */

/* What one thread has to do. */
struct pairs_share {
    const char *const *ids;
    size_t count;
};

/*
 * Does `pairs` pairs with each of the shares, on as many threads, each pinned
 * to a processor of its own, which begin at once. Returns how many pairs a
 * microsecond they did in all, from the first's begin to the last's end.
 */
double pairs_rate(pairs_fn *loop, const struct pairs_share *shares,
                  size_t threads, size_t pairs);

/* Does `pairs` pairs on one such thread. Returns the nanoseconds of processor
 * time that each took: other work on the machine isn't in it. */
double pairs_cost(pairs_fn *loop, const struct pairs_share *share,
                  size_t pairs);

#endif
