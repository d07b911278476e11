/* SPDX-License-Identifier: MIT */
/* Dates and times to Unix seconds and back. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <string.h>
#include <time.h>

#include "run_suites.h"
#include "utc.h"

static void
test_seconds(void)
{
    static const struct {
        struct mpsc_utc utc;
        int64_t expected;
    } rows[] = {
        {{1970, 1, 1, 0, 0, 0}, 0},
        {{1970, 1, 1, 0, 0, 1}, 1},
        {{1994, 11, 6, 8, 49, 37}, 784111777},
        {{2000, 2, 29, 12, 0, 0}, 951825600},
        {{2024, 2, 29, 23, 59, 59}, 1709251199},
        {{2025, 1, 1, 0, 0, 0}, 1735689600},
        {{2038, 1, 19, 3, 14, 8}, INT64_C(2147483648)},
        {{2100, 3, 1, 0, 0, 0}, INT64_C(4107542400)},
        {{9999, 12, 31, 23, 59, 59}, MPSC_UTC_MAX},
        {{1969, 12, 31, 23, 59, 59}, -1},
        {{10000, 1, 1, 0, 0, 0}, -1},
        {{2023, 2, 29, 0, 0, 0}, -1},
        {{2100, 2, 29, 0, 0, 0}, -1},
        {{2023, 4, 31, 0, 0, 0}, -1},
        {{2023, 0, 1, 0, 0, 0}, -1},
        {{2023, 13, 1, 0, 0, 0}, -1},
        {{2023, 1, 0, 0, 0, 0}, -1},
        {{2023, 1, 32, 0, 0, 0}, -1},
        {{2023, 1, 1, 24, 0, 0}, -1},
        {{2023, 1, 1, 0, 60, 0}, -1},
        {{2016, 12, 31, 23, 59, 60}, -1},
        {{2023, 1, 1, -1, 0, 0}, -1},
        {{2023, 1, 1, 0, -1, 0}, -1},
        {{2023, 1, 1, 0, 0, -1}, -1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(mpsc_utc_seconds(&rows[i].utc), rows[i].expected);
    }
}

/* Against the C library, every day for four hundred years. */
static void
test_every_day(void)
{
    int wrong = 0;

    for (int day = 0; day < 146097; day++) {
        time_t then = (time_t)day * 86400 + 4711;
        char expected[MPSC_UTC_TEXT_SIZE];
        char text[MPSC_UTC_TEXT_SIZE];
        struct tm tm;
        struct mpsc_utc utc;

        CU_ASSERT_PTR_NOT_NULL_FATAL(gmtime_r(&then, &tm));
        utc = (struct mpsc_utc){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                                tm.tm_hour,        tm.tm_min,     tm.tm_sec};
        wrong += mpsc_utc_seconds(&utc) != then;
        strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &tm);
        mpsc_utc_text(then, text);
        wrong += strcmp(text, expected) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void
test_text(void)
{
    static const struct {
        int64_t seconds;
        const char *expected;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {INT64_C(4107542399), "2100-02-28T23:59:59Z"},
        {MPSC_UTC_MAX, "9999-12-31T23:59:59Z"},
        {MPSC_UTC_MAX + 1, "9999-12-31T23:59:59Z"},
        {INT64_MAX, "9999-12-31T23:59:59Z"},
        {-1, "1970-01-01T00:00:00Z"},
        {INT64_MIN, "1970-01-01T00:00:00Z"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[MPSC_UTC_TEXT_SIZE];

        mpsc_utc_text(rows[i].seconds, text);
        CU_ASSERT_STRING_EQUAL(text, rows[i].expected);
    }
}

static void
test_digits(void)
{
    CU_ASSERT_EQUAL(mpsc_utc_digits("2025", 4), 2025);
    CU_ASSERT_EQUAL(mpsc_utc_digits("2025", 2), 20);
    CU_ASSERT_EQUAL(mpsc_utc_digits("00", 2), 0);
    CU_ASSERT_EQUAL(mpsc_utc_digits("0", 2), -1);
    CU_ASSERT_EQUAL(mpsc_utc_digits("", 2), -1);
    CU_ASSERT_EQUAL(mpsc_utc_digits("+1", 2), -1);
    CU_ASSERT_EQUAL(mpsc_utc_digits(" 1", 2), -1);
    CU_ASSERT_EQUAL(mpsc_utc_digits("1a", 2), -1);
}

static void
test_http_date(void)
{
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
                    784111777);
    /* Beyond what 32 bits hold. */
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Fri, 31 Dec 9999 23:59:59 GMT"),
                    MPSC_UTC_MAX);
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Tue, 19 Jan 2038 03:14:08 GMT"),
                    INT64_C(2147483648));
    /* The clock says 59 twice where a leap second is put in. */
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Sat, 31 Dec 2016 23:59:60 GMT"),
                    1483228799);
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Fri, 31 Dec 9999 23:59:60 GMT"),
                    MPSC_UTC_MAX);
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Sat, 31 Dec 2016 23:59:61 GMT"), -1);
    CU_ASSERT_EQUAL(mpsc_utc_http_date(""), -1);
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Sun, 06 nov 1994 08:49:37 GMT"), -1);
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Sun, 06 Nov 1994 08:49:37 UTC"), -1);
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Sun, 06 Nov 1994 08:49:37 GMT "), -1);
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Sun, +6 Nov 1994 08:49:37 GMT"), -1);
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Wed, 31 Dec 1969 23:59:59 GMT"), -1);
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), -1);
    CU_ASSERT_EQUAL(mpsc_utc_http_date("Sun Nov  6 08:49:37 1994"), -1);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"seconds", test_seconds},
        {"every day", test_every_day},
        {"text", test_text},
        {"digits", test_digits},
        {"date of HTTP", test_http_date},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"utc", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
