/* SPDX-License-Identifier: MIT */
/*
 * floor: the least that a cache for threads costs with plain means, and what
 * the module's hot path is measured against: a uthash find under a mutex, a
 * reference up, and the reference down under the mutex again. No expiry is
 * checked, and nothing else is done.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stddef.h>

struct floor_token {
    const char *access_token;
    unsigned references;
};

/* Fills the cache with a token for each ID; the strings must stay. Ends the
 * program where memory is short. */
void floor_fill(const char *const *ids, size_t count);

/* The business's token with a reference for the caller, or NULL. */
struct floor_token *floor_get(const char *id);

/* Gives it back. */
void floor_release(struct floor_token *token);

#endif
