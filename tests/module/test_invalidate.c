/* SPDX-License-Identifier: MIT */
/*
 * Invalidation by identity: a token that was reported dead is not believed
 * again, and however many report it, it is fetched anew once.
 */
#include <CUnit/Basic.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "desk.h"
#include "world.h"

#define PATIENT "keyring_deadline_ms = 8000\ndeadline_ms = 60000\n"

/* The endpoint gives the dead token again and again. */
static void
test_stubborn_endpoint(void)
{
    struct world_got dead;
    struct world_got got;
    const char *id = world_business();

    world_configure(PATIENT);
    world_emulate(id, "rotation=same");
    CU_ASSERT_EQUAL(world_get(id, &dead), MPS_OK);
    CU_ASSERT_EQUAL(mps.invalidate_credential(id, dead.token), MPS_OK);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_PROTOCOL);
        CU_ASSERT(got.error.retry_at > time(NULL));
        CU_ASSERT(got.error.retry_at <= time(NULL) + 31);
        CU_ASSERT_PTR_NULL(strstr(got.error.message, dead.token));
        CU_ASSERT_EQUAL(world_requests(id), 2);
    }
}

/* Another one is believed, and that is the end of it. */
static void
test_another_token(void)
{
    struct world_got dead;
    struct world_got got;
    const char *id = world_business();

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(id, &dead), MPS_OK);
    CU_ASSERT_EQUAL(mps.invalidate_credential(id, dead.token), MPS_OK);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_STRING_NOT_EQUAL(got.token_id, dead.token_id);
    /* Late reports of the first hurt nobody. */
    CU_ASSERT_EQUAL(mps.invalidate_credential(id, dead.token), MPS_OK);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), 2);
}

/* The keyring can't be changed when the token is reported, and is there
 * again with the dead token on its page. */
static void
test_page_with_dead_token(void)
{
    struct world_got dead;
    struct world_got got;
    const char *id = world_business();

    world_configure("keyring_deadline_ms = 500\ndeadline_ms = 20000\n");
    CU_ASSERT_EQUAL(world_get(id, &dead), MPS_OK);
    desk_signal_keyring(SIGSTOP);
    CU_ASSERT_EQUAL(mps.invalidate_credential(id, dead.token), MPS_OK);
    desk_signal_keyring(SIGCONT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_STRING_NOT_EQUAL(got.token_id, dead.token_id);
    CU_ASSERT_EQUAL(world_requests(id), 2);
}

/* Ten threads in each of ten processes. */
static void
test_many_reports(void)
{
    enum { PROCESSES = 10, THREADS = 10 };
    struct world_host hosts[PROCESSES];
    char output[WORLD_OUTPUT];
    const char *id = world_business();

    world_configure(PATIENT);
    world_emulate(id, "latency_ms=200");
    for (int i = 0; i < PROCESSES; i++) {
        world_load_start(&hosts[i], "load_host", "storm-dead %d %s", THREADS,
                         id);
    }
    for (int i = 0; i < PROCESSES; i++) {
        CU_ASSERT_EQUAL(world_load_step(&hosts[i]), 0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        world_host_go(&hosts[i]);
    }
    for (int i = 0; i < PROCESSES; i++) {
        CU_ASSERT_EQUAL(world_host_end(&hosts[i], output), 0);
        CU_ASSERT_EQUAL(world_number(output, "ok"), 2 * THREADS);
        CU_ASSERT_EQUAL(world_number(output, "failed"), 0);
        /* the dead one and its successor, no third */
        CU_ASSERT_EQUAL(strlen(world_value(output, "tokens")), 12 + 1 + 12);
    }
    CU_ASSERT_EQUAL(world_requests(id), 2);
}

static CU_TestInfo tests[] = {
    {"a stubborn endpoint", test_stubborn_endpoint},
    {"another token", test_another_token},
    {"a page that still has it", test_page_with_dead_token},
    {"10 processes with 10 threads report it", test_many_reports},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"invalidate", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
