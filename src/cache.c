/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "cache.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 16

/*
 * An open table: entries are never taken out of it, so that all there is to it
 * is a row of pointers, at most three quarters full, and where a search ends.
 * With uthash's handle of 56 bytes an entry would be twice as large.
 */
struct mpsc_cache {
    struct mpsc_entry **slots;
    size_t count; /* of slots: a power of two */
    size_t used;
    struct mpsc_gate *gate;
};

struct mpsc_cache *
mpsc_cache_new(struct mpsc_gate *gate)
{
    struct mpsc_cache *cache = calloc(1, sizeof(*cache));

    if (cache == NULL) {
        return NULL;
    }
    cache->slots = calloc(FIRST_SLOTS, sizeof(struct mpsc_entry *));
    if (cache->slots == NULL) {
        free(cache);
        return NULL;
    }
    cache->count = FIRST_SLOTS;
    cache->gate = gate;
    return cache;
}

/* An id, and what its search begins with. */
struct key {
    const char *text;
    size_t len;
    size_t hash;
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
    return (struct key){business_id, len, (size_t)(sum >> 32)};
}

/* True where the entry is the key's. What is too long is no one's id. */
static inline int
is_of(const struct mpsc_entry *entry, const struct key *key)
{
    const char *one = entry->business_id;
    const char *other = key->text;
    size_t len = key->len;

    if (len < 8) {
        return memcmp(one, other, len + 1) == 0;
    }
    return len <= MPS_BUSINESS_ID_MAX && one[len] == '\0' &&
           word_at(one) == word_at(other) &&
           word_at(one + len - 8) == word_at(other + len - 8) &&
           (len <= 16 || word_at(one + 8) == word_at(other + 8));
}

/* The slot with the business's entry, or the empty one where it belongs. */
static inline struct mpsc_entry **
find_slot(struct mpsc_entry **slots, size_t count, const struct key *key)
{
    size_t i = key->hash & (count - 1);

    while (slots[i] != NULL && !is_of(slots[i], key)) {
        i = (i + 1) & (count - 1);
    }
    return &slots[i];
}

struct mpsc_entry *
mpsc_cache_find(struct mpsc_cache *cache, const char *business_id)
{
    const struct key key = key_of(business_id);

    return *find_slot(cache->slots, cache->count, &key);
}

struct mpsc_credential *
mpsc_cache_serve(struct mpsc_cache *cache, const char *business_id,
                 int64_t boot_ms, int64_t distrust_before)
{
    const struct key key = key_of(business_id);
    const struct mpsc_entry *entry =
        *find_slot(cache->slots, cache->count, &key);

    /* A call under a former configuration may have heated it. */
    if (entry == NULL ||
        boot_ms >=
            atomic_load_explicit(&entry->hot_until_ms, memory_order_relaxed) ||
        entry->credential->received_at < distrust_before) {
        return NULL;
    }
    return mpsc_credential_hold(entry->credential);
}

void
mpsc_cache_heat(struct mpsc_entry *entry, int64_t until_ms)
{
    atomic_store_explicit(&entry->hot_until_ms, until_ms,
                          memory_order_relaxed);
}

/* Room for one entry more. 0, or -1 without memory. */
static int
grow(struct mpsc_cache *cache)
{
    struct mpsc_entry **former = cache->slots;
    size_t count = cache->count * 2;
    struct mpsc_entry **slots;

    if (cache->used < cache->count / 4 * 3) {
        return 0;
    }
    slots = calloc(count, sizeof(struct mpsc_entry *));
    if (slots == NULL) {
        return -1;
    }
    for (size_t i = 0; i < cache->count; i++) {
        if (former[i] != NULL) {
            const struct key key = key_of(former[i]->business_id);

            *find_slot(slots, count, &key) = former[i];
        }
    }
    mpsc_gate_close(cache->gate);
    cache->slots = slots;
    cache->count = count;
    mpsc_gate_open(cache->gate);
    free(former);
    return 0;
}

struct mpsc_entry *
mpsc_cache_entry(struct mpsc_cache *cache, const char *business_id)
{
    const struct key key = key_of(business_id);
    struct mpsc_entry *entry = *find_slot(cache->slots, cache->count, &key);

    if (entry != NULL) {
        return entry;
    }
    if (grow(cache) != 0) {
        return NULL;
    }
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return NULL;
    }
    strncpy(entry->business_id, business_id, MPS_BUSINESS_ID_MAX);
    mpsc_gate_close(cache->gate);
    *find_slot(cache->slots, cache->count, &key) = entry;
    mpsc_gate_open(cache->gate);
    cache->used++;
    return entry;
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
    for (size_t i = 0; i < cache->count; i++) {
        struct mpsc_entry *entry = cache->slots[i];

        if (entry != NULL && entry->credential != NULL &&
            entry->credential->received_ms <= until_ms) {
            mpsc_cache_put(cache, entry, NULL);
        }
    }
}

void
mpsc_cache_free(struct mpsc_cache **cache)
{
    struct mpsc_cache *old = *cache;

    *cache = NULL;
    if (old == NULL) {
        return;
    }
    for (size_t i = 0; i < old->count; i++) {
        struct mpsc_entry *entry = old->slots[i];

        if (entry != NULL) {
            mpsc_credential_release(entry->credential);
            mpsc_setbacks_free(&entry->setbacks);
            free(entry);
        }
    }
    free(old->slots);
    free(old);
}
