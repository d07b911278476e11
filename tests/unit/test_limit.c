/* SPDX-License-Identifier: MIT */
/* Rate limit, refused token, breaker and usage, under a virtual clock. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <string.h>

#include "error.h"
#include "limit.h"
#include "run_suites.h"

#define WALL_S INT64_C(1700000000)
#define BOOT_MS INT64_C(5000000)
#define DAY_S 86400
#define MOST UINT32_MAX

static struct mpsc_limits limits;
static struct mpsc_time now;

static void
begin(void)
{
    memset(&limits, 0, sizeof(limits));
    now =
        (struct mpsc_time){.wall_s = WALL_S, .boot_ms = BOOT_MS, .mono_ms = 1};
}

/* Whole seconds alone reach the wall clock, as in the real one. */
static void
pass(int64_t ms)
{
    now.boot_ms += ms;
    now.wall_s = WALL_S + (now.boot_ms - BOOT_MS) / 1000;
}

/* retry_in: seconds from now, 0 = none is given. */
static void
count_with(int code, int64_t retry_in, uint32_t random)
{
    struct mps_error error;

    mpsc_error_set(&error, code, "it was code %d", code);
    error.retry_at = retry_in != 0 ? now.wall_s + retry_in : 0;
    mpsc_limits_count(&limits, code == MPS_OK ? NULL : &error, -1, &now,
                      random);
}

static void
count(int code)
{
    count_with(code, 0, 0);
}

static enum mpsc_limits_verdict
verdict(void)
{
    const struct mpsc_limit *why;

    return mpsc_limits_check(&limits, now.boot_ms, &why);
}

/* For which code, 0 = open, and until when from now. */
static void
check_closed(int code, int64_t ms)
{
    const struct mpsc_limit *why;

    CU_ASSERT_EQUAL(mpsc_limits_check(&limits, now.boot_ms, &why),
                    MPSC_LIMITS_CLOSED);
    CU_ASSERT_PTR_NOT_NULL_FATAL(why);
    CU_ASSERT_EQUAL(why->code, code);
    CU_ASSERT_EQUAL(why->until_ms, now.boot_ms + ms);
    CU_ASSERT_FALSE(mpsc_limits_allow_advisory(&limits, now.boot_ms));
}

static void
check_open(void)
{
    const struct mpsc_limit *why = &limits.rate;

    CU_ASSERT_EQUAL(mpsc_limits_check(&limits, now.boot_ms, &why),
                    MPSC_LIMITS_OPEN);
    CU_ASSERT_PTR_NULL(why);
    CU_ASSERT_TRUE(mpsc_limits_allow_advisory(&limits, now.boot_ms));
}

/* Lets the pause pass, to the millisecond; what then is the verdict. */
static void
check_end(int code, int64_t ms, enum mpsc_limits_verdict after)
{
    pass(ms - 1);
    check_closed(code, 1);
    pass(1);
    CU_ASSERT_EQUAL(verdict(), after);
}

static void
open_breaker(void)
{
    begin();
    count(MPS_E_NETWORK);
    count(MPS_E_NETWORK);
    count(MPS_E_NETWORK);
    check_closed(MPS_E_NETWORK, 750);
}

static const int failures[] = {MPS_E_NETWORK, MPS_E_TLS, MPS_E_TIMEOUT,
                               MPS_E_SERVER};
static const int answers[] = {
    MPS_OK,          MPS_E_BAD_REQUEST,   MPS_E_AUTH,     MPS_E_FORBIDDEN,
    MPS_E_NOT_FOUND, MPS_E_UNPROCESSABLE, MPS_E_PROTOCOL, MPS_E_RATE_LIMITED};
static const int silent[] = {
    MPS_E_INVALID,   MPS_E_CONFIG, MPS_E_KEYRING, MPS_E_AGAIN, MPS_E_INTERNAL,
    MPS_E_NO_MEMORY, -1,           1000};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
