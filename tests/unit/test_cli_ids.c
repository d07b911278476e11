/* SPDX-License-Identifier: MIT */
/* Lists of business ids: what is a line, what is none. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <string.h>

#include "ids.h"
#include "run_suites.h"

/* Reads a list of these bytes, which the caller frees. */
static int
read_bytes(const char *bytes, size_t len, struct cli_ids *ids)
{
    FILE *in = tmpfile();
    int result;

    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    memset(ids, 0, sizeof(*ids));
    CU_ASSERT_EQUAL(fwrite(bytes, 1, len, in), len);
    rewind(in);
    result = cli_ids_read(in, ids);
    fclose(in);
    return result;
}

/* Reads a text; the ids, joined by blanks. */
static const char *
joined(const char *text)
{
    static char line[512];
    struct cli_ids ids;

    line[0] = '\0';
    CU_ASSERT_EQUAL(read_bytes(text, strlen(text), &ids), 0);
    CU_ASSERT_EQUAL(ids.bad_count, 0);
    for (size_t i = 0; i < ids.count; i++) {
        strcat(strcat(line, i > 0 ? " " : ""), ids.ids[i]);
    }
    cli_ids_free(&ids);
    CU_ASSERT_PTR_NULL(ids.ids);
    return line;
}

static void
test_lines(void)
{
    CU_ASSERT_STRING_EQUAL(joined("1\n22\n333\n"), "1 22 333");
    CU_ASSERT_STRING_EQUAL(joined("1\n22"), "1 22");
    CU_ASSERT_STRING_EQUAL(joined("1\r\n22\r\n\r\n"), "1 22");
    CU_ASSERT_STRING_EQUAL(joined(""), "");
    CU_ASSERT_STRING_EQUAL(joined("\n\n \t \n"), "");
    CU_ASSERT_STRING_EQUAL(joined("# all\n#\n  # indented 7\n"), "");
    CU_ASSERT_STRING_EQUAL(joined(" 1 \n\t2\t# two\n3# three\r\n"), "1 2 3");
    CU_ASSERT_STRING_EQUAL(joined("12345678901234567890\n"),
                           "12345678901234567890");
}

/* The first one's place counts, and 01 is another text than 1. */
static void
test_duplicates(void)
{
    CU_ASSERT_STRING_EQUAL(joined("2\n1\n2\n01\n1\n2\n"), "2 1 01");
}

static void
test_bad_lines(void)
{
    static const char *const lines[] = {
        "x",        "1x",   "1 2", "-1",  "+1",
        "1,",       "1;2",  "0x1", "1.0", "123456789012345678901",
        "\xc3\xa9", "1\r2", "\v1",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct cli_ids ids;
        char text[64];

        snprintf(text, sizeof(text), "5\n\n%s\n6\n", lines[i]);
        CU_ASSERT_EQUAL(read_bytes(text, strlen(text), &ids), 0);
        CU_ASSERT_EQUAL(ids.bad_count, 1);
        CU_ASSERT_EQUAL(ids.bad[0], 3);
        CU_ASSERT_EQUAL(ids.count, 2);
        cli_ids_free(&ids);
    }
}

static void
test_nul(void)
{
    struct cli_ids ids;

    CU_ASSERT_EQUAL(read_bytes("1\n2\0003\n", 6, &ids), 0);
    CU_ASSERT_EQUAL(ids.bad_count, 1);
    CU_ASSERT_EQUAL(ids.bad[0], 2);
    cli_ids_free(&ids);
}

static void
test_many(void)
{
    struct cli_ids ids = {.ids = NULL};
    FILE *in = tmpfile();

    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    for (int i = 0; i < 3000; i++) {
        fprintf(in, "%d\nbad\n", i % 1000);
    }
    rewind(in);
    CU_ASSERT_EQUAL(cli_ids_read(in, &ids), 0);
    CU_ASSERT_EQUAL(ids.count, 1000);
    CU_ASSERT_STRING_EQUAL(ids.ids[999], "999");
    CU_ASSERT_EQUAL(ids.bad_count, 3000);
    CU_ASSERT_EQUAL(ids.bad[CLI_IDS_BAD_MAX - 1], 2 * CLI_IDS_BAD_MAX);
    cli_ids_free(&ids);
    fclose(in);
}

static void
test_unreadable(void)
{
    struct cli_ids ids = {.ids = NULL};
    FILE *in = fopen("/", "re");

    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    errno = 0;
    CU_ASSERT_EQUAL(cli_ids_read(in, &ids), -1);
    CU_ASSERT_EQUAL(errno, EISDIR);
    cli_ids_free(&ids);
    fclose(in);
}

static void
test_ok(void)
{
    CU_ASSERT_TRUE(cli_ids_ok("0"));
    CU_ASSERT_TRUE(cli_ids_ok("12345678901234567890"));
    CU_ASSERT_FALSE(cli_ids_ok("123456789012345678901"));
    CU_ASSERT_FALSE(cli_ids_ok(""));
    CU_ASSERT_FALSE(cli_ids_ok("1 "));
    CU_ASSERT_FALSE(cli_ids_ok("x"));
}

static CU_TestInfo tests[] = {
    {"lines", test_lines},         {"duplicates", test_duplicates},
    {"bad lines", test_bad_lines}, {"a NUL byte", test_nul},
    {"many", test_many},           {"unreadable", test_unreadable},
    {"one id", test_ok},           CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"cli_ids", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    return run_suites(suites);
}
