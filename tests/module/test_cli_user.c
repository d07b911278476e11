/* SPDX-License-Identifier: MIT */
/* The installed command with --user: as whom it acts, and who may. */
#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

#define NOBODY 65534

/* A configuration and a partner's token that are for root and that user's
 * group alone, as a service's are. */
static void
test_scene(void)
{
    char output[WORLD_OUTPUT];

    world_configure("keyring = off\n"
                    "token_file = %s\n"
                    "ca_file = %s\n"
                    "runtime_dir = %s\n",
                    world_path("open/token"), world_path("open/ca"),
                    world_path("open/run"));
    CU_ASSERT_EQUAL_FATAL(
        world_shell(output,
                    "cd %s && chmod 0711 . && mkdir -m 0755 open && "
                    "install -m 0640 -g %d emu/partner_token open/token && "
                    "install -m 0644 emu/ca.pem open/ca && "
                    "install -d -m 0700 -o %d open/run",
                    world_path("."), NOBODY, NOBODY),
        0);
}

static void
test_becomes(void)
{
    static const char *const users[] = {"nobody", "65534"};
    char output[WORLD_OUTPUT];

    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        CU_ASSERT_EQUAL(world_command(output, "get --json --user=%s %s",
                                      users[i], world_business()),
                        MPS_OK);
        CU_ASSERT_PTR_NOT_NULL(strstr(output, "\"access_token\""));
    }
    CU_ASSERT_EQUAL(world_command(output, "forget --user=nobody 1"), MPS_OK);
    /* What the user's processes share is the user's. */
    CU_ASSERT_EQUAL(world_shell(output, "find %s -type f ! -uid %d | grep .",
                                world_path("open/run"), NOBODY),
                    1);
    CU_ASSERT_EQUAL(world_shell(output, "find %s -type f -uid %d | grep .",
                                world_path("open/run"), NOBODY),
                    0);
    CU_ASSERT_EQUAL(world_shell(output,
                                "echo %s | \"$MPS_TEST_BINDIR\"/"
                                "mps-credential prefetch --user=nobody -",
                                world_business()),
                    MPS_OK);
}

/* Without it root's own runtime directory is another's. */
static void
test_is_needed(void)
{
    char output[WORLD_OUTPUT];

    CU_ASSERT_EQUAL(world_command(output, "forget 1 2>&1"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "open/run"));
}

static void
test_refused(void)
{
    static const struct {
        const char *words;
        const char *text;
    } rows[] = {
        {"get --user=no-such-user 1", "there is no such user"},
        {"prefetch --user=4294967294 /dev/null", "there is no such user"},
        {"forget --user=1x 1", "there is no such user"},
        {"get --user= 1", "--user needs a name"},
    };
    char output[WORLD_OUTPUT];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(world_command(output, "%s 2>&1", rows[i].words),
                        MPS_E_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(output, rows[i].text));
    }
    CU_ASSERT_EQUAL(world_shell(output,
                                "setpriv --reuid=%d --regid=%d "
                                "--clear-groups \"$MPS_TEST_BINDIR\"/"
                                "mps-credential get --user=root 1 2>&1",
                                NOBODY, NOBODY),
                    MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "only root"));
    /* To be the user already is enough. */
    CU_ASSERT_EQUAL(world_command(output, "prefetch --user=root /dev/null"),
                    MPS_OK);
}

static CU_TestInfo tests[] = {
    {"a scene for two users", test_scene},
    {"becomes the user", test_becomes},
    {"else it is the caller", test_is_needed},
    {"refused", test_refused},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {.pName = "mps-credential --user", .pTests = tests},
    CU_SUITE_INFO_NULL,
};

static void
test_not_root(void)
{
    world_untried("--user, which is for root");
}

static CU_TestInfo tests_of_others[] = {
    {"root only", test_not_root},
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
