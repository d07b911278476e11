/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "flight.h"

#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "deadline.h"
#include "keyring_bus.h"
#include "lock.h"
#include "page.h"
#include "place.h"
#include "runtime_dir.h"
#include "secret_service.h"
#include "talk.h"

/* For an answer that fits any socket's buffer. */
#define ANSWER_MS 1000

struct flight {
    const struct mpsc_keyring_query *query;
    struct mpsk_place place;
    struct mpsk_item item;
    struct mpsk_service *service;
    int dir; /* the runtime directory; both end with the process */
    int lock;
};

/* What the deadlines say. */
static struct mpsk_deadline_frame say_nothing;
static struct mpsk_deadline_frame say_loaded_busy;
static struct mpsk_deadline_frame say_loaded_silent;
static struct mpsk_deadline_frame say_changed_busy;
static struct mpsk_deadline_frame say_changed_silent;

/* Copies and frees an encoded frame; 0 or -1. */
static int
keep_frame(struct mpsk_deadline_frame *to, int encoded,
           struct mpsc_secret *frame)
{
    if (encoded != 0 || frame->len > sizeof(to->bytes)) {
        return -1;
    }
    memcpy(to->bytes, frame->data, frame->len);
    to->len = frame->len;
    mpsc_secret_free(frame);
    return 0;
}

