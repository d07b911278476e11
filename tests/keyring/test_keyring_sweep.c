/* SPDX-License-Identifier: MIT */
/*
 * Sweeps: the keyring client, the real helper, and a real gnome-keyring.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "desk.h"
#include "epoch.h"
#include "flight.h"
#include "place.h"
#include "run_suites.h"

#define PATIENCE_MS 60000
#define MANY 500
#define TOKEN_SIZE 32

/* Something that a sweep told of a business. */
struct told {
    char business_id[MPS_BUSINESS_ID_MAX + 1];
    char token[TOKEN_SIZE]; /* RECORD; cut */
    int found;              /* CLAIMED */
};

struct sweep {
    struct mpsc_keyring_query query;
    struct mpsc_keyring_session *session;
    enum mpsc_keyring_state state; /* of the last LOADED or CHANGED */
    struct told records[2 * MPSC_KEYRING_BATCH_MAX];
    size_t record_count;
    struct told claims[MPSC_KEYRING_BATCH_MAX];
    size_t claim_count;
};

static void
plan(struct sweep *sweep)
{
    struct flight flight;

    flight_plan(&flight, NULL);
    memset(sweep, 0, sizeof(*sweep));
    sweep->query = flight.query;
    sweep->query.flight_ms = PATIENCE_MS;
}

/* Notes what came. */
static void
note(struct sweep *sweep, enum mpsc_keyring_progress progress,
     struct mpsc_keyring_event *event)
{
    struct told *told = NULL;

    sweep->state = event->state;
    if (progress == MPSC_KEYRING_RECORD) {
        told = &sweep->records[sweep->record_count++];
    } else if (progress == MPSC_KEYRING_CLAIMED) {
        told = &sweep->claims[sweep->claim_count++];
    }
    /* the tests keep within them */
    if (sweep->record_count > 2 * MPSC_KEYRING_BATCH_MAX ||
        sweep->claim_count > MPSC_KEYRING_BATCH_MAX) {
        abort();
    }
    if (told != NULL) {
        memcpy(told->business_id, event->business_id,
               sizeof(told->business_id));
        told->found = event->found;
        snprintf(told->token, TOKEN_SIZE, "%s",
                 event->record.token.data != NULL ? event->record.token.data
                                                  : "");
    }
    mpsc_record_free(&event->record);
}

/* Steps until that comes, as often as given; 0, or -1 where the session ends
 * before. */
static int
await(struct sweep *sweep, enum mpsc_keyring_progress wanted, size_t times)
{
    struct mpsc_keyring_event event;

    while (times > 0) {
        enum mpsc_keyring_progress progress =
            mpsc_keyring_client.step(sweep->session, &event);

        if (progress == MPSC_KEYRING_PENDING) {
            struct pollfd fd = {
                .fd = mpsc_keyring_client.fd(sweep->session),
                .events = POLLIN,
            };

            if (poll(&fd, 1, PATIENCE_MS) <= 0) {
                abort();
            }
            continue;
        }
        note(sweep, progress, &event);
        if (progress == wanted) {
            times--;
        } else if (progress != MPSC_KEYRING_RECORD) {
            return -1;
        }
    }
    return 0;
}

/* Opens, and loads all; the state. */
static enum mpsc_keyring_state
load(struct sweep *sweep)
{
    sweep->session = mpsc_keyring_client.open(&sweep->query, &sweep->state);
    if (sweep->session != NULL && await(sweep, MPSC_KEYRING_LOADED, 1) != 0) {
        abort();
    }
    return sweep->state;
}

/* A planned sweep that has loaded. */
static void
begin(struct sweep *sweep)
{
    plan(sweep);
    CU_ASSERT_EQUAL_FATAL(load(sweep), MPSC_KEYRING_OK);
}

static void
end(struct sweep *sweep)
{
    mpsc_keyring_client.finish(sweep->session);
    CU_ASSERT_EQUAL(await(sweep, MPSC_KEYRING_ENDED, 1), 0);
    mpsc_keyring_client.close(&sweep->session);
}

/* Claims; how many were had. What it told is in the sweep. */
static size_t
claim(struct sweep *sweep, const char *const *ids, size_t count)
{
    size_t had = 0;

    sweep->record_count = 0;
    sweep->claim_count = 0;
    if (mpsc_keyring_client.claim(sweep->session, ids, count) != 0 ||
        await(sweep, MPSC_KEYRING_CLAIMED, count) != 0) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_STRING_EQUAL(sweep->claims[i].business_id, ids[i]);
        had += sweep->claims[i].found != 0;
    }
    return had;
}

static size_t
claim_one(struct sweep *sweep, const char *business_id)
{
    return claim(sweep, &business_id, 1);
}

static enum mpsc_keyring_state
change(struct sweep *sweep, const struct mpsc_keyring_change *changes,
       size_t count)
{
    CU_ASSERT_EQUAL(mpsc_keyring_client.change(sweep->session, changes, count),
                    0);
    CU_ASSERT_EQUAL(await(sweep, MPSC_KEYRING_CHANGED, 1), 0);
    return sweep->state;
}

