/* SPDX-License-Identifier: MIT */
/* The sweep: its load, claims, window, batches, and all ways to end it; with
 * a fake keyring, and the test in place of the flights. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "fake_clock.h"
#include "fake_keyring.h"
#include "fake_sweep.h"
#include "fake_trace.h"
#include "run_suites.h"
#include "sweep.h"

#define ITEM_MS 10000
#define KEYRING_MS 2000
#define RETRY_MS 100
#define BATCH_MS 2000
#define BATCH_COUNT 512
#define SLACK_MS 250
#define ENDING_MS 3000

#define BUSINESSES_MAX 3000
#define STEPS_MAX 10000

/* A business, as its owner sees it. */
struct business {
    char id[24];
    unsigned page; /* of the keyring */
    enum mpsc_sweep_launch reply;
    unsigned launches;
    int flying;
    int code; /* its result; -1 = none yet */
    int64_t deadline_ms;
    struct mps_error error;
};

static char solution_id[] = "1234567890123456";
static char base_url[] = "https://graph.example";
static char runtime_dir[] = "/run/mps";
static char bus[] = "unix:path=/run/bus";
static struct mpsc_configuration configuration;
static struct mpsc_fetch_means means;
static struct mpsc_sweep *sweep;

static struct business businesses[BUSINESSES_MAX];
static unsigned business_count;
static unsigned named; /* of these, by missing() */
static unsigned flying;
static unsigned most_flying;
static size_t held_at_launch; /* locks, at the first one */
static unsigned records;
static int known;
static int over;
static int loaded;                /* the state that was told; -1 = none */
static int keyring;               /* likewise, the last one */
static const char *record_is_for; /* the owner takes this one's record */

static struct business *
find(const char *id)
{
    for (unsigned i = 0; i < business_count; i++) {
        if (strcmp(businesses[i].id, id) == 0) {
            return &businesses[i];
        }
    }
    return NULL;
}

static void
on_keyring(void *arg, enum mpsc_keyring_state state)
{
    (void)arg;
    keyring = (int)state;
}

static void
on_record(void *arg, const char *business_id, struct mpsc_record *record)
{
    (void)arg;
    CU_ASSERT(record->token.len > 0);
    CU_ASSERT_FALSE(known);
    records++;
    if (record_is_for != NULL && strcmp(record_is_for, business_id) == 0) {
        find(business_id)->code = MPS_OK;
        find(business_id)->reply = MPSC_SWEEP_DONE;
    }
}

static void
on_loaded(void *arg, enum mpsc_keyring_state state)
{
    (void)arg;
    CU_ASSERT_EQUAL(loaded, -1);
    loaded = (int)state;
}

static size_t
on_missing(void *arg, struct mpsc_sweep_want *wants, size_t max)
{
    size_t count = 0;

    (void)arg;
    CU_ASSERT(max >= 1 && max <= MPSC_SWEEP_SLOTS);
    while (count < max && named < business_count) {
        wants[count].business_id = businesses[named].id;
        wants[count++].page = businesses[named++].page;
    }
    return count;
}

static enum mpsc_sweep_launch
on_launch(void *arg, struct mpsc_loop *loop, const char *id,
          int64_t deadline_ms)
{
    struct business *business = find(id);

    (void)arg;
    CU_ASSERT_PTR_EQUAL(loop, (struct mpsc_loop *)&flying);
    CU_ASSERT_PTR_NOT_NULL_FATAL(business);
    CU_ASSERT_FALSE(business->flying);
    business->launches++;
    business->deadline_ms = deadline_ms;
    if (most_flying == 0) {
        held_at_launch = fake_sweep_held();
    }
    if (business->reply == MPSC_SWEEP_LAUNCHED) {
        business->flying = 1;
        flying++;
        most_flying = flying > most_flying ? flying : most_flying;
    }
    return business->reply;
}

static void
on_failed(void *arg, const char *id, const struct mps_error *error)
{
    struct business *business = find(id);

    (void)arg;
    CU_ASSERT_PTR_NOT_NULL_FATAL(business);
    CU_ASSERT_EQUAL(business->code, -1);
    CU_ASSERT_FALSE(known);
    business->code = error->code;
    business->error = *error;
}

static void
on_known(void *arg)
{
    (void)arg;
    CU_ASSERT_FALSE(known);
    known = 1;
}

static void
on_over(void *arg)
{
    (void)arg;
    over = 1;
}

static const struct mpsc_sweep_events events = {
    .keyring = on_keyring,
    .record = on_record,
    .loaded = on_loaded,
    .missing = on_missing,
    .launch = on_launch,
    .failed = on_failed,
    .known = on_known,
    .over = on_over,
};

static void
have(unsigned count)
{
    business_count = count;
    named = 0;
    for (unsigned i = 0; i < count; i++) {
        struct business *business = &businesses[i];

        memset(business, 0, sizeof(*business));
        snprintf(business->id, sizeof(business->id), "%u", 1 + i);
        business->reply = MPSC_SWEEP_LAUNCHED;
        business->code = -1;
    }
}

static void
plan_keyring(struct fake_keyring_plan plan)
{
    plan.no_trace = plan.no_trace || business_count > 10;
    fake_keyring_plan(&plan);
}

/* Runs before each test: a sweep that has not begun, over no business. */
static void
begin(void)
{
    configuration = (struct mpsc_configuration){
        .solution_id = solution_id,
        .base_url = base_url,
        .deadline_ms = ITEM_MS,
        .keyring = MPSC_KEYRING_PREFERRED,
        .keyring_deadline_ms = KEYRING_MS,
    };
    means = (struct mpsc_fetch_means){
        .configuration = &configuration,
        .keyring = &fake_keyring,
        .clock = fake_clock_now,
    };
    free(sweep); /* one that was never begun */
    sweep = calloc(1, sizeof(*sweep));
    CU_ASSERT_PTR_NOT_NULL_FATAL(sweep);
    sweep->task.ops = &mpsc_sweep_ops;
    sweep->means = &means;
    sweep->events = &events;
    sweep->place.bus = bus;
    sweep->place.runtime_dir = runtime_dir;
    sweep->epoch = 7;
    sweep->deadline_ms = INT64_MAX;
    sweep->item_ms = ITEM_MS;
    fake_clock_start();
    have(0);
    plan_keyring((struct fake_keyring_plan){.open = MPSC_KEYRING_OK});
    fake_trace_clear();
    flying = 0;
    most_flying = 0;
    records = 0;
    known = 0;
    over = 0;
    loaded = -1;
    keyring = -1;
    record_is_for = NULL;
}

/* Runs after each test: the sweep is over and left nothing behind. */
static void
end(void)
{
    CU_ASSERT(known);
    CU_ASSERT(over);
    CU_ASSERT_EQUAL(flying, 0);
    CU_ASSERT_PTR_NULL(sweep->session);
    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        CU_ASSERT_PTR_NULL(sweep->slots[i].record.token.data);
    }
    CU_ASSERT_EQUAL(fake_sweep_held(), 0);
    CU_ASSERT_EQUAL(fake_keyring_open_count(), 0);
    CU_ASSERT_EQUAL(fake_keyring_unfinished(), 0);
    CU_ASSERT_EQUAL(fake_keyring_mistakes(), 0);
    free(sweep);
    sweep = NULL;
}

