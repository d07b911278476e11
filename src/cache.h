/* SPDX-License-Identifier: MIT */
/*
 * cache: what a process knows of each business of one profile. The owner's
 * lock guards it. mpsc_cache_serve() does without it: what that reads is
 * changed with the owner's gate closed, too.
 */
#ifndef MPSC_CACHE_H
#define MPSC_CACHE_H

#include <stdint.h>

#include "credential.h"
#include "gate.h"
#include "setbacks.h"

struct mpsc_flight;

struct mpsc_cache;

/* For MPS_BUSINESS_ID_MAX digits and at least one NUL, by whole words. */
#define MPSC_ENTRY_ID_SIZE ((MPS_BUSINESS_ID_MAX + 8) / 8 * 8)

/* There may be tens of thousands: what few need is not in it. */
struct mpsc_entry {
    char business_id[MPSC_ENTRY_ID_SIZE];
    struct mpsc_credential *credential; /* a reference; NULL = none */
    _Atomic int64_t hot_until_ms;   /* CLOCK_BOOTTIME: until then it is handed
                                     * out without further thought */
    struct mpsc_flight *flight;     /* the fetch under way; NULL = none */
    struct mpsc_setbacks *setbacks; /* NULL = none */
};

/* An empty cache, or NULL without memory. The gate outlives it. */
struct mpsc_cache *mpsc_cache_new(struct mpsc_gate *gate);

/* The entry, made where there is none. NULL without memory. It stays where
 * it is until the cache is freed. */
struct mpsc_entry *mpsc_cache_entry(struct mpsc_cache *cache,
                                    const char *business_id);

/* The entry, or NULL where there is none. */
struct mpsc_entry *mpsc_cache_find(struct mpsc_cache *cache,
                                   const char *business_id);

/*
 * The business's credential, held for the caller, where it is hot at this time
 * (CLOCK_BOOTTIME) and was not received before distrust_before (Unix seconds);
 * else NULL. Called within the gate, without the lock.
 */
struct mpsc_credential *mpsc_cache_serve(struct mpsc_cache *cache,
                                         const char *business_id,
                                         int64_t boot_ms,
                                         int64_t distrust_before);

/* Until when mpsc_cache_serve() gives the entry's credential; 0 = not at all,
 * as after each mpsc_cache_put(). */
void mpsc_cache_heat(struct mpsc_entry *entry, int64_t until_ms);

/* True where what was received at received_ms (CLOCK_BOOTTIME) was
 * invalidated, by its token's digest or with all that came before. */
int mpsc_cache_is_dead(const struct mpsc_entry *entry, const char *digest,
                       int64_t received_ms);

/* The same of a credential. */
int mpsc_cache_is_dead_credential(const struct mpsc_entry *entry,
                                  const struct mpsc_credential *credential);

/* Drops every credential that was received up to then (CLOCK_BOOTTIME); what
 * is remembered of failures stays. */
void mpsc_cache_purge(struct mpsc_cache *cache, int64_t until_ms);

/* Replaces the entry's credential; takes the reference. NULL drops it. */
void mpsc_cache_put(struct mpsc_cache *cache, struct mpsc_entry *entry,
                    struct mpsc_credential *credential);

/* Releases all; no flight may be under way, and nobody may come for it through
 * the gate any more. *cache becomes NULL. */
void mpsc_cache_free(struct mpsc_cache **cache);

#endif