static void
make_record(struct mpsc_record *record, const char *token)
{
    memset(record, 0, sizeof(*record));
    record->received_at = time(NULL);
    record->expires_at = record->received_at + 3600;
    mpsc_secret_set(&record->token, token, strlen(token));
}

static enum mpsc_keyring_state
change_one(struct sweep *sweep, const char *business_id,
           enum mpsc_keyring_what what, const char *token)
{
    struct mpsc_record record;
    struct mpsc_keyring_change one = {business_id, what, &record};
    enum mpsc_keyring_state state;

    make_record(&record, token != NULL ? token : "x");
    state = change(sweep, &one, 1);
    mpsc_record_free(&record);
    return state;
}

/* The token that was told of a business last; NULL = none. */
static const char *
told_token(const struct sweep *sweep, const char *business_id)
{
    for (size_t i = sweep->record_count; i > 0; i--) {
        if (strcmp(sweep->records[i - 1].business_id, business_id) == 0) {
            return sweep->records[i - 1].token;
        }
    }
    return NULL;
}

/* True where a fresh sweep finds the token; NULL = finds none. */
static int
keyring_has(const char *business_id, const char *token)
{
    static struct sweep sweep;
    const char *told;

    begin(&sweep);
    end(&sweep);
    told = told_token(&sweep, business_id);
    return token == NULL ? told == NULL
                         : told != NULL && strcmp(told, token) == 0;
}

/* Many businesses, and a batch that stores a token for each. */
static char many_ids[MANY][MPS_BUSINESS_ID_MAX + 1];
static const char *many[MANY];
static struct mpsc_record many_records[MANY];
static struct mpsc_keyring_change many_changes[MANY];

static void
make_many(const char *version)
{
    for (size_t i = 0; i < MANY; i++) {
        char token[TOKEN_SIZE];

        snprintf(many_ids[i], sizeof(many_ids[i]), "%zu", 100000 + i);
        many[i] = many_ids[i];
        snprintf(token, sizeof(token), "%zu-%s", 100000 + i, version);
        mpsc_record_free(&many_records[i]);
        make_record(&many_records[i], token);
        many_changes[i] = (struct mpsc_keyring_change){
            many[i], MPSC_KEYRING_STORE, &many_records[i]};
    }
}

static void
free_many(void)
{
    for (size_t i = 0; i < MANY; i++) {
        mpsc_record_free(&many_records[i]);
    }
}

static void
store_many(const char *version)
{
    static struct sweep sweep;

    make_many(version);
    begin(&sweep);
    CU_ASSERT_EQUAL(claim(&sweep, many, MANY), MANY);
    CU_ASSERT_EQUAL(change(&sweep, many_changes, MANY), MPSC_KEYRING_OK);
    end(&sweep);
}

static void
erase_all(void)
{
    static struct sweep sweep;

    begin(&sweep);
    CU_ASSERT_EQUAL(mpsc_keyring_client.erase(sweep.session), 0);
    CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_CHANGED, 1), 0);
    CU_ASSERT_EQUAL(sweep.state, MPSC_KEYRING_OK);
    end(&sweep);
}

static uint64_t
generation(void)
{
    struct sweep sweep;
    uint64_t number;

    plan(&sweep);
    mpsc_generation_read(sweep.query.runtime_dir, sweep.query.endpoint,
                         sweep.query.solution_id, &number);
    return number;
}

static void
test_empty(void)
{
    static struct sweep sweep;

    begin(&sweep);
    CU_ASSERT_EQUAL(sweep.record_count, 0);
    CU_ASSERT_EQUAL(claim_one(&sweep, "1"), 1);
    end(&sweep);
}

static void
test_many(void)
{
    static struct sweep sweep;
    int used[MPSC_KEYRING_PAGES] = {0};
    int pages = 0;

    store_many("v1");
    begin(&sweep);
    CU_ASSERT_EQUAL(sweep.record_count, MANY);
    for (size_t i = 0; i < MANY; i++) {
        const char *token = told_token(&sweep, many[i]);
        unsigned page = mpsc_keyring_page(many[i]);

        CU_ASSERT(token != NULL &&
                  strcmp(token, many_records[i].token.data) == 0);
        pages += !used[page];
        used[page] = 1;
    }
    end(&sweep);
    CU_ASSERT_EQUAL(pages, MPSC_KEYRING_PAGES);
    CU_ASSERT_EQUAL(
        desk_run("test $(secret-tool search --all application "
                 "mps-credential 2>/dev/null | grep -c '^label = ') -eq %d",
                 pages),
        0);
    CU_ASSERT(flight_holds(many[0], many_records[0].token.data));
    CU_ASSERT(flight_holds(many[MANY - 1], many_records[MANY - 1].token.data));
}

