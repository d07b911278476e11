/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "flight.h"

#include "access.h"
#include "deadline.h"
#include "lock.h"
#include "place.h"
#include "say.h"
#include "talk.h"

/* Reads the business's record, under its lock alone. */
static enum mpsc_keyring_state
load(struct mpsk_access *access, unsigned number, struct mpsc_record *record,
     int *found)
{
    struct mpsk_page page;
    struct mpsc_time now;
    enum mpsc_keyring_state state = mpsk_access_read(access, number, &page);

    *found = 0;
    if (state == MPSC_KEYRING_OK) {
        mpsc_clock_system(&now);
        *found = mpsk_page_get(&page, access->query->business_id, &now,
                               access->boot_id, record);
        mpsk_page_free(&page);
    }
    return state;
}

/* Answers OPEN, within `ms`; 0, or -1 where the client has heard nothing. */
static int
say_loaded(enum mpsc_keyring_state state, const struct mpsc_record *record,
           unsigned ms)
{
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;
    int result = -1;

    mpsk_deadline_arm(ms, &mpsk_say_nothing);
    if (mpsc_keyring_encode_loaded(state, record, &frame) == 0) {
        result = mpsk_talk_send(&frame);
    }
    mpsc_secret_free(&frame);
    return result;
}

/*
 * Takes the business's lock and, for the load, a reader's turn. Who has no
 * time to wait goes without a turn: that only helps the others. OK, or the
 * state that says why not.
 */
static enum mpsc_keyring_state
take_lock(struct mpsk_access *access, int64_t offset)
{
    unsigned wait_ms = access->query->lock_wait_ms;

    access->lock = mpsk_lock_open(access->dir, offset, 0);
    if (wait_ms > 0) {
        mpsk_deadline_arm(wait_ms, &mpsk_say_loaded_busy);
        if (access->lock == -1) {
            access->lock = mpsk_lock_open(access->dir, offset, 1);
        }
        if (access->lock >= 0) {
            (void)mpsk_lock_more(access->dir, access->lock, mpsk_lock_reader(),
                                 1);
        }
        mpsk_deadline_disarm();
    }
    if (access->lock == -1) {
        return MPSC_KEYRING_BUSY;
    }
    return access->lock < 0 ? MPSC_KEYRING_NO_RUNTIME_DIR : MPSC_KEYRING_OK;
}

/* The client's turn, and then what it wants. */
static void
serve_change(struct mpsk_access *access, unsigned number)
{
    struct mpsc_keyring_message wish;
    struct mpsc_keyring_change change = {
        .business_id = access->query->business_id,
        .what = MPSC_KEYRING_ERASE,
    };
    struct mpsk_page page;

    if (mpsk_talk_receive(&wish) != MPSC_KEYRING_MESSAGE) {
        return;
    }
    mpsk_deadline_disarm();
    if (wish.type == MPSC_KEYRING_MSG_STORE) {
        change.what = MPSC_KEYRING_STORE;
        change.record = &wish.record;
    }
    if (wish.type == MPSC_KEYRING_MSG_STORE ||
        wish.type == MPSC_KEYRING_MSG_ERASE) {
        mpsk_say_changed(
            mpsk_access_change(access, number, &change, 1, &page));
        mpsk_page_free(&page);
    }
    mpsc_keyring_message_free(&wish);
}

int
mpsk_flight(const struct mpsc_keyring_query *query)
{
    struct mpsk_access access = {.dir = -1};
    struct mpsc_record record = {.expires_at = 0};
    struct mpsk_place place;
    enum mpsc_keyring_state state;
    int found = 0;
    int said;

    if (mpsk_say_init() != 0) {
        return -1;
    }
    mpsk_place_find(query->endpoint, query->solution_id, query->business_id,
                    &place);
    state = mpsk_access_open(&access, query);
    if (state == MPSC_KEYRING_OK) {
        state = take_lock(&access, place.business_lock);
    }
    if (mpsk_talk_over()) {
        return 0; /* the client has given up while we waited */
    }
    if (state == MPSC_KEYRING_OK) {
        mpsk_deadline_arm(query->keyring_deadline_ms, &mpsk_say_loaded_silent);
        state = load(&access, place.page, &record, &found);
        mpsk_deadline_disarm();
        mpsk_lock_drop(access.lock, mpsk_lock_reader());
    }
    said = say_loaded(state, found ? &record : NULL,
                      state == MPSC_KEYRING_OK ? query->flight_ms
                                               : MPSK_SAY_ANSWER_MS);
    mpsc_record_free(&record);
    /* Who wasn't told that it has the turn will not take it: each would wait
     * for the other, and all for the lock. */
    if (state == MPSC_KEYRING_OK && said == 0) {
        serve_change(&access, place.page);
    }
    mpsk_access_close(&access);
    return 0;
}