static int64_t
due(void)
{
    return mpsc_sweep_ops.due(&sweep->task);
}

static unsigned
kicks(void)
{
    unsigned count;

    pthread_mutex_lock(&fake_lock);
    count = fake_kicks_unlocked();
    pthread_mutex_unlock(&fake_lock);
    return count;
}

/* Steps as the loop does: as long as the keyring does something, or a step is
 * due at once. */
static void
settle(void)
{
    unsigned steps = 0;
    unsigned before;

    do {
        before = kicks();
        if (mpsc_sweep_ops.step(&sweep->task)) {
            mpsc_sweep_ops.over(&sweep->task);
        }
        CU_ASSERT_EQUAL(mpsc_sweep_ops.is_known(&sweep->task), known);
    } while (!over && (kicks() != before || due() <= fake_clock_mono_ms()) &&
             ++steps < STEPS_MAX);
    CU_ASSERT(steps < STEPS_MAX);
}

static void
start(void)
{
    mpsc_sweep_ops.begin(&sweep->task, (struct mpsc_loop *)&flying, NULL);
    settle();
}

static void
pass(int64_t ms)
{
    fake_clock_advance(ms);
    settle();
}

/* Lets the time run to when the sweep wants to be stepped. */
static void
pass_to_due(void)
{
    int64_t at = due();

    CU_ASSERT_FATAL(at < INT64_MAX);
    pass(at - fake_clock_mono_ms());
}

/* What the flight of a business does when its result is known. */
static void
land_error(struct business *business, const struct mps_error *error)
{
    CU_ASSERT_FATAL(business->flying);
    business->flying = 0;
    flying--;
    if (error->code != MPS_E_AGAIN) {
        business->code = error->code;
    }
    mpsc_sweep_landed(sweep, business->id, error);
}

static void
land(struct business *business, int code)
{
    struct mpsc_record record = {.received_at = 1};
    struct mps_error error;
    char token[64];

    if (code != MPS_OK) {
        mpsc_error_set(&error, code, "as planned");
        land_error(business, &error);
        return;
    }
    CU_ASSERT_FATAL(business->flying);
    business->flying = 0;
    flying--;
    business->code = MPS_OK;
    snprintf(token, sizeof(token), "EAA%s", business->id);
    CU_ASSERT_EQUAL(mpsc_secret_set(&record.token, token, strlen(token)), 0);
    mpsc_sweep_token(sweep, business->id, &record);
    mpsc_record_free(&record);
    mpsc_sweep_landed(sweep, business->id, NULL);
}

/* Lands up to `most` of those that fly. How many. */
static unsigned
land_some(unsigned most, int code)
{
    unsigned count = 0;

    for (unsigned i = 0; i < business_count && count < most; i++) {
        if (businesses[i].flying) {
            land(&businesses[i], code);
            count++;
        }
    }
    return count;
}

/* Lands all that fly, until none does. */
static void
land_all(int code)
{
    while (land_some(MPSC_SWEEP_WINDOW, code) > 0) {
        settle();
    }
}

/* How many of all have this result. */
static unsigned
with_code(int code)
{
    unsigned count = 0;

    for (unsigned i = 0; i < business_count; i++) {
        count += businesses[i].code == code;
    }
    return count;
}

/* How many tokens the keyring has, each its own. */
static unsigned
stored(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < business_count; i++) {
        const char *token = fake_sweep_token(businesses[i].id);

        count += token != NULL && strncmp(token, "EAA", 3) == 0 &&
                 strcmp(token + 3, businesses[i].id) == 0;
    }
    return count;
}

/* How often a word is in the trace. */
static unsigned
times(const char *word)
{
    const char *at = fake_trace_text();
    unsigned count = 0;

    while ((at = strstr(at, word)) != NULL) {
        at += strlen(word);
        count++;
    }
    return count;
}

/* --- loading ---------------------------------------------------------------
 */

static const struct fake_sweep_entry two_records[] = {
    {.business_id = "1", .token = "EAA1"},
    {.business_id = "2", .token = "EAA2"},
};