/* What one process holds, no other gets, by sweep or flight. */
static void
test_contested(void)
{
    static struct sweep first;
    static struct sweep second;
    struct flight flight;

    make_many("v1");
    begin(&first);
    begin(&second);
    CU_ASSERT_EQUAL(claim(&first, many, 10), 10);
    CU_ASSERT_EQUAL(claim(&second, many + 5, 10), 5);
    for (size_t i = 0; i < 10; i++) {
        CU_ASSERT_EQUAL(second.claims[i].found, i >= 5);
    }
    /* once more, for the holder */
    CU_ASSERT_EQUAL(claim(&first, many, 10), 10);
    flight_plan(&flight, many[0]);
    flight.query.lock_wait_ms = 0;
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_BUSY);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    flight_plan(&flight, many[20]);
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(claim_one(&second, many[20]), 0);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    CU_ASSERT_EQUAL(claim_one(&second, many[20]), 1);
    /* given back, one by one and by the session's end */
    CU_ASSERT_EQUAL(change_one(&first, many[5], MPSC_KEYRING_RELEASE, NULL),
                    MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(claim(&second, many + 5, 2), 1);
    CU_ASSERT(second.claims[0].found);
    CU_ASSERT_EQUAL(change_one(&first, many[6], MPSC_KEYRING_STORE, "v2"),
                    MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(claim(&second, many + 6, 2), 1);
    CU_ASSERT_STRING_EQUAL(told_token(&second, many[6]), "v2");
    end(&first);
    CU_ASSERT_EQUAL(claim(&second, many, 10), 10);
    end(&second);
}

/* A claim tells the record that came after the load, and no other. */
static void
test_claim_tells(void)
{
    static struct sweep sweep;
    struct flight flight;

    erase_all();
    CU_ASSERT_EQUAL(flight_whole(&flight, "1", "one"), MPSC_KEYRING_OK);
    begin(&sweep);
    CU_ASSERT_STRING_EQUAL(told_token(&sweep, "1"), "one");
    CU_ASSERT_EQUAL(claim_one(&sweep, "1"), 1);
    CU_ASSERT_EQUAL(sweep.record_count, 0);
    /* what the session writes itself is no news to it */
    CU_ASSERT_EQUAL(change_one(&sweep, "1", MPSC_KEYRING_STORE, "uno"),
                    MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(claim_one(&sweep, "1"), 1);
    CU_ASSERT_EQUAL(sweep.record_count, 0);
    CU_ASSERT_EQUAL(change_one(&sweep, "1", MPSC_KEYRING_RELEASE, NULL),
                    MPSC_KEYRING_OK);

    CU_ASSERT_EQUAL(flight_whole(&flight, "2", "two"), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_whole(&flight, "1", "eins"), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(claim_one(&sweep, "2"), 1);
    CU_ASSERT_STRING_EQUAL(told_token(&sweep, "2"), "two");
    CU_ASSERT_EQUAL(claim_one(&sweep, "1"), 1);
    CU_ASSERT_STRING_EQUAL(told_token(&sweep, "1"), "eins");
    /* not where it can't be claimed */
    CU_ASSERT_EQUAL(flight_whole(&flight, "3", "three"), MPSC_KEYRING_OK);
    flight_plan(&flight, "3");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(claim_one(&sweep, "3"), 0);
    CU_ASSERT_EQUAL(sweep.record_count, 0);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    CU_ASSERT_EQUAL(claim_one(&sweep, "3"), 1);
    CU_ASSERT_STRING_EQUAL(told_token(&sweep, "3"), "three");
    end(&sweep);
}

/* Puts into `id` the next business after `from` that is on that page, or on
 * any other. */
static void
find_id(unsigned from, unsigned page, int same, char id[16])
{
    do {
        snprintf(id, 16, "%u", ++from);
    } while ((mpsc_keyring_page(id) == page) != same);
}

/* A page that the session has written itself after others did. */
static void
test_claim_after_change(void)
{
    static struct sweep sweep;
    struct flight flight;
    unsigned page = mpsc_keyring_page("1");
    char neighbour[16];
    char stranger[16];

    find_id(1, page, 1, neighbour);
    find_id(1, page, 0, stranger);
    erase_all();
    begin(&sweep);
    CU_ASSERT_EQUAL(claim_one(&sweep, "1"), 1);
    CU_ASSERT_EQUAL(flight_whole(&flight, neighbour, "new"), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(claim_one(&sweep, stranger), 1);
    CU_ASSERT_EQUAL(change_one(&sweep, "1", MPSC_KEYRING_STORE, "one"),
                    MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(claim_one(&sweep, neighbour), 1);
    CU_ASSERT_STRING_EQUAL_FATAL(told_token(&sweep, neighbour), "new");
    /* what was told is not told once more after it was erased */
    CU_ASSERT_EQUAL(mpsc_keyring_client.erase(sweep.session), 0);
    CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_CHANGED, 1), 0);
    CU_ASSERT_EQUAL(claim_one(&sweep, neighbour), 1);
    CU_ASSERT_EQUAL(sweep.record_count, 0);
    end(&sweep);
}

/* The first session of all: there is no generation yet. */
static void
test_first(void)
{
    static struct sweep sweep;

    plan(&sweep);
    sweep.query.solution_id = "1004";
    CU_ASSERT_EQUAL_FATAL(load(&sweep), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(claim_one(&sweep, "1"), 1);
    CU_ASSERT_EQUAL(change_one(&sweep, "1", MPSC_KEYRING_STORE, "one"),
                    MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(claim_one(&sweep, "1"), 1);
    CU_ASSERT_EQUAL(sweep.record_count, 0);
    end(&sweep);
}

/* The lock file is taken away: others would lock another one. */
static void
test_lock_file(void)
{
    static struct sweep sweep;

    begin(&sweep);
    CU_ASSERT_EQUAL(claim_one(&sweep, "1"), 1);
    CU_ASSERT_EQUAL(unlink(desk_path("locks/lock")), 0);
    CU_ASSERT_EQUAL(claim_one(&sweep, "2"), 0);
    CU_ASSERT_EQUAL(change_one(&sweep, "1", MPSC_KEYRING_STORE, "lost"),
                    MPSC_KEYRING_NO_RUNTIME_DIR);
    end(&sweep);
    begin(&sweep);
    CU_ASSERT_EQUAL(claim_one(&sweep, "2"), 1);
    end(&sweep);
    CU_ASSERT_FALSE(keyring_has("1", "lost"));
}

static void
test_batches(void)
{
    static struct sweep sweep;
    struct mpsc_keyring_change changes[MANY];

    erase_all();
    store_many("v1");
    make_many("v2");
    begin(&sweep);
    CU_ASSERT_EQUAL(claim(&sweep, many, 300), 300);
    for (size_t i = 0; i < 300; i++) {
        changes[i] = many_changes[i];
        changes[i].what = i < 100   ? MPSC_KEYRING_STORE
                          : i < 200 ? MPSC_KEYRING_ERASE
                                    : MPSC_KEYRING_RELEASE;
    }
    CU_ASSERT_EQUAL(change(&sweep, changes, 150), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(change(&sweep, changes + 150, 150), MPSC_KEYRING_OK);
    /* an erasure needs no lock */
    CU_ASSERT_EQUAL(change_one(&sweep, many[400], MPSC_KEYRING_ERASE, NULL),
                    MPSC_KEYRING_OK);
    end(&sweep);
    begin(&sweep);
    CU_ASSERT_EQUAL(sweep.record_count, MANY - 101);
    CU_ASSERT_STRING_EQUAL(told_token(&sweep, many[0]), "100000-v2");
    CU_ASSERT_STRING_EQUAL(told_token(&sweep, many[99]), "100099-v2");
    CU_ASSERT_PTR_NULL(told_token(&sweep, many[100]));
    CU_ASSERT_PTR_NULL(told_token(&sweep, many[199]));
    CU_ASSERT_STRING_EQUAL(told_token(&sweep, many[200]), "100200-v1");
    CU_ASSERT_PTR_NULL(told_token(&sweep, many[400]));
    end(&sweep);
}

static void
test_limits(void)
{
    static struct sweep sweep;
    const char *ids[MPSC_KEYRING_BATCH_MAX + 1];

    for (size_t i = 0; i <= MPSC_KEYRING_BATCH_MAX; i++) {
        ids[i] = "7";
    }
    begin(&sweep);
    CU_ASSERT_EQUAL(mpsc_keyring_client.claim(sweep.session, ids,
                                              MPSC_KEYRING_BATCH_MAX + 1),
                    -1);
    CU_ASSERT_EQUAL(mpsc_keyring_client.claim(sweep.session, ids, 0), -1);
    CU_ASSERT_EQUAL(mpsc_keyring_client.change(sweep.session, NULL, 0), -1);
    CU_ASSERT_EQUAL(claim(&sweep, ids, MPSC_KEYRING_BATCH_MAX),
                    MPSC_KEYRING_BATCH_MAX);
    /* one at a time */
    sweep.claim_count = 0;
    CU_ASSERT_EQUAL(mpsc_keyring_client.claim(sweep.session, ids, 1), 0);
    CU_ASSERT_EQUAL(mpsc_keyring_client.claim(sweep.session, ids, 1), -1);
    CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_CLAIMED, 1), 0);
    end(&sweep);
}

/* A frame larger than the socket takes at once, there and back. */
static void
test_large(void)
{
    static struct sweep sweep;
    size_t len = 1024 * 1024;
    char *token = malloc(len + 1);

    memset(token, '"', len); /* each needs an escape */
    token[len] = '\0';
    begin(&sweep);
    CU_ASSERT_EQUAL(claim_one(&sweep, "8"), 1);
    CU_ASSERT_EQUAL(change_one(&sweep, "8", MPSC_KEYRING_STORE, token),
                    MPSC_KEYRING_OK);
    end(&sweep);
    CU_ASSERT(flight_holds("8", token));
    begin(&sweep);
    CU_ASSERT(told_token(&sweep, "8") != NULL);
    CU_ASSERT_EQUAL(change_one(&sweep, "8", MPSC_KEYRING_ERASE, NULL),
                    MPSC_KEYRING_OK);
    end(&sweep);
    free(token);
}

/* Steps until the helper has been sent all; it has nothing to tell till then.
 */
static void
send_all(struct sweep *sweep)
{
    while (mpsc_keyring_client.unsent(sweep->session)) {
        struct mpsc_keyring_event event;
        struct pollfd fd = {.fd = mpsc_keyring_client.fd(sweep->session),
                            .events = POLLIN};

        poll(&fd, 1, PATIENCE_MS);
        CU_ASSERT_EQUAL(mpsc_keyring_client.step(sweep->session, &event),
                        MPSC_KEYRING_PENDING);
    }
}

/* One batch may be handed over behind another; each is told. */
static void
test_batch_behind(void)
{
    static struct sweep sweep;
    const char *one = "9";

    erase_all();
    make_many("v1");
    begin(&sweep);
    CU_ASSERT_EQUAL(claim(&sweep, many, MANY), MANY);
    CU_ASSERT_EQUAL(
        mpsc_keyring_client.change(sweep.session, many_changes, 300), 0);
    CU_ASSERT_EQUAL(mpsc_keyring_client.change(sweep.session,
                                               many_changes + 300, MANY - 300),
                    0);
    /* No more, and nothing else. */
    CU_ASSERT_EQUAL(mpsc_keyring_client.change(sweep.session, many_changes, 1),
                    -1);
    CU_ASSERT_EQUAL(mpsc_keyring_client.claim(sweep.session, &one, 1), -1);
    CU_ASSERT_EQUAL(mpsc_keyring_client.erase(sweep.session), -1);
    CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_CHANGED, 2), 0);
    CU_ASSERT_EQUAL(sweep.state, MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(claim_one(&sweep, one), 1);
    end(&sweep);
    begin(&sweep);
    CU_ASSERT_EQUAL(sweep.record_count, MANY);
    end(&sweep);
}

/* What was handed over is written, though nobody waits for it. */
static void
test_finish(void)
{
    static struct sweep sweep;

    erase_all();
    store_many("v1");
    make_many("v2");
    begin(&sweep);
    CU_ASSERT_EQUAL(claim(&sweep, many, MANY), MANY);
    CU_ASSERT_EQUAL(
        mpsc_keyring_client.change(sweep.session, many_changes, 200), 0);
    CU_ASSERT_EQUAL(mpsc_keyring_client.change(sweep.session,
                                               many_changes + 200, MANY - 200),
                    0);
    send_all(&sweep);
    end(&sweep);
    begin(&sweep);
    CU_ASSERT_EQUAL(sweep.record_count, MANY);
    for (size_t i = 0; i < MANY; i++) {
        CU_ASSERT_STRING_EQUAL(told_token(&sweep, many[i]),
                               many_records[i].token.data);
    }
    end(&sweep);
    /* and one that only waits, or is in the middle of its answer, goes */
    begin(&sweep);
    end(&sweep);
    plan(&sweep);
    sweep.session = mpsc_keyring_client.open(&sweep.query, &sweep.state);
    mpsc_keyring_client.finish(sweep.session);
    end(&sweep);
}

/* Puts `text` on a page, past the helper. */
static int
plant_page(const char *business_id, const char *text)
{
    return desk_run(
        "printf '%%s' '%s' | secret-tool store --label=planted xdg:schema "
        "io.github.mps_credential.Page application mps-credential endpoint "
        "https://graph.facebook.com solution 1001 page %u",
        text, mpsc_keyring_page(business_id));
}

#define GOOD(token)                                                           \
    "{\"token\":\"" token "\",\"expires_at\":9000000000,"                     \
    "\"endpoint_expires_at\":0,\"received_at\":1,\"received_boot_ms\":2,"     \
    "\"boot_id\":\"\",\"clock_offset_s\":0}"

static void
test_bad_pages(void)
{
    static struct sweep sweep;
    const char *other = "78";

    CU_ASSERT_NOT_EQUAL_FATAL(mpsc_keyring_page(other),
                              mpsc_keyring_page("77"));
    erase_all();
    /* a bad record, one that isn't on its page, and a good one */
    CU_ASSERT_EQUAL(
        plant_page("77", "{\"format\":1,\"records\":{\"77\":" GOOD(
                             "good") ",\"x\":7,\"78\":" GOOD("stray") "}}"),
        0);
    begin(&sweep);
    CU_ASSERT_EQUAL(sweep.record_count, 1);
    CU_ASSERT_STRING_EQUAL(told_token(&sweep, "77"), "good");
    end(&sweep);
    CU_ASSERT_EQUAL(plant_page("77", "rubbish"), 0);
    begin(&sweep);
    CU_ASSERT_EQUAL(sweep.record_count, 0);
    end(&sweep);
    /* a newer one is left alone, and the others are not the worse for it */
    CU_ASSERT_EQUAL(plant_page("77", "{\"format\":2,\"x\":1}"), 0);
    begin(&sweep);
    CU_ASSERT_EQUAL(claim_one(&sweep, "77"), 1);
    CU_ASSERT_EQUAL(change_one(&sweep, "77", MPSC_KEYRING_STORE, "a"),
                    MPSC_KEYRING_NEWER);
    CU_ASSERT_EQUAL(claim_one(&sweep, other), 1);
    CU_ASSERT_EQUAL(change_one(&sweep, other, MPSC_KEYRING_STORE, "b"),
                    MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(mpsc_keyring_client.erase(sweep.session), 0);
    CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_CHANGED, 1), 0);
    CU_ASSERT_EQUAL(sweep.state, MPSC_KEYRING_NEWER);
    end(&sweep);
    CU_ASSERT(keyring_has(other, NULL));
    CU_ASSERT_EQUAL(
        desk_run("secret-tool search --all application mps-credential "
                 "2>/dev/null | grep -q '^secret = {\"format\":2,\"x\":1}$'"),
        0);
    CU_ASSERT_EQUAL(plant_page("77", "{}"), 0);
}

static void
test_erase_all(void)
{
    static struct sweep sweep;
    struct flight flight;
    uint64_t before;

    store_many("v1");
    flight_plan(&flight, many[0]);
    flight.query.solution_id = "1002";
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_change(&flight, "other"), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    /* whoever holds what */
    flight_plan(&flight, many[0]);
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    before = generation();
    begin(&sweep);
    CU_ASSERT_EQUAL(claim(&sweep, many + 1, 10), 10);
    CU_ASSERT_EQUAL(mpsc_keyring_client.erase(sweep.session), 0);
    CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_CHANGED, 1), 0);
    CU_ASSERT_EQUAL(sweep.state, MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(generation(), before + MPSC_KEYRING_PAGES);
    /* the session goes on, and keeps its claims */
    flight_end(&flight);
    flight_plan(&flight, many[1]);
    flight.query.lock_wait_ms = 0;
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_BUSY);
    flight_end(&flight);
    CU_ASSERT_EQUAL(claim(&sweep, many, 10), 10);
    CU_ASSERT_EQUAL(sweep.record_count, 0);
    end(&sweep);
    begin(&sweep);
    CU_ASSERT_EQUAL(sweep.record_count, 0);
    end(&sweep);
    CU_ASSERT_EQUAL(
        desk_run("secret-tool search --all application mps-credential "
                 "solution 1001 2>/dev/null | grep -q -- -v1"),
        1);
    /* what is empty isn't written again */
    before = generation();
    erase_all();
    CU_ASSERT_EQUAL(generation(), before);
    flight_plan(&flight, many[0]);
    flight.query.solution_id = "1002";
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    CU_ASSERT(flight.found);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
}

