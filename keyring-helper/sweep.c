/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "sweep.h"

#include <stdlib.h>

#include "access.h"
#include "deadline.h"
#include "epoch.h"
#include "lock.h"
#include "place.h"
#include "say.h"
#include "talk.h"

/* So much is collected before it is sent. */
#define SEND_BYTES ((size_t)64 * 1024)

/* What is known of a page that others may have changed since the load. */
struct sheet {
    int fresh;             /* nobody has written since it was read */
    int changed;           /* not as it was at the load: `page` has it */
    struct mpsk_page page; /* with `fresh` and `changed` */
};

struct sweep {
    struct mpsk_access access;
    int64_t until_ms; /* CLOCK_MONOTONIC: the client's time is over */
    uint64_t base;    /* the generation, without the raises of our own */
    int gone;         /* the client is, or there was no memory for it */
    struct sheet sheets[MPSC_KEYRING_PAGES];
    struct mpsc_secret out; /* frames to be sent */
    /* Of the claim or batch that is being worked on. */
    struct mpsk_place places[MPSC_KEYRING_BATCH_MAX];
    int ours[MPSC_KEYRING_BATCH_MAX];
    struct mpsc_keyring_change group[MPSC_KEYRING_BATCH_MAX];
};

/* The pages' records on their way to the client. */
struct telling {
    struct sweep *sweep;
    unsigned page;                /* MPSC_KEYRING_PAGES: not known yet */
    int told[MPSC_KEYRING_PAGES]; /* this page was told from an item before */
};

static unsigned
left_ms(const struct sweep *sweep)
{
    struct mpsc_time now;

    mpsc_clock_system(&now);
    return now.mono_ms < sweep->until_ms
               ? (unsigned)(sweep->until_ms - now.mono_ms)
               : 0;
}

static void
flush(struct sweep *sweep)
{
    if (sweep->out.len == 0 || sweep->gone) {
        return;
    }
    mpsk_deadline_arm(left_ms(sweep), &mpsk_say_nothing);
    sweep->gone = mpsk_talk_send(&sweep->out) != 0;
    mpsk_deadline_disarm();
    sweep->out.len = 0;
}

/* After a frame was encoded. */
static void
said(struct sweep *sweep, int encoded)
{
    if (encoded != 0) {
        sweep->gone = 1;
    } else if (sweep->out.len >= SEND_BYTES) {
        flush(sweep);
    }
}

/*
 * One record of an item. What page that is, its first record tells; a record
 * that is on a page where no flight would look for it is nobody's, and nor is
 * a page's double.
 */
static void
tell_record(void *arg, const char *business_id,
            const struct mpsc_record *record)
{
    struct telling *telling = arg;
    struct sweep *sweep = telling->sweep;
    unsigned page = mpsc_keyring_page(business_id);

    if (telling->page == MPSC_KEYRING_PAGES) {
        telling->page = page;
    }
    if (page == telling->page && !telling->told[page] && !sweep->gone) {
        said(sweep,
             mpsc_keyring_encode_record(business_id, record, &sweep->out));
    }
}

static void
tell_all(struct sweep *sweep, const struct mpsc_secret *all, size_t count)
{
    struct telling telling = {.sweep = sweep};
    struct mpsc_time now;

    mpsc_clock_system(&now);
    for (size_t i = 0; i < count && !sweep->gone; i++) {
        struct mpsk_page page;

        /* One in a newer format, say, is the business of a change on it. */
        if (mpsk_page_parse(all[i].data, all[i].len, &page) != MPSK_PAGE_OK) {
            continue;
        }
        telling.page = MPSC_KEYRING_PAGES;
        mpsk_page_each(&page, &now, sweep->access.boot_id, tell_record,
                       &telling);
        if (telling.page != MPSC_KEYRING_PAGES) {
            telling.told[telling.page] = 1;
        }
        mpsk_page_free(&page);
    }
}

/* Looks at the generation; true where somebody else may have written since
 * the last look. */
static int
others_wrote(struct sweep *sweep)
{
    const struct mpsc_keyring_query *query = sweep->access.query;
    uint64_t expected = sweep->base + sweep->access.raised;
    uint64_t generation;

    (void)mpsc_generation_read(query->runtime_dir, query->endpoint,
                               query->solution_id, &generation);
    sweep->base = generation - sweep->access.raised;
    return generation != expected || generation == 0;
}

