/* SPDX-License-Identifier: MIT */
/*
 * Several processes of one user: one fetch among them all, and none that
 * another's end or stop could hold up.
 */
#include <CUnit/Basic.h>
#include <signal.h>
#include <stdlib.h>

#include "world.h"

#define PATIENT "keyring_deadline_ms = 8000\ndeadline_ms = 30000\n"

static void
test_two_at_once(void)
{
    struct world_host hosts[2];
    char output[2][WORLD_OUTPUT];
    const char *id = world_business();

    world_configure(PATIENT);
    world_emulate(id, "latency_ms=500");
    for (int i = 0; i < 2; i++) {
        world_host_start(&hosts[i], "get %s", id);
    }
    for (int i = 0; i < 2; i++) {
        world_host_go(&hosts[i]);
    }
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(world_host_end(&hosts[i], output[i]), 0);
    }
    CU_ASSERT_EQUAL(world_requests(id), 1);
    CU_ASSERT_STRING_EQUAL(world_value(output[0], "token_id"),
                           world_value(output[1], "token_id"));
    /* one from the endpoint (1), the other from the keyring (2) */
    CU_ASSERT_EQUAL(world_number(output[0], "source") +
                        world_number(output[1], "source"),
                    MPS_SOURCE_ENDPOINT + MPS_SOURCE_KEYRING);
}

static void
test_herd(void)
{
    enum { PROCESSES = 8, THREADS = 8 };
    struct world_host hosts[PROCESSES];
    static char output[PROCESSES][WORLD_OUTPUT];
    const char *id = world_business();

    world_configure(PATIENT);
    world_emulate(id, "latency_ms=300");
    for (int i = 0; i < PROCESSES; i++) {
        world_host_start(&hosts[i], "race %d %s", THREADS, id);
    }
    for (int i = 0; i < PROCESSES; i++) {
        world_host_go(&hosts[i]);
    }
    for (int i = 0; i < PROCESSES; i++) {
        CU_ASSERT_EQUAL(world_host_end(&hosts[i], output[i]), 0);
        CU_ASSERT_EQUAL(world_number(output[i], "ok"), THREADS);
        CU_ASSERT_EQUAL(world_number(output[i], "same"), THREADS);
        CU_ASSERT_STRING_EQUAL(world_value(output[i], "token_id"),
                               world_value(output[0], "token_id"));
    }
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

struct expected {
    const char *business_id;
    long requests;
};

static int
has_requests(void *arg)
{
    const struct expected *expected = arg;

    return world_requests(expected->business_id) >= expected->requests;
}

/* Half of its time a process waits for another's fetch, then it asks. */
static void
test_waits_half(void)
{
    struct world_host first;
    char output[WORLD_OUTPUT];
    const char *id = world_business();
    struct expected one = {id, 1};

    world_configure("keyring_deadline_ms = 300\n");
    world_emulate(id, "latency_ms=4000");
    world_host_start(&first, "get %s", id);
    world_host_go(&first);
    CU_ASSERT(world_await(has_requests, &one));
    CU_ASSERT_EQUAL(world_host(output, "", "--deadline=2000 get %s", id),
                    MPS_E_TIMEOUT);
    CU_ASSERT(world_number(output, "ms") <= 2000 + world_margin());
    CU_ASSERT_EQUAL(world_requests(id), 2);
    CU_ASSERT_EQUAL(world_host_end(&first, output), 0);
}

/* A host that dies in the middle of its fetch leaves no lock behind. */
static void
test_killed_host(void)
{
    struct world_host first;
    struct world_got got;
    char output[WORLD_OUTPUT];
    const char *id = world_business();
    struct expected one = {id, 1};

    world_configure(PATIENT);
    world_emulate(id, "fault=stall&fault_count=1");
    world_host_start(&first, "get %s", id);
    world_host_go(&first);
    CU_ASSERT(world_await(has_requests, &one));
    kill(first.pid, SIGKILL);
    CU_ASSERT_EQUAL(world_host_end(&first, output), 128);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT(got.took_ms < 3000 + world_margin());
}

static int
no_helper_runs(void *arg)
{
    (void)arg;
    return !world_helper_runs();
}

/* It ends right after its answer; the store is done all the same. */
static void
test_store_outlives_host(void)
{
    char output[WORLD_OUTPUT];

    world_configure(PATIENT);
    for (int i = 0; i < 5; i++) {
        const char *id = world_business();

        CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
        CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
        CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    }
    /* and no helper stays */
    CU_ASSERT(world_await(no_helper_runs, NULL));
}

static CU_TestInfo tests[] = {
    {"two at once: one request", test_two_at_once},
    {"8 processes with 8 threads: one request", test_herd},
    {"another's fetch is waited for, half of the time", test_waits_half},
    {"a host that is killed", test_killed_host},
    {"the store outlives the host", test_store_outlives_host},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"processes", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