/* What was fetched before a purge is not stored after it. */
static void
test_purged(void)
{
    static struct sweep sweep;
    struct flight flight;
    struct mpsc_record record;
    struct mpsc_keyring_change changes[] = {
        {"1", MPSC_KEYRING_STORE, &record},
        {"2", MPSC_KEYRING_ERASE, NULL},
        {"3", MPSC_KEYRING_STORE, &record},
    };
    uint64_t before;

    CU_ASSERT_EQUAL(flight_whole(&flight, "1", "old"), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_whole(&flight, "2", "old"), MPSC_KEYRING_OK);
    flight_plan(&flight, "1");
    CU_ASSERT_EQUAL(flight_load(&flight), MPSC_KEYRING_OK);
    begin(&sweep);
    CU_ASSERT_EQUAL(claim_one(&sweep, "3"), 1);
    CU_ASSERT_EQUAL(mpsc_epoch_raise(sweep.query.runtime_dir, 0, NULL), 0);
    before = generation();
    CU_ASSERT_EQUAL(flight_change(&flight, "new"), MPSC_KEYRING_PURGED);
    CU_ASSERT_EQUAL(flight_end(&flight), 0);
    CU_ASSERT_EQUAL(generation(), before);
    CU_ASSERT(keyring_has("1", "old"));

    CU_ASSERT_EQUAL(claim_one(&sweep, "1"), 1);
    make_record(&record, "new");
    CU_ASSERT_EQUAL(change(&sweep, changes, 3), MPSC_KEYRING_PURGED);
    mpsc_record_free(&record);
    /* the locks are free, the erasure is done, and nothing was stored */
    CU_ASSERT(flight_holds("1", "old"));
    CU_ASSERT(flight_holds("2", NULL));
    CU_ASSERT(flight_holds("3", NULL));
    CU_ASSERT_EQUAL(generation(), before + 1);
    end(&sweep);
    begin(&sweep);
    CU_ASSERT_EQUAL(claim_one(&sweep, "1"), 1);
    CU_ASSERT_EQUAL(change_one(&sweep, "1", MPSC_KEYRING_STORE, "new"),
                    MPSC_KEYRING_OK);
    end(&sweep);
    CU_ASSERT(keyring_has("1", "new"));
}

