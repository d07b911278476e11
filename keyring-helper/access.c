/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "access.h"

#include <string.h>

#include "deadline.h"
#include "epoch.h"
#include "keyring_bus.h"
#include "lock.h"
#include "place.h"
#include "runtime_dir.h"
#include "say.h"

enum mpsc_keyring_state
mpsk_access_open(struct mpsk_access *access,
                 const struct mpsc_keyring_query *query)
{
    access->query = query;
    access->lock = -1;
    mpsc_clock_boot_id(access->boot_id);
    if (!mpsc_keyring_bus_local(query->bus)) {
        return MPSC_KEYRING_NO_BUS;
    }
    access->dir = mpsc_runtime_dir_open(query->runtime_dir);
    return access->dir < 0 ? MPSC_KEYRING_NO_RUNTIME_DIR : MPSC_KEYRING_OK;
}

void
mpsk_access_close(struct mpsk_access *access)
{
    mpsk_service_close(&access->service);
}

static enum mpsc_keyring_state
page_state(enum mpsk_page_result result)
{
    switch (result) {
    case MPSK_PAGE_OK:
        return MPSC_KEYRING_OK;
    case MPSK_PAGE_NEWER:
        return MPSC_KEYRING_NEWER;
    case MPSK_PAGE_TOO_LARGE:
        return MPSC_KEYRING_REFUSED;
    case MPSK_PAGE_NO_MEMORY:
        break;
    }
    return MPSC_KEYRING_NO_MEMORY;
}

enum mpsc_keyring_state
mpsk_access_connect(struct mpsk_access *access)
{
    return access->service != NULL
               ? MPSC_KEYRING_OK
               : mpsk_service_open(access->query->bus, &access->service);
}

static struct mpsk_item
item_of(const struct mpsk_access *access, unsigned number)
{
    return (struct mpsk_item){.endpoint = access->query->endpoint,
                              .solution_id = access->query->solution_id,
                              .page = number};
}

/* Reads the page and its bytes, which the caller frees in any case. */
static enum mpsc_keyring_state
read_both(struct mpsk_access *access, unsigned number, struct mpsk_page *page,
          struct mpsc_secret *bytes)
{
    const struct mpsk_item item = item_of(access, number);
    enum mpsc_keyring_state state = mpsk_access_connect(access);
    int found;

    if (state == MPSC_KEYRING_OK) {
        state = mpsk_service_read(access->service, &item, bytes, &found);
    }
    if (state == MPSC_KEYRING_OK) {
        state = page_state(mpsk_page_parse(bytes->data, bytes->len, page));
    }
    return state;
}

enum mpsc_keyring_state
mpsk_access_read(struct mpsk_access *access, unsigned number,
                 struct mpsk_page *page)
{
    struct mpsc_secret bytes = MPSC_SECRET_EMPTY;
    enum mpsc_keyring_state state = read_both(access, number, page, &bytes);

    mpsc_secret_free(&bytes);
    return state;
}

/* Takes the page's lock and the writer's turn, and sets the deadline for the
 * rest of the change. */
static enum mpsc_keyring_state
begin_change(struct mpsk_access *access, int64_t page_lock)
{
    const struct mpsc_keyring_query *query = access->query;
    int failed;

    /* Nobody waits for a store: it gets as much time as a caller would. */
    mpsk_deadline_arm(query->lock_wait_ms + query->keyring_deadline_ms,
                      &mpsk_say_changed_busy);
    failed =
        mpsk_lock_more(access->dir, access->lock, page_lock, 1) != 0 ||
        mpsk_lock_more(access->dir, access->lock, MPSK_LOCK_WRITER, 1) != 0;
    mpsk_deadline_disarm();
    if (failed) {
        mpsk_lock_drop(access->lock, page_lock);
        return MPSC_KEYRING_NO_RUNTIME_DIR;
    }
    mpsk_deadline_arm(query->keyring_deadline_ms, &mpsk_say_changed_silent);
    return MPSC_KEYRING_OK;
}

static void
end_change(struct mpsk_access *access, int64_t page_lock)
{
    mpsk_deadline_disarm();
    mpsk_lock_drop(access->lock, MPSK_LOCK_WRITER);
    mpsk_lock_drop(access->lock, page_lock);
}

/* Writes the page that was read last, unless it is as it was `before` (may be
 * NULL). */
