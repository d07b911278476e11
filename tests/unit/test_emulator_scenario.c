/* SPDX-License-Identifier: MIT */
/* Scenario files, good and bad. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run_suites.h"
#include "scenario.h"

static char path[] = "/tmp/test_emulator_scenario.XXXXXX";
static struct emu_error error;

/* Reads the text as a scenario file; the result is emu_scenario_read's. */
static int
read_text(const char *text, struct emu_endpoint *endpoint)
{
    FILE *file = fopen(path, "we");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fputs(text, file) >= 0);
    CU_ASSERT_EQUAL(fclose(file), 0);
    memset(&error, 0, sizeof error);
    return emu_scenario_read(path, endpoint, &error);
}

static unsigned
status_of(struct emu_endpoint *endpoint, const char *business_id)
{
    const struct emu_request request = {
        .method = "GET",
        .path = "/v23.0/42/access_token",
        .authorization = "Bearer EAAtest",
        .business_id = business_id,
        .business_ids = 1,
    };
    struct emu_answer answer = {0};
    unsigned status = 0;

    if (emu_endpoint_answer(endpoint, &request, &answer) == 0) {
        status = answer.status;
    }
    emu_answer_clear(&answer);
    return status;
}

/* The text is refused in words that name the file and contain said. */
static void
check_bad(const char *text, const char *said)
{
    struct emu_endpoint *endpoint = emu_endpoint_new();
    int result;

    CU_ASSERT_PTR_NOT_NULL_FATAL(endpoint);
    result = read_text(text, endpoint);
    if (result != -1 || !strstr(error.text, path) ||
        !strstr(error.text, said)) {
        (void)printf("\n  %s -> %d: %s\n", text, result, error.text);
    }
    CU_ASSERT_EQUAL(result, -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, path));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, said));
    emu_endpoint_free(endpoint);
}

static void
test_good(void)
{
    struct emu_endpoint *endpoint = emu_endpoint_new();

    CU_ASSERT_PTR_NOT_NULL_FATAL(endpoint);
    CU_ASSERT_EQUAL(read_text("# a comment\n"
                              "solution_id = 42\n"
                              "partner_token = EAAtest\n"
                              "unknown_business = 404\n"
                              "[business 1]\n"
                              "status = 403\n"
                              "[2]\n"
                              "fault = cut=10\n"
                              "expires_at = \"soon\"\n"
                              "lifetime_s = -3600\n"
                              "[business 3]\n",
                              endpoint),
                    0);
    CU_ASSERT_STRING_EQUAL(error.text, "");
    CU_ASSERT_TRUE(emu_endpoint_has_token(endpoint));
    CU_ASSERT_EQUAL(status_of(endpoint, "1"), 403);
    CU_ASSERT_EQUAL(status_of(endpoint, "2"), 200);
    CU_ASSERT_EQUAL(status_of(endpoint, "9"), 404);
    emu_endpoint_free(endpoint);
}

/* A key that ends one group and begins the next one is the next one's too. */
static void
test_same_key_next_group(void)
{
    struct emu_endpoint *endpoint = emu_endpoint_new();

    CU_ASSERT_PTR_NOT_NULL_FATAL(endpoint);
    CU_ASSERT_EQUAL(read_text("solution_id = 42\n"
                              "partner_token = EAAtest\n"
                              "status = 500\n"
                              "[business 1]\n"
                              "status = 403\n"
                              "[business 2]\n"
                              "status = 422\n",
                              endpoint),
                    0);
    CU_ASSERT_EQUAL(status_of(endpoint, "1"), 403);
    CU_ASSERT_EQUAL(status_of(endpoint, "2"), 422);
    CU_ASSERT_EQUAL(status_of(endpoint, "3"), 500);
    emu_endpoint_free(endpoint);
    check_bad("solution_id = 42\n[1]\nsolution_id = 43\n",
              "[1]: solution_id: this key is the endpoint's");
}

static void
test_empty(void)
{
    struct emu_endpoint *endpoint = emu_endpoint_new();

    CU_ASSERT_PTR_NOT_NULL_FATAL(endpoint);
    CU_ASSERT_EQUAL(read_text("", endpoint), 0);
    CU_ASSERT_FALSE(emu_endpoint_has_token(endpoint));
    emu_endpoint_free(endpoint);
}

static void
test_bad_values(void)
{
    check_bad("latency = 1\n", "latency: there is no such key");
    check_bad("latency_ms = 1s\n", "latency_ms = 1s: give a number");
    check_bad("latency_ms = -1\n", "latency_ms = -1");
    check_bad("latency_ms =\n", "latency_ms");
    check_bad("lifetime_s = 9999999999999999999\n", "lifetime_s = 9999");
    check_bad("solution_id = 12x\n", "solution_id = 12x");
    check_bad("shape = round\n", "shape = round: give flat or data");
    check_bad("rotation = never\n", "rotation = never: give always or same");
    check_bad("unknown_business = 200\n", "give 404 or token");
    check_bad("fault = resett\n", "fault = resett: there is no such fault");
    check_bad("fault = cut\n", "cut needs a number");
    check_bad("fault = cut=-1\n", "cut takes a number from 0");
    check_bad("fault = stall=5\n", "stall takes no number");
    check_bad("fault_count = 0\n", "fault_count = 0");
    check_bad("status = 199\n", "status = 199");
    check_bad("status = 600\n", "status = 600");
    check_bad("token_length = 3\n", "token_length = 3");
    check_bad("body_file = /nonexistent/x\n", "cannot open /nonexistent/x");
    check_bad("partner_token_file = /nonexistent/x\n",
              "cannot open /nonexistent/x");
    check_bad("[business 1]\nsolution_id = 5\n",
              "[business 1]: solution_id: this key is the endpoint's");
    check_bad("[business x]\nstatus = 500\n", "[business x]: no business");
}

static void
test_bad_syntax(void)
{
    check_bad("status 500\n", "line 1");
    check_bad("\n[business 1\nstatus = 500\n", "line 2");
}

static void
test_no_file(void)
{
    CU_ASSERT_EQUAL(emu_scenario_read("/nonexistent/scenario", NULL, &error),
                    -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/nonexistent/scenario"));
}

static void
test_secrets_stay_so(void)
{
    check_bad("partner_token = EAAhidden token\n",
              "partner_token = (not shown)");
    CU_ASSERT_PTR_NULL(strstr(error.text, "hidden"));
    check_bad("app_secret = hidden secret\n", "app_secret = (not shown)");
    CU_ASSERT_PTR_NULL(strstr(error.text, "hidden"));
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"a good file", test_good},
        {"the same key in the next group", test_same_key_next_group},
        {"an empty file", test_empty},
        {"bad values", test_bad_values},
        {"bad syntax", test_bad_syntax},
        {"no file", test_no_file},
        {"no secret in a message", test_secrets_stay_so},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"emulator: scenario", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };
    int fd = mkstemp(path);
    int failed;

    if (fd < 0) {
        return 1;
    }
    (void)close(fd);
    failed = run_suites(suites);
    (void)unlink(path);
    return failed;
}
