/* SPDX-License-Identifier: MIT */
/*
 * A pre-forking host: a child that is born in the middle of a fetch and lives
 * on holds no lock when its parent is killed.
 */
#include <CUnit/Basic.h>
#include <signal.h>
#include <stdlib.h>

#include "world.h"

#define DEADLINE_MS 20000

static void
check(const char *lines)
{
    struct world_host host;
    char output[WORLD_OUTPUT];
    const char *id = world_business();
    pid_t child;

    world_configure("keyring_deadline_ms = 8000\ndeadline_ms = %d\n%s",
                    DEADLINE_MS, lines);
    world_emulate(id, "latency_ms=8000");
    world_load_start(&host, "load_host", "fork-mid %s", id);
    CU_ASSERT_EQUAL(world_load_step(&host), 0);
    CU_ASSERT(world_await_requests(id, 1));
    child = (pid_t)world_number(world_ask(&host, output, "%s", ""), "child");
    CU_ASSERT_FATAL(child > 0);
    kill(host.pid, SIGKILL);
    CU_ASSERT_EQUAL(world_host_end(&host, output), 128);
    CU_ASSERT_EQUAL(kill(child, 0), 0);
    world_emulate(id, "latency_ms=0");
    /* At once: half of the deadline would be the wait for a held lock. */
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_ENDPOINT);
    CU_ASSERT(world_number(output, "ms") < DEADLINE_MS / 4);
    CU_ASSERT_EQUAL(world_requests(id), 2);
    /* and it was stored, the child notwithstanding */
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(kill(child, SIGKILL), 0);
}

static void
test_fork(void)
{
    check("");
}

static void
test_fork_without_threads(void)
{
    check("threads = no\n");
}

static CU_TestInfo tests[] = {
    {"a child born in a fetch holds no lock", test_fork},
    {"likewise with threads = no", test_fork_without_threads},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"fork in a fetch", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
