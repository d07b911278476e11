/* SPDX-License-Identifier: MIT */
/* The line of progress: its layout at any width, and its rate. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <string.h>

#include "progress.h"
#include "run_suites.h"

static const struct cli_progress half = {
    .total = 1000, .done = 500, .failed = 3, .rate = 50};

static void
test_layout(void)
{
    static const struct {
        unsigned columns;
        const char *line;
    } rows[] = {
        {200, "[======================>                        ] "
              " 500/1000   50%  3 failed  ETA 0:10  50/s"},
        {60, "[======>        ]  500/1000   50%  3 failed  ETA 0:10  50/s"},
        {52, "[==>    ]  500/1000   50%  3 failed  ETA 0:10  50/s"},
        {51, " 500/1000   50%  3 failed  ETA 0:10  50/s"},
        {42, " 500/1000   50%  3 failed  ETA 0:10  50/s"},
        {41, " 500/1000   50%  3 failed  ETA 0:10"},
        {35, " 500/1000   50%  3 failed"},
        {25, " 500/1000   50%"},
        {15, " 500/1000"},
        {9, ""},
        {1, ""},
        {0, ""},
    };
    char line[CLI_PROGRESS_SIZE];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cli_progress_format(&half, line, rows[i].columns);
        CU_ASSERT_STRING_EQUAL(line, rows[i].line);
    }
}

/* At every width and state the line fits, and its bar is as full as it says.
 */
static void
test_fits(void)
{
    char line[CLI_PROGRESS_SIZE];

    for (unsigned columns = 0; columns < 2 * CLI_PROGRESS_SIZE; columns++) {
        for (size_t done = 0; done <= 70; done++) {
            const struct cli_progress progress = {
                .total = 70, .done = done, .failed = done, .rate = 1e9};

            cli_progress_format(&progress, line, columns);
            CU_ASSERT(columns == 0 ? line[0] == '\0' : strlen(line) < columns);
            CU_ASSERT(strlen(line) < CLI_PROGRESS_SIZE);
            if (line[0] == '[') {
                size_t cells = (size_t)(strchr(line, ']') - line) - 1;

                CU_ASSERT_EQUAL(strcspn(line, " ]") - 1, cells * done / 70);
                CU_ASSERT(cells >= 7);
            }
        }
    }
}

static void
test_ends(void)
{
    struct cli_progress progress = {.total = 9};
    char line[CLI_PROGRESS_SIZE];

    cli_progress_format(&progress, line, 60);
    CU_ASSERT_STRING_EQUAL(
        line, "[                    ] 0/9    0%  0 failed  ETA -:--  0.0/s");
    progress.done = 9;
    progress.rate = 2.26;
    cli_progress_format(&progress, line, 60);
    CU_ASSERT_STRING_EQUAL(
        line, "[====================] 9/9  100%  0 failed  ETA 0:00  2.3/s");
    /* 100 % is not said before all is done. */
    progress.total = 100000;
    progress.done = 99999;
    cli_progress_format(&progress, line, 40);
    CU_ASSERT_PTR_NOT_NULL(strstr(line, " 99%"));
    /* Nothing to do is done. */
    memset(&progress, 0, sizeof(progress));
    cli_progress_format(&progress, line, 10);
    CU_ASSERT_STRING_EQUAL(line, "0/0  100%");
}

static void
test_time_left(void)
{
    static const struct {
        size_t total;
        double rate;
        const char *text;
    } rows[] = {
        {7, 1, "ETA 0:07 "},          {90, 1, "ETA 1:30 "},
        {3599, 1, "ETA 59:59 "},      {3600, 1, "ETA 1:00:00 "},
        {359999, 1, "ETA 99:59:59 "}, {360000, 1, "ETA -:-- "},
        {7, 0, "ETA -:-- "},          {7, 1e-30, "ETA -:-- "},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct cli_progress progress = {.total = rows[i].total,
                                              .rate = rows[i].rate};
        char line[CLI_PROGRESS_SIZE];

        cli_progress_format(&progress, line, 80);
        CU_ASSERT_PTR_NOT_NULL(strstr(line, rows[i].text));
    }
}

static int
is_about(double value, double expected)
{
    return value > expected * 0.99 && value < expected * 1.01;
}

static void
test_rate(void)
{
    struct cli_progress progress;

    cli_progress_begin(&progress, 1000, 5000);
    CU_ASSERT_EQUAL(progress.total, 1000);
    CU_ASSERT_EQUAL(progress.rate, 0);
    /* In the beginning it is the mean of all. */
    cli_progress_note(&progress, 10, 1, 5100);
    CU_ASSERT(is_about(progress.rate, 100));
    CU_ASSERT_EQUAL(progress.done, 10);
    CU_ASSERT_EQUAL(progress.failed, 1);
    cli_progress_note(&progress, 10, 1, 5200);
    CU_ASSERT(is_about(progress.rate, 50));
    cli_progress_note(&progress, 90, 1, 6000);
    CU_ASSERT(is_about(progress.rate, 90));
    /* No time has passed: what came is counted the next time. */
    cli_progress_note(&progress, 95, 2, 6000);
    CU_ASSERT(is_about(progress.rate, 90));
    CU_ASSERT_EQUAL(progress.failed, 2);
    cli_progress_note(&progress, 100, 2, 7000);
    CU_ASSERT(is_about(progress.rate, 50));
}

/* Later what is long ago counts no more. */
static void
test_rate_of_late(void)
{
    struct cli_progress progress;
    size_t done = 1000;

    cli_progress_begin(&progress, 10000, 0);
    cli_progress_note(&progress, done, 0, 100);
    for (int64_t now = 200; now <= 60000; now += 100) {
        done += 1;
        cli_progress_note(&progress, done, 0, now);
    }
    CU_ASSERT(is_about(progress.rate, 10));
}

static CU_TestInfo tests[] = {
    {"layout", test_layout},
    {"any width", test_fits},
    {"beginning and end", test_ends},
    {"time left", test_time_left},
    {"rate", test_rate},
    {"rate of late", test_rate_of_late},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"cli_progress", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    return run_suites(suites);
}