static void
test_load_only(void)
{
    have(5);
    fake_sweep_plan(two_records, 2);
    sweep->load_only = 1;
    start();
    CU_ASSERT_EQUAL(records, 2);
    CU_ASSERT_EQUAL(loaded, MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(keyring, MPSC_KEYRING_OK);
    CU_ASSERT_EQUAL(named, 0);
    CU_ASSERT_STRING_EQUAL(fake_trace_text(), "open finish close");
    CU_ASSERT(mpsc_sweep_ops.is_settled(&sweep->task));
}

static void
test_query(void)
{
    struct mpsc_keyring_query query;

    sweep->load_only = 1;
    start();
    query = fake_keyring_query();
    CU_ASSERT_PTR_NULL(query.business_id);
    CU_ASSERT_EQUAL(query.epoch, 7);
    CU_ASSERT_PTR_EQUAL(query.bus, bus);
    CU_ASSERT_PTR_EQUAL(query.runtime_dir, runtime_dir);
    CU_ASSERT_PTR_EQUAL(query.endpoint, base_url);
    CU_ASSERT_PTR_EQUAL(query.solution_id, solution_id);
    CU_ASSERT_EQUAL(query.keyring_deadline_ms, KEYRING_MS);
    CU_ASSERT_EQUAL(query.lock_wait_ms, 0);
    CU_ASSERT_EQUAL(query.flight_ms, 15 * 60 * 1000);
    CU_ASSERT_FALSE(sweep->hurried);
}

/* Little time: most of it is the endpoint's. */
static void
test_query_in_a_hurry(void)
{
    struct mpsc_keyring_query query;

    sweep->load_only = 1;
    sweep->deadline_ms = fake_clock_mono_ms() + 1000;
    plan_keyring((struct fake_keyring_plan){.load = FAKE_KEYRING_MUTE});
    start();
    query = fake_keyring_query();
    CU_ASSERT_EQUAL(query.keyring_deadline_ms, 251);
    CU_ASSERT_EQUAL(query.flight_ms, 1000);
    CU_ASSERT(sweep->hurried);
    pass_to_due();
    CU_ASSERT_EQUAL(fake_clock_mono_ms(), FAKE_CLOCK_MS + 501);
    CU_ASSERT_EQUAL(loaded, MPSC_KEYRING_SILENT);
}

/* An endless load: as long as records come it goes on, then no longer than
 * the keyring's deadline. */
static void
test_load_mute(void)
{
    sweep->load_only = 1;
    plan_keyring((struct fake_keyring_plan){.load = FAKE_KEYRING_MUTE});
    start();
    CU_ASSERT_EQUAL(due(), fake_clock_mono_ms() + KEYRING_MS + SLACK_MS);
    pass(KEYRING_MS + SLACK_MS - 1);
    CU_ASSERT_EQUAL(loaded, -1);
    pass(1);
    CU_ASSERT_EQUAL(loaded, MPSC_KEYRING_SILENT);
    CU_ASSERT_EQUAL(keyring, MPSC_KEYRING_SILENT);
}

/* What the keyring doesn't give: `required` asks nobody else. */
static void
test_unusable(void)
{
    static const struct fake_keyring_plan plans[] = {
        {.open = MPSC_KEYRING_NO_BUS},
        {.load_state = MPSC_KEYRING_LOCKED},
        {.load = FAKE_KEYRING_MUTE},
        {.load = FAKE_KEYRING_DIES},
    };
    static const enum mpsc_keyring_state states[] = {
        MPSC_KEYRING_NO_BUS, MPSC_KEYRING_LOCKED, MPSC_KEYRING_SILENT,
        MPSC_KEYRING_BAD_HELPER};

    for (int required = 0; required < 2; required++) {
        for (unsigned i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
            begin();
            have(40);
            plan_keyring(plans[i]);
            configuration.keyring =
                required ? MPSC_KEYRING_REQUIRED : MPSC_KEYRING_PREFERRED;
            start();
            if (plans[i].load == FAKE_KEYRING_MUTE) {
                CU_ASSERT_EQUAL(flying, 0);
                pass(KEYRING_MS + SLACK_MS);
            }
            CU_ASSERT_EQUAL(loaded, (int)states[i]);
            CU_ASSERT_EQUAL(keyring, (int)states[i]);
            CU_ASSERT_EQUAL(flying, required ? 0 : MPSC_SWEEP_WINDOW);
            land_all(MPS_OK);
            CU_ASSERT_EQUAL(with_code(required ? MPS_E_KEYRING : MPS_OK), 40);
            CU_ASSERT_EQUAL(fake_sweep_batches(), 0);
            if (i < 3 || required) {
                end();
            }
        }
        if (!required) {
            end();
        }
    }
    CU_ASSERT_PTR_NOT_NULL(
        strstr(businesses[0].error.message, "keyring = required"));
    begin();
    test_load_only();
}

/* Neither asked for, nor hoped for. */
static void
test_without_keyring(void)
{
    have(2);
    configuration.keyring = MPSC_KEYRING_OFF;
    start();
    CU_ASSERT_EQUAL(loaded, -1);
    CU_ASSERT_EQUAL(flying, 2);
    land_all(MPS_OK);
    CU_ASSERT_STRING_EQUAL(fake_trace_text(), "");
    end();
    begin();
    have(2);
    sweep->keyring_hint = MPSC_KEYRING_SILENT;
    start();
    CU_ASSERT_EQUAL(loaded, MPSC_KEYRING_SILENT);
    CU_ASSERT_EQUAL(flying, 2);
    land_all(MPS_OK);
    CU_ASSERT_STRING_EQUAL(fake_trace_text(), "");
}

/* --- fetching --------------------------------------------------------------
 */

/* Nothing is missing after the load. */
static void
test_nothing_missing(void)
{
    fake_sweep_plan(two_records, 2);
    start();
    CU_ASSERT_EQUAL(records, 2);
    CU_ASSERT_STRING_EQUAL(fake_trace_text(), "open finish close");
}

static void
test_window(void)
{
    have(200);
    plan_keyring((struct fake_keyring_plan){.open = MPSC_KEYRING_OK});
    start();
    CU_ASSERT_EQUAL(flying, MPSC_SWEEP_WINDOW);
    CU_ASSERT_EQUAL(fake_sweep_held(), 200);
    CU_ASSERT_EQUAL(land_some(1, MPS_OK), 1);
    settle();
    CU_ASSERT_EQUAL(flying, MPSC_SWEEP_WINDOW);
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(most_flying, MPSC_SWEEP_WINDOW);
    CU_ASSERT_EQUAL(with_code(MPS_OK), 200);
    CU_ASSERT_EQUAL(stored(), 200);
    for (unsigned i = 0; i < business_count; i++) {
        CU_ASSERT_EQUAL(businesses[i].launches, 1);
        CU_ASSERT_EQUAL(businesses[i].deadline_ms, FAKE_CLOCK_MS + ITEM_MS);
    }
    CU_ASSERT(over);
    CU_ASSERT_EQUAL(fake_clock_mono_ms(), FAKE_CLOCK_MS);
}

/* A few are claimed first, so that the endpoint has something to do. */
static void
test_first_claim(void)
{
    have(200);
    plan_keyring((struct fake_keyring_plan){.no_trace = 1});
    start();
    CU_ASSERT_EQUAL(held_at_launch, 2 * MPSC_SWEEP_WINDOW);
    CU_ASSERT_EQUAL(fake_sweep_held(), 200);
    land_all(MPS_OK);
}

/* More than there are slots; each with time of its own. */
static void
test_many(void)
{
    have(BUSINESSES_MAX);
    plan_keyring((struct fake_keyring_plan){.open = MPSC_KEYRING_OK});
    start();
    CU_ASSERT_EQUAL(named, MPSC_SWEEP_SLOTS);
    while (land_some(MPSC_SWEEP_WINDOW, MPS_OK) > 0) {
        CU_ASSERT(fake_sweep_held() <= MPSC_SWEEP_SLOTS);
        pass(50);
    }
    CU_ASSERT(over);
    CU_ASSERT_EQUAL(with_code(MPS_OK), BUSINESSES_MAX);
    CU_ASSERT_EQUAL(stored(), BUSINESSES_MAX);
    CU_ASSERT_EQUAL(most_flying, MPSC_SWEEP_WINDOW);
    CU_ASSERT(fake_sweep_largest_batch() <= MPSC_KEYRING_BATCH_MAX);
    CU_ASSERT(businesses[BUSINESSES_MAX - 1].deadline_ms >
              FAKE_CLOCK_MS + ITEM_MS);
}

/* The same without keyring. */
static void
test_many_without_keyring(void)
{
    have(BUSINESSES_MAX);
    configuration.keyring = MPSC_KEYRING_OFF;
    start();
    land_all(MPS_OK);
    CU_ASSERT(over);
    CU_ASSERT_EQUAL(with_code(MPS_OK), BUSINESSES_MAX);
    CU_ASSERT_EQUAL(most_flying, MPSC_SWEEP_WINDOW);
}

/* What a launch finds done already needs neither time nor store. */
static void
test_done_at_launch(void)
{
    have(2000);
    plan_keyring((struct fake_keyring_plan){.open = MPSC_KEYRING_OK});
    for (unsigned i = 0; i < business_count; i++) {
        businesses[i].reply = MPSC_SWEEP_DONE;
    }
    start();
    CU_ASSERT(over);
    CU_ASSERT_EQUAL(stored(), 0);
    for (unsigned i = 0; i < business_count; i++) {
        CU_ASSERT_EQUAL(businesses[i].launches, 1);
    }
}

/* --- batches ---------------------------------------------------------------
 */

/* Few records wait for more, but not for long. */
static void
test_batch_of_the_old(void)
{
    have(40);
    plan_keyring((struct fake_keyring_plan){.open = MPSC_KEYRING_OK});
    start();
    CU_ASSERT_EQUAL(land_some(10, MPS_OK), 10);
    settle();
    CU_ASSERT_EQUAL(fake_sweep_batches(), 0);
    CU_ASSERT_EQUAL(due(), fake_clock_mono_ms() + BATCH_MS);
    pass(BATCH_MS - 1);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 0);
    CU_ASSERT_EQUAL(land_some(1, MPS_OK), 1);
    pass(1);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 1);
    CU_ASSERT_EQUAL(stored(), 11);
    /* The last ones wait for nothing. */
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 2);
    CU_ASSERT_EQUAL(stored(), 40);
    CU_ASSERT_EQUAL(fake_sweep_held(), 0);
}