/* Before the first look at the pages. */
static void
begin_generation(struct sweep *sweep)
{
    const struct mpsc_keyring_query *query = sweep->access.query;

    (void)others_wrote(sweep);
    if (sweep->base == 0) {
        /* There is none yet, and 0 would say nothing for ever. */
        (void)mpsc_generation_raise(sweep->access.dir, query->endpoint,
                                    query->solution_id);
        (void)others_wrote(sweep);
    }
}

/* Reads all pages; OK with them, and from then on they are fresh. */
static enum mpsc_keyring_state
load(struct sweep *sweep, const struct mpsc_keyring_query *query,
     struct mpsc_secret **all, size_t *count)
{
    const struct mpsk_item item = {.endpoint = query->endpoint,
                                   .solution_id = query->solution_id};
    struct mpsk_access *access = &sweep->access;
    enum mpsc_keyring_state state = mpsk_access_open(access, query);

    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    access->lock = mpsk_lock_file(access->dir);
    if (access->lock < 0) {
        return MPSC_KEYRING_NO_RUNTIME_DIR;
    }
    mpsk_deadline_arm(query->keyring_deadline_ms, &mpsk_say_loaded_silent);
    begin_generation(sweep);
    state = mpsk_access_connect(access);
    if (state == MPSC_KEYRING_OK) {
        state = mpsk_service_read_all(access->service, &item, all, count);
    }
    mpsk_deadline_disarm();
    for (unsigned i = 0; i < MPSC_KEYRING_PAGES; i++) {
        sweep->sheets[i].fresh = 1;
    }
    return state;
}

static void
forget_sheets(struct sweep *sweep)
{
    for (unsigned i = 0; i < MPSC_KEYRING_PAGES; i++) {
        mpsk_page_free(&sweep->sheets[i].page);
        sweep->sheets[i].fresh = 0;
    }
}

/* Tells the record of a business that has just been claimed, where the client
 * can't know it. */
static void
tell_changed(struct sweep *sweep, unsigned number, const char *business_id)
{
    struct sheet *sheet = &sweep->sheets[number];
    struct mpsc_record record;
    struct mpsc_time now;

    if (!sheet->fresh) {
        mpsk_deadline_arm(sweep->access.query->keyring_deadline_ms,
                          &mpsk_say_nothing);
        sheet->fresh = mpsk_access_read(&sweep->access, number,
                                        &sheet->page) == MPSC_KEYRING_OK;
        mpsk_deadline_disarm();
        sheet->changed = 1;
        sweep->gone = sweep->gone || mpsk_talk_over();
    }
    mpsc_clock_system(&now);
    if (sheet->fresh && sheet->changed &&
        mpsk_page_get(&sheet->page, business_id, &now, sweep->access.boot_id,
                      &record)) {
        said(sweep,
             mpsc_keyring_encode_record(business_id, &record, &sweep->out));
        mpsc_record_free(&record);
    }
}

static void
find_place(struct sweep *sweep, size_t i, const char *business_id)
{
    const struct mpsc_keyring_query *query = sweep->access.query;

    mpsk_place_find(query->endpoint, query->solution_id, business_id,
                    &sweep->places[i]);
}

/*
 * The generation is looked at under the locks: who had one before us has
 * raised it before giving the lock back.
 */
static void
claim(struct sweep *sweep, const char *const *ids, size_t count)
{
    const struct mpsk_access *access = &sweep->access;

    for (size_t i = 0; i < count; i++) {
        find_place(sweep, i, ids[i]);
        sweep->ours[i] =
            mpsk_lock_more(access->dir, access->lock,
                           sweep->places[i].business_lock, 0) == 0;
    }
    if (others_wrote(sweep)) {
        forget_sheets(sweep);
    }
    for (size_t i = 0; i < count && !sweep->gone; i++) {
        if (sweep->ours[i]) {
            tell_changed(sweep, sweep->places[i].page, ids[i]);
        }
    }
    for (size_t i = 0; i < count && !sweep->gone; i++) {
        said(sweep,
             mpsc_keyring_encode_claimed(ids[i], sweep->ours[i], &sweep->out));
    }
    flush(sweep);
}

