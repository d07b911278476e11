/* SPDX-License-Identifier: MIT */
/*
 * cache: what a process knows of each business of one profile. Not locked:
 * the owner's lock guards it.
 */
#ifndef MPSC_CACHE_H
#define MPSC_CACHE_H

#include <stdint.h>

#include "credential.h"

struct mpsc_flight;

struct mpsc_cache;

struct mpsc_entry {
    char business_id[MPS_BUSINESS_ID_MAX + 1];
    struct mpsc_credential *credential;  /* a reference; NULL = none */
    struct mpsc_flight *flight;          /* the fetch under way; NULL = none */
    char rejected[MPSC_DIGEST_HEX_SIZE]; /* digest of a token that was
                                          * invalidated; "" = none */
    int64_t distrust_until; /* Unix seconds: records received up to then were
                             * invalidated, whatever their token; 0 = none */
    struct mps_error *failure; /* remembered; NULL = none */
    int64_t failure_since_ms;  /* CLOCK_BOOTTIME */
    int64_t failure_until_ms;  /* likewise */
};

/* An empty cache, or NULL without memory. */
struct mpsc_cache *mpsc_cache_new(void);

/* The entry, made where there is none. NULL without memory. It stays where
 * it is until the cache is freed. */
struct mpsc_entry *mpsc_cache_entry(struct mpsc_cache *cache,
                                    const char *business_id);

/* The entry, or NULL where there is none. */
struct mpsc_entry *mpsc_cache_find(struct mpsc_cache *cache,
                                   const char *business_id);

/* True where the credential was invalidated. */
int mpsc_cache_is_dead(const struct mpsc_entry *entry,
                       const struct mpsc_credential *credential);

/* Replaces the entry's credential; takes the reference. NULL drops it. */
void mpsc_cache_put(struct mpsc_entry *entry,
                    struct mpsc_credential *credential);

/* Remembers a failure until then; without memory it is not remembered. */
void mpsc_cache_fail(struct mpsc_entry *entry, const struct mps_error *failure,
                     int64_t until_ms);

/* Forgets the failure. */
void mpsc_cache_forgive(struct mpsc_entry *entry);

/* Releases all; no flight may be under way. *cache becomes NULL. */
void mpsc_cache_free(struct mpsc_cache **cache);

#endif