/* Many records are stored at once, and while they are the next ones gather;
 * the last ones are handed over behind them. */
static void
test_batch_of_many(void)
{
    have(2000);
    plan_keyring((struct fake_keyring_plan){.change = FAKE_KEYRING_MUTE});
    start();
    for (unsigned i = 0; i < BATCH_COUNT - 1; i++) {
        CU_ASSERT_EQUAL(land_some(1, MPS_OK), 1);
        settle();
    }
    CU_ASSERT_EQUAL(fake_sweep_batches(), 0);
    CU_ASSERT_EQUAL(land_some(1, MPS_OK), 1);
    settle();
    CU_ASSERT_EQUAL(fake_sweep_batches(), 1);
    CU_ASSERT_EQUAL(fake_sweep_largest_batch(), BATCH_COUNT);
    while (with_code(MPS_OK) < MPSC_SWEEP_SLOTS) {
        CU_ASSERT_EQUAL_FATAL(land_some(1, MPS_OK), 1);
        settle();
    }
    pass(BATCH_MS);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 1);
    /* All slots are full, but those that were freed by the first batch and
     * can't be claimed as yet. */
    CU_ASSERT_EQUAL(flying, 0);
    fake_keyring_change_manner(FAKE_KEYRING_ANSWERS);
    settle();
    fake_keyring_change_manner(FAKE_KEYRING_MUTE);
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 3);
    CU_ASSERT(known);
    fake_keyring_change_manner(FAKE_KEYRING_ANSWERS);
    settle();
    CU_ASSERT_EQUAL(with_code(MPS_OK), 2000);
    CU_ASSERT_EQUAL(stored(), 2000);
}

/* Many, but the rest is not many more: they are stored with it. */
static void
test_batch_of_the_rest(void)
{
    have(2 * BATCH_COUNT - 1);
    plan_keyring((struct fake_keyring_plan){.no_trace = 1});
    start();
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 1);
    CU_ASSERT_EQUAL(stored(), 2 * BATCH_COUNT - 1);
    end();
    begin();
    have(2 * BATCH_COUNT);
    plan_keyring((struct fake_keyring_plan){.no_trace = 1});
    start();
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 2);
}

/* A page is stored when all that it is to get has come, and once. */
static void
test_batch_of_a_page(void)
{
    have(30);
    for (unsigned i = 0; i < 30; i++) {
        businesses[i].page = i / 10;
    }
    plan_keyring((struct fake_keyring_plan){.no_trace = 1});
    start();
    land(&businesses[10], MPS_OK);
    CU_ASSERT_EQUAL(land_some(9, MPS_OK), 9);
    settle();
    CU_ASSERT_EQUAL(fake_sweep_batches(), 0);
    /* A failure completes it, too. */
    land(&businesses[9], MPS_E_SERVER);
    settle();
    CU_ASSERT_EQUAL(fake_sweep_batches(), 1);
    CU_ASSERT_EQUAL(fake_sweep_largest_batch(), 10);
    CU_ASSERT_EQUAL(stored(), 9);
    CU_ASSERT_EQUAL(land_some(8, MPS_OK), 8);
    settle();
    CU_ASSERT_EQUAL(fake_sweep_batches(), 1);
    CU_ASSERT_EQUAL(land_some(1, MPS_OK), 1);
    settle();
    CU_ASSERT_EQUAL(fake_sweep_batches(), 2);
    CU_ASSERT_EQUAL(stored(), 19);
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 3);
    CU_ASSERT_EQUAL(stored(), 29);
}

/* More of the page that was named last may be named yet; and what was named
 * first is fetched first, wherever there was a free slot for it. */
static void
test_batch_of_the_last_page(void)
{
    have(MPSC_SWEEP_SLOTS + 100);
    for (unsigned i = 0; i < business_count; i++) {
        businesses[i].page = i >= 1000;
    }
    plan_keyring((struct fake_keyring_plan){.no_trace = 1});
    start();
    CU_ASSERT_EQUAL(named, MPSC_SWEEP_SLOTS);
    while (with_code(MPS_OK) < 1000) {
        CU_ASSERT_EQUAL_FATAL(land_some(1, MPS_OK), 1);
        settle();
    }
    CU_ASSERT_EQUAL(named, business_count);
    CU_ASSERT_EQUAL(with_code(MPS_OK), 1000);
    for (unsigned i = 0; i < 1000; i++) {
        CU_ASSERT_EQUAL(businesses[i].code, MPS_OK);
    }
    CU_ASSERT_EQUAL(stored(), 1000);
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(stored(), business_count);
    /* Half of the first was too many to wait for the rest. */
    CU_ASSERT_EQUAL(fake_sweep_batches(), 3);
}

/* The caller waits for no batch's writing, but that the helper has them all.
 */
static void
test_batch_behind_another(void)
{
    have(10);
    plan_keyring((struct fake_keyring_plan){.change = FAKE_KEYRING_MUTE});
    start();
    CU_ASSERT_EQUAL(land_some(3, MPS_OK), 3);
    pass(BATCH_MS);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 1);
    CU_ASSERT_EQUAL(land_some(3, MPS_OK), 3);
    pass(BATCH_MS);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 1);
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 2);
    CU_ASSERT(known);
    CU_ASSERT_FALSE(mpsc_sweep_ops.is_settled(&sweep->task));
    /* Each has its pages' time. */
    CU_ASSERT_EQUAL(due(),
                    fake_clock_mono_ms() + 2 * 2 * 7 * KEYRING_MS + SLACK_MS);
    fake_keyring_change_manner(FAKE_KEYRING_ANSWERS);
    settle();
    CU_ASSERT(over);
    CU_ASSERT_EQUAL(stored(), 10);
}