static enum mpsc_keyring_state
write_page(struct mpsk_access *access, unsigned number,
           const struct mpsk_page *page, const struct mpsc_secret *before)
{
    const struct mpsc_keyring_query *query = access->query;
    const struct mpsk_item item = item_of(access, number);
    struct mpsc_secret bytes = MPSC_SECRET_EMPTY;
    enum mpsc_keyring_state state = page_state(mpsk_page_write(page, &bytes));
    int same = state == MPSC_KEYRING_OK && before != NULL &&
               bytes.len == before->len &&
               memcmp(bytes.data, before->data, bytes.len) == 0;

    if (state == MPSC_KEYRING_OK && !same) {
        state = mpsk_service_write(access->service, &item, &bytes);
        if (state == MPSC_KEYRING_OK &&
            mpsc_generation_raise(access->dir, query->endpoint,
                                  query->solution_id) == 0) {
            access->raised++;
        }
    }
    mpsc_secret_free(&bytes);
    return state;
}

/* Whether a token may be stored: OK, or why not. Under the page's lock, since
 * whoever purges raises the epoch first and then takes that lock to erase. */
static enum mpsc_keyring_state
check_epoch(const struct mpsk_access *access)
{
    struct mpsc_epoch epoch;

    if (mpsc_epoch_read(access->query->runtime_dir, &epoch) != 0) {
        return MPSC_KEYRING_NO_RUNTIME_DIR;
    }
    return epoch.number == access->query->epoch ? MPSC_KEYRING_OK
                                                : MPSC_KEYRING_PURGED;
}

/*
 * Makes the changes in memory; *dirty tells whether there is something to
 * write, which is so with another state than OK, too: what is purged must not
 * keep a token from being erased.
 */
static enum mpsc_keyring_state
apply(const struct mpsk_access *access, struct mpsk_page *page,
      const struct mpsc_keyring_change *changes, size_t count, int *dirty)
{
    enum mpsc_keyring_state epoch = check_epoch(access);
    enum mpsc_keyring_state state = MPSC_KEYRING_OK;

    *dirty = 0;
    for (size_t i = 0; i < count; i++) {
        const struct mpsc_keyring_change *change = &changes[i];

        switch (change->what) {
        case MPSC_KEYRING_STORE:
            if (epoch != MPSC_KEYRING_OK) {
                state = epoch;
            } else if (mpsk_page_put(page, change->business_id,
                                     change->record) != 0) {
                state = MPSC_KEYRING_NO_MEMORY;
            } else {
                *dirty = 1;
            }
            break;
        case MPSC_KEYRING_ERASE:
            *dirty |= mpsk_page_remove(page, change->business_id);
            break;
        case MPSC_KEYRING_RELEASE:
            break;
        }
    }
    return state;
}

enum mpsc_keyring_state
mpsk_access_change(struct mpsk_access *access, unsigned number,
                   const struct mpsc_keyring_change *changes, size_t count,
                   struct mpsk_page *page)
{
    const int64_t page_lock = mpsk_place_page_lock(
        access->query->endpoint, access->query->solution_id, number);
    struct mpsc_secret bytes = MPSC_SECRET_EMPTY;
    enum mpsc_keyring_state state = begin_change(access, page_lock);
    enum mpsc_keyring_state written = MPSC_KEYRING_OK;
    struct mpsc_time now;
    int dirty;

    *page = (struct mpsk_page){NULL, NULL};
    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    state = read_both(access, number, page, &bytes);
    mpsc_secret_free(&bytes);
    if (state == MPSC_KEYRING_OK) {
        state = apply(access, page, changes, count, &dirty);
        if (dirty) {
            mpsc_clock_system(&now);
            (void)mpsk_page_prune(page, &now, access->boot_id);
            written = write_page(access, number, page, NULL);
        }
        if (written != MPSC_KEYRING_OK) {
            state = written;
            mpsk_page_free(page);
        }
    }
    end_change(access, page_lock);
    return state;
}

enum mpsc_keyring_state
mpsk_access_clear(struct mpsk_access *access, unsigned number)
{
    const int64_t page_lock = mpsk_place_page_lock(
        access->query->endpoint, access->query->solution_id, number);
    struct mpsc_secret bytes = MPSC_SECRET_EMPTY;
    struct mpsk_page page = {NULL, NULL};
    enum mpsc_keyring_state state = begin_change(access, page_lock);

    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    state = read_both(access, number, &page, &bytes);
    if (state == MPSC_KEYRING_OK && bytes.len > 0) {
        mpsk_page_clear(&page);
        state = write_page(access, number, &page, &bytes);
    }
    mpsk_page_free(&page);
    mpsc_secret_free(&bytes);
    end_change(access, page_lock);
    return state;
}
