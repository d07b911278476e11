/* SPDX-License-Identifier: MIT */
/* The installed command, mps-credential which: whose token it is. */
#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <string.h>

#include "world.h"

#define COMMAND "\"$MPS_TEST_BINDIR\"/mps-credential "

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHADOWED 1
#else
#define SHADOWED 0
#endif

static char first[24];
static char second[24];

static int
is(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void
fetch(char *to)
{
    strcpy(to, world_business());
    CU_ASSERT_EQUAL(world_command(NULL, "get %s", to), MPS_OK);
}

static void
test_found(void)
{
    char output[WORLD_OUTPUT];
    char expected[64];

    world_configure("%s", "");
    fetch(first);
    fetch(second);
    snprintf(expected, sizeof(expected), "%s\n", second);
    CU_ASSERT_EQUAL(
        world_shell(output, COMMAND "get %s | " COMMAND "which 2>&1", second),
        0);
    CU_ASSERT_STRING_EQUAL(output, expected);
    /* as it stands in a file, or in a mail */
    CU_ASSERT_EQUAL(world_shell(output,
                                "printf '  %%s \\r\\nmore\\n' $(" COMMAND
                                "get %s) | " COMMAND "which 2>&1",
                                second),
                    0);
    CU_ASSERT_STRING_EQUAL(output, expected);
}

static void
test_not_found(void)
{
    char output[WORLD_OUTPUT];

    CU_ASSERT_EQUAL(
        world_shell(output, "echo EAAstranger | " COMMAND "which 2>&1"), 1);
    CU_ASSERT_TRUE(is(output, "no business has that token"));
    CU_ASSERT_FALSE(is(output, "EAAstranger"));
    /* a part of one is none */
    CU_ASSERT_EQUAL(world_shell(output,
                                COMMAND "get %s | head -c 20 | " COMMAND
                                        "which 2>/dev/null",
                                first),
                    1);
    CU_ASSERT_STRING_EQUAL(output, "");
}

static const char *
value_at(const char *output, const char *pointer)
{
    static char text[128];
    struct json_object *json = json_tokener_parse(output);
    struct json_object *value = NULL;

    (void)json_pointer_get(json, pointer, &value);
    snprintf(text, sizeof(text), "%s",
             value != NULL ? json_object_get_string(value) : "(absent)");
    json_object_put(json);
    return text;
}

static void
test_json(void)
{
    char output[WORLD_OUTPUT];
    struct world_got got;

    CU_ASSERT_EQUAL(world_get(first, &got), MPS_OK);
    CU_ASSERT_EQUAL(
        world_shell(output, COMMAND "get %s | " COMMAND "which --json", first),
        0);
    CU_ASSERT_STRING_EQUAL(value_at(output, "/found"), "true");
    CU_ASSERT_STRING_EQUAL(value_at(output, "/matches/0/business"), first);
    CU_ASSERT_STRING_EQUAL(value_at(output, "/matches/0/served"), "true");
    CU_ASSERT_STRING_EQUAL(value_at(output, "/matches/1"), "(absent)");
    CU_ASSERT_STRING_EQUAL(value_at(output, "/token_id"), got.token_id);
    CU_ASSERT_FALSE(is(output, got.token));
    CU_ASSERT_EQUAL(world_shell(output, "echo x | " COMMAND "which --json"),
                    1);
    CU_ASSERT_STRING_EQUAL(value_at(output, "/found"), "false");
}

static void
test_usage(void)
{
    static const struct {
        const char *command;
        int status;
        const char *text;
    } rows[] = {
        {COMMAND "which EAAsecret 2>&1 </dev/null", 64, "no operand"},
        {COMMAND "which --nonsense 2>&1 </dev/null", 64, "which --help"},
        {COMMAND "which 2>&1 </dev/null", 64, "needs a token"},
        {"echo | " COMMAND "which 2>&1", 64, "needs a token"},
        {COMMAND "which 2>&1 <&-", 64, "can't read standard input"},
        {"echo x | " COMMAND "which --profile=none 2>&1", MPS_E_CONFIG,
         "\"none\""},
        {"echo x | " COMMAND "which --user=no-such-user 2>&1", 64,
         "no such user"},
    };
    char output[WORLD_OUTPUT];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(world_shell(output, "%s", rows[i].command),
                        rows[i].status);
        CU_ASSERT_TRUE(is(output, rows[i].text));
        CU_ASSERT_FALSE(is(output, "EAAsecret"));
    }
}