/* Raised by one for each page that is written, by nothing else. */
static void
test_generation(void)
{
    static struct sweep sweep;
    struct flight flight;
    uint64_t before;

    store_many("v1");
    before = generation();
    CU_ASSERT_EQUAL(flight_whole(&flight, "1", NULL), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(generation(), before);
    CU_ASSERT_EQUAL(flight_whole(&flight, "1", "one"), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(generation(), before + 1);
    CU_ASSERT_EQUAL(flight_whole(&flight, "1", ""), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(generation(), before + 2);
    CU_ASSERT_EQUAL(flight_whole(&flight, "1", ""), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(generation(), before + 2);
    begin(&sweep);
    CU_ASSERT_EQUAL(claim(&sweep, many, MANY), MANY);
    CU_ASSERT_EQUAL(generation(), before + 2);
    CU_ASSERT_EQUAL(change(&sweep, many_changes, MANY), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(generation(), before + 2 + MPSC_KEYRING_PAGES);
    for (size_t i = 0; i < MANY; i++) {
        many_changes[i].what = MPSC_KEYRING_RELEASE;
    }
    CU_ASSERT_EQUAL(claim(&sweep, many, MANY), MANY);
    CU_ASSERT_EQUAL(change(&sweep, many_changes, MANY), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(generation(), before + 2 + MPSC_KEYRING_PAGES);
    end(&sweep);
}

static void
test_helper_killed(void)
{
    static struct sweep sweep;
    static struct sweep next;

    make_many("v1");
    begin(&sweep);
    CU_ASSERT_EQUAL(claim(&sweep, many, MANY), MANY);
    kill(flight_helper(), SIGKILL);
    CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_ENDED, 1), 0);
    CU_ASSERT_EQUAL(mpsc_keyring_client.claim(sweep.session, many, 1), -1);
    begin(&next);
    CU_ASSERT_EQUAL(claim(&next, many, MANY), MANY);
    end(&next);
    mpsc_keyring_client.close(&sweep.session);

    /* while claims and while changes are due: behind a stopped helper */
    for (int due = 0; due < 2; due++) {
        pid_t helper;

        begin(&sweep);
        CU_ASSERT_EQUAL(claim(&sweep, many, 10), 10);
        helper = flight_helper();
        kill(helper, SIGSTOP);
        CU_ASSERT_EQUAL(
            due == 0
                ? mpsc_keyring_client.claim(sweep.session, many, 10)
                : mpsc_keyring_client.change(sweep.session, many_changes, 10),
            0);
        kill(helper, SIGKILL);
        if (due == 1) {
            CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_CHANGED, 1), 0);
            CU_ASSERT_EQUAL(sweep.state, MPSC_KEYRING_BAD_HELPER);
        }
        CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_ENDED, 1), 0);
        mpsc_keyring_client.close(&sweep.session);
    }
}

