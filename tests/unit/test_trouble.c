/* SPDX-License-Identifier: MIT */
/* Which change of state is told in the log, when, and in what words. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <limits.h>
#include <mps/credential.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "run_suites.h"
#include "trouble.h"

#define NOW INT64_C(1700000000)
#define DAY 86400
#define AUTH MPSC_TROUBLE_AUTH_FAILED
#define REFRESH MPSC_TROUBLE_REFRESH_FAILING

static struct mpsc_trouble_view view;
static char text[MPSC_TROUBLE_LINE_SIZE];

static void
begin(void)
{
    memset(&view, 0, sizeof(view));
}

/* The line that is due `after` seconds, "" = none. */
static const char *
begin_after(enum mpsc_trouble trouble, int64_t after, int64_t expires_at)
{
    struct mpsc_trouble_line line;

    text[0] = '\0';
    if (mpsc_trouble_begin(&view, trouble, NOW + after, expires_at, &line)) {
        CU_ASSERT_NOT_EQUAL(mpsc_trouble_priority(&line), LOG_NOTICE);
        mpsc_trouble_format(&line, "it failed", text);
    }
    return text;
}

static const char *
end_after(enum mpsc_trouble trouble, int64_t after)
{
    struct mpsc_trouble_line line;

    text[0] = '\0';
    if (mpsc_trouble_end(&view, trouble, NOW + after, &line)) {
        CU_ASSERT_EQUAL(mpsc_trouble_priority(&line), LOG_NOTICE);
        mpsc_trouble_format(&line, "it failed", text);
    }
    return text;
}

static void
test_kinds(void)
{
    static const struct {
        enum mpsc_trouble trouble;
        int priority;
        const char *name;
    } rows[] = {
        {MPSC_TROUBLE_AUTH_FAILED, LOG_CRIT, "auth_failed"},
        {MPSC_TROUBLE_EXPIRED, LOG_ERR, "expired"},
        {MPSC_TROUBLE_REFRESH_FAILING, LOG_WARNING, "refresh_failing"},
        {MPSC_TROUBLE_RATE_LIMITED, LOG_WARNING, "rate_limited"},
        {MPSC_TROUBLE_KEYRING_DEGRADED, LOG_WARNING, "keyring_degraded"},
    };
    const size_t count = sizeof(rows) / sizeof(rows[0]);

    CU_ASSERT_EQUAL(count, MPSC_TROUBLE_COUNT);
    for (size_t i = 0; i < count; i++) {
        struct mpsc_trouble_line line;
        char expected[MPSC_TROUBLE_LINE_SIZE];

        CU_ASSERT_STRING_EQUAL(mpsc_trouble_name(rows[i].trouble),
                               rows[i].name);
        /* Each for itself: the others that go on are in nobody's way. */
        CU_ASSERT_EQUAL_FATAL(
            mpsc_trouble_begin(&view, rows[i].trouble, NOW, 0, &line), 1);
        CU_ASSERT_EQUAL(mpsc_trouble_priority(&line), rows[i].priority);
        mpsc_trouble_format(&line, "it failed", text);
        snprintf(expected, sizeof(expected), "%s: it failed", rows[i].name);
        CU_ASSERT_STRING_EQUAL(text, expected);
    }
    for (size_t i = 0; i < count; i++) {
        struct mpsc_trouble_line line;
        char expected[MPSC_TROUBLE_LINE_SIZE];

        CU_ASSERT_EQUAL_FATAL(
            mpsc_trouble_end(&view, rows[i].trouble, NOW + 34, &line), 1);
        CU_ASSERT_EQUAL(mpsc_trouble_priority(&line), LOG_NOTICE);
        mpsc_trouble_format(&line, NULL, text);
        snprintf(expected, sizeof(expected),
                 "recovered: %s is over after 34 s", rows[i].name);
        CU_ASSERT_STRING_EQUAL(text, expected);
    }
}

/* At once, then once a minute with what was left out, then the end. */
static void
test_repeats(void)
{
    CU_ASSERT_STRING_EQUAL(end_after(AUTH, 0), "");
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 0, 0), "auth_failed: it failed");
    CU_ASSERT_EQUAL(view.since_s[AUTH], NOW);
    for (int i = 0; i < 12; i++) {
        CU_ASSERT_STRING_EQUAL(begin_after(AUTH, i * 59 / 11, 0), "");
    }
    CU_ASSERT_EQUAL(view.repeats[AUTH], 12);
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 60, 0),
                           "auth_failed: it failed (12 more since)");
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 119, 0), "");
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 120, 0),
                           "auth_failed: it failed (1 more since)");
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 190, 0),
                           "auth_failed: it failed");
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 191, 0), "");
    CU_ASSERT_EQUAL(view.since_s[AUTH], NOW);
    CU_ASSERT_STRING_EQUAL(
        end_after(AUTH, 192),
        "recovered: auth_failed is over after 192 s (1 more since)");
    CU_ASSERT_EQUAL(view.since_s[AUTH], 0);
    CU_ASSERT_STRING_EQUAL(end_after(AUTH, 193), "");
    /* Again, but later than a minute after the last line: at once. */
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 250, 0),
                           "auth_failed: it failed");
    CU_ASSERT_STRING_EQUAL(end_after(AUTH, 250),
                           "recovered: auth_failed is over after 0 s");
}

/* A trouble that comes and goes each second for five minutes, twice in each:
 * a pair of lines a minute at the most, nothing lost from the count. */