/* The last batch: its sending is waited for, its writing is not. */
static void
test_last_batch(void)
{
    have(3);
    plan_keyring(
        (struct fake_keyring_plan){.change = FAKE_KEYRING_MUTE, .unsent = 1});
    start();
    land_all(MPS_OK);
    CU_ASSERT_FALSE(known);
    fake_keyring_send();
    settle();
    CU_ASSERT(known);
    CU_ASSERT_FALSE(over);
    CU_ASSERT_FALSE(mpsc_sweep_ops.is_settled(&sweep->task));
    fake_keyring_change_manner(FAKE_KEYRING_ANSWERS);
    settle();
    CU_ASSERT(mpsc_sweep_ops.is_settled(&sweep->task));
    CU_ASSERT_EQUAL(stored(), 3);
}

/* The port takes no more than 1 MiB of tokens at once. */
static void
test_large_tokens(void)
{
    enum { LARGE = 400 * 1024 };
    struct mpsc_record record = {.received_at = 1};
    char *token = malloc(3 * LARGE);

    CU_ASSERT_PTR_NOT_NULL_FATAL(token);
    memset(token, 'A', 3 * LARGE);
    have(6);
    plan_keyring((struct fake_keyring_plan){.no_trace = 1});
    start();
    for (unsigned i = 0; i < 6; i++) {
        size_t len = i == 0 ? 3 * LARGE : LARGE;

        CU_ASSERT_EQUAL(mpsc_secret_set(&record.token, token, len), 0);
        mpsc_sweep_token(sweep, businesses[i].id, &record);
        businesses[i].flying = 0;
        flying--;
        mpsc_sweep_landed(sweep, businesses[i].id, NULL);
    }
    mpsc_record_free(&record);
    free(token);
    settle();
    /* One is too large for any batch; two, two and one. */
    CU_ASSERT_EQUAL(fake_sweep_batches(), 3);
    CU_ASSERT_EQUAL(fake_sweep_largest_batch(), 3);
    CU_ASSERT_PTR_NULL(fake_sweep_token("1"));
    for (unsigned i = 1; i < 6; i++) {
        CU_ASSERT_PTR_NOT_NULL(fake_sweep_token(businesses[i].id));
    }
}

/* Whose fetch failed is free for others at once. */
static void
test_failure_gives_lock_back(void)
{
    have(3);
    start();
    CU_ASSERT_EQUAL(fake_sweep_held(), 3);
    land(&businesses[0], MPS_OK);
    land(&businesses[1], MPS_E_NOT_FOUND);
    settle();
    CU_ASSERT_EQUAL(fake_sweep_held(), 2);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 1);
    CU_ASSERT_EQUAL(stored(), 0);
    land(&businesses[2], MPS_E_NETWORK);
    settle();
    CU_ASSERT_EQUAL(stored(), 1);
}

/* --- contested -------------------------------------------------------------
 */

static const struct fake_sweep_entry taken_1[] = {
    {.business_id = "1", .taken = 1}};
static const struct fake_sweep_entry stored_1[] = {
    {.business_id = "1", .token = "EAA1", .late = 1}};

/* Another process fetches it: its token comes from the keyring. */
static void
test_contested(void)
{
    have(2);
    fake_sweep_plan(taken_1, 1);
    start();
    CU_ASSERT_EQUAL(businesses[0].launches, 0);
    CU_ASSERT_EQUAL(businesses[1].launches, 1);
    land(&businesses[1], MPS_OK);
    settle();
    CU_ASSERT_EQUAL(times("claim"), 1);
    CU_ASSERT_EQUAL(due(), fake_clock_mono_ms() + RETRY_MS);
    pass(RETRY_MS - 1);
    CU_ASSERT_EQUAL(times("claim"), 1);
    pass(1);
    for (unsigned i = 2; i < 25; i++) {
        CU_ASSERT_EQUAL(times("claim"), i);
        pass_to_due();
    }
    CU_ASSERT_EQUAL(stored(), 1);
    record_is_for = "1";
    fake_sweep_plan(stored_1, 1);
    pass(RETRY_MS);
    CU_ASSERT_EQUAL(businesses[0].code, MPS_OK);
    CU_ASSERT_EQUAL(flying, 0);
    CU_ASSERT(over);
}

/* It has failed there, or its token isn't believed here. */
static void
test_contested_in_vain(void)
{
    have(1);
    fake_sweep_plan(taken_1, 1);
    start();
    pass(RETRY_MS);
    fake_sweep_plan(stored_1, 1);
    pass(RETRY_MS);
    CU_ASSERT_EQUAL(records, 1);
    CU_ASSERT_EQUAL(businesses[0].launches, 1);
    CU_ASSERT_EQUAL(businesses[0].deadline_ms, FAKE_CLOCK_MS + ITEM_MS);
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(stored(), 1);
}

/* It hangs there: after half of the time it is fetched without the lock, and
 * not stored. */
static void
test_contested_for_long(void)
{
    have(1);
    fake_sweep_plan(taken_1, 1);
    start();
    while (fake_clock_mono_ms() < FAKE_CLOCK_MS + ITEM_MS / 2) {
        CU_ASSERT_EQUAL(businesses[0].launches, 0);
        pass_to_due();
    }
    CU_ASSERT_EQUAL(fake_clock_mono_ms(), FAKE_CLOCK_MS + ITEM_MS / 2);
    CU_ASSERT_EQUAL(businesses[0].launches, 1);
    CU_ASSERT_EQUAL(businesses[0].deadline_ms, FAKE_CLOCK_MS + ITEM_MS);
    land_all(MPS_OK);
    CU_ASSERT(over);
    CU_ASSERT_EQUAL(stored(), 0);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 0);
}

/* The deadline of the whole counts as well. */
static void
test_contested_with_deadline(void)
{
    have(1);
    sweep->deadline_ms = FAKE_CLOCK_MS + 3000;
    fake_sweep_plan(taken_1, 1);
    start();
    pass(1499);
    CU_ASSERT_EQUAL(businesses[0].launches, 0);
    pass(1);
    CU_ASSERT_EQUAL(businesses[0].launches, 1);
    CU_ASSERT_EQUAL(businesses[0].deadline_ms, FAKE_CLOCK_MS + 3000);
    land_all(MPS_OK);
}

/* Another thread of this process fetches it, and waits for the lock that we
 * have just claimed. */
static void
test_busy(void)
{
    have(1);
    businesses[0].reply = MPSC_SWEEP_BUSY;
    start();
    CU_ASSERT_EQUAL(fake_sweep_held(), 0);
    CU_ASSERT_EQUAL(times("change"), 1);
    fake_sweep_plan(taken_1, 1);
    pass(RETRY_MS);
    CU_ASSERT_EQUAL(times("claim"), 2);
    CU_ASSERT_EQUAL(businesses[0].launches, 1);
    fake_sweep_plan(stored_1, 1);
    businesses[0].reply = MPSC_SWEEP_DONE;
    pass(RETRY_MS);
    CU_ASSERT_EQUAL(businesses[0].launches, 2);
    CU_ASSERT(over);
}

