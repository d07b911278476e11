/* SPDX-License-Identifier: MIT */
/*
 * Trouble is told, under MPS_OK too: one log line for each change of a
 * profile's state, however many calls meet it.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>

#include "desk.h"
#include "world.h"

#define LINES                                                                 \
    "log = syslog\nlog_level = notice\nattempts = 1\n"                        \
    "keyring_deadline_ms = 8000\ndeadline_ms = 20000\n"

static void
check_lines(int priority, const char *text, unsigned expected)
{
    unsigned right = world_log_count(priority, text);
    unsigned all = world_log_count(-1, text);

    CU_ASSERT_EQUAL(right, expected);
    CU_ASSERT_EQUAL(all, expected); /* with another priority neither */
    if (right != expected || all != expected) {
        printf("\n    not %u times <%d> \"%s\" in:", expected, priority, text);
        world_log_show();
    }
}

static void
start(const char *lines)
{
    world_reset();
    world_configure(LINES "%s", lines);
    world_log_take();
}

static void
nap_until(int64_t wall_s)
{
    while (time(NULL) < wall_s) {
        world_nap(20);
    }
}

static void
test_auth_failed(void)
{
    struct world_got got;
    char output[WORLD_OUTPUT];
    char line[300];
    char path[256];

    snprintf(path, sizeof(path), "%s", world_path("partner"));
    world_write(path, 0600, "EAAwrong\n");
    snprintf(line, sizeof(line), "token_file = %s\n", path);
    start(line);
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_AUTH);
    }
    check_lines(LOG_CRIT, "auth_failed: ", 1);
    check_lines(LOG_NOTICE, "recovered", 0);
    CU_ASSERT_EQUAL(world_shell(output, "cp %s %s.new && mv %s.new %s",
                                world_path("emu/partner_token"), path, path,
                                path),
                    0);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    check_lines(LOG_NOTICE, "recovered: auth_failed", 1);
    CU_ASSERT_EQUAL(world_log_count(LOG_CRIT, "auth_failed: "), 1);
}

static void
test_expired(void)
{
    struct world_got got;
    const char *id = world_business();

    start("");
    world_emulate("", "status=500");
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_SERVER);
        world_nap(20);
    }
    check_lines(LOG_ERR, "expired: ", 1);
    world_emulate("", "status=200");
    nap_until(got.error.retry_at + 1);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    check_lines(LOG_NOTICE, "recovered: expired", 1);
}

/* No call fails: the log is where it can be seen. */
static void
test_refresh_failing(void)
{
    struct world_got got;
    const char *id = world_business();
    char expiry[32];
    int64_t until;
    long failures = 0;
    struct tm utc;
    time_t end;

    start("");
    world_emulate(id, "lifetime_s=12&status=200");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    end = (time_t)got.expires_at;
    strftime(expiry, sizeof(expiry), "%Y-%m-%dT%H:%M", gmtime_r(&end, &utc));
    world_emulate(id, "status=500");
    while (time(NULL) < end - 1 &&
           world_log_count(-1, "refresh_failing") == 0) {
        failures += world_get(id, &got) != MPS_OK;
        world_nap(20);
    }
    world_emulate(id, "status=200");
    for (until = world_ms() + 300; world_ms() < until; world_nap(20)) {
        failures += world_get(id, &got) != MPS_OK;
    }
    CU_ASSERT_EQUAL(failures, 0);
    check_lines(LOG_WARNING, "refresh_failing: ", 1);
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, expiry), 1);
    /* The next try, after the back-off, or else the token's end mends it. */
    while (time(NULL) < end + 2 &&
           world_log_count(-1, "recovered: refresh_failing") == 0) {
        (void)world_get(id, &got);
        world_nap(20);
    }
    check_lines(LOG_NOTICE, "recovered: refresh_failing", 1);
}

static void
test_rate_limited(void)
{
    struct world_got got;
    const char *id = world_business();

    start("");
    world_emulate(id, "fault=429&app_usage=absent&regain_minutes=absent&"
                      "retry_after=2&fault_count=1");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_RATE_LIMITED);
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_RATE_LIMITED);
    }
    check_lines(LOG_WARNING, "rate_limited: ", 1);
    nap_until(got.error.retry_at + 1);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    check_lines(LOG_NOTICE, "recovered: rate_limited", 1);
}

static void
test_keyring_degraded(void)
{
    struct world_got got;

    start("");
    desk_stop_keyring();
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    }
    check_lines(LOG_WARNING, "keyring_degraded: ", 1);
    desk_start_keyring();
    for (int64_t until = world_ms() + 10000;
         world_ms() < until &&
         world_log_count(-1, "recovered: keyring_degraded") == 0;) {
        CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
        world_nap(200);
    }
    check_lines(LOG_NOTICE, "recovered: keyring_degraded", 1);
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, "keyring_degraded: "), 1);
}

/* Where all is well nothing is told. */
static void
test_quiet(void)
{
    struct world_got got;

    start("");
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    }
    check_lines(LOG_NOTICE, "recovered", 0);
    CU_ASSERT_EQUAL(world_log_count(LOG_ERR, ""), 0);
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, ""), 0);
}

static CU_TestInfo tests[] = {
    {"auth_failed", test_auth_failed},
    {"expired", test_expired},
    {"refresh_failing", test_refresh_failing},
    {"rate_limited", test_rate_limited},
    {"keyring_degraded", test_keyring_degraded},
    {"nothing", test_quiet},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"trouble", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
