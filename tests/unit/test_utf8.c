/* SPDX-License-Identifier: MIT */
/* Text from outside, made fit for messages. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "run_suites.h"
#include "utf8.h"

static void
test_copy(void)
{
    static const struct {
        const char *from;
        size_t size;
        const char *expected;
    } rows[] = {
        {"", 8, ""},
        {"plain", 8, "plain"},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 16,
         "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        /* Cut at a character. */
        {"plain", 1, ""},
        {"plain", 5, "plai"},
        {"plain", 6, "plain"},
        {"a\xc3\xa4", 3, "a"},
        {"a\xc3\xa4", 4, "a\xc3\xa4"},
        {"a\xe2\x82\xac", 4, "a"},
        {"a\xf0\x9f\x98\x80", 5, "a"},
        /* Control bytes, C1 among them. */
        {"a\nb\rc\td", 16, "a?b?c?d"},
        {"\x1b[2J\x7f\x01", 16, "?[2J??"},
        {"\xc2\x80\xc2\x9f\xc2\xa0", 16, "????\xc2\xa0"},
        /* Not UTF-8: stray, cut, overlong, surrogate, too large. */
        {"\x80\xbf", 16, "??"},
        {"\xff\xfe", 16, "??"},
        {"\xc3", 16, "?"},
        {"\xe2\x82", 16, "??"},
        {"\xe2\x82x", 16, "??x"},
        {"\xc0\xaf", 16, "??"},
        {"\xc1\xbf", 16, "??"},
        {"\xe0\x80\xaf", 16, "???"},
        {"\xe0\x9f\xbf", 16, "???"},
        {"\xf0\x8f\xbf\xbf", 16, "????"},
        {"\xf0\x80\x80\xaf", 16, "????"},
        {"\xed\xa0\x80", 16, "???"},
        {"\xed\x9f\xbf", 16, "\xed\x9f\xbf"},
        {"\xf4\x8f\xbf\xbf", 16, "\xf4\x8f\xbf\xbf"},
        {"\xf4\x90\x80\x80", 16, "????"},
        {"\xf5\x80\x80\x80", 16, "????"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char to[32];

        memset(to, '#', sizeof(to));
        mpsc_utf8_copy(to, rows[i].size, rows[i].from);
        if (strcmp(to, rows[i].expected) != 0) {
            printf("row %zu: %s\n", i, to);
        }
        CU_ASSERT_STRING_EQUAL(to, rows[i].expected);
        for (size_t j = rows[i].size; j < sizeof(to); j++) {
            CU_ASSERT_EQUAL(to[j], '#');
        }
    }
}

static void
test_decode(void)
{
    static const struct {
        const char *from;
        size_t len, length;
        uint32_t point;
    } rows[] = {
        {"a", 1, 1, 'a'},
        {"\0", 1, 1, 0},
        {"\xc3\xa9", 2, 2, 0xe9},
        {"\xe2\x82\xac", 3, 3, 0x20ac},
        {"\xf0\x9f\x98\x80", 4, 4, 0x1f600},
        {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
        {"a", 0, 0, 0},
        {"\xc3\xa9", 1, 0, 0},
        {"\xf0\x9f\x98\x80", 3, 0, 0},
        {"\xc0\x80", 2, 0, 0},
        {"\xed\xa0\x80", 3, 0, 0},
        {"\xf4\x90\x80\x80", 4, 0, 0},
        {"\xa9", 1, 0, 0},
        {"\xe2\x28\xac", 3, 0, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t point = 0;

        CU_ASSERT_EQUAL(mpsc_utf8_decode(rows[i].from, rows[i].len, &point),
                        rows[i].length);
        if (rows[i].length > 0) {
            CU_ASSERT_EQUAL(point, rows[i].point);
        }
    }
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"copy", test_copy},
        {"decode", test_decode},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"utf8", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
