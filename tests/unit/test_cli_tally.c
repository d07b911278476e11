/* SPDX-License-Identifier: MIT */
/* What the tool prints of many results. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <stdlib.h>
#include <string.h>

#include "run_suites.h"
#include "tally.h"

static char *text;
static size_t text_len;
static FILE *out;

static void
begin(void)
{
    out = open_memstream(&text, &text_len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
}

static void
fill(struct cli_tally *tally, size_t total, size_t ok, size_t failed, int code)
{
    char id[24];

    CU_ASSERT_EQUAL_FATAL(cli_tally_init(tally, total), 0);
    for (size_t i = 0; i < ok + failed; i++) {
        snprintf(id, sizeof(id), "%zu", 100 + i);
        cli_tally_add(tally, id, i < ok ? MPS_OK : code);
    }
}

static void
check_summary(struct cli_tally *tally, const char *expected)
{
    begin();
    CU_ASSERT_EQUAL(cli_tally_summary(out, tally), 0);
    fclose(out);
    CU_ASSERT_STRING_EQUAL(text, expected);
    free(text);
    cli_tally_free(tally);
}

static void
test_summary(void)
{
    struct cli_tally tally;

    fill(&tally, 0, 0, 0, 0);
    check_summary(&tally, "0 businesses: 0 ok, 0 failed\n");
    fill(&tally, 1, 1, 0, 0);
    check_summary(&tally, "1 business: 1 ok, 0 failed\n");
    fill(&tally, 9, 3, 2, MPS_E_AUTH);
    cli_tally_add(&tally, "1", MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(cli_tally_not_done(&tally), 3);
    check_summary(&tally, "9 businesses: 3 ok, 3 failed, 3 not done\n"
                          "       2  MPS_E_AUTH\n"
                          "       1  MPS_E_UNPROCESSABLE\n");
    /* A later module's codes have no name here. */
    fill(&tally, 3, 0, 1, 18);
    cli_tally_add(&tally, "1", 99);
    cli_tally_add(&tally, "2", -1);
    check_summary(&tally, "3 businesses: 0 ok, 3 failed\n"
                          "       3  unknown code\n");
}

/* One that answers more often than it was asked harms nobody. */
static void
test_too_many(void)
{
    struct cli_tally tally;

    fill(&tally, 2, 1, 5, MPS_E_AUTH);
    CU_ASSERT_EQUAL(cli_tally_not_done(&tally), 0);
    check_summary(&tally, "2 businesses: 1 ok, 1 failed\n"
                          "       1  MPS_E_AUTH\n");
}

static size_t
count_lines(void)
{
    size_t count = 0;

    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        count++;
    }
    return count;
}

static void
list(const struct cli_tally *tally, int all)
{
    begin();
    cli_tally_list(out, tally, all);
    fclose(out);
}

static void
test_list(void)
{
    struct cli_tally tally;

    fill(&tally, 30, 2, 20, MPS_E_NOT_FOUND);
    list(&tally, 0);
    CU_ASSERT_EQUAL(count_lines(), 20);
    CU_ASSERT_PTR_NULL(strstr(text, "more"));
    CU_ASSERT_PTR_EQUAL(
        strstr(text, "mps-credential: business 102: MPS_E_NOT_FOUND\n"), text);
    free(text);
    cli_tally_add(&tally, "7", MPS_E_SERVER);
    cli_tally_add(&tally, "8", MPS_E_SERVER);
    list(&tally, 0);
    CU_ASSERT_EQUAL(count_lines(), 21);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "... and 2 more (--verbose lists all)\n"));
    free(text);
    list(&tally, 1);
    CU_ASSERT_EQUAL(count_lines(), 22);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "business 8: MPS_E_SERVER\n"));
    free(text);
    cli_tally_free(&tally);
}

static struct json_object *
json_of(struct cli_tally *tally, const struct mps_error *error,
        unsigned classes)
{
    struct json_object *json;

    begin();
    CU_ASSERT_EQUAL(cli_tally_json(out, tally, error, classes), 0);
    fclose(out);
    CU_ASSERT_EQUAL(count_lines(), 1);
    json = json_tokener_parse(text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    free(text);
    cli_tally_free(tally);
    return json;
}

/* The value at a JSON pointer. */
static const char *
at(struct json_object *json, const char *pointer)
{
    struct json_object *value = NULL;

    (void)json_pointer_get(json, pointer, &value);
    return value != NULL ? json_object_get_string(value) : "(absent)";
}

static void
test_json(void)
{
    const struct mps_error none = {.size = sizeof(none)};
    const struct mps_error error = {.size = sizeof(error),
                                    .code = MPS_E_AUTH,
                                    .retry_at = 7,
                                    .message = "it is \"revoked\""};
    struct json_object *json;
    struct cli_tally tally;

    fill(&tally, 2, 2, 0, 0);
    json = json_of(&tally, &none, 0);
    CU_ASSERT_STRING_EQUAL(at(json, "/code"), "MPS_OK");
    CU_ASSERT_STRING_EQUAL(at(json, "/ok"), "2");
    CU_ASSERT_STRING_EQUAL(at(json, "/failures"), "[ ]");
    CU_ASSERT_STRING_EQUAL(at(json, "/failed_by_code"), "{ }");
    CU_ASSERT_STRING_EQUAL(at(json, "/message"), "(absent)");
    json_object_put(json);

    fill(&tally, 40, 2, 30, MPS_E_AUTH);
    json = json_of(&tally, &error, MPS_CLASS_RETRY | MPS_CLASS_ALERT);
    CU_ASSERT_STRING_EQUAL(at(json, "/code"), "MPS_E_AUTH");
    CU_ASSERT_STRING_EQUAL(at(json, "/code_number"), "4");
    CU_ASSERT_STRING_EQUAL(at(json, "/total"), "40");
    CU_ASSERT_STRING_EQUAL(at(json, "/failed"), "30");
    CU_ASSERT_STRING_EQUAL(at(json, "/not_done"), "8");
    CU_ASSERT_STRING_EQUAL(at(json, "/failed_by_code/MPS_E_AUTH"), "30");
    CU_ASSERT_STRING_EQUAL(at(json, "/failures/29/business"), "131");
    CU_ASSERT_STRING_EQUAL(at(json, "/failures/29/code"), "MPS_E_AUTH");
    CU_ASSERT_STRING_EQUAL(at(json, "/failures/29/code_number"), "4");
    CU_ASSERT_STRING_EQUAL(at(json, "/message"), "it is \"revoked\"");
    CU_ASSERT_STRING_EQUAL(at(json, "/retry_at"), "7");
    CU_ASSERT_STRING_EQUAL(at(json, "/class/1"), "alert");
    json_object_put(json);
}

static void
test_full_device(void)
{
    const struct mps_error none = {.size = sizeof(none)};
    FILE *full = fopen("/dev/full", "we");
    struct cli_tally tally;

    CU_ASSERT_PTR_NOT_NULL_FATAL(full);
    fill(&tally, 1, 1, 0, 0);
    CU_ASSERT_EQUAL(cli_tally_summary(full, &tally), -1);
    CU_ASSERT_EQUAL(cli_tally_json(full, &tally, &none, 0), -1);
    cli_tally_free(&tally);
    fclose(full);
}

static CU_TestInfo tests[] = {
    {"summary", test_summary},
    {"too many answers", test_too_many},
    {"list", test_list},
    {"JSON", test_json},
    {"full device", test_full_device},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"cli_tally", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    return run_suites(suites);
}