/* Claims until all can be had; 0 where that takes too long. */
static int
claims_in_time(struct sweep *sweep, const char *const *ids, size_t count)
{
    const struct timespec tick = {0, 5 * 1000000L};

    for (int ms = 0; ms < PATIENCE_MS; ms += 5) {
        if (claim(sweep, ids, count) == count) {
            return 1;
        }
        nanosleep(&tick, NULL);
    }
    return 0;
}

/* A host that is killed takes its helper's locks along. */
static void
test_host_killed(void)
{
    static struct sweep sweep;
    int ready[2];
    char byte;
    pid_t pid;

    make_many("v1");
    CU_ASSERT_EQUAL(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        begin(&sweep);
        (void)!write(ready[1], claim(&sweep, many, MANY) == MANY ? "y" : "n",
                     1);
        for (;;) {
            pause();
        }
    }
    CU_ASSERT(read(ready[0], &byte, 1) == 1 && byte == 'y');
    begin(&sweep);
    CU_ASSERT_EQUAL(claim(&sweep, many, MANY), 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CU_ASSERT(claims_in_time(&sweep, many, MANY));
    end(&sweep);
    close(ready[0]);
    close(ready[1]);
}

/* A page is as it was or as it was to be, and none is lost. `versions` has
 * what the pages were. */
static void
check_whole(int versions[MPSC_KEYRING_PAGES], int wanted)
{
    static struct sweep sweep;
    int seen[MPSC_KEYRING_PAGES] = {0};

    begin(&sweep);
    CU_ASSERT_EQUAL(sweep.record_count, MANY);
    for (size_t i = 0; i < sweep.record_count; i++) {
        const struct told *told = &sweep.records[i];
        unsigned page = mpsc_keyring_page(told->business_id);
        int version = atoi(strchr(told->token, 'v') + 1);

        CU_ASSERT(version == wanted || version == versions[page]);
        CU_ASSERT(seen[page] == 0 || seen[page] == version);
        seen[page] = version;
    }
    memcpy(versions, seen, sizeof(seen));
    CU_ASSERT(claims_in_time(&sweep, many, MANY));
    end(&sweep);
}

static void
test_killed_in_write(void)
{
    static struct sweep sweep;
    int versions[MPSC_KEYRING_PAGES];
    char version[16];
    unsigned done = 0;

    erase_all();
    store_many("v1");
    for (int i = 0; i < MPSC_KEYRING_PAGES; i++) {
        versions[i] = 1;
    }
    for (int round = 2; round < 22; round++) {
        struct timespec pause = {0, 0};
        struct mpsc_keyring_event event;
        pid_t helper;

        /* at other moments each time, of all that a batch takes */
        pause.tv_nsec = (round - 2) * 10L * 1000 * 1000;
        snprintf(version, sizeof(version), "v%d", round);
        make_many(version);
        begin(&sweep);
        CU_ASSERT_EQUAL(claim(&sweep, many, MANY), MANY);
        helper = flight_helper();
        CU_ASSERT_EQUAL(
            mpsc_keyring_client.change(sweep.session, many_changes, MANY), 0);
        while (mpsc_keyring_client.unsent(sweep.session)) {
            mpsc_keyring_client.step(sweep.session, &event);
        }
        nanosleep(&pause, NULL);
        kill(helper, SIGKILL);
        CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_CHANGED, 1), 0);
        done += sweep.state == MPSC_KEYRING_OK;
        CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_ENDED, 1), 0);
        mpsc_keyring_client.close(&sweep.session);
        check_whole(versions, round);
    }
    CU_ASSERT(done < 20);
}