/* On a terminal what is typed isn't shown. script(1)'s own status says
 * nothing: it may miss the child's where input and child end at the same time.
 */
static void
test_terminal(void)
{
    char output[WORLD_OUTPUT];

    (void)world_shell(output,
                      "(until grep -q 'not shown' %s; do sleep 0.02; "
                      "done; echo EAAtyped) 2>/dev/null | "
                      "script -qfc '" COMMAND "which; echo status=$?' %s",
                      world_path("typed"), world_path("typed"));
    CU_ASSERT_TRUE(is(output, "status=1\r"));
    CU_ASSERT_TRUE(is(output, "no business has that token"));
    CU_ASSERT_FALSE(is(output, "EAAtyped"));
}

/* Ctrl-C at the prompt ends it, and leaves the terminal as it was; but where
 * it is ignored, as it is for what a script runs in the background. */
static void
test_interrupted(void)
{
    char output[WORLD_OUTPUT];

    world_write("interrupted", 0755,
                "#!/bin/sh\n"
                "trap : INT\n"
                "stty -a >\"$1.before\"\n"
                "\"$MPS_TEST_BINDIR\"/mps-credential which\n"
                "echo \"status=$?\"\n"
                "stty -a >\"$1.after\"\n");
    (void)world_shell(output,
                      "(until grep -q 'not shown' %s; do sleep 0.02; done; "
                      "printf 'EAAtyped\\003') 2>/dev/null | "
                      "env --default-signal=INT script -qfc '%s %s' %s",
                      world_path("cut"), world_path("interrupted"),
                      world_path("stty"), world_path("cut"));
    CU_ASSERT_TRUE(is(output, "status=130"));
    CU_ASSERT_FALSE(is(output, "EAAtyped"));
    CU_ASSERT_EQUAL(world_shell(output, "grep -q ' echo ' %s && cmp %s %s",
                                world_path("stty.after"),
                                world_path("stty.before"),
                                world_path("stty.after")),
                    0);
}

/* What was read is in no core dump; but the registers may have a piece. */
static void
test_core(void)
{
    static const char leaked[] =
        "EAAinnocore0123456789abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ9876543210zyxwvutsrqponmlkjihgfedcba";
    char output[WORLD_OUTPUT];

    if (SHADOWED) {
        world_untried("a core dump, with a sanitizer's memory");
        return;
    }
    if (world_shell(NULL, "gdb -q -batch -ex run true 2>&1 | "
                          "grep -q 'exited normally'") != 0) {
        world_untried("a core dump by gdb");
        return;
    }
    world_write("leaked", 0600, leaked);
    CU_ASSERT_EQUAL(
        world_shell(output,
                    "cd %s && gdb -q -batch -ex 'break mpsc_digest_sha256' "
                    "-ex 'run which <leaked' -ex 'generate-core-file core' "
                    "-ex kill " COMMAND "2>&1",
                    world_path(".")),
        0);
    CU_ASSERT_EQUAL(
        world_shell(NULL, "grep -qa 'mps-credential' %s", world_path("core")),
        0);
    CU_ASSERT_EQUAL(
        world_shell(NULL, "grep -qa %s %s", leaked, world_path("core")), 1);
}

static void
test_no_keyring(void)
{
    char output[WORLD_OUTPUT];

    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(world_shell(output, "echo x | " COMMAND "which 2>&1"),
                    MPS_E_KEYRING);
    CU_ASSERT_TRUE(is(output, "keyring = off"));
    world_configure("keyring_bus = unix:path=/nowhere\n");
    CU_ASSERT_EQUAL(
        world_shell(output, "echo x | " COMMAND "which --json 2>/dev/null"),
        MPS_E_KEYRING);
    CU_ASSERT_STRING_EQUAL(value_at(output, "/code"), "MPS_E_KEYRING");
    CU_ASSERT_TRUE(is(value_at(output, "/message"), "unix:path=/nowhere"));
}

static CU_TestInfo tests[] = {
    {"found", test_found},
    {"not found", test_not_found},
    {"--json", test_json},
    {"usage", test_usage},
    {"on a terminal", test_terminal},
    {"interrupted", test_interrupted},
    {"core dump", test_core},
    {"no keyring", test_no_keyring},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {.pName = "mps-credential which", .pTests = tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
