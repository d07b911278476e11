/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "fake_sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_clock.h"
#include "keyring_page.h"

#define TOKEN_SIZE 64

/* All that the keyring knows of a business. */
struct entry {
    char business_id[MPS_BUSINESS_ID_MAX + 1];
    char token[TOKEN_SIZE]; /* "" = no record */
    int late;
    int taken;
    const struct fake_sweep *holder;
};

/* Something to be told. */
struct due {
    enum mpsc_keyring_progress progress;
    size_t entry; /* CHANGED: how many wishes */
    int found;
};

/* A change that was handed over. */
struct wish {
    enum mpsc_keyring_what what;
    size_t entry;
    char token[TOKEN_SIZE];
};

struct fake_sweep {
    struct due *dues;
    size_t due_count;
    size_t told;
    struct wish *wishes;
    size_t wish_count;
    int erase_all;
};

/* Guarded by fake_lock. */
static struct entry *entries;
static size_t entry_count;
static size_t largest_batch;
static unsigned batches;
static unsigned pages; /* written */

static void *
grown(void *array, size_t count, size_t size)
{
    void *fresh = realloc(array, count * size);

    if (fresh == NULL) {
        abort();
    }
    return fresh;
}

/* The index of a business, which is added where it isn't known yet. */
static size_t
entry_of(const char *business_id)
{
    for (size_t i = 0; i < entry_count; i++) {
        if (strcmp(entries[i].business_id, business_id) == 0) {
            return i;
        }
    }
    entries = grown(entries, entry_count + 1, sizeof(*entries));
    memset(&entries[entry_count], 0, sizeof(*entries));
    snprintf(entries[entry_count].business_id, sizeof(entries->business_id),
             "%s", business_id);
    return entry_count++;
}

void
fake_sweep_plan(const struct fake_sweep_entry *planned, size_t count)
{
    pthread_mutex_lock(&fake_lock);
    free(entries);
    entries = NULL;
    entry_count = 0;
    largest_batch = 0;
    batches = 0;
    pages = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = entry_of(planned[i].business_id);
        struct entry *entry = &entries[at];

        entry->late = planned[i].late;
        entry->taken = planned[i].taken;
        if (planned[i].token != NULL) {
            snprintf(entry->token, TOKEN_SIZE, "%s", planned[i].token);
        }
    }
    pthread_mutex_unlock(&fake_lock);
}

const char *
fake_sweep_token(const char *business_id)
{
    const char *token;
    size_t at;

    pthread_mutex_lock(&fake_lock);
    at = entry_of(business_id); /* moves the entries */
    token = entries[at].token;
    pthread_mutex_unlock(&fake_lock);
    return *token != '\0' ? token : NULL;
}

size_t
fake_sweep_held(void)
{
    size_t held = 0;

    pthread_mutex_lock(&fake_lock);
    for (size_t i = 0; i < entry_count; i++) {
        held += entries[i].holder != NULL;
    }
    pthread_mutex_unlock(&fake_lock);
    return held;
}

size_t
fake_sweep_largest_batch(void)
{
    size_t largest;

    pthread_mutex_lock(&fake_lock);
    largest = largest_batch;
    pthread_mutex_unlock(&fake_lock);
    return largest;
}

unsigned
fake_sweep_batches(void)
{
    unsigned count;

    pthread_mutex_lock(&fake_lock);
    count = batches;
    pthread_mutex_unlock(&fake_lock);
    return count;
}

unsigned
fake_sweep_pages(void)
{
    unsigned count;

    pthread_mutex_lock(&fake_lock);
    count = pages;
    pthread_mutex_unlock(&fake_lock);
    return count;
}

struct fake_sweep *
fake_sweep_new(void)
{
    struct fake_sweep *sweep = calloc(1, sizeof(*sweep));

    if (sweep == NULL) {
        abort();
    }
    return sweep;
}

void
fake_sweep_release(struct fake_sweep *sweep)
{
    pthread_mutex_lock(&fake_lock);
    for (size_t i = 0; i < entry_count; i++) {
        if (entries[i].holder == sweep) {
            entries[i].holder = NULL;
        }
    }
    pthread_mutex_unlock(&fake_lock);
}

void
fake_sweep_free(struct fake_sweep **sweep)
{
    fake_sweep_release(*sweep);
    free((*sweep)->dues);
    free((*sweep)->wishes);
    free(*sweep);
    *sweep = NULL;
}

static void
add_due(struct fake_sweep *sweep, enum mpsc_keyring_progress progress,
        size_t entry, int found)
{
    if (sweep->told == sweep->due_count) {
        sweep->told = 0;
        sweep->due_count = 0;
    }
    sweep->dues =
        grown(sweep->dues, sweep->due_count + 1, sizeof(*sweep->dues));
    sweep->dues[sweep->due_count++] = (struct due){progress, entry, found};
}

int
fake_sweep_load(struct fake_sweep *sweep)
{
    pthread_mutex_lock(&fake_lock);
    for (size_t i = 0; i < entry_count; i++) {
        if (!entries[i].late && entries[i].token[0] != '\0') {
            add_due(sweep, MPSC_KEYRING_RECORD, i, 1);
        }
    }
    add_due(sweep, MPSC_KEYRING_LOADED, 0, 0);
    pthread_mutex_unlock(&fake_lock);
    return 0;
}

