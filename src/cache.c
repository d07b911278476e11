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

/* Short chains: each step of one is likely to miss the processor's cache. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 3U

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
    const char *text;
    unsigned len;
    unsigned hash;
};

static uint64_t
word_at(const char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* A multiplication carries a digit's bits upwards only; the shift brings them
 * down. The factor is odd and without a pattern (the golden ratio's fraction).
 */
static uint64_t
mix(uint64_t sum, uint64_t word)
{
    static const uint64_t factor = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t product = word * factor;

    return (sum ^ product ^ (product >> 32)) * factor;
}

/* By words, of which the last two may overlap: by bytes it would cost as much
 * as all the rest of a call that memory answers. The ids aren't an adversary's
 * choice. */
static inline struct key
key_of(const char *business_id)
{
    size_t len = strlen(business_id);
    uint64_t sum = len;

    if (len >= 8) {
        sum = mix(sum, word_at(business_id));
        if (len > 16) {
            sum = mix(sum, word_at(business_id + 8));
        }
        sum = mix(sum, word_at(business_id + len - 8));
    } else {
        for (size_t i = 0; i < len; i++) {
            sum = sum << 8 | (unsigned char)business_id[i];
        }
        sum = mix(0, sum);
    }
    return (struct key){business_id, (unsigned)len, (unsigned)(sum >> 32)};
}

/* Equal lengths are compared as they are hashed. */
static inline int
differs(const char *one, const char *other, size_t len)
{
    if (len < 8) {
        return memcmp(one, other, len);
    }
    return word_at(one) != word_at(other) ||
           word_at(one + len - 8) != word_at(other + len - 8) ||
           (len > 16 && word_at(one + 8) != word_at(other + 8));
}

#undef HASH_KEYCMP
#define HASH_KEYCMP(one, other, len) differs(one, other, len)

/* uthash's macros count as code of ours; and the analyzer can't follow that
 * the table goes with its last item. */
/* NOLINTBEGIN(readability-function-size,clang-analyzer-unix.Malloc) */

static inline struct item *
find(const struct mpsc_cache *cache, const struct key *key)
{
    struct item *item = NULL;

    HASH_FIND_BYHASHVALUE(hh, cache->items, key->text, key->len, key->hash,
                          item);
    return item;
}

struct mpsc_entry *
mpsc_cache_find(struct mpsc_cache *cache, const char *business_id)
{
    struct key key = key_of(business_id);
    struct item *item = find(cache, &key);

    return item != NULL ? &item->entry : NULL;
}

struct mpsc_credential *
mpsc_cache_serve(struct mpsc_cache *cache, const char *business_id,
                 int64_t boot_ms)
{
    struct key key = key_of(business_id);
    const struct item *item = find(cache, &key);

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
    struct item *item = find(cache, &key);

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
    const struct mpsc_setbacks *setbacks =
        mpsc_setbacks_recall(entry->setbacks);

    /* What was received before this boot has a time below 0. */
    return (setbacks->distrust_until_ms != 0 &&
            received_ms <= setbacks->distrust_until_ms) ||
           mpsc_rejected_until(setbacks->rejected, digest) != 0;
}

int
mpsc_cache_is_dead_credential(const struct mpsc_entry *entry,
                              const struct mpsc_credential *credential)
{
    char digest[MPSC_DIGEST_HEX_SIZE] = "";

    /* Where it can't be told whether a token was reported dead, it was. */
    if (mpsc_setbacks_recall(entry->setbacks)->rejected != NULL &&
        mpsc_credential_digest(credential, digest) != 0) {
        return 1;
    }
    return mpsc_cache_is_dead(entry, digest, credential->received_ms);
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
        mpsc_setbacks_free(&item->entry.setbacks);
        free(item);
    }
    free(*cache);
    *cache = NULL;
}

/* NOLINTEND(readability-function-size,clang-analyzer-unix.Malloc) */
