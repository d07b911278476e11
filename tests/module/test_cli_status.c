/* SPDX-License-Identifier: MIT */
/*
 * The installed command, mps-credential status: what it shows of tokens and of
 * the profile's state, and what --check says to monitoring.
 */
#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "world.h"

static char output[WORLD_OUTPUT];

static int
is(const char *part)
{
    return strstr(output, part) != NULL;
}

/* The value in the object that was printed. */
static const char *
value_at(const char *pointer)
{
    static char texts[4][256];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    struct json_object *json = json_tokener_parse(output);
    struct json_object *value = NULL;

    (void)json_pointer_get(json, pointer, &value);
    snprintf(text, sizeof(texts[0]), "%s",
             value != NULL ? json_object_get_string(value) : "(absent)");
    json_object_put(json);
    return text;
}

static long long
number_at(const char *pointer)
{
    return strtoll(value_at(pointer), NULL, 10);
}

static int
status(const char *words)
{
    return world_command(output, "status %s 2>&1", words);
}

static void
test_tokens(void)
{
    struct world_got got;
    char id[24];

    world_begin("");
    strcpy(id, world_business());
    world_emulate(id, "lifetime_s=7200");
    CU_ASSERT_EQUAL(world_command(NULL, "get %s", id), MPS_OK);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(status("--json"), MPS_OK);
    CU_ASSERT_STRING_EQUAL(value_at("/keyring/usable"), "true");
    CU_ASSERT_STRING_EQUAL(value_at("/businesses/0/business"), id);
    CU_ASSERT_STRING_EQUAL(value_at("/businesses/0/source"), "keyring");
    CU_ASSERT_STRING_EQUAL(value_at("/businesses/0/token_id"), got.token_id);
    CU_ASSERT_STRING_EQUAL(value_at("/businesses/0/last_error"), "(absent)");
    CU_ASSERT(llabs(number_at("/businesses/0/expires_at") - got.expires_at) <=
              1);
    CU_ASSERT(number_at("/businesses/0/refresh_at") > time(NULL) + 3000);
    CU_ASSERT(number_at("/businesses/0/refresh_at") < time(NULL) + 7200);
    CU_ASSERT_STRING_EQUAL(value_at("/businesses/1"), "(absent)");
    CU_ASSERT_STRING_EQUAL(value_at("/requests/MPS_OK"), "1");
    CU_ASSERT(llabs(number_at("/last_success") - (long long)time(NULL)) < 60);
    CU_ASSERT_FALSE(is(got.token));

    CU_ASSERT_EQUAL(status(""), MPS_OK);
    CU_ASSERT_TRUE(is(id));
    CU_ASSERT_TRUE(is("in 119 minutes"));
    CU_ASSERT_TRUE(is("usable, 1 token\n"));
    CU_ASSERT_TRUE(is("1 ok, 0 failed"));
    CU_ASSERT_FALSE(is(got.token));
    CU_ASSERT_FALSE(is("\033"));
    /* It asks nobody. */
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

/* A business's last error, until it is over. */
static void
test_failure(void)
{
    char id[24];

    world_begin("");
    strcpy(id, world_business());
    world_emulate(id, "status=404");
    CU_ASSERT_EQUAL(world_command(output, "get %s 2>&1", id), MPS_E_NOT_FOUND);
    CU_ASSERT_EQUAL(status("--json"), MPS_OK);
    CU_ASSERT_STRING_EQUAL(value_at("/businesses/0/business"), id);
    CU_ASSERT_STRING_EQUAL(value_at("/businesses/0/source"), "(absent)");
    CU_ASSERT_STRING_EQUAL(value_at("/businesses/0/last_error"),
                           "MPS_E_NOT_FOUND");
    CU_ASSERT_STRING_EQUAL(value_at("/requests/MPS_E_NOT_FOUND"), "1");
    CU_ASSERT_EQUAL(status(""), MPS_OK);
    CU_ASSERT_TRUE(is("MPS_E_NOT_FOUND, "));
    world_reset();
    CU_ASSERT_EQUAL(world_command(NULL, "get %s", id), MPS_OK);
    CU_ASSERT_EQUAL(status("--json"), MPS_OK);
    CU_ASSERT_STRING_EQUAL(value_at("/businesses/0/last_error"), "(absent)");
}

static void
test_limits(void)
{
    world_begin("");
    world_emulate("", "status=401");
    CU_ASSERT_EQUAL(world_command(NULL, "get 1 2>/dev/null"), MPS_E_AUTH);
    CU_ASSERT_EQUAL(status("--json"), MPS_OK);
    CU_ASSERT(number_at("/auth_failed_until") > time(NULL) + 30);
    CU_ASSERT(number_at("/troubles/auth_failed") > 0);
    CU_ASSERT_EQUAL(status(""), MPS_OK);
    CU_ASSERT_TRUE(is("the token is refused: not asked before"));
    CU_ASSERT_TRUE(is("auth_failed since"));
    CU_ASSERT_EQUAL(status("--check"), 2);
    CU_ASSERT_TRUE(is("the partner's token is refused"));

    world_begin("");
    world_emulate("", "status=429&retry_after=1800");
    CU_ASSERT_EQUAL(world_command(NULL, "get 2 2>/dev/null"),
                    MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(status("--json"), MPS_OK);
    CU_ASSERT(number_at("/rate_limited_until") > time(NULL));
    CU_ASSERT_EQUAL(status(""), MPS_OK);
    CU_ASSERT_TRUE(is("it limits the rate: not asked before"));
    world_reset();
}

static void
test_check(void)
{
    static const struct {
        const char *words;
        int status;
        const char *text;
    } rows[] = {
        {"--check", 0, "MPS-CREDENTIAL OK: 1 tokens"},
        {"--check --warn 30m --crit 10m", 0, "s;1800:;600:;0 served=1;"},
        {"--check --warn=6h --crit=15m", 1,
         "MPS-CREDENTIAL WARNING: a token ends in 59 minutes |"},
        {"--check --warn 12h --crit 6h", 2, "MPS-CREDENTIAL CRITICAL: "},
        {"--check --profile=none", 3, "MPS-CREDENTIAL UNKNOWN: "},
        {"--check --user=no-such-user", 3, "no such user"},
        {"--check --warn=soon", 3, "--warn needs a time"},
        {"--warn=soon --check", 3, "--warn needs a time"},
        {"--nonsense --check --crit", 3, "--nonsense"},
        {"--check x", 3, "no operand"},
        {"--warn=soon --profile --check", MPS_E_INVALID, "needs a time"},
        {"--check --json --crit 2h", 2, "\"state\":\"CRITICAL\""},
    };
    char id[24];

    world_begin("");
    strcpy(id, world_business());
    world_emulate(id, "lifetime_s=3600");
    CU_ASSERT_EQUAL(world_command(NULL, "get %s", id), MPS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(status(rows[i].words), rows[i].status);
        CU_ASSERT_TRUE(is(rows[i].text));
    }
    /* One line on standard output. */
    CU_ASSERT_EQUAL(world_command(output, "status --check 2>/dev/null"), 0);
    CU_ASSERT_STRING_EQUAL(output + strcspn(output, "\n"), "\n");
}

static void
test_no_keyring(void)
{
    world_begin("");
    world_configure("keyring_bus = unix:path=/nowhere\n");
    CU_ASSERT_EQUAL(status(""), MPS_E_KEYRING);
    CU_ASSERT_TRUE(is("unix:path=/nowhere"));
    CU_ASSERT_EQUAL(status("--check"), 1);
    world_configure("keyring = required\nkeyring_bus = unix:path=/nowhere\n");
    CU_ASSERT_EQUAL(status("--check"), 2);
    CU_ASSERT_EQUAL(world_command(output, "status --json 2>/dev/null"),
                    MPS_E_KEYRING);
    CU_ASSERT_STRING_EQUAL(value_at("/keyring/usable"), "false");
    CU_ASSERT_STRING_EQUAL(value_at("/code"), "MPS_E_KEYRING");
    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(status(""), MPS_OK);
    CU_ASSERT_TRUE(is("off, by the configuration"));
    CU_ASSERT_EQUAL(status("--check"), 0);
}

static void
test_colours(void)
{
    static const char terminal[] =
        "%s script -qec '\"'$MPS_TEST_BINDIR'\"/mps-credential "
        "status' /dev/null";

    world_begin("");
    CU_ASSERT_EQUAL(world_shell(output, terminal, "TERM=xterm"), MPS_OK);
    CU_ASSERT_TRUE(is("\033[32musable"));
    CU_ASSERT_EQUAL(world_shell(output, terminal, "TERM=xterm NO_COLOR=1"),
                    MPS_OK);
    CU_ASSERT_FALSE(is("\033"));
    CU_ASSERT_EQUAL(world_shell(output, terminal, "env -u TERM"), MPS_OK);
    CU_ASSERT_FALSE(is("\033"));
    CU_ASSERT_TRUE(is("usable"));
}

static void
test_usage(void)
{
    CU_ASSERT_EQUAL(status("x"), MPS_E_INVALID);
    CU_ASSERT_TRUE(is("no operand"));
    CU_ASSERT_EQUAL(status("--warn 1h"), MPS_E_INVALID);
    CU_ASSERT_TRUE(is("for --check"));
    CU_ASSERT_EQUAL(status("--profile=none --json"), MPS_E_CONFIG);
    CU_ASSERT_TRUE(is("\"code\":\"MPS_E_CONFIG\""));
}

static CU_TestInfo tests[] = {
    {"tokens", test_tokens},
    {"a business's last error", test_failure},
    {"the profile's limits", test_limits},
    {"--check", test_check},
    {"no keyring", test_no_keyring},
    {"colours", test_colours},
    {"usage", test_usage},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {.pName = "mps-credential status", .pTests = tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
