/* SPDX-License-Identifier: MIT */
/*
 * The installed command, mps-credential get: where the token goes and where
 * it doesn't, the exit status, and JSON.
 */
#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* Runs the command with these words; its exit status. */
static int
run(char *output, const char *words)
{
    return world_shell(output, "\"$MPS_TEST_BINDIR\"/mps-credential %s",
                       words);
}

/* The text of a member of the object that was printed. */
static void
member(const char *output, const char *name, char *to, size_t size)
{
    struct json_object *json = json_tokener_parse(output);
    struct json_object *value = NULL;

    to[0] = '\0';
    if (json_object_object_get_ex(json, name, &value)) {
        snprintf(to, size, "%s", json_object_get_string(value));
    }
    json_object_put(json);
}

static void
test_pipe(void)
{
    char output[WORLD_OUTPUT];
    struct world_got got;

    world_configure("%s", "");
    CU_ASSERT_EQUAL(world_get("1", &got), MPS_OK);
    CU_ASSERT_EQUAL(run(output, "get 1"), MPS_OK);
    /* The whole token, a newline, and no more. */
    CU_ASSERT_EQUAL(strncmp(output, got.token, strlen(got.token)), 0);
    CU_ASSERT_STRING_EQUAL(output + strcspn(output, "\n"), "\n");
    CU_ASSERT_EQUAL(world_requests("1"), 1);
    CU_ASSERT_EQUAL(run(output, "get -- 1 >/dev/full"), 74);
}

static void
test_terminal(void)
{
    char output[WORLD_OUTPUT];
    struct world_got got;

    CU_ASSERT_EQUAL(world_get("1", &got), MPS_OK);
    CU_ASSERT_EQUAL(
        world_shell(output,
                    "script -qec '\"'$MPS_TEST_BINDIR'\"/mps-credential get "
                    "1' /dev/null"),
        MPS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, got.token_id));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "keyring"));
    CU_ASSERT_PTR_NULL(strstr(output, got.token));
    CU_ASSERT_EQUAL(
        world_shell(output,
                    "script -qec '\"'$MPS_TEST_BINDIR'\"/mps-credential get "
                    "--show 1' /dev/null"),
        MPS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, got.token));
}

static void
test_json(void)
{
    char output[WORLD_OUTPUT];
    char text[1024];
    struct world_got got;

    CU_ASSERT_EQUAL(world_get("1", &got), MPS_OK);
    CU_ASSERT_EQUAL(run(output, "get --json 1"), MPS_OK);
    member(output, "access_token", text, sizeof(text));
    CU_ASSERT_EQUAL(strncmp(text, got.token, strlen(got.token)), 0);
    member(output, "source", text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "keyring");

    CU_ASSERT_EQUAL(run(output, "get --json 401 2>/dev/null"), MPS_E_AUTH);
    member(output, "code", text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "MPS_E_AUTH");
    member(output, "graph_code", text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "190");
    /* What was typed may be anything; JSON is UTF-8. */
    CU_ASSERT_EQUAL(run(output, "get --json $(printf '\\377') 2>/dev/null"),
                    MPS_E_INVALID);
    member(output, "business", text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "?");
}

static void
test_status(void)
{
    static const struct {
        const char *words;
        int status;
        const char *text; /* on standard error */
    } rows[] = {
        {"get 401", MPS_E_AUTH, "MPS_E_AUTH"},
        {"get 404", MPS_E_NOT_FOUND, "MPS_E_NOT_FOUND"},
        {"get 422", MPS_E_UNPROCESSABLE, "MPS_E_UNPROCESSABLE"},
        {"get x", MPS_E_INVALID, "1 to 20 decimal digits"},
        {"get", MPS_E_INVALID, "BUSINESS_ID"},
        {"get 1 2", MPS_E_INVALID, "one BUSINESS_ID"},
        {"get --nonsense 1", MPS_E_INVALID, "--help"},
        {"get --profile= 1", MPS_E_INVALID, "--profile needs a name"},
        {"get --profile=none 1", MPS_E_CONFIG, "\"none\""},
        {"fetch 1", MPS_E_INVALID, "fetch"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char output[WORLD_OUTPUT];
        char words[128];

        snprintf(words, sizeof(words), "%s 2>&1 >/dev/null", rows[i].words);
        CU_ASSERT_EQUAL(run(output, words), rows[i].status);
        CU_ASSERT_PTR_NOT_NULL(strstr(output, rows[i].text));
    }
}

static void
test_help(void)
{
    char output[WORLD_OUTPUT];

    CU_ASSERT_EQUAL(run(output, "--help"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "get"));
    CU_ASSERT_EQUAL(run(output, "get --help"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "--profile"));
    CU_ASSERT_EQUAL(run(output, "--version"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "mps-credential"));
}

static CU_TestInfo tests[] = {
    {"to a pipe", test_pipe}, {"on a terminal", test_terminal},
    {"--json", test_json},    {"exit status and message", test_status},
    {"help", test_help},      CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"command", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open("[401]\nstatus = 401\n[404]\nstatus = 404\n"
               "[422]\nstatus = 422\n");
    return world_run(suites);
}
