/* SPDX-License-Identifier: MIT */
/*
 * Budgets, by number and not by time: the requests and the keyring's page
 * writes that tokens cost. A write takes the keyring 10 to 35 ms, whatever
 * changes on the page.
 */
#include <CUnit/CUnit.h>
#include <stdlib.h>

#include "world.h"

/* So long that no waiter gives up the one who fetches (it would after half of
 * its time), on a busy machine neither. */
#define PATIENT "keyring_deadline_ms = 60000\ndeadline_ms = 120000\n"

/* On so many pages the keyring's records are. */
#define PAGES 64

static int
no_helper_runs(void *arg)
{
    (void)arg;
    return !world_helper_runs();
}

/* How often pages were written, once the helpers have done so: helpers count
 * in the runtime directory. */
static long long
writes(void)
{
    char output[WORLD_OUTPUT];

    CU_ASSERT(world_await(no_helper_runs, NULL));
    CU_ASSERT_EQUAL_FATAL(
        world_shell(output, "cat %s/generation-*", world_path("mps")), 0);
    return atoll(output);
}

/* The count begins with the first write of all. */
static void
begin(void)
{
    struct world_got got;

    world_configure(PATIENT);
    world_reset();
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(""), 1);
}

/* Two processes with four threads want the same at once: a request and a write
 * for each business; and nothing but that when they come again. */
static void
test_processes(void)
{
    enum { PROCESSES = 2, BUSINESSES = 50, FIRST = 710001 };
    char output[WORLD_OUTPUT];
    long long before;

    begin();
    before = writes();
    for (int round = 0; round < 2; round++) {
        struct world_host hosts[PROCESSES];

        for (int i = 0; i < PROCESSES; i++) {
            world_load_start(&hosts[i], "load_host", "storm 4 %d %d", FIRST,
                             BUSINESSES);
        }
        for (int i = 0; i < PROCESSES; i++) {
            world_host_go(&hosts[i]);
        }
        for (int i = 0; i < PROCESSES; i++) {
            CU_ASSERT_EQUAL(world_host_end(&hosts[i], output), 0);
            CU_ASSERT_EQUAL(world_number(output, "failed"), 0);
            CU_ASSERT_EQUAL(world_number(output, "ok"), 4L * BUSINESSES);
        }
        CU_ASSERT_EQUAL(world_requests(""), 1 + BUSINESSES);
        CU_ASSERT_EQUAL(writes(), before + BUSINESSES);
    }
}

/*
 * A prefetch of several batches asks for its businesses page by page, and
 * writes a page when it is complete. What waits for two seconds is written
 * before, which on a busy machine adds some; in another order each batch would
 * be on all pages.
 */
static void
test_prefetch(void)
{
    enum { BUSINESSES = 1500, FIRST = 720001 };
    static char names[BUSINESSES][24];
    static const char *ids[BUSINESSES];
    unsigned count = world_scale(BUSINESSES);
    long long before;

    for (unsigned i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "%u", FIRST + i);
        ids[i] = names[i];
    }
    begin();
    before = writes();
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, count, NULL, NULL),
                    MPS_OK);
    world_restart(); /* waits until all is stored */
    CU_ASSERT_EQUAL(world_requests(""), 1 + count);
    CU_ASSERT(writes() > before);
    CU_ASSERT(writes() <= before + PAGES * 3 / 2);
    before = writes();
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, count, NULL, NULL),
                    MPS_OK);
    world_restart();
    CU_ASSERT_EQUAL(world_requests(""), 1 + count);
    CU_ASSERT_EQUAL(writes(), before);
}

static CU_TestInfo tests[] = {
    {"2 processes, 4 threads, 50 businesses", test_processes},
    {"a prefetch of 1,500", test_prefetch},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"budget", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