static int
make_frames(void)
{
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;

    return keep_frame(
               &say_loaded_busy,
               mpsc_keyring_encode_loaded(MPSC_KEYRING_BUSY, NULL, &frame),
               &frame) == 0 &&
                   keep_frame(&say_loaded_silent,
                              mpsc_keyring_encode_loaded(MPSC_KEYRING_SILENT,
                                                         NULL, &frame),
                              &frame) == 0 &&
                   keep_frame(
                       &say_changed_busy,
                       mpsc_keyring_encode_changed(MPSC_KEYRING_BUSY, &frame),
                       &frame) == 0 &&
                   keep_frame(&say_changed_silent,
                              mpsc_keyring_encode_changed(MPSC_KEYRING_SILENT,
                                                          &frame),
                              &frame) == 0
               ? 0
               : -1;
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

/* Reads the page as it is now; OK with a page that the caller frees. */
static enum mpsc_keyring_state
read_page(struct flight *flight, struct mpsk_page *page)
{
    struct mpsc_secret bytes = MPSC_SECRET_EMPTY;
    enum mpsc_keyring_state state = MPSC_KEYRING_OK;
    int found;

    if (flight->service == NULL) {
        state = mpsk_service_open(flight->query->bus, &flight->service);
    }
    if (state == MPSC_KEYRING_OK) {
        state =
            mpsk_service_read(flight->service, &flight->item, &bytes, &found);
    }
    if (state == MPSC_KEYRING_OK) {
        state = page_state(mpsk_page_parse(bytes.data, bytes.len, page));
    }
    mpsc_secret_free(&bytes);
    return state;
}

/* Under the business's lock alone: a page is read in one piece. */
static enum mpsc_keyring_state
load(struct flight *flight, struct mpsc_record *record, int *found)
{
    struct mpsk_page page;
    struct mpsc_time now;
    char boot_id[MPSC_BOOT_ID_SIZE];
    enum mpsc_keyring_state state = read_page(flight, &page);

    *found = 0;
    if (state == MPSC_KEYRING_OK) {
        mpsc_clock_system(&now);
        mpsc_clock_boot_id(boot_id);
        *found = mpsk_page_get(&page, flight->query->business_id, &now,
                               boot_id, record);
        mpsk_page_free(&page);
    }
    return state;
}

/* Changes the page under its lock. `record` NULL erases. */
static enum mpsc_keyring_state
change(struct flight *flight, const struct mpsc_record *record)
{
    const char *business_id = flight->query->business_id;
    struct mpsc_secret bytes = MPSC_SECRET_EMPTY;
    struct mpsk_page page;
    struct mpsc_time now;
    char boot_id[MPSC_BOOT_ID_SIZE];
    enum mpsc_keyring_state state;
    int dirty = 1;

    if (mpsk_lock_more(flight->dir, flight->lock, flight->place.page_lock) !=
        0) {
        return MPSC_KEYRING_NO_RUNTIME_DIR;
    }
    mpsk_deadline_say(&say_changed_silent);
    state = read_page(flight, &page);
    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    mpsc_clock_system(&now);
    mpsc_clock_boot_id(boot_id);
    if (record == NULL) {
        dirty = mpsk_page_remove(&page, business_id);
    } else if (mpsk_page_put(&page, business_id, record) != 0) {
        state = MPSC_KEYRING_NO_MEMORY;
    }
    if (state == MPSC_KEYRING_OK && dirty) {
        (void)mpsk_page_prune(&page, &now, boot_id);
        state = page_state(mpsk_page_write(&page, &bytes));
        if (state == MPSC_KEYRING_OK) {
            state = mpsk_service_write(flight->service, &flight->item, &bytes);
        }
    }
    mpsc_secret_free(&bytes);
    mpsk_page_free(&page);
    return state;
}

/* Answers OPEN, within `ms`. */
static void
say_loaded(enum mpsc_keyring_state state, const struct mpsc_record *record,
           unsigned ms)
{
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;

    mpsk_deadline_arm(ms, &say_nothing);
    if (mpsc_keyring_encode_loaded(state, record, &frame) == 0) {
        mpsk_talk_send(&frame);
    }
    mpsc_secret_free(&frame);
}

/* Takes the business's lock; OK, or the state that says why not. */
static enum mpsc_keyring_state
take_lock(struct flight *flight)
{
    const struct mpsc_keyring_query *query = flight->query;

    flight->dir = mpsc_runtime_dir_open(query->runtime_dir);
    if (flight->dir < 0) {
        return MPSC_KEYRING_NO_RUNTIME_DIR;
    }
    flight->lock = mpsk_lock_open(flight->dir, flight->place.business_lock, 0);
    if (flight->lock == -1 && query->lock_wait_ms > 0) {
        mpsk_deadline_arm(query->lock_wait_ms, &say_loaded_busy);
        flight->lock =
            mpsk_lock_open(flight->dir, flight->place.business_lock, 1);
        mpsk_deadline_disarm();
    }
    if (flight->lock == -1) {
        return MPSC_KEYRING_BUSY;
    }
    return flight->lock < 0 ? MPSC_KEYRING_NO_RUNTIME_DIR : MPSC_KEYRING_OK;
}

/* The client's turn, and then what it wants. */
static void
serve_change(struct flight *flight)
{
    struct mpsc_keyring_message wish;
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;
    enum mpsc_keyring_state state;

    if (mpsk_talk_receive(&wish) != MPSC_KEYRING_MESSAGE) {
        return;
    }
    mpsk_deadline_disarm();
    if (wish.type == MPSC_KEYRING_MSG_STORE ||
        wish.type == MPSC_KEYRING_MSG_ERASE) {
        mpsk_deadline_arm(flight->query->keyring_deadline_ms,
                          &say_changed_busy);
        state = change(
            flight, wish.type == MPSC_KEYRING_MSG_STORE ? &wish.record : NULL);
        mpsk_deadline_disarm();
        mpsk_deadline_arm(ANSWER_MS, &say_nothing);
        if (mpsc_keyring_encode_changed(state, &frame) == 0) {
            mpsk_talk_send(&frame);
        }
        mpsc_secret_free(&frame);
    }
    mpsc_keyring_message_free(&wish);
}

static void
fly(struct flight *flight)
{
    const struct mpsc_keyring_query *query = flight->query;
    struct mpsc_record record = {.expires_at = 0};
    enum mpsc_keyring_state state = MPSC_KEYRING_NO_BUS;
    int found = 0;

    if (mpsc_keyring_bus_local(query->bus)) {
        mpsk_place_find(query->endpoint, query->solution_id,
                        query->business_id, &flight->place);
        state = take_lock(flight);
    }
    if (mpsk_talk_over()) {
        return; /* the client has given up while we waited */
    }
    if (state == MPSC_KEYRING_OK) {
        flight->item = (struct mpsk_item){.endpoint = query->endpoint,
                                          .solution_id = query->solution_id,
                                          .page = flight->place.page};
        mpsk_deadline_arm(query->keyring_deadline_ms, &say_loaded_silent);
        state = load(flight, &record, &found);
        mpsk_deadline_disarm();
    }
    say_loaded(state, found ? &record : NULL,
               state == MPSC_KEYRING_OK ? query->flight_ms : ANSWER_MS);
    mpsc_record_free(&record);
    if (state == MPSC_KEYRING_OK) {
        serve_change(flight);
    }
}

int
mpsk_flight(const struct mpsc_keyring_query *query)
{
    struct flight flight = {.query = query, .lock = -1};

    if (make_frames() != 0) {
        return -1;
    }
    fly(&flight);
    mpsk_service_close(&flight.service);
    return 0;
}