static void
test_busy_without_keyring(void)
{
    have(1);
    configuration.keyring = MPSC_KEYRING_OFF;
    businesses[0].reply = MPSC_SWEEP_BUSY;
    start();
    pass(RETRY_MS - 1);
    CU_ASSERT_EQUAL(businesses[0].launches, 1);
    pass(1);
    CU_ASSERT_EQUAL(businesses[0].launches, 2);
    businesses[0].reply = MPSC_SWEEP_LAUNCHED;
    pass(RETRY_MS);
    CU_ASSERT_EQUAL(businesses[0].launches, 3);
    CU_ASSERT_EQUAL(businesses[0].deadline_ms, FAKE_CLOCK_MS + ITEM_MS);
    land_all(MPS_OK);
}

/* Busy for all of its time. */
static void
test_busy_too_long(void)
{
    for (int with_keyring = 0; with_keyring < 2; with_keyring++) {
        begin();
        have(1);
        configuration.keyring =
            with_keyring ? MPSC_KEYRING_PREFERRED : MPSC_KEYRING_OFF;
        businesses[0].reply = MPSC_SWEEP_BUSY;
        start();
        while (!over && fake_clock_mono_ms() < FAKE_CLOCK_MS + ITEM_MS) {
            pass_to_due();
        }
        CU_ASSERT_EQUAL(fake_clock_mono_ms(), FAKE_CLOCK_MS + ITEM_MS);
        CU_ASSERT_EQUAL(businesses[0].code, MPS_E_TIMEOUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(businesses[0].error.message, "1"));
        if (!with_keyring) {
            end();
        }
    }
}

/* The owner wants to see first how another one lands. */
static void
test_later(void)
{
    have(2);
    businesses[1].reply = MPSC_SWEEP_LATER;
    start();
    CU_ASSERT_EQUAL(fake_sweep_held(), 2);
    CU_ASSERT_EQUAL(flying, 1);
    pass(RETRY_MS);
    CU_ASSERT_EQUAL(businesses[1].launches, 2);
    CU_ASSERT_EQUAL(fake_sweep_held(), 2);
    businesses[1].reply = MPSC_SWEEP_LAUNCHED;
    pass(RETRY_MS);
    CU_ASSERT_EQUAL(flying, 2);
    CU_ASSERT_EQUAL(times("claim"), 1);
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(stored(), 2);
}

/* A token that was purged before it came is no result. */
static void
test_again(void)
{
    have(1);
    start();
    land(&businesses[0], MPS_E_AGAIN);
    settle();
    CU_ASSERT_EQUAL(businesses[0].launches, 1);
    pass(RETRY_MS);
    CU_ASSERT_EQUAL(businesses[0].launches, 2);
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(stored(), 1);
}

/* A purge: what comes later isn't stored, and nothing else changes. */
static void
test_purged(void)
{
    have(100);
    plan_keyring(
        (struct fake_keyring_plan){.change_state = MPSC_KEYRING_PURGED});
    start();
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(keyring, MPSC_KEYRING_PURGED);
    CU_ASSERT_EQUAL(with_code(MPS_OK), 100);
    CU_ASSERT_EQUAL(stored(), 0);
}

/* --- stopping --------------------------------------------------------------
 */

/* What ends each further request in the same way ends the asking. */
static void
test_stop(void)
{
    static const int codes[] = {MPS_E_RATE_LIMITED, MPS_E_AUTH, MPS_E_CONFIG};

    for (unsigned i = 0; i < 3; i++) {
        struct mps_error error;

        begin();
        have(2000);
        plan_keyring((struct fake_keyring_plan){.open = MPSC_KEYRING_OK});
        start();
        land(&businesses[0], MPS_OK);
        mpsc_error_set(&error, codes[i], "business 2: as planned");
        error.retry_at = 12345;
        land_error(&businesses[1], &error);
        settle();
        CU_ASSERT_EQUAL(flying, MPSC_SWEEP_WINDOW - 2);
        CU_ASSERT_EQUAL(with_code(-1), MPSC_SWEEP_WINDOW - 2);
        CU_ASSERT_EQUAL(with_code(codes[i]),
                        2000 - (MPSC_SWEEP_WINDOW - 2) - 1);
        CU_ASSERT_EQUAL(businesses[1999].error.retry_at, 12345);
        CU_ASSERT_PTR_NOT_NULL(
            strstr(businesses[1999].error.message,
                   "business 2000 at https://graph.example"));
        CU_ASSERT_PTR_NULL(strstr(businesses[1999].error.message, "planned"));
        CU_ASSERT_FALSE(known);
        land_some(5, codes[i]);
        land_all(MPS_OK);
        CU_ASSERT(over);
        CU_ASSERT_EQUAL(stored(), MPSC_SWEEP_WINDOW - 6);
        if (i < 2) {
            end();
        }
    }
}

/* What concerns one business, or passes, doesn't. */
static void
test_no_stop(void)
{
    have(64);
    plan_keyring((struct fake_keyring_plan){.open = MPSC_KEYRING_OK});
    start();
    land(&businesses[0], MPS_E_NETWORK);
    land(&businesses[1], MPS_E_FORBIDDEN);
    land(&businesses[2], MPS_E_TIMEOUT);
    land(&businesses[3], MPS_E_SERVER);
    settle();
    CU_ASSERT_EQUAL(flying, MPSC_SWEEP_WINDOW);
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(with_code(MPS_OK), 60);
}

/* Also with locks that are on their way, and one to be given back for a while
 * only. */
static void
test_stop_while_claiming(void)
{
    have(3);
    plan_keyring((struct fake_keyring_plan){.open = MPSC_KEYRING_OK});
    businesses[2].reply = MPSC_SWEEP_BUSY;
    start();
    fake_keyring_claim_manner(FAKE_KEYRING_MUTE);
    pass(RETRY_MS);
    CU_ASSERT_EQUAL(sweep->phase, MPSC_SWEEP_CLAIMING);
    land(&businesses[0], MPS_E_RATE_LIMITED);
    settle();
    CU_ASSERT_EQUAL(businesses[2].code, MPS_E_RATE_LIMITED);
    /* And a token that was purged meanwhile is not asked for again. */
    land(&businesses[1], MPS_E_AGAIN);
    CU_ASSERT_EQUAL(businesses[1].code, MPS_E_RATE_LIMITED);
    fake_keyring_claim_manner(FAKE_KEYRING_ANSWERS);
    settle();
    CU_ASSERT(over);
}

static void
test_deadline(void)
{
    have(100);
    plan_keyring((struct fake_keyring_plan){.open = MPSC_KEYRING_OK});
    sweep->deadline_ms = FAKE_CLOCK_MS + 2000;
    start();
    CU_ASSERT_EQUAL(businesses[0].deadline_ms, FAKE_CLOCK_MS + 2000);
    land(&businesses[0], MPS_OK);
    pass(1999);
    CU_ASSERT_EQUAL(with_code(-1), 99);
    pass(1);
    CU_ASSERT_EQUAL(with_code(MPS_E_TIMEOUT), 99);
    CU_ASSERT(known);
    /* Others may wait for them yet. */
    CU_ASSERT_EQUAL(land_some(100, MPS_OK), MPSC_SWEEP_WINDOW);
    settle();
    CU_ASSERT(over);
    CU_ASSERT_EQUAL(stored(), 1);
}

