/* SPDX-License-Identifier: MIT */
/*
 * The host's wall clock steps, or is wrong: no token that lives is fetched
 * again for that, and none that is dead is served. This program is the host,
 * and so is the one it starts; the endpoint's clock is right.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>

#include "clock_shift.h"
#include "world.h"

#define HOUR 3600
#define DAY 86400
#define PATIENT "keyring_deadline_ms = 8000\ndeadline_ms = 20000\n"

static const int64_t steps[] = {DAY, -DAY, 0};
static const int64_t wrong[] = {HOUR, -HOUR};

static void
set_right(void)
{
    clock_shift_set(0);
}

/* One process, before and after each step. */
static void
test_step(void)
{
    const char *id = world_business();
    struct world_got first;
    struct world_got got;

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(id, &first), MPS_OK);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        clock_shift_set(steps[i]);
        CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
        CU_ASSERT_STRING_EQUAL(got.token_id, first.token_id);
    }
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

/* The first process has stored it; those after each step find it. */
static void
test_step_and_process(void)
{
    const char *id = world_business();
    char first[WORLD_OUTPUT];
    char output[WORLD_OUTPUT];

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_host(first, "", "get %s", id), 0);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        clock_shift_set(steps[i]);
        CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
        CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
        CU_ASSERT_STRING_EQUAL(world_value(output, "token_id"),
                               world_value(first, "token_id"));
    }
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

/* An hour wrong, with a token that by that clock ended half an hour ago, or
 * has an hour more than it has. */
static void
test_wrong(void)
{
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *id = world_business();
        char output[WORLD_OUTPUT];
        struct world_got first;
        struct world_got got;
        int64_t left;

        world_configure(PATIENT);
        world_emulate(id, "lifetime_s=1800");
        clock_shift_set(wrong[i]);
        CU_ASSERT_EQUAL(world_get(id, &first), MPS_OK);
        /* Half an hour by the host's own clock: the module saw that one. */
        left = first.expires_at - wrong[i] - clock_shift_real_s();
        CU_ASSERT(left > 1700 && left <= 1801);
        CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
        CU_ASSERT_STRING_EQUAL(got.token_id, first.token_id);
        /* Another process of that host, and one after the clock was set. */
        CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
        CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
        clock_shift_set(0);
        CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
        CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
        CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
        CU_ASSERT_STRING_EQUAL(got.token_id, first.token_id);
        CU_ASSERT_EQUAL(world_requests(id), 1);
    }
}

/* With what a wrong clock can't know better: Date counts whole seconds, and
 * was written before it arrived. */
static int
has_ended(void *arg)
{
    const int64_t *end_s = arg;

    return clock_shift_real_s() > *end_s + 2;
}

/* Short tokens are fetched with one clock and asked for with another, when
 * they have ended: in memory, and in the keyring. */
static void
test_dead(void)
{
    static const struct {
        int64_t at_fetch, later;
    } rows[] = {{0, DAY}, {0, -DAY}, {HOUR, HOUR}, {-HOUR, -HOUR}};
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    const char *mine[ROWS];
    const char *theirs[ROWS];
    struct world_got first[ROWS];
    static char output[ROWS][WORLD_OUTPUT];
    int64_t end_s = 0;

    world_configure(PATIENT);
    for (size_t i = 0; i < ROWS; i++) {
        mine[i] = world_business();
        theirs[i] = world_business();
        world_emulate(mine[i], "lifetime_s=3");
        world_emulate(theirs[i], "lifetime_s=3");
        clock_shift_set(rows[i].at_fetch);
        CU_ASSERT_EQUAL(world_get(mine[i], &first[i]), MPS_OK);
        CU_ASSERT_EQUAL(world_host(output[i], "", "get %s", theirs[i]), 0);
        end_s = world_number(output[i], "endpoint");
    }
    CU_ASSERT(world_await(has_ended, &end_s));
    for (size_t i = 0; i < ROWS; i++) {
        struct world_got got;
        char again[WORLD_OUTPUT];

        clock_shift_set(rows[i].later);
        CU_ASSERT_EQUAL(world_get(mine[i], &got), MPS_OK);
        CU_ASSERT_STRING_NOT_EQUAL(got.token_id, first[i].token_id);
        CU_ASSERT(got.endpoint_expires_at > first[i].endpoint_expires_at);
        CU_ASSERT_EQUAL(world_requests(mine[i]), 2);
        CU_ASSERT_EQUAL(world_host(again, "", "get %s", theirs[i]), 0);
        CU_ASSERT_EQUAL(world_number(again, "source"), MPS_SOURCE_ENDPOINT);
        CU_ASSERT_STRING_NOT_EQUAL(world_value(again, "token_id"),
                                   world_value(output[i], "token_id"));
        CU_ASSERT_EQUAL(world_requests(theirs[i]), 2);
    }
}

static CU_TestInfo tests[] = {
    {"a step of a day", test_step},
    {"a step, then another process", test_step_and_process},
    {"an hour wrong", test_wrong},
    {"dead tokens", test_dead},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"clock", NULL, NULL, NULL, set_right, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    setenv("MPS_TEST_CLOCK_SHIFT", world_path("clock"), 1);
    set_right();
    return world_run(suites);
}