int
fake_sweep_claim(struct fake_sweep *sweep, const char *const *ids,
                 size_t count)
{
    if (fake_sweep_due(sweep) != MPSC_KEYRING_PENDING || count == 0 ||
        count > MPSC_KEYRING_BATCH_MAX) {
        return -1;
    }
    pthread_mutex_lock(&fake_lock);
    for (size_t i = 0; i < count; i++) {
        size_t at = entry_of(ids[i]);
        struct entry *entry = &entries[at];

        if (!entry->taken && entry->holder == NULL) {
            entry->holder = sweep;
        }
        if (entry->holder == sweep && entry->late && entry->token[0] != '\0') {
            entry->late = 0;
            add_due(sweep, MPSC_KEYRING_RECORD, at, 1);
        }
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = entry_of(ids[i]);

        add_due(sweep, MPSC_KEYRING_CLAIMED, at, entries[at].holder == sweep);
    }
    pthread_mutex_unlock(&fake_lock);
    return 0;
}

/* Nothing is due, or one batch. */
static int
may_change(const struct fake_sweep *sweep)
{
    size_t due = sweep->due_count - sweep->told;

    return due == 0 ||
           (due == 1 && fake_sweep_due(sweep) == MPSC_KEYRING_CHANGED);
}

/* How many pages have something to store among these. */
static unsigned
count_pages(const struct mpsc_keyring_change *changes, size_t count)
{
    char met[MPSC_KEYRING_PAGES] = {0};
    unsigned result = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned page = mpsc_keyring_page(changes[i].business_id);

        if (changes[i].what == MPSC_KEYRING_STORE && !met[page]) {
            met[page] = 1;
            result++;
        }
    }
    return result;
}

int
fake_sweep_change(struct fake_sweep *sweep,
                  const struct mpsc_keyring_change *changes, size_t count)
{
    int result = 0;

    struct wish *wishes;

    if (!may_change(sweep) || count == 0 || count > MPSC_KEYRING_BATCH_MAX) {
        return -1;
    }
    pthread_mutex_lock(&fake_lock);
    sweep->wishes = grown(sweep->wishes, sweep->wish_count + count,
                          sizeof(*sweep->wishes));
    wishes = sweep->wishes + sweep->wish_count;
    sweep->wish_count += count;
    batches++;
    pages += count_pages(changes, count);
    largest_batch = count > largest_batch ? count : largest_batch;
    for (size_t i = 0; i < count; i++) {
        struct wish *wish = &wishes[i];

        wish->what = changes[i].what;
        wish->entry = entry_of(changes[i].business_id);
        if (wish->what == MPSC_KEYRING_STORE) {
            snprintf(wish->token, TOKEN_SIZE, "%s",
                     changes[i].record->token.data);
            /* a store without the lock */
            result |= entries[wish->entry].holder != sweep;
        }
    }
    add_due(sweep, MPSC_KEYRING_CHANGED, count, 0);
    pthread_mutex_unlock(&fake_lock);
    return -result;
}

int
fake_sweep_erase(struct fake_sweep *sweep)
{
    if (fake_sweep_due(sweep) != MPSC_KEYRING_PENDING) {
        return -1;
    }
    sweep->erase_all = 1;
    add_due(sweep, MPSC_KEYRING_CHANGED, 0, 0);
    return 0;
}

/* The helper does what was wished by the first `count` wishes, and gives the
 * locks back. */
static void
carry_out(struct fake_sweep *sweep, enum mpsc_keyring_state state,
          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct wish *wish = &sweep->wishes[i];
        struct entry *entry = &entries[wish->entry];

        if (state == MPSC_KEYRING_OK && wish->what == MPSC_KEYRING_STORE) {
            memcpy(entry->token, wish->token, TOKEN_SIZE);
        } else if (state == MPSC_KEYRING_OK &&
                   wish->what == MPSC_KEYRING_ERASE) {
            entry->token[0] = '\0';
        }
        if (entry->holder == sweep) {
            entry->holder = NULL;
        }
    }
    for (size_t i = 0;
         state == MPSC_KEYRING_OK && sweep->erase_all && i < entry_count;
         i++) {
        entries[i].token[0] = '\0';
    }
    sweep->wish_count -= count;
    if (sweep->wish_count > 0) {
        memmove(sweep->wishes, sweep->wishes + count,
                sweep->wish_count * sizeof(*sweep->wishes));
    }
    sweep->erase_all = 0;
}

static void
tell_entry(const struct due *due, struct mpsc_keyring_event *event)
{
    const struct entry *entry = &entries[due->entry];
    struct mpsc_record *record = &event->record;
    struct mpsc_time now;

    memcpy(event->business_id, entry->business_id, sizeof(event->business_id));
    event->found = due->found;
    if (due->progress == MPSC_KEYRING_RECORD) {
        fake_clock_now(&now);
        record->received_at = now.wall_s - 100;
        record->expires_at = now.wall_s + 1000;
        if (mpsc_secret_set(&record->token, entry->token,
                            strlen(entry->token)) != 0) {
            abort();
        }
    }
}

enum mpsc_keyring_progress
fake_sweep_due(const struct fake_sweep *sweep)
{
    return sweep->told < sweep->due_count ? sweep->dues[sweep->told].progress
                                          : MPSC_KEYRING_PENDING;
}

enum mpsc_keyring_progress
fake_sweep_next(struct fake_sweep *sweep, enum mpsc_keyring_state state,
                struct mpsc_keyring_event *event)
{
    enum mpsc_keyring_progress progress = fake_sweep_due(sweep);

    if (progress == MPSC_KEYRING_PENDING) {
        return progress;
    }
    pthread_mutex_lock(&fake_lock);
    if (progress == MPSC_KEYRING_LOADED) {
        event->state = state;
    } else if (progress == MPSC_KEYRING_CHANGED) {
        event->state = state;
        carry_out(sweep, state, sweep->dues[sweep->told].entry);
    } else {
        tell_entry(&sweep->dues[sweep->told], event);
    }
    sweep->told++;
    pthread_mutex_unlock(&fake_lock);
    return progress;
}
