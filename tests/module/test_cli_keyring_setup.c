/* SPDX-License-Identifier: MIT */
/*
 * The installed command: what mps-credential keyring-setup refuses. What it
 * does needs a machine that systemd runs: tests/system/run.
 */
#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

#define NOBODY 65534

static void
test_command_line(void)
{
    static const struct {
        const char *words;
        const char *text;
    } rows[] = {
        {"", "needs one USER"},
        {"nobody daemon", "needs one USER"},
        {"--undo --unit=x nobody", "--undo takes no --unit"},
        {"--unit=a/b nobody", "--unit needs the name of a service"},
        {"--unit= nobody", "--unit needs the name of a service"},
    };
    char output[WORLD_OUTPUT];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(
            world_command(output, "keyring-setup %s 2>&1", rows[i].words),
            MPS_E_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(output, rows[i].text));
    }
}

static void
test_names(void)
{
    static const char *const names[] = {"../etc", "a/b", ".", "a\\\\x2fb",
                                        "'a b'"};
    char output[WORLD_OUTPUT];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CU_ASSERT_EQUAL(
            world_command(output, "keyring-setup --undo %s 2>&1", names[i]),
            MPS_E_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(output, "no unit can have this name"));
    }
}

/* Also as JSON, on standard output. */
static void
test_not_root(void)
{
    char output[WORLD_OUTPUT];
    struct json_object *answer;
    struct json_object *value;

    CU_ASSERT_EQUAL(world_shell(output,
                                "setpriv --reuid=%d --regid=%d "
                                "--clear-groups \"$MPS_TEST_BINDIR\"/"
                                "mps-credential keyring-setup --json nobody "
                                "2>/dev/null",
                                NOBODY, NOBODY),
                    MPS_E_INVALID);
    answer = json_tokener_parse(output);
    CU_ASSERT_TRUE(json_object_object_get_ex(answer, "message", &value));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(json_object_get_string(value), "run it as root"));
    CU_ASSERT_TRUE(json_object_object_get_ex(answer, "done", &value));
    CU_ASSERT_EQUAL(json_object_array_length(value), 0);
    json_object_put(answer);
}

/* On a machine that systemd runs this would set something up. */
static void
test_without_systemd(void)
{
    char output[WORLD_OUTPUT];

    if (access("/run/systemd/system", F_OK) == 0) {
        world_untried("keyring-setup without systemd");
        return;
    }
    CU_ASSERT_EQUAL(world_command(output, "keyring-setup nobody 2>&1"),
                    MPS_E_KEYRING);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "not run by systemd"));
}

static CU_TestInfo tests[] = {
    {"command line", test_command_line},
    {"names", test_names},
    {"not root", test_not_root},
    {"without systemd", test_without_systemd},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {.pName = "mps-credential keyring-setup", .pTests = tests},
    CU_SUITE_INFO_NULL,
};

static void
test_untried(void)
{
    world_untried("keyring-setup, which is for root");
}

static CU_TestInfo tests_of_others[] = {
    {"command line", test_command_line},
    {"root only", test_untried},
    CU_TEST_INFO_NULL,
};

int
main(void)
{
    if (geteuid() != 0) {
        suites[0].pTests = tests_of_others;
    }
    world_open(NULL);
    return world_run(suites);
}
