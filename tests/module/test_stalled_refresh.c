/* SPDX-License-Identifier: MIT */
/*
 * Never wait with a usable token in hand: while the endpoint is stalled in the
 * middle of a background refresh, no call with a live token leaves memory.
 * Counted, not timed: the module logs each call that waits for a fetch.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>

#include "world.h"

/* What the module logs, at debug, where a call waits. */
#define WAITS "waits for a fetch"

/* Longer than the stall is watched. */
#define LINES                                                                 \
    "log = syslog\nlog_level = debug\nattempts = 1\ndeadline_ms = 9000\n"     \
    "keyring_deadline_ms = 8000\n"

#define BUSINESSES 64
#define LIFETIME_S 20
#define STALL_MS 5000

static char names[BUSINESSES][24];
static const char *ids[BUSINESSES];

/* So many that one of them draws a moment right after half of its lifetime:
 * then all of the stall is before its token's last minute. */
static void
fetch_all(void)
{
    char query[64];

    for (int i = 0; i < BUSINESSES; i++) {
        snprintf(names[i], sizeof(names[i]), "%d", 620001 + i);
        ids[i] = names[i];
    }
    snprintf(query, sizeof(query), "lifetime_s=%d", LIFETIME_S);
    world_emulate("", query);
    CU_ASSERT_EQUAL(
        mps.prefetch_credentials(NULL, ids, BUSINESSES, NULL, NULL), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(""), BUSINESSES);
}

/* The first business whose refresh is stalled, or NULL. */
static const char *
await_stall(long *calls, long *failures)
{
    int64_t until = world_ms() + LIFETIME_S * 1000L;
    struct world_got got;

    while (world_ms() < until) {
        for (int i = 0; i < BUSINESSES && world_ms() < until; i++) {
            *failures += world_get(ids[i], &got) != MPS_OK;
            *calls += 1;
        }
        if (world_stat("/faults/stall") > 0) {
            for (int i = 0; i < BUSINESSES; i++) {
                if (world_requests(ids[i]) == 2) {
                    return ids[i];
                }
            }
        }
        world_nap(20);
    }
    return NULL;
}

/* Spread over the time of the stall. */
static void
call_on(const char *id, long calls)
{
    int64_t begin = world_ms();
    struct world_got first;
    struct world_got got;
    long failures = 0;
    long others = 0;

    CU_ASSERT_EQUAL_FATAL(world_get(id, &first), MPS_OK);
    for (long i = 0; i < calls && time(NULL) < first.expires_at; i++) {
        failures += world_get(id, &got) != MPS_OK;
        others += strcmp(got.token_id, first.token_id) != 0;
        while ((world_ms() - begin) * calls < i * STALL_MS) {
            world_nap(1);
        }
    }
    CU_ASSERT_EQUAL(failures, 0);
    CU_ASSERT_EQUAL(others, 0);
    CU_ASSERT(time(NULL) < first.expires_at); /* it lived all the time */
}

static void
test_stall(void)
{
    long calls = 0;
    long failures = 0;
    const char *id;

    world_reset();
    world_configure(LINES);
    world_log_take();
    fetch_all();
    world_emulate("", "fault=stall");
    world_log_take();
    id = await_stall(&calls, &failures);
    CU_ASSERT_PTR_NOT_NULL_FATAL(id);
    call_on(id, (long)world_scale(100000));
    CU_ASSERT_EQUAL(failures, 0);
    CU_ASSERT_EQUAL(world_log_count(LOG_DEBUG, WAITS), 0);
    /* its refresh is one request, which is still under way */
    CU_ASSERT_EQUAL(world_requests(id), 2);
    CU_ASSERT_EQUAL(world_stat("/businesses/%s/faults/stall", id), 1);
    world_reset();
}

/* Else the count of none would prove nothing. */
static void
test_cold_calls_are_counted(void)
{
    struct world_got got;
    const char *id = world_business();

    world_configure(LINES);
    world_log_take();
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_log_count(LOG_DEBUG, WAITS), 1);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_log_count(LOG_DEBUG, WAITS), 1);
}

static CU_TestInfo tests[] = {
    {"a call that waits is counted", test_cold_calls_are_counted},
    {"100,000 calls in a stalled refresh: none waits", test_stall},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"stalled refresh", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