/* A Secret Service that stops answering. */
static void
test_silent(void)
{
    static struct sweep sweep;
    struct flight flight;

    desk_signal_keyring(SIGSTOP);
    plan(&sweep);
    sweep.query.keyring_deadline_ms = 300;
    CU_ASSERT_EQUAL(load(&sweep), MPSC_KEYRING_SILENT);
    end(&sweep);
    desk_signal_keyring(SIGCONT);

    plan(&sweep);
    sweep.query.keyring_deadline_ms = 2000;
    CU_ASSERT_EQUAL(load(&sweep), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(claim(&sweep, many, 10), 10);
    desk_signal_keyring(SIGSTOP);
    CU_ASSERT_EQUAL(change(&sweep, many_changes, 10), MPSC_KEYRING_SILENT);
    CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_ENDED, 1), 0);
    mpsc_keyring_client.close(&sweep.session);
    desk_signal_keyring(SIGCONT);

    /* a claim that has to look at a page */
    plan(&sweep);
    sweep.query.keyring_deadline_ms = 2000;
    CU_ASSERT_EQUAL(load(&sweep), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(flight_whole(&flight, "1", "one"), MPSC_KEYRING_OK);
    desk_signal_keyring(SIGSTOP);
    CU_ASSERT_EQUAL(mpsc_keyring_client.claim(sweep.session, many, 1), 0);
    CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_ENDED, 1), 0);
    mpsc_keyring_client.close(&sweep.session);
    desk_signal_keyring(SIGCONT);
}