/* The first `count` of the group are this page's. */
static enum mpsc_keyring_state
change_page(struct sweep *sweep, unsigned number, size_t count)
{
    struct sheet *sheet = &sweep->sheets[number];
    struct mpsk_page page;
    enum mpsc_keyring_state state;
    size_t releases = 0;

    for (size_t i = 0; i < count; i++) {
        releases += sweep->group[i].what == MPSC_KEYRING_RELEASE;
    }
    if (releases == count) {
        return MPSC_KEYRING_OK;
    }
    state =
        mpsk_access_change(&sweep->access, number, sweep->group, count, &page);
    /* What others wrote before that came along with it. */
    sheet->changed = sheet->changed || !sheet->fresh;
    mpsk_page_free(&sheet->page);
    sheet->fresh = page.json != NULL;
    if (sheet->changed) {
        sheet->page = page;
    } else {
        mpsk_page_free(&page);
    }
    return state;
}

static void
change(struct sweep *sweep, const struct mpsc_keyring_change *changes,
       size_t count)
{
    enum mpsc_keyring_state state = MPSC_KEYRING_OK;

    for (size_t i = 0; i < count; i++) {
        find_place(sweep, i, changes[i].business_id);
    }
    for (unsigned number = 0; number < MPSC_KEYRING_PAGES; number++) {
        enum mpsc_keyring_state one = MPSC_KEYRING_OK;
        size_t grouped = 0;

        for (size_t i = 0; i < count; i++) {
            if (sweep->places[i].page == number) {
                sweep->group[grouped++] = changes[i];
            }
        }
        if (grouped > 0) {
            one = change_page(sweep, number, grouped);
        }
        if (state == MPSC_KEYRING_OK) {
            state = one;
        }
        for (size_t i = 0; i < count; i++) {
            if (sweep->places[i].page == number) {
                mpsk_lock_drop(sweep->access.lock,
                               sweep->places[i].business_lock);
            }
        }
    }
    mpsk_say_changed(state);
}

static void
erase(struct sweep *sweep)
{
    enum mpsc_keyring_state state = MPSC_KEYRING_OK;

    forget_sheets(sweep);
    for (unsigned number = 0; number < MPSC_KEYRING_PAGES; number++) {
        enum mpsc_keyring_state one =
            mpsk_access_clear(&sweep->access, number);

        if (state == MPSC_KEYRING_OK) {
            state = one;
        }
    }
    mpsk_say_changed(state);
}

/* Waits for the client's next wish and fulfils it; 0 at the end. */
static int
serve(struct sweep *sweep)
{
    struct mpsc_keyring_message wish;
    int served = 1;

    mpsk_deadline_arm(left_ms(sweep), &mpsk_say_nothing);
    if (mpsk_talk_receive(&wish) != MPSC_KEYRING_MESSAGE) {
        return 0;
    }
    mpsk_deadline_disarm();
    if (wish.type == MPSC_KEYRING_MSG_CLAIM) {
        claim(sweep, wish.ids, wish.count);
    } else if (wish.type == MPSC_KEYRING_MSG_CHANGE) {
        change(sweep, wish.changes, wish.count);
    } else if (wish.type == MPSC_KEYRING_MSG_ERASE) {
        erase(sweep);
    } else {
        served = 0;
    }
    mpsc_keyring_message_free(&wish);
    return served;
}

static void
run(struct sweep *sweep, const struct mpsc_keyring_query *query)
{
    struct mpsc_secret *all = NULL;
    size_t count = 0;
    struct mpsc_time now;
    enum mpsc_keyring_state state = load(sweep, query, &all, &count);

    mpsc_clock_system(&now);
    sweep->until_ms =
        now.mono_ms +
        (state == MPSC_KEYRING_OK ? query->flight_ms : MPSK_SAY_ANSWER_MS);
    sweep->gone = mpsk_talk_over();
    tell_all(sweep, all, count);
    mpsk_service_free_all(&all, &count);
    said(sweep, mpsc_keyring_encode_loaded(state, NULL, &sweep->out));
    flush(sweep);
    while (state == MPSC_KEYRING_OK && !sweep->gone && serve(sweep)) {
    }
}

int
mpsk_sweep(const struct mpsc_keyring_query *query)
{
    struct sweep *sweep = calloc(1, sizeof(*sweep));

    if (sweep == NULL || mpsk_say_init() != 0) {
        free(sweep);
        return -1;
    }
    run(sweep, query);
    forget_sheets(sweep);
    mpsc_secret_free(&sweep->out);
    mpsk_access_close(&sweep->access);
    free(sweep);
    return 0;
}
