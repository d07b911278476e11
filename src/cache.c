/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "cache.h"

#include <stdlib.h>
#include <string.h>

/* By default uthash ends the program where memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct item {
    struct mpsc_entry entry; /* first: callers hold its address */
    UT_hash_handle hh;
};

struct mpsc_cache {
    struct item *items;
    struct mpsc_gate *gate;
};

struct mpsc_cache *
mpsc_cache_new(struct mpsc_gate *gate)
{
    struct mpsc_cache *cache = calloc(1, sizeof(*cache));

    if (cache != NULL) {
        cache->gate = gate;
    }
    return cache;
}

struct key {
    unsigned len;
    unsigned hash;
};

/* An id is a number, of which this takes the value: one multiplication per
 * digit, and one that spreads it. The ids aren't an adversary's choice. */
static struct key
key_of(const char *business_id)
{
    uint64_t value = 0;
    unsigned len = 0;

    while (business_id[len] != '\0' && len <= MPS_BUSINESS_ID_MAX) {
        value = value * 10 + (unsigned char)business_id[len];
        len++;
    }
    return (struct key){
        len, (unsigned)((value * UINT64_C(0x9E3779B97F4A7C15)) >> 32)};
}

/* uthash's macros count as code of ours; and the analyzer can't follow that
 * the table goes with its last item. */
/* NOLINTBEGIN(readability-function-size,clang-analyzer-unix.Malloc) */

static struct item *
find(const struct mpsc_cache *cache, const char *business_id, struct key key)
{
    struct item *item = NULL;

    HASH_FIND_BYHASHVALUE(hh, cache->items, business_id, key.len, key.hash,
                          item);
    return item;
}

struct mpsc_entry *
mpsc_cache_find(struct mpsc_cache *cache, const char *business_id)
{
    struct item *item = find(cache, business_id, key_of(business_id));

    return item != NULL ? &item->entry : NULL;
}

struct mpsc_credential *
mpsc_cache_serve(struct mpsc_cache *cache, const char *business_id,
                 int64_t boot_ms)
{
    const struct item *item = find(cache, business_id, key_of(business_id));

    if (item == NULL ||
        boot_ms >= atomic_load_explicit(&item->entry.hot_until_ms,
                                        memory_order_relaxed)) {
        return NULL;
    }
    return mpsc_credential_hold(item->entry.credential);
}

void
mpsc_cache_heat(struct mpsc_entry *entry, int64_t until_ms)
{
    atomic_store_explicit(&entry->hot_until_ms, until_ms,
                          memory_order_relaxed);
}

void
mpsc_cache_cool(struct mpsc_cache *cache)
{
    for (struct item *item = cache->items; item != NULL;
         item = item->hh.next) {
        mpsc_cache_heat(&item->entry, 0);
    }
}

struct mpsc_entry *
mpsc_cache_entry(struct mpsc_cache *cache, const char *business_id)
{
    struct key key = key_of(business_id);
    struct item *item = find(cache, business_id, key);

    if (item != NULL) {
        return &item->entry;
    }
    item = calloc(1, sizeof(*item));
    if (item == NULL) {
        return NULL;
    }
    strncpy(item->entry.business_id, business_id, MPS_BUSINESS_ID_MAX);
    mpsc_gate_close(cache->gate);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, cache->items, item->entry.business_id,
                                key.len, key.hash, item);
    mpsc_gate_open(cache->gate);
    if (item->hh.tbl == NULL) {
        free(item);
        return NULL;
    }
    return &item->entry;
}

int
mpsc_cache_is_dead(const struct mpsc_entry *entry, const char *digest,
                   int64_t received_ms)
{
    /* What was received before this boot has a time below 0. */
    return (entry->distrust_until_ms != 0 &&
            received_ms <= entry->distrust_until_ms) ||
           mpsc_rejected_until(entry->rejected, digest) != 0;
}

void
mpsc_cache_put(struct mpsc_cache *cache, struct mpsc_entry *entry,
               struct mpsc_credential *credential)
{
    struct mpsc_credential *former = entry->credential;

    mpsc_gate_close(cache->gate);
    entry->credential = credential;
    mpsc_cache_heat(entry, 0);
    mpsc_gate_open(cache->gate);
    mpsc_credential_release(former);
}

void
mpsc_cache_fail(struct mpsc_entry *entry, const struct mps_error *failure,
                int64_t until_ms)
{
    if (entry->failure == NULL) {
        entry->failure = malloc(sizeof(*entry->failure));
    }
    if (entry->failure != NULL) {
        *entry->failure = *failure;
        entry->failure_until_ms = until_ms;
    }
}

void
mpsc_cache_forgive(struct mpsc_entry *entry)
{
    free(entry->failure);
    entry->failure = NULL;
    entry->failure_until_ms = 0;
}

void
mpsc_cache_purge(struct mpsc_cache *cache, int64_t until_ms)
{
    for (struct item *item = cache->items; item != NULL;
         item = item->hh.next) {
        if (item->entry.credential != NULL &&
            item->entry.credential->received_ms <= until_ms) {
            mpsc_cache_put(cache, &item->entry, NULL);
        }
    }
}

void
mpsc_cache_free(struct mpsc_cache **cache)
{
    struct item *item;
    struct item *next;

    if (*cache == NULL) {
        return;
    }
    HASH_ITER (hh, (*cache)->items, item, next) {
        HASH_DEL((*cache)->items, item);
        mpsc_credential_release(item->entry.credential);
        mpsc_cache_forgive(&item->entry);
        mpsc_rejected_free(&item->entry.rejected);
        free(item);
    }
    free(*cache);
    *cache = NULL;
}

/* NOLINTEND(readability-function-size,clang-analyzer-unix.Malloc) */