static void
test_deadline_before_begin(void)
{
    have(3);
    sweep->deadline_ms = FAKE_CLOCK_MS;
    start();
    CU_ASSERT_EQUAL(with_code(MPS_E_TIMEOUT), 3);
    CU_ASSERT_STRING_EQUAL(fake_trace_text(), "");
}

static void
test_deadline_while_loading(void)
{
    have(3);
    sweep->deadline_ms = FAKE_CLOCK_MS + 100;
    plan_keyring((struct fake_keyring_plan){.load = FAKE_KEYRING_MUTE,
                                            .never_ends = 1});
    start();
    /* Half is the endpoint's: it is launched without keyring by then. */
    pass(99);
    CU_ASSERT_EQUAL(flying, 3);
    pass(1);
    land_all(MPS_E_TIMEOUT);
    CU_ASSERT(known);
    CU_ASSERT_FALSE(over);
    CU_ASSERT(mpsc_sweep_ops.is_settled(&sweep->task));
    pass_to_due();
    CU_ASSERT(over);
}

/* A keyring that is slow holds no caller beyond the deadline; what came is
 * stored all the same. */
static void
test_deadline_while_storing(void)
{
    have(100);
    plan_keyring(
        (struct fake_keyring_plan){.change = FAKE_KEYRING_MUTE, .unsent = 1});
    sweep->deadline_ms = FAKE_CLOCK_MS + 1000;
    start();
    land_all(MPS_OK);
    CU_ASSERT_FALSE(known);
    pass(1000);
    CU_ASSERT(known);
    CU_ASSERT(mpsc_sweep_ops.is_settled(&sweep->task));
    CU_ASSERT_FALSE(over);
    fake_keyring_change_manner(FAKE_KEYRING_ANSWERS);
    settle();
    CU_ASSERT(over);
    CU_ASSERT_EQUAL(stored(), 100);
}

/* --- a keyring that breaks -------------------------------------------------
 */

/* Goes on without, or with `required` not at all. */
static void
assert_goes_on(int required, unsigned landed)
{
    unsigned fly = flying;

    land_all(MPS_OK);
    if (required) {
        CU_ASSERT_EQUAL(with_code(MPS_OK), landed + fly);
        CU_ASSERT_EQUAL(with_code(MPS_E_KEYRING),
                        business_count - landed - fly);
    } else {
        CU_ASSERT_EQUAL(with_code(MPS_OK), business_count);
    }
    CU_ASSERT(over);
}

static void
test_breaks(void)
{
    enum place { CLAIM, REFUSE, HOLD, CHANGE, SILENT, BUSY, PLACES };
    static const enum fake_keyring_manner manners[] = {FAKE_KEYRING_MUTE,
                                                       FAKE_KEYRING_DIES};
    static const enum mpsc_keyring_state states[PLACES] = {
        [SILENT] = MPSC_KEYRING_SILENT, [BUSY] = MPSC_KEYRING_BUSY};

    for (int i = 0; i < PLACES * 4; i++) {
        enum place place = (enum place)(i / 4);
        enum fake_keyring_manner manner = manners[i % 2];
        int required = i / 2 % 2;

        if (sweep == NULL) {
            begin();
        }
        have(100);
        plan_keyring((struct fake_keyring_plan){
            .claim = place == CLAIM ? manner : FAKE_KEYRING_ANSWERS,
            .hold = place == HOLD ? FAKE_KEYRING_DIES : FAKE_KEYRING_ANSWERS,
            .change = place == CHANGE ? manner : FAKE_KEYRING_ANSWERS,
            .change_state = states[place],
            .refuses_change = place == REFUSE,
        });
        configuration.keyring =
            required ? MPSC_KEYRING_REQUIRED : MPSC_KEYRING_PREFERRED;
        start();
        if (place == CLAIM && manner == FAKE_KEYRING_MUTE) {
            CU_ASSERT_EQUAL(flying, 0);
            pass(KEYRING_MS + SLACK_MS);
        }
        if (place < CHANGE) {
            assert_goes_on(required, 0);
        } else {
            CU_ASSERT_EQUAL(land_some(1, MPS_OK), 1);
            pass(BATCH_MS);
            pass(2 * KEYRING_MS + SLACK_MS);
            CU_ASSERT_EQUAL(fake_keyring_open_count(), 0);
            /* Another's lock is nothing that is required. */
            assert_goes_on(required && place != BUSY, 1);
        }
        CU_ASSERT_EQUAL(stored(), 0);
        CU_ASSERT_NOT_EQUAL(keyring, MPSC_KEYRING_OK);
        if (i < PLACES * 4 - 1) {
            end();
        }
    }
}

/* Other states of a batch are told, and the next one is tried. */
static void
test_batch_refused(void)
{
    have(100);
    plan_keyring(
        (struct fake_keyring_plan){.change_state = MPSC_KEYRING_NEWER});
    start();
    CU_ASSERT_EQUAL(land_some(1, MPS_OK), 1);
    pass(BATCH_MS);
    CU_ASSERT_EQUAL(keyring, MPSC_KEYRING_NEWER);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 1);
    land_all(MPS_OK);
    CU_ASSERT(fake_sweep_batches() >= 2);
    CU_ASSERT_EQUAL(with_code(MPS_OK), 100);
}

/* A write has as long as its pages may take. */
static void
test_patience(void)
{
    have(10);
    plan_keyring(
        (struct fake_keyring_plan){.change = FAKE_KEYRING_MUTE, .unsent = 1});
    start();
    land_all(MPS_OK);
    CU_ASSERT_EQUAL(due(),
                    fake_clock_mono_ms() + 2 * 10 * KEYRING_MS + SLACK_MS);
    pass(2 * 10 * KEYRING_MS + SLACK_MS - 1);
    CU_ASSERT_FALSE(known);
    pass(1);
    CU_ASSERT(known);
    CU_ASSERT_EQUAL(keyring, MPSC_KEYRING_SILENT);
}

/* --- giving up -------------------------------------------------------------
 */

static void
give_up(void)
{
    mpsc_sweep_ops.give_up(&sweep->task, MPS_E_TIMEOUT, "enough");
    /* As the runner does, which gives up the fetches as well. */
    while (land_some(1, MPS_E_TIMEOUT) > 0) {
    }
    mpsc_sweep_ops.give_up(&sweep->task, MPS_E_INTERNAL, "twice");
    settle();
}