static void
test_time_over(void)
{
    static struct sweep sweep;

    plan(&sweep);
    sweep.query.flight_ms = 200;
    CU_ASSERT_EQUAL(load(&sweep), MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(await(&sweep, MPSC_KEYRING_ENDED, 1), 0);
    mpsc_keyring_client.close(&sweep.session);
}

static void
test_locked(void)
{
    static struct sweep sweep;

    begin(&sweep);
    CU_ASSERT_EQUAL(claim(&sweep, many, 10), 10);
    CU_ASSERT_EQUAL(
        desk_run("dbus-send --session --print-reply "
                 "--dest=org.freedesktop.secrets /org/freedesktop/secrets "
                 "org.freedesktop.Secret.Service.Lock array:objpath:"
                 "/org/freedesktop/secrets/collection/login >/dev/null"),
        0);
    CU_ASSERT_EQUAL(change(&sweep, many_changes, 10), MPSC_KEYRING_LOCKED);
    /* the session goes on, and the locks are free */
    CU_ASSERT_EQUAL(claim(&sweep, many, 10), 10);
    end(&sweep);
    plan(&sweep);
    CU_ASSERT_EQUAL(load(&sweep), MPSC_KEYRING_LOCKED);
    end(&sweep);
    CU_ASSERT_FALSE(desk_started_prompter());
    desk_restart_keyring();
}

static CU_TestInfo tests[] = {
    {"empty keyring", test_empty},
    {"many records on all pages", test_many},
    {"contested claims", test_contested},
    {"a claim tells what changed", test_claim_tells},
    {"a claim after a change", test_claim_after_change},
    {"first session", test_first},
    {"lock file taken away", test_lock_file},
    {"batches", test_batches},
    {"limits", test_limits},
    {"large token", test_large},
    {"a batch behind another", test_batch_behind},
    {"finish", test_finish},
    {"bad pages", test_bad_pages},
    {"erase all", test_erase_all},
    {"purged", test_purged},
    {"generation", test_generation},
    {"helper killed", test_helper_killed},
    {"host killed", test_host_killed},
    {"helper killed in a write", test_killed_in_write},
    {"silent", test_silent},
    {"time over", test_time_over},
    {"locked", test_locked},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"keyring_sweep", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    int failed;

    desk_open();
    desk_start_keyring();
    failed = run_suites(suites);
    free_many();
    desk_close();
    return failed;
}