test_rate_given(void)
{
    static const struct {
        int64_t retry_in, pause_s;
    } rows[] = {
        {1, 1},
        {60, 60},
        {7200, 7200},
        {DAY_S - 1, DAY_S - 1},
        {DAY_S, DAY_S},
        {DAY_S + 1, DAY_S},
        {INT64_MAX - WALL_S, DAY_S},
        /* None that is yet to come: the first step of our own. */
        {0, 15},
        {-1, 15},
        {-DAY_S, 15},
    };
    struct mps_error error;

    for (size_t i = 0; i < COUNT(rows); i++) {
        begin();
        check_open();
        count_with(MPS_E_RATE_LIMITED, rows[i].retry_in, 0);
        check_closed(MPS_E_RATE_LIMITED, rows[i].pause_s * 1000);
        check_end(MPS_E_RATE_LIMITED, rows[i].pause_s * 1000,
                  MPSC_LIMITS_OPEN);
        check_open();
    }
    /* Now is not yet to come. */
    begin();
    mpsc_error_set(&error, MPS_E_RATE_LIMITED, "HTTP 429");
    error.retry_at = now.wall_s;
    mpsc_limits_count(&limits, &error, -1, &now, 0);
    check_closed(MPS_E_RATE_LIMITED, 15000);
    /* It is the wall clock's now. */
    begin();
    now.wall_s = 0;
    count_with(MPS_E_RATE_LIMITED, 5, 0);
    check_closed(MPS_E_RATE_LIMITED, 5000);
}

