/* SPDX-License-Identifier: MIT */
/* A job for all users, in a /run of the test's own: what one of them does to
 * its child doesn't keep the others from theirs. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "all_users.h"

#include <CUnit/Basic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mounts.h"
#include "run_suites.h"

#define STOPPED "7"
#define KILLED "8"

/* A failure of the job, as it was told. */
static struct {
    char user[16];
    struct mps_error error;
} told[4];
static unsigned told_count;

static int
run(const char *user, void *arg)
{
    (void)arg;
    if (strcmp(user, STOPPED) == 0) {
        raise(SIGSTOP);
    } else if (strcmp(user, KILLED) == 0) {
        raise(SIGKILL);
    }
    return 40 + user[0] - '0';
}

static int
take_failure(const char *user, const struct mps_error *error, void *arg)
{
    CU_ASSERT_PTR_EQUAL(arg, told);
    CU_ASSERT_FATAL(told_count < sizeof(told) / sizeof(told[0]));
    snprintf(told[told_count].user, sizeof(told[0].user), "%s", user);
    told[told_count++].error = *error;
    return error->code;
}

static const struct cli_all_users_job job = {run, take_failure, told, 1};

static void
test_not_root(void)
{
    struct mps_error error;

    CU_ASSERT_EQUAL(cli_all_users(&job, &error), MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "only root"));
}

static void
test_nobody(void)
{
    struct mps_error error;

    CU_ASSERT_EQUAL(cli_all_users(&job, &error), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "No such file"));
    CU_ASSERT_EQUAL(mkdir("/run/mps-credential", 0755), 0);
    CU_ASSERT_EQUAL(mkdir("/run/mps-credential/other", 0755), 0);
    CU_ASSERT_EQUAL(cli_all_users(&job, &error), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "nothing was done"));
    CU_ASSERT_EQUAL(told_count, 0);
}

static void
test_stopped(void)
{
    struct mps_error error;

    CU_ASSERT_EQUAL(mkdir("/run/mps-credential/" STOPPED, 0755), 0);
    CU_ASSERT_EQUAL(mkdir("/run/mps-credential/" KILLED, 0755), 0);
    CU_ASSERT_EQUAL(mkdir("/run/mps-credential/9", 0755), 0);
    CU_ASSERT_EQUAL(cli_all_users(&job, &error), MPS_E_TIMEOUT);
    CU_ASSERT_EQUAL(error.code, MPS_OK);
    CU_ASSERT_EQUAL_FATAL(told_count, 2);
    CU_ASSERT_STRING_EQUAL(told[0].user, STOPPED);
    CU_ASSERT_EQUAL(told[0].error.code, MPS_E_TIMEOUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(told[0].error.message, "within 1 s"));
    CU_ASSERT_STRING_EQUAL(told[1].user, KILLED);
    CU_ASSERT_EQUAL(told[1].error.code, MPS_E_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(told[1].error.message, "signal 9"));
}

/* The others' turns come, and the first failure is what counts. */
static void
test_others(void)
{
    struct mps_error error;

    CU_ASSERT_EQUAL(mkdir("/run/mps-credential/1", 0755), 0);
    CU_ASSERT_EQUAL(rmdir("/run/mps-credential/" STOPPED), 0);
    told_count = 0;
    CU_ASSERT_EQUAL(cli_all_users(&job, &error), 41);
    CU_ASSERT_EQUAL(told_count, 1);
    CU_ASSERT_EQUAL(rmdir("/run/mps-credential/1"), 0);
    CU_ASSERT_EQUAL(rmdir("/run/mps-credential/" KILLED), 0);
    CU_ASSERT_EQUAL(cli_all_users(&job, &error), 49);
}

static CU_TestInfo tests[] = {
    {"nobody", test_nobody},
    {"stopped and killed", test_stopped},
    {"the others", test_others},
    CU_TEST_INFO_NULL,
};

static CU_TestInfo tests_of_others[] = {
    {"not root", test_not_root},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {.pName = "cli_all_users", .pTests = tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    mounts_open();
    if (geteuid() != 0) {
        suites[0].pTests = tests_of_others;
    } else if (mounts_memory("/run", "mode=755") != 0) {
        puts("(not possible here: a /run of one's own)");
        return 77;
    }
    return run_suites(suites);
}
