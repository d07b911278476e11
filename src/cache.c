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
};

struct mpsc_cache *
mpsc_cache_new(void)
{
    return calloc(1, sizeof(struct mpsc_cache));
}

/* uthash's macros count as code of ours; and the analyzer can't follow that
 * the table goes with its last item. */
/* NOLINTBEGIN(readability-function-size,clang-analyzer-unix.Malloc) */

struct mpsc_entry *
mpsc_cache_find(struct mpsc_cache *cache, const char *business_id)
{
    struct item *item = NULL;

    HASH_FIND_STR(cache->items, business_id, item);
    return item != NULL ? &item->entry : NULL;
}

struct mpsc_entry *
mpsc_cache_entry(struct mpsc_cache *cache, const char *business_id)
{
    struct mpsc_entry *found = mpsc_cache_find(cache, business_id);
    struct item *item;

    if (found != NULL) {
        return found;
    }
    item = calloc(1, sizeof(*item));
    if (item == NULL) {
        return NULL;
    }
    strncpy(item->entry.business_id, business_id, MPS_BUSINESS_ID_MAX);
    HASH_ADD_STR(cache->items, entry.business_id, item);
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
mpsc_cache_put(struct mpsc_entry *entry, struct mpsc_credential *credential)
{
    mpsc_credential_release(entry->credential);
    entry->credential = credential;
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
            mpsc_cache_put(&item->entry, NULL);
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
        mpsc_cache_put(&item->entry, NULL);
        mpsc_cache_forgive(&item->entry);
        mpsc_rejected_free(&item->entry.rejected);
        free(item);
    }
    free(*cache);
    *cache = NULL;
}

/* NOLINTEND(readability-function-size,clang-analyzer-unix.Malloc) */