static void
test_rate_steps(void)
{
    static const int64_t bounds[] = {30,  60,   120,  240,  480,
                                     960, 1920, 3600, 3600, 3600};
    static const uint32_t randoms[] = {0, MOST, UINT32_C(1) << 31};

    for (size_t i = 0; i < COUNT(randoms); i++) {
        begin();
        for (size_t j = 0; j < COUNT(bounds); j++) {
            int64_t half = bounds[j] * 500;
            int64_t drawn = i == 0 ? 0 : i == 1 ? half : half / 2;

            CU_ASSERT_EQUAL(limits.rate.step, j);
            count_with(MPS_E_RATE_LIMITED, 0, randoms[i]);
            check_closed(MPS_E_RATE_LIMITED, half + drawn);
            /* A success afterwards alone breaks the row. */
            count(MPS_E_NOT_FOUND);
            count(MPS_E_CONFIG);
            check_end(MPS_E_RATE_LIMITED, half + drawn, MPSC_LIMITS_OPEN);
            count(MPS_E_FORBIDDEN);
        }
        count(MPS_OK);
        CU_ASSERT_EQUAL(limits.rate.code, 0);
        count(MPS_E_RATE_LIMITED);
        check_closed(MPS_E_RATE_LIMITED, 15000);
    }
    begin();
    limits.rate.step = MPSC_LIMITS_COUNT_MAX;
    count(MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(limits.rate.step, MPSC_LIMITS_COUNT_MAX);
    check_closed(MPS_E_RATE_LIMITED, 1800000);
}

/* Results of requests that began before. */
static void
test_rate_late(void)
{
    begin();
    count(MPS_E_RATE_LIMITED);
    for (int i = 0; i < 32; i++) {
        count_with(MPS_E_RATE_LIMITED, 0, MOST);
    }
    CU_ASSERT_EQUAL(limits.rate.step, 1);
    check_closed(MPS_E_RATE_LIMITED, 15000);
    count(MPS_OK);
    check_closed(MPS_E_RATE_LIMITED, 15000);
    /* The longest of what the endpoint demands. */
    count_with(MPS_E_RATE_LIMITED, 10, 0);
    check_closed(MPS_E_RATE_LIMITED, 15000);
    count_with(MPS_E_RATE_LIMITED, 100, 0);
    check_closed(MPS_E_RATE_LIMITED, 100000);
    count_with(MPS_E_RATE_LIMITED, 99, 0);
    check_closed(MPS_E_RATE_LIMITED, 100000);
    CU_ASSERT_EQUAL(limits.rate.step, 1);
    /* The row goes on where it was. */
    pass(100000);
    count(MPS_E_RATE_LIMITED);
    check_closed(MPS_E_RATE_LIMITED, 30000);
}

static void
test_auth(void)
{
    begin();
    count_with(MPS_E_AUTH, 3600, MOST);
    check_closed(MPS_E_AUTH, 60000);
    pass(20000);
    /* Late ones neither prolong nor end it. */
    count(MPS_E_AUTH);
    count(MPS_OK);
    count(MPS_E_NOT_FOUND);
    check_closed(MPS_E_AUTH, 40000);
    check_end(MPS_E_AUTH, 40000, MPSC_LIMITS_OPEN);
    check_open();
    count(MPS_E_AUTH);
    check_closed(MPS_E_AUTH, 60000);
    check_end(MPS_E_AUTH, 60000, MPSC_LIMITS_OPEN);
    count(MPS_OK);
    CU_ASSERT_EQUAL(limits.auth.code, 0);
    CU_ASSERT_EQUAL(limits.auth.message[0], '\0');
}

/* Any three of the kind in a row. */
static void
test_breaker_opens(void)
{
    for (size_t i = 0; i < COUNT(failures); i++) {
        begin();
        count(failures[i]);
        check_open();
        count(failures[(i + 1) % COUNT(failures)]);
        check_open();
        count_with(failures[(i + 2) % COUNT(failures)], 0, MOST);
        check_closed(failures[(i + 2) % COUNT(failures)], 1250);
        check_end(failures[(i + 2) % COUNT(failures)], 1250,
                  MPSC_LIMITS_PROBE);
    }
    /* An answer between them. */
    for (size_t i = 0; i < COUNT(answers); i++) {
        begin();
        count(MPS_E_NETWORK);
        count(MPS_E_NETWORK);
        count(answers[i]);
        CU_ASSERT_EQUAL(limits.failures, 0);
        count(MPS_E_NETWORK);
        count(MPS_E_NETWORK);
        CU_ASSERT_EQUAL(limits.breaker.code, 0);
        count(MPS_E_NETWORK);
        CU_ASSERT_EQUAL(limits.breaker.code, MPS_E_NETWORK);
    }
    /* Codes that say nothing. */
    for (size_t i = 0; i < COUNT(silent); i++) {
        begin();
        count(MPS_E_NETWORK);
        count(MPS_E_NETWORK);
        count(silent[i]);
        count(silent[i]);
        check_open();
        count(MPS_E_NETWORK);
        check_closed(MPS_E_NETWORK, 750);
    }
}

static void
test_breaker_steps(void)
{
    static const int64_t bounds[] = {2, 4, 8, 16, 32, 60, 60, 60, 60, 60};
    static const struct {
        uint32_t random;
        int64_t percent;
    } jitter[] = {{0, 75}, {UINT32_C(1) << 31, 100}, {MOST, 125}};

    for (size_t i = 0; i < COUNT(jitter); i++) {
        open_breaker();
        pass(750);
        for (size_t j = 0; j < COUNT(bounds); j++) {
            int64_t pause = bounds[j] * 10 * jitter[i].percent;

            CU_ASSERT_EQUAL(verdict(), MPSC_LIMITS_PROBE);
            mpsc_limits_claim(&limits, now.boot_ms + 1000);
            CU_ASSERT_EQUAL(verdict(), MPSC_LIMITS_CLOSED);
            pass(10);
            count_with(failures[j % COUNT(failures)], 0, jitter[i].random);
            CU_ASSERT_EQUAL(limits.probe_until_ms, 0);
            check_closed(failures[j % COUNT(failures)], pause);
            check_end(failures[j % COUNT(failures)], pause, MPSC_LIMITS_PROBE);
        }
    }
    limits.breaker.step = MPSC_LIMITS_COUNT_MAX;
    limits.failures = MPSC_LIMITS_COUNT_MAX;
    mpsc_limits_claim(&limits, now.boot_ms + 1000);
    count(MPS_E_TLS);
    CU_ASSERT_EQUAL(limits.breaker.step, MPSC_LIMITS_COUNT_MAX);
    CU_ASSERT_EQUAL(limits.failures, MPSC_LIMITS_COUNT_MAX);
    check_closed(MPS_E_TLS, 45000);
}

static void
test_breaker_late(void)
{
    open_breaker();
    pass(100);
    for (int i = 0; i < 16; i++) {
        count_with(MPS_E_TIMEOUT, 0, MOST);
    }
    check_closed(MPS_E_NETWORK, 650);
    CU_ASSERT_EQUAL(limits.breaker.step, 1);
    CU_ASSERT_EQUAL(limits.failures, 19);
    /* After the pause, but nobody has claimed a probe: again, not longer. */
    pass(700);
    count(MPS_E_TIMEOUT);
    check_closed(MPS_E_TIMEOUT, 750);
    CU_ASSERT_EQUAL(limits.breaker.step, 1);
    /* The probe's own failure comes after its claim is over. */
    pass(750);
    mpsc_limits_claim(&limits, now.boot_ms + 1000);
    pass(1000);
    CU_ASSERT_EQUAL(verdict(), MPSC_LIMITS_PROBE);
    count(MPS_E_SERVER);
    check_closed(MPS_E_SERVER, 1500);
}

static void
test_probe(void)
{
    const struct mpsc_limit *why;

    open_breaker();
    pass(750);
    CU_ASSERT_EQUAL(mpsc_limits_check(&limits, now.boot_ms, &why),
                    MPSC_LIMITS_PROBE);
    CU_ASSERT_PTR_EQUAL(why, &limits.breaker);
    CU_ASSERT_TRUE(mpsc_limits_allow_advisory(&limits, now.boot_ms));
    mpsc_limits_claim(&limits, now.boot_ms + 10000);
    pass(9999);
    CU_ASSERT_EQUAL(mpsc_limits_check(&limits, now.boot_ms, &why),
                    MPSC_LIMITS_CLOSED);
    CU_ASSERT_PTR_EQUAL(why, &limits.breaker);
    CU_ASSERT_FALSE(mpsc_limits_allow_advisory(&limits, now.boot_ms));
    /* What says nothing doesn't end it, either. */
    count(MPS_E_CONFIG);
    CU_ASSERT_EQUAL(verdict(), MPSC_LIMITS_CLOSED);
    pass(1);
    CU_ASSERT_EQUAL(verdict(), MPSC_LIMITS_PROBE);
    mpsc_limits_claim(&limits, now.boot_ms + 10000);
    CU_ASSERT_EQUAL(verdict(), MPSC_LIMITS_CLOSED);
    for (size_t i = 0; i < COUNT(answers); i++) {
        open_breaker();
        pass(750);
        mpsc_limits_claim(&limits, now.boot_ms + 10000);
        count(answers[i]);
        CU_ASSERT_EQUAL(limits.breaker.code, 0);
        CU_ASSERT_EQUAL(limits.breaker.step, 0);
        CU_ASSERT_EQUAL(limits.failures, 0);
        CU_ASSERT_EQUAL(limits.probe_until_ms, 0);
        if (answers[i] == MPS_E_AUTH) {
            check_closed(MPS_E_AUTH, 60000);
        } else if (answers[i] == MPS_E_RATE_LIMITED) {
            check_closed(MPS_E_RATE_LIMITED, 15000);
        } else {
            check_open();
        }
        /* Also one that comes while the breaker's pause goes on. */
        open_breaker();
        count(answers[i]);
        CU_ASSERT_EQUAL(limits.breaker.code, 0);
    }
}

/* Of several reasons the one that lasts longest; a probe waits for all. */
static void
test_several(void)
{
    begin();
    count(MPS_E_AUTH);
    count_with(MPS_E_RATE_LIMITED, 59, 0);
    check_closed(MPS_E_AUTH, 60000);
    count_with(MPS_E_RATE_LIMITED, 61, 0);
    check_closed(MPS_E_RATE_LIMITED, 61000);
    count(MPS_E_NETWORK);
    count(MPS_E_NETWORK);
    count(MPS_E_NETWORK);
    check_closed(MPS_E_RATE_LIMITED, 61000);
    check_end(MPS_E_RATE_LIMITED, 61000, MPSC_LIMITS_PROBE);

    begin();
    count_with(MPS_E_RATE_LIMITED, 5, 0);
    count(MPS_E_AUTH);
    check_closed(MPS_E_AUTH, 60000);
    pass(59500);
    count(MPS_E_NETWORK);
    count(MPS_E_NETWORK);
    count(MPS_E_NETWORK);
    check_closed(MPS_E_NETWORK, 750);
}

static void
count_usage(int code, int app_usage)
{
    struct mps_error error;

    mpsc_error_set(&error, code, "usage");
    mpsc_limits_count(&limits, code == MPS_OK ? NULL : &error, app_usage, &now,
                      0);
}

static int
may_refresh(void)
{
    return mpsc_limits_allow_advisory(&limits, now.boot_ms);
}

/* In how many milliseconds from now a refresh may be made. */
static int64_t
refresh_in(void)
{
    return mpsc_limits_advisory_from(&limits, now.boot_ms) - now.boot_ms;
}

/* What keeps advisory refreshes for longest says until when. */
static void
test_advisory_from(void)
{
    begin();
    CU_ASSERT_EQUAL(refresh_in(), 0);
    count_with(MPS_E_RATE_LIMITED, 120, 0);
    CU_ASSERT_EQUAL(refresh_in(), 120000);
    count_usage(MPS_OK, 95);
    pass(1000);
    CU_ASSERT_EQUAL(refresh_in(), 299000);
    pass(299000);
    CU_ASSERT_EQUAL(refresh_in(), 0);

    begin();
    open_breaker();
    CU_ASSERT_EQUAL(refresh_in(), 750);
    pass(750);
    CU_ASSERT_EQUAL(refresh_in(), 0);
    mpsc_limits_claim(&limits, now.boot_ms + 10000);
    CU_ASSERT_EQUAL(refresh_in(), 10000);
    pass(10000);
    CU_ASSERT_EQUAL(refresh_in(), 0);
}

static void
test_usage(void)
{
    static const struct {
        int code, usage, is_delayed;
    } rows[] = {
        {MPS_OK, -1, 0},          {MPS_OK, 0, 0},        {MPS_OK, 94, 0},
        {MPS_OK, 95, 1},          {MPS_OK, 100, 1},      {MPS_OK, 1000, 1},
        {MPS_E_NOT_FOUND, 95, 1}, {MPS_E_SERVER, 95, 1}, {MPS_E_CONFIG, 95, 0},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        begin();
        count_usage(rows[i].code, rows[i].usage);
        CU_ASSERT_EQUAL(may_refresh(), !rows[i].is_delayed);
        /* It keeps nobody who needs a token. */
        CU_ASSERT_EQUAL(verdict(), MPSC_LIMITS_OPEN);
        pass(299999);
        CU_ASSERT_EQUAL(may_refresh(), !rows[i].is_delayed);
        pass(1);
        CU_ASSERT_TRUE(may_refresh());
    }
    begin();
    count_usage(MPS_OK, 95);
    pass(1000);
    count_usage(MPS_OK, -1);
    CU_ASSERT_FALSE(may_refresh());
    count_usage(MPS_OK, 96);
    pass(299999);
    CU_ASSERT_FALSE(may_refresh());
    count_usage(MPS_OK, 94);
    CU_ASSERT_TRUE(may_refresh());
}

static int64_t
explain(struct mps_error *error)
{
    const struct mpsc_limit *why;

    memset(error, '#', sizeof(*error));
    (void)mpsc_limits_check(&limits, now.boot_ms, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(why);
    mpsc_limits_explain(why, &now, error);
    CU_ASSERT_EQUAL(error->size, sizeof(*error));
    CU_ASSERT_EQUAL(error->user_title[0], '\0');
    CU_ASSERT_EQUAL(error->user_message[0], '\0');
    return error->retry_at - now.wall_s;
}

static void
test_explain(void)
{
    struct mps_error error;

    begin();
    mpsc_error_set(&error, MPS_E_RATE_LIMITED, "HTTP 429; wait");
    error.http_status = 429;
    error.graph_code = 80007;
    error.graph_subcode = 2494055;
    error.is_transient = 1;
    error.retry_at = now.wall_s + 30;
    strcpy(error.type, "OAuthException");
    strcpy(error.fbtrace_id, "AbC");
    strcpy(error.user_title, "not kept");
    mpsc_limits_count(&limits, &error, -1, &now, 0);
    CU_ASSERT_EQUAL(explain(&error), 30);
    CU_ASSERT_EQUAL(error.code, MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(error.http_status, 429);
    CU_ASSERT_EQUAL(error.graph_code, 80007);
    CU_ASSERT_EQUAL(error.graph_subcode, 2494055);
    CU_ASSERT_EQUAL(error.is_transient, 1);
    CU_ASSERT_STRING_EQUAL(error.type, "OAuthException");
    CU_ASSERT_STRING_EQUAL(error.fbtrace_id, "AbC");
    CU_ASSERT_STRING_EQUAL(error.message,
                           "not asked, since the endpoint limits the rate: "
                           "HTTP 429; wait");
    pass(999);
    CU_ASSERT_EQUAL(explain(&error), 30);
    pass(1);
    CU_ASSERT_EQUAL(explain(&error), 29);
    pass(28999);
    CU_ASSERT_EQUAL(explain(&error), 1);

    begin();
    count(MPS_E_AUTH);
    CU_ASSERT_EQUAL(explain(&error), 60);
    CU_ASSERT_EQUAL(error.code, MPS_E_AUTH);
    CU_ASSERT_STRING_EQUAL(error.message,
                           "not asked, since the endpoint refused the "
                           "partner's token: it was code 4");

    /* Also when the pause is over and somebody probes. */
    open_breaker();
    CU_ASSERT_EQUAL(explain(&error), 1);
    CU_ASSERT_EQUAL(error.code, MPS_E_NETWORK);
    CU_ASSERT_STRING_EQUAL(error.message,
                           "not asked, since the endpoint failed again and "
                           "again: it was code 10");
    pass(750);
    mpsc_limits_claim(&limits, now.boot_ms + 10000);
    CU_ASSERT_EQUAL(explain(&error), 1);
    pass(5000);
    CU_ASSERT_EQUAL(explain(&error), 1);
}

/* The longest message still fits, cut at a character. */
static void
test_long_message(void)
{
    struct mps_error error;

    begin();
    mpsc_error_set(&error, MPS_E_AUTH, "x");
    for (size_t i = 0; i + 2 < sizeof(error.message); i += 2) {
        memcpy(error.message + i, "\xc3\xa9", 3);
    }
    memset(error.type, 't', sizeof(error.type) - 1);
    memset(error.fbtrace_id, 'f', sizeof(error.fbtrace_id) - 1);
    mpsc_limits_count(&limits, &error, -1, &now, 0);
    (void)explain(&error);
    CU_ASSERT(strlen(error.message) >= sizeof(error.message) - 2);
    CU_ASSERT(strlen(error.message) < sizeof(error.message));
    CU_ASSERT_EQUAL(error.message[strlen(error.message) - 1], '\xa9');
    CU_ASSERT_EQUAL(strlen(error.type), sizeof(error.type) - 1);
    CU_ASSERT_EQUAL(strlen(error.fbtrace_id), sizeof(error.fbtrace_id) - 1);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"rate limit with a time", test_rate_given},
        {"rate limit without", test_rate_steps},
        {"rate limit, late results", test_rate_late},
        {"refused token", test_auth},
        {"breaker opens", test_breaker_opens},
        {"breaker's steps", test_breaker_steps},
        {"breaker, late results", test_breaker_late},
        {"probe", test_probe},
        {"several reasons", test_several},
        {"usage", test_usage},
        {"advisory refreshes, from when", test_advisory_from},
        {"explanation", test_explain},
        {"long message", test_long_message},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"limit", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
