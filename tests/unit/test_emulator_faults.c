/* SPDX-License-Identifier: MIT */
/* The table of the emulator's faults, and what they put into an answer. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_body.h"
#include "faults.h"
#include "run_suites.h"

#define TOKEN "EAAtoken"

static const struct emu_grant grant = {.token = TOKEN,
                                       .expires_at = 1735689600};
static struct emu_answer answer;

/* An answer that is well but for the fault, made by it into what it makes. */
static void
spoil(const char *fault)
{
    const struct emu_fault_context context = {
        .grant = &grant,
        .path = "/v25.0/42/access_token",
        .business_id = "7",
        .now = 1700000000,
    };
    struct emu_error error = {""};

    emu_answer_clear(&answer);
    CU_ASSERT_EQUAL(emu_answer_graph_headers(&answer, "v25.0", context.now),
                    0);
    CU_ASSERT_EQUAL(emu_answer_token(&answer, &grant), 0);
    CU_ASSERT_EQUAL_FATAL(
        emu_fault_parse(fault, &answer.fault, &answer.parameter, &error), 0);
    CU_ASSERT_EQUAL_FATAL(emu_fault_body(&answer, &context), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(answer.body);
}

static const char *
header(const char *name)
{
    for (size_t i = 0; i < answer.header_count; i++) {
        if (strcmp(answer.headers[i].name, name) == 0) {
            return answer.headers[i].value;
        }
    }
    return "";
}

/* Runs after each test. */
static void
end(void)
{
    emu_answer_clear(&answer);
}

/* The list is sorted, and each name in it can be used; so the search by
 * bisection finds them all. */
static void
test_table(void)
{
    char *text = NULL;
    size_t size = 0;
    char last[32] = "";
    unsigned count = 0;
    FILE *out = open_memstream(&text, &size);

    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    emu_fault_list(out);
    CU_ASSERT_EQUAL(fclose(out), 0);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        enum emu_fault fault = EMU_FAULTS;
        int64_t parameter = -1;
        struct emu_error error = {""};
        char shown[32] = "";
        char use[48];

        CU_ASSERT_EQUAL(sscanf(line, "%31s", shown), 1);
        (void)snprintf(use, sizeof use, "%.*s%s", (int)strcspn(shown, "="),
                       shown, strchr(shown, '=') ? "=10" : "");
        CU_ASSERT_EQUAL(emu_fault_parse(use, &fault, &parameter, &error), 0);
        CU_ASSERT_EQUAL(parameter, strchr(use, '=') ? 10 : 0);
        use[strcspn(use, "=")] = '\0';
        CU_ASSERT_STRING_EQUAL(emu_fault_name(fault), use);
        CU_ASSERT(strcmp(last, use) < 0);
        (void)snprintf(last, sizeof last, "%.31s", use);
        count++;
    }
    CU_ASSERT_EQUAL(count, EMU_FAULTS);
    free(text);
}

static void
test_expected_bodies(void)
{
    static const struct {
        const char *fault;
        unsigned status;
        const char *body;
    } expected[] = {
        {"none", 200,
         "{\"access_token\":\"" TOKEN "\",\"expires_at\":1735689600}"},
        {"empty", 200, ""},
        {"empty-token", 200,
         "{\"access_token\":\"\",\"expires_at\":1735689600}"},
        {"no-token", 200, "{\"expires_at\":1735689600}"},
        {"error-string", 400, "{\"error\":\"something went wrong\"}"},
        {"two-entries", 200,
         "{\"data\":[{\"access_token\":\"" TOKEN
         "\"},{\"access_token\":\"" TOKEN "2\"}]}"},
        {"duplicate-keys", 200,
         "{\"access_token\":\"" TOKEN "\",\"expires_at\":1735689600,"
         "\"access_token\":\"" TOKEN "2\",\"expires_at\":1735689601}"},
        {"trailing", 200,
         "{\"access_token\":\"" TOKEN
         "\",\"expires_at\":1735689600}}trailing garbage"},
        {"redirect", 302, ""},
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        spoil(expected[i].fault);
        CU_ASSERT_EQUAL(answer.status, expected[i].status);
        CU_ASSERT_EQUAL(answer.size, strlen(expected[i].body));
        CU_ASSERT_EQUAL(memcmp(answer.body, expected[i].body, answer.size), 0);
    }
}

static void
test_headers(void)
{
    spoil("redirect");
    CU_ASSERT_STRING_EQUAL(header("Location"),
                           "/v25.0/42/access_token/redirected?business_id=7");
    spoil("html");
    CU_ASSERT_EQUAL(answer.status, 502);
    CU_ASSERT_STRING_EQUAL(header("Content-Type"), "text/html");
    spoil("none");
    CU_ASSERT_STRING_EQUAL(header("Date"), "Tue, 14 Nov 2023 22:13:20 GMT");
    spoil("date-skew=-3600");
    CU_ASSERT_STRING_EQUAL(header("Date"), "Tue, 14 Nov 2023 21:13:20 GMT");
}

static void
test_error_in_200(void)
{
    spoil("error-in-200");
    CU_ASSERT_EQUAL(answer.status, 200);
    CU_ASSERT_EQUAL(strncmp(answer.body, "{\"error\":{", 10), 0);
    spoil("429");
    CU_ASSERT_EQUAL(answer.status, 429);
    CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, "\"error_subcode\":2446079"));
}

/* What a careful reader refuses: bytes that are no UTF-8, control characters,
 * too much, too deep. */
static void
test_hostile_bodies(void)
{
    struct json_object *json;

    spoil("bad-utf8");
    CU_ASSERT_PTR_NOT_NULL(memchr(answer.body, 0x80, answer.size));
    spoil("control-token");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, "\\u0001 "));
    spoil("oversized");
    CU_ASSERT(answer.size > (1 << 20));
    json = json_tokener_parse(answer.body);
    CU_ASSERT_PTR_NOT_NULL(json);
    json_object_put(json);
    spoil("deep");
    CU_ASSERT_PTR_NULL(json_tokener_parse(answer.body));
    spoil("garbage");
    CU_ASSERT_EQUAL(answer.size, 512);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"the table", test_table},
        {"bodies", test_expected_bodies},
        {"headers", test_headers},
        {"errors", test_error_in_200},
        {"hostile bodies", test_hostile_bodies},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"emulator: faults", NULL, NULL, NULL, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
