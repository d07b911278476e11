/* SPDX-License-Identifier: MIT */
/* The installed command with --user and --all-users: as whom it acts,
 * and who may. */
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

/* --json has an object all the same, and monitoring its line. */
static void
test_refused_json(void)
{
    static const struct {
        const char *words;
        int status;
    } rows[] = {
        {"get 1", MPS_E_INVALID},        {"prefetch /dev/null", MPS_E_INVALID},
        {"forget --all", MPS_E_INVALID}, {"status", MPS_E_INVALID},
        {"status --check", 3},           {"metrics", MPS_E_INVALID},
        {"config", MPS_E_INVALID},       {"which", 64},
        {"doctor", MPS_E_INVALID},
    };
    char output[WORLD_OUTPUT];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(world_shell(output,
                                    "echo x | \"$MPS_TEST_BINDIR\"/"
                                    "mps-credential %s --json "
                                    "--user=no-such-user 2>/dev/null",
                                    rows[i].words),
                        rows[i].status);
        CU_ASSERT_PTR_NOT_NULL(strstr(output, "{\"code\":\"MPS_E_INVALID\""));
        CU_ASSERT_PTR_NOT_NULL(
            strstr(output, "--user=no-such-user: there is no such user"));
    }
    CU_ASSERT_EQUAL(
        world_command(output, "status --check --user=none 2>/dev/null"), 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "MPS-CREDENTIAL UNKNOWN: --user="));
}

/* Each user with a directory, in a /run of the test's own. */
static void
test_all_users(void)
{
    char output[WORLD_OUTPUT];

    world_write("conf", 0644,
                "solution_id = 1\ntoken_file = /t\nkeyring = off\n");
    world_write("all_users", 0755,
                "#!/bin/sh\n"
                "mount -t tmpfs -o mode=755 none /run || exit 77\n"
                "for id in 1 4242 65534; do\n"
                "    install -d -m 0700 -o $id /run/mps-credential/$id\n"
                "done\n"
                "mkdir /run/mps-credential/other\n"
                "[ \"$1\" != none ] || rm -r /run/mps-credential/*\n"
                "[ \"$1\" != none ] || shift\n"
                "\"$MPS_TEST_BINDIR\"/mps-credential forget \"$@\" 2>&1\n"
                "echo status=$?\n"
                "stat -c '%u %n' /run/mps-credential/*/epoch\n");
    if (world_shell(output, "unshare -m %s --all --all-users",
                    world_path("all_users")) == 77) {
        world_untried("a /run of one's own");
        return;
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "User 1 (daemon):"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(output, "MPS_E_CONFIG: user 4242: no user has that number"));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "User 65534 (nobody):"));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "status=2\n"
                                          "1 /run/mps-credential/1/epoch\n"
                                          "65534 /run/mps-credential/65534/"
                                          "epoch\n"));
    CU_ASSERT_EQUAL(world_shell(output, "unshare -m %s --json --all-users 7",
                                world_path("all_users")),
                    0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "\"uid\":1,"));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "{\"code\":\"MPS_E_CONFIG\","
                                          "\"code_number\":2,"
                                          "\"uid\":4242,"));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "\"uid\":65534,"));
    CU_ASSERT_EQUAL(world_shell(output, "unshare -m %s none --all --all-users",
                                world_path("all_users")),
                    1);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "nothing was done"));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "status=2\n"));
    CU_ASSERT_EQUAL(
        world_command(output, "forget --all --all-users --user=root 2>&1"),
        MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "not both"));
    CU_ASSERT_EQUAL(world_shell(output,
                                "setpriv --reuid=%d --regid=%d "
                                "--clear-groups \"$MPS_TEST_BINDIR\"/"
                                "mps-credential forget --all --all-users "
                                "2>&1",
                                NOBODY, NOBODY),
                    MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "only root"));
}

static CU_TestInfo tests[] = {
    {"a scene for two users", test_scene},
    {"becomes the user", test_becomes},
    {"else it is the caller", test_is_needed},
    {"refused", test_refused},
    {"refused, with --json", test_refused_json},
    {"forget --all-users", test_all_users},
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