static void
test_flapping(void)
{
    unsigned told = 0;
    unsigned recovered = 0;
    unsigned counted = 0;

    for (int i = 0; i < 600; i++) {
        struct mpsc_trouble_line line;

        if (mpsc_trouble_begin(&view, AUTH, NOW + i / 2, 0, &line)) {
            told++;
            counted += 1 + line.more;
        }
        if (mpsc_trouble_end(&view, AUTH, NOW + i / 2, &line)) {
            recovered++;
            counted += line.more;
        }
    }
    CU_ASSERT_EQUAL(told, 5);
    CU_ASSERT_EQUAL(recovered, 5);
    CU_ASSERT_EQUAL(counted + view.repeats[AUTH], 600);
}

/* It begins again soon after a line, and stays: told when the minute is over,
 * and only then can it recover. */
static void
test_begins_again(void)
{
    (void)begin_after(AUTH, 0, 0);
    CU_ASSERT_STRING_EQUAL(end_after(AUTH, 5),
                           "recovered: auth_failed is over after 5 s");
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 10, 0), "");
    CU_ASSERT_EQUAL(view.since_s[AUTH], NOW + 10);
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 61, 0),
                           "auth_failed: it failed (1 more since)");
    CU_ASSERT_STRING_EQUAL(end_after(AUTH, 70),
                           "recovered: auth_failed is over after 60 s");
    /* And once more, but it is over before the minute is. */
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 80, 0), "");
    CU_ASSERT_STRING_EQUAL(end_after(AUTH, 90), "");
    CU_ASSERT_EQUAL(view.since_s[AUTH], 0);
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 500, 0),
                           "auth_failed: it failed (1 more since)");
}

static void
test_expiry(void)
{
    CU_ASSERT_STRING_EQUAL(begin_after(REFRESH, 0, NOW + 500),
                           "refresh_failing: it failed; earliest expiry "
                           "2023-11-14T22:21:40Z");
    CU_ASSERT_EQUAL(view.earliest_expiry_s, NOW + 500);
    (void)begin_after(REFRESH, 1, NOW + 501);
    CU_ASSERT_EQUAL(view.earliest_expiry_s, NOW + 500);
    (void)begin_after(REFRESH, 1, 0);
    CU_ASSERT_EQUAL(view.earliest_expiry_s, NOW + 500);
    (void)begin_after(REFRESH, 2, NOW + 499);
    CU_ASSERT_EQUAL(view.earliest_expiry_s, NOW + 499);
    /* Another trouble doesn't touch it. */
    (void)begin_after(MPSC_TROUBLE_EXPIRED, 3, NOW + 100);
    (void)end_after(MPSC_TROUBLE_EXPIRED, 4);
    CU_ASSERT_EQUAL(view.earliest_expiry_s, NOW + 499);
    /* Once that one has ended, the next counts. */
    CU_ASSERT_STRING_EQUAL(begin_after(REFRESH, 499, NOW + 900),
                           "refresh_failing: it failed; earliest expiry "
                           "2023-11-14T22:28:20Z (3 more since)");
    CU_ASSERT_STRING_EQUAL(end_after(REFRESH, 600),
                           "recovered: refresh_failing is over after 600 s");
    CU_ASSERT_EQUAL(view.earliest_expiry_s, 0);
}

/* A day forward or back, at each point of a trouble's life. */
static void
test_clock_steps(void)
{
    (void)begin_after(AUTH, 0, 0);
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, DAY, 0),
                           "auth_failed: it failed");
    /* Not silent for a day. */
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 1, 0), "auth_failed: it failed");
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 2, 0), "");
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, -DAY, 0),
                           "auth_failed: it failed (1 more since)");
    CU_ASSERT_STRING_EQUAL(end_after(AUTH, -DAY + 9),
                           "recovered: auth_failed is over after 9 s");
    (void)begin_after(AUTH, 0, 0);
    CU_ASSERT_STRING_EQUAL(end_after(AUTH, -DAY),
                           "recovered: auth_failed is over after 0 s");
    /* Another process read its clock a moment earlier, or later. */
    begin();
    (void)begin_after(AUTH, 59, 0);
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 0, 0), "");
    CU_ASSERT_STRING_EQUAL(end_after(AUTH, 58),
                           "recovered: auth_failed is over after 0 s "
                           "(1 more since)");
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 58, 0), "");
    CU_ASSERT_STRING_EQUAL(end_after(AUTH, 58), "");
    /* A machine without a battery clock starts in 1970. */
    begin();
    CU_ASSERT_STRING_EQUAL(begin_after(AUTH, 10 - NOW, 0),
                           "auth_failed: it failed");
}

static void
test_extremes(void)
{
    const struct mpsc_trouble_line line = {REFRESH, 0, 0, UINT_MAX, INT64_MAX};
    char message[2 * sizeof(((struct mps_error *)0)->message)];

    (void)begin_after(AUTH, 0, 0);
    view.repeats[AUTH] = UINT_MAX;
    (void)begin_after(AUTH, 1, 0);
    CU_ASSERT_EQUAL(view.repeats[AUTH], UINT_MAX);
    /* The longest message there is leaves room for the rest. */
    memset(message, 'x', sizeof(message));
    message[sizeof(message) - 1] = '\0';
    mpsc_trouble_format(&line, message, text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "xx; earliest expiry "
                                        "9999-12-31T23:59:59Z "
                                        "(4294967295 more since)"));
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"kinds", test_kinds},
        {"repeats", test_repeats},
        {"flapping", test_flapping},
        {"beginning again", test_begins_again},
        {"earliest expiry", test_expiry},
        {"steps of the clock", test_clock_steps},
        {"extremes", test_extremes},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"trouble", NULL, NULL, begin, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
