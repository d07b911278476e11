/* SPDX-License-Identifier: MIT */
/*
 * The fake keyring's sweeps keep the port's contract: the tests of what uses
 * the port rest on it.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <string.h>

#include "fake_clock.h"
#include "fake_keyring.h"
#include "fake_sweep.h"
#include "run_suites.h"

static const struct fake_sweep_entry entries[] = {
    {.business_id = "1", .token = "one"},
    {.business_id = "2", .token = "two", .late = 1},
    {.business_id = "3", .taken = 1},
    {.business_id = "4"},
};

static const struct mpsc_keyring_query query = {.endpoint = "e",
                                                .solution_id = "s"};

static struct mpsc_keyring_session *
open_sweep(const struct fake_keyring_plan *plan)
{
    enum mpsc_keyring_state state;

    fake_clock_start();
    fake_keyring_plan(plan);
    fake_sweep_plan(entries, sizeof(entries) / sizeof(entries[0]));
    return fake_keyring.open(&query, &state);
}

/* Steps once; true where that came, for this business. */
static int
comes(struct mpsc_keyring_session *session,
      enum mpsc_keyring_progress progress, const char *business_id, int found)
{
    struct mpsc_keyring_event event;
    int same = fake_keyring.step(session, &event) == progress &&
               strcmp(event.business_id, business_id) == 0 &&
               event.found == found;

    mpsc_record_free(&event.record);
    return same;
}

/* Steps once; true where that came with this state. */
static int
tells(struct mpsc_keyring_session *session,
      enum mpsc_keyring_progress progress, enum mpsc_keyring_state state)
{
    struct mpsc_keyring_event event;

    return fake_keyring.step(session, &event) == progress &&
           event.state == state;
}

static void
test_life(void)
{
    static const char *const ids[] = {"1", "2", "3", "4", "5"};
    const struct fake_keyring_plan plan = {.no_trace = 1};
    struct mpsc_keyring_session *session = open_sweep(&plan);
    struct mpsc_record record = {.expires_at = 9};
    const struct mpsc_keyring_change changes[] = {
        {"1", MPSC_KEYRING_ERASE, NULL},
        {"2", MPSC_KEYRING_RELEASE, NULL},
        {"4", MPSC_KEYRING_STORE, &record},
    };

    CU_ASSERT(comes(session, MPSC_KEYRING_RECORD, "1", 1));
    CU_ASSERT(tells(session, MPSC_KEYRING_LOADED, MPSC_KEYRING_OK));
    CU_ASSERT(tells(session, MPSC_KEYRING_PENDING, MPSC_KEYRING_OK));
    CU_ASSERT_EQUAL(fake_keyring.claim(session, ids, 5), 0);
    CU_ASSERT(comes(session, MPSC_KEYRING_RECORD, "2", 1));
    CU_ASSERT(comes(session, MPSC_KEYRING_CLAIMED, "1", 1));
    CU_ASSERT(comes(session, MPSC_KEYRING_CLAIMED, "2", 1));
    CU_ASSERT(comes(session, MPSC_KEYRING_CLAIMED, "3", 0));
    CU_ASSERT(comes(session, MPSC_KEYRING_CLAIMED, "4", 1));
    CU_ASSERT(comes(session, MPSC_KEYRING_CLAIMED, "5", 1));
    CU_ASSERT_EQUAL(fake_sweep_held(), 4);
    mpsc_secret_set(&record.token, "four", 4);
    CU_ASSERT_EQUAL(fake_keyring.change(session, changes, 3), 0);
    CU_ASSERT_PTR_NULL(fake_sweep_token("4"));
    CU_ASSERT(tells(session, MPSC_KEYRING_CHANGED, MPSC_KEYRING_OK));
    CU_ASSERT_PTR_NULL(fake_sweep_token("1"));
    CU_ASSERT_STRING_EQUAL(fake_sweep_token("2"), "two");
    CU_ASSERT_STRING_EQUAL(fake_sweep_token("4"), "four");
    CU_ASSERT_EQUAL(fake_sweep_held(), 1);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 1);
    CU_ASSERT_EQUAL(fake_sweep_largest_batch(), 3);
    CU_ASSERT_EQUAL(fake_keyring.erase(session), 0);
    CU_ASSERT(tells(session, MPSC_KEYRING_CHANGED, MPSC_KEYRING_OK));
    CU_ASSERT_PTR_NULL(fake_sweep_token("2"));
    fake_keyring.finish(session);
    CU_ASSERT(tells(session, MPSC_KEYRING_ENDED, MPSC_KEYRING_OK));
    CU_ASSERT_EQUAL(fake_sweep_held(), 0);
    fake_keyring.close(&session);
    CU_ASSERT_EQUAL(fake_keyring_mistakes(), 0);
    mpsc_record_free(&record);
}

static void
test_failures(void)
{
    static const char *const ids[] = {"4"};
    struct fake_keyring_plan plan = {.no_trace = 1,
                                     .change_state = MPSC_KEYRING_PURGED};
    const struct mpsc_keyring_change erase = {"1", MPSC_KEYRING_ERASE, NULL};
    struct mpsc_keyring_session *session = open_sweep(&plan);

    CU_ASSERT(comes(session, MPSC_KEYRING_RECORD, "1", 1));
    CU_ASSERT(tells(session, MPSC_KEYRING_LOADED, MPSC_KEYRING_OK));
    CU_ASSERT_EQUAL(fake_keyring.change(session, &erase, 1), 0);
    CU_ASSERT(tells(session, MPSC_KEYRING_CHANGED, MPSC_KEYRING_PURGED));
    CU_ASSERT_STRING_EQUAL(fake_sweep_token("1"), "one");
    /* a sweep goes on */
    CU_ASSERT_EQUAL(fake_keyring.claim(session, ids, 1), 0);
    CU_ASSERT(comes(session, MPSC_KEYRING_CLAIMED, "4", 1));
    fake_keyring.close(&session);
    CU_ASSERT_EQUAL(fake_sweep_held(), 0);
    CU_ASSERT_EQUAL(fake_keyring_unfinished(), 1);

    plan.load_state = MPSC_KEYRING_LOCKED;
    session = open_sweep(&plan);
    CU_ASSERT(comes(session, MPSC_KEYRING_RECORD, "1", 1));
    CU_ASSERT(tells(session, MPSC_KEYRING_LOADED, MPSC_KEYRING_LOCKED));
    fake_keyring.close(&session);

    plan.load_state = MPSC_KEYRING_OK;
    plan.claim = FAKE_KEYRING_DIES;
    session = open_sweep(&plan);
    CU_ASSERT(comes(session, MPSC_KEYRING_RECORD, "1", 1));
    CU_ASSERT(tells(session, MPSC_KEYRING_LOADED, MPSC_KEYRING_OK));
    CU_ASSERT_EQUAL(fake_keyring.claim(session, ids, 1), 0);
    CU_ASSERT(tells(session, MPSC_KEYRING_ENDED, MPSC_KEYRING_OK));
    CU_ASSERT_EQUAL(fake_sweep_held(), 0);
    fake_keyring.close(&session);
    CU_ASSERT_EQUAL(fake_keyring_mistakes(), 0);
}

static CU_TestInfo tests[] = {
    {"a sweep's life", test_life},
    {"failures", test_failures},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"keyring_fake", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    return run_suites(suites);
}