static void
test_give_up(void)
{
    enum place { LOADING, CLAIMING, FLYING, CHANGING, PLACES };

    for (int place = LOADING; place < PLACES; place++) {
        unsigned done = place == CHANGING ? 1 : 0;

        if (sweep == NULL) {
            begin();
        }
        have(1500);
        plan_keyring((struct fake_keyring_plan){
            .load = place == LOADING ? FAKE_KEYRING_MUTE : 0,
            .claim = place == CLAIMING ? FAKE_KEYRING_MUTE : 0,
            .change = place == CHANGING ? FAKE_KEYRING_MUTE : 0,
        });
        start();
        if (place == CHANGING) {
            CU_ASSERT_EQUAL(land_some(1, MPS_OK), 1);
            pass(BATCH_MS);
        }
        give_up();
        CU_ASSERT_EQUAL(with_code(MPS_E_TIMEOUT), 1500 - done);
        if (place == CHANGING || place == CLAIMING) {
            CU_ASSERT(known);
            fake_keyring_change_manner(FAKE_KEYRING_ANSWERS);
            fake_keyring_claim_manner(FAKE_KEYRING_ANSWERS);
            settle();
        }
        CU_ASSERT(over);
        CU_ASSERT_EQUAL(stored(), done);
        if (place < PLACES - 1) {
            end();
        }
    }
}

static void
test_give_up_before_begin(void)
{
    have(70);
    mpsc_sweep_ops.give_up(&sweep->task, MPS_E_NO_MEMORY, "no client");
    CU_ASSERT_EQUAL(with_code(MPS_E_NO_MEMORY), 70);
    CU_ASSERT(known);
    mpsc_sweep_ops.over(&sweep->task);
}

/* A load has no business to fail. */
static void
test_give_up_load_before_begin(void)
{
    have(3);
    sweep->load_only = 1;
    mpsc_sweep_ops.give_up(&sweep->task, MPS_E_NO_MEMORY, "no client");
    CU_ASSERT_EQUAL(named, 0);
    CU_ASSERT_EQUAL(loaded, -1);
    mpsc_sweep_ops.over(&sweep->task);
}

/* A load that is given up was no load. */
static void
test_give_up_load_only(void)
{
    have(3);
    sweep->load_only = 1;
    plan_keyring((struct fake_keyring_plan){.load = FAKE_KEYRING_MUTE});
    start();
    give_up();
    CU_ASSERT_EQUAL(loaded, -1);
    CU_ASSERT_EQUAL(with_code(-1), 3);
    CU_ASSERT(over);
}

/* The helper is left to itself, whatever it is at. */
static void
test_drop(void)
{
    enum place { CLAIMING, KEPT, CHANGING, ENDING, PLACES };

    for (int place = CLAIMING; place < PLACES; place++) {
        if (sweep == NULL) {
            begin();
        }
        have(5);
        plan_keyring((struct fake_keyring_plan){
            .claim = place == CLAIMING ? FAKE_KEYRING_MUTE : 0,
            .change = place == CHANGING ? FAKE_KEYRING_MUTE : 0,
            .unsent = place == CHANGING,
            .never_ends = 1,
        });
        start();
        if (place == KEPT) {
            CU_ASSERT_EQUAL(land_some(1, MPS_OK), 1);
        } else if (place == CHANGING) {
            land_all(MPS_OK);
        } else if (place == ENDING) {
            land_all(MPS_E_NOT_FOUND);
            CU_ASSERT(known);
            CU_ASSERT_EQUAL(sweep->phase, MPSC_SWEEP_ENDING);
            CU_ASSERT(due() > fake_clock_mono_ms() + ENDING_MS);
        }
        mpsc_sweep_ops.give_up(&sweep->task, MPS_E_TIMEOUT, "enough");
        mpsc_sweep_ops.drop(&sweep->task);
        land_some(5, MPS_E_TIMEOUT);
        settle();
        CU_ASSERT(over);
        mpsc_sweep_ops.drop(&sweep->task);
        if (place < PLACES - 1) {
            end();
        }
    }
}

/* Where there is a descriptor to wait for, the runner gets it. */
static void
test_watch(void)
{
    struct mpsc_http_watch watch;

    have(1);
    CU_ASSERT_FALSE(mpsc_sweep_ops.watch(&sweep->task, &watch));
    start();
    CU_ASSERT_EQUAL(mpsc_sweep_ops.watch(&sweep->task, &watch),
                    fake_keyring.fd(sweep->session) >= 0);
    land_all(MPS_OK);
    CU_ASSERT_FALSE(mpsc_sweep_ops.watch(&sweep->task, &watch));
}

static CU_TestInfo loads[] = {
    {"load only", test_load_only},
    {"query", test_query},
    {"query in a hurry", test_query_in_a_hurry},
    {"load mute", test_load_mute},
    {"unusable", test_unusable},
    {"without keyring", test_without_keyring},
    CU_TEST_INFO_NULL,
};

static CU_TestInfo fetches[] = {
    {"nothing missing", test_nothing_missing},
    {"window", test_window},
    {"first claim", test_first_claim},
    {"many", test_many},
    {"many without keyring", test_many_without_keyring},
    {"done at launch", test_done_at_launch},
    CU_TEST_INFO_NULL,
};

static CU_TestInfo batches[] = {
    {"of the old", test_batch_of_the_old},
    {"of many", test_batch_of_many},
    {"of the rest", test_batch_of_the_rest},
    {"of a page", test_batch_of_a_page},
    {"of the last page", test_batch_of_the_last_page},
    {"behind another", test_batch_behind_another},
    {"the last", test_last_batch},
    {"large tokens", test_large_tokens},
    {"failures", test_failure_gives_lock_back},
    {"refused", test_batch_refused},
    {"purged", test_purged},
    {"patience", test_patience},
    CU_TEST_INFO_NULL,
};

static CU_TestInfo contests[] = {
    {"contested", test_contested},
    {"contested in vain", test_contested_in_vain},
    {"contested for long", test_contested_for_long},
    {"contested with deadline", test_contested_with_deadline},
    {"busy", test_busy},
    {"busy without keyring", test_busy_without_keyring},
    {"busy too long", test_busy_too_long},
    {"later", test_later},
    {"again", test_again},
    CU_TEST_INFO_NULL,
};

static CU_TestInfo ends[] = {
    {"stop", test_stop},
    {"no stop", test_no_stop},
    {"stop while claiming", test_stop_while_claiming},
    {"deadline", test_deadline},
    {"deadline before begin", test_deadline_before_begin},
    {"deadline while loading", test_deadline_while_loading},
    {"deadline while storing", test_deadline_while_storing},
    {"breaks", test_breaks},
    {"give up", test_give_up},
    {"give up before begin", test_give_up_before_begin},
    {"give up a load before begin", test_give_up_load_before_begin},
    {"give up a load", test_give_up_load_only},
    {"drop", test_drop},
    {"watch", test_watch},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"load", NULL, NULL, begin, end, loads},
    {"fetch", NULL, NULL, begin, end, fetches},
    {"batch", NULL, NULL, begin, end, batches},
    {"contest", NULL, NULL, begin, end, contests},
    {"end", NULL, NULL, begin, end, ends},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    return run_suites(suites);
}
