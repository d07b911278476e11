/* SPDX-License-Identifier: MIT */
/*
 * An upgrade or a downgrade under a running program: the helper that it finds
 * from then on is of another version. Tokens come all the same, the log says
 * so once, and what the keyring has is neither lost nor taken for gone.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "fault.h"
#include "mounts.h"
#include "world.h"

#define WHY "different versions"

static char helper[512];

static void
check_served(const char *stored)
{
    const char *ids[4];
    struct world_got got;
    int64_t begin = world_ms();

    /* from memory */
    CU_ASSERT_EQUAL(world_get(stored, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(stored), 1);
    for (int i = 0; i < 4; i++) {
        ids[i] = world_business();
        CU_ASSERT_EQUAL(world_get(ids[i], &got), MPS_OK);
        CU_ASSERT_EQUAL(got.source, MPS_SOURCE_ENDPOINT);
        CU_ASSERT_EQUAL(world_get(ids[i], &got), MPS_OK);
        CU_ASSERT_EQUAL(world_requests(ids[i]), 1);
        ids[i] = world_business();
    }
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, 4, NULL, NULL),
                    MPS_OK);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(world_requests(ids[i]), 1);
    }
    CU_ASSERT(world_ms() - begin < 4 * world_margin());
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, "keyring_degraded: "), 1);
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, WHY), 1);
    if (world_log_count(-1, "") != 1) {
        CU_FAIL("one line was due");
        world_log_show();
    }
}

static void
check_other(const char *name)
{
    const char *stored = world_business();
    char output[WORLD_OUTPUT];
    struct world_got got;

    world_configure(FAULT_PATIENT);
    CU_ASSERT_EQUAL(world_get(stored, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", stored), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    world_log_take();
    if (mounts_file(world_program_path(name), helper) != 0) {
        world_untried("a mount namespace");
        return;
    }
    check_served(stored);
    mounts_undo(helper);
    CU_ASSERT(world_await(fault_is_told_over, NULL));
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", stored), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(world_requests(stored), 1);

    CU_ASSERT_EQUAL(mounts_file(world_program_path(name), helper), 0);
    /* A purge must not pass for one, and who needs the keyring is told. */
    CU_ASSERT_NOT_EQUAL(world_command(output, "forget %s 2>&1", stored), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, WHY));
    world_configure(FAULT_PATIENT "keyring = required\n");
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_KEYRING);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, WHY));
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "restart the program"));
    mounts_undo(helper);
}

static void
test_newer(void)
{
    check_other("helper_newer");
}

static void
test_older(void)
{
    check_other("helper_older");
}

static CU_TestInfo tests[] = {
    {"a newer helper", test_newer},
    {"an older helper", test_older},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"a helper of another version", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    const char *dir = getenv("MPS_TEST_PKGLIBEXECDIR");

    snprintf(helper, sizeof(helper), "%s/keyring-helper",
             dir != NULL ? dir : "");
    mounts_open();
    world_open(NULL);
    return world_run(suites);
}
