/* SPDX-License-Identifier: MIT */
/* Names and times as the tool shows them. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <mps/credential.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run_suites.h"
#include "text.h"

#define NOW 1700000000 /* 2023-11-14 22:13:20 UTC */

static void
test_codes(void)
{
    CU_ASSERT_STRING_EQUAL(cli_text_code(MPS_OK), "MPS_OK");
    CU_ASSERT_STRING_EQUAL(cli_text_code(MPS_E_AUTH), "MPS_E_AUTH");
    CU_ASSERT_STRING_EQUAL(cli_text_code(17), "MPS_E_INTERNAL");
    CU_ASSERT_STRING_EQUAL(cli_text_code(18), "unknown code");
    CU_ASSERT_STRING_EQUAL(cli_text_code(-1), "unknown code");
    for (int code = MPS_OK; code <= MPS_E_INTERNAL; code++) {
        CU_ASSERT_PTR_NOT_NULL(cli_text_code(code));
    }
}

static void
test_sources(void)
{
    CU_ASSERT_STRING_EQUAL(cli_text_source(MPS_SOURCE_ENDPOINT), "endpoint");
    CU_ASSERT_STRING_EQUAL(cli_text_source(MPS_SOURCE_KEYRING), "keyring");
    CU_ASSERT_STRING_EQUAL(cli_text_source(0), "unknown");
}

static void
test_classes(void)
{
    unsigned classes = MPS_CLASS_CALLER | MPS_CLASS_ALERT | 1024u;
    unsigned all = 15;
    unsigned count = 0;

    CU_ASSERT_STRING_EQUAL(cli_text_take_class(&classes), "alert");
    CU_ASSERT_STRING_EQUAL(cli_text_take_class(&classes), "caller");
    CU_ASSERT_PTR_NULL(cli_text_take_class(&classes));
    while (cli_text_take_class(&all) != NULL) {
        count++;
    }
    CU_ASSERT_EQUAL(count, 4);
}

static void
test_distances(void)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {0, "(now)"},
        {1, "(in 1 second)"},
        {-1, "(1 second ago)"},
        {2, "(in 2 seconds)"},
        {119, "(in 119 seconds)"},
        {120, "(in 2 minutes)"},
        {3599, "(in 59 minutes)"},
        {3600, "(in 60 minutes)"},
        {7199, "(in 119 minutes)"},
        {7200, "(in 2 hours)"},
        {-7200, "(2 hours ago)"},
        {172799, "(in 47 hours)"},
        {172800, "(in 2 days)"},
        {60 * 86400 - 1, "(in 59 days)"},
        {-172800, "(2 days ago)"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[CLI_WHEN_SIZE];

        cli_text_when(text, sizeof(text), NOW + rows[i].seconds, NOW);
        CU_ASSERT_PTR_NOT_NULL_FATAL(strchr(text, '('));
        CU_ASSERT_STRING_EQUAL(strchr(text, '('), rows[i].text);
    }
}

static void
test_local_time(void)
{
    char text[CLI_WHEN_SIZE];

    CU_ASSERT_EQUAL(setenv("TZ", "XYZ-5:30", 1), 0);
    tzset();
    cli_text_when(text, sizeof(text), NOW, NOW - 7200);
    CU_ASSERT_STRING_EQUAL(text, "2023-11-15 03:43:20 +0530 (in 2 hours)");
    CU_ASSERT_EQUAL(setenv("TZ", "UTC0", 1), 0);
    tzset();
    cli_text_when(text, sizeof(text), NOW, NOW + 7200);
    CU_ASSERT_STRING_EQUAL(text, "2023-11-14 22:13:20 +0000 (2 hours ago)");
}

static void
test_no_calendar(void)
{
    char text[CLI_WHEN_SIZE];

    cli_text_when(text, sizeof(text), INT64_MAX, NOW);
    CU_ASSERT_STRING_EQUAL(text, "@9223372036854775807");
    cli_text_when(text, sizeof(text), INT64_MIN, NOW);
    CU_ASSERT_STRING_EQUAL(text, "@-9223372036854775808");
}

static CU_TestInfo tests[] = {
    {"codes", test_codes},
    {"sources", test_sources},
    {"classes", test_classes},
    {"distances", test_distances},
    {"local time", test_local_time},
    {"no calendar", test_no_calendar},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"cli text", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    return run_suites(suites);
}
