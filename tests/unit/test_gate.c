/* SPDX-License-Identifier: MIT */
/* Who is inside with whom. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#include "gate.h"
#include "run_suites.h"

#define READERS 4
#define ROUNDS 2000

static struct mpsc_gate gate;

/* Two halves that are the same for whoever is inside. */
static long left;
static long right;
static atomic_int torn;
static atomic_int stop;

static void
begin(void)
{
    CU_ASSERT_EQUAL_FATAL(mpsc_gate_init(&gate), 0);
}

static void
end(void)
{
    mpsc_gate_destroy(&gate);
}

static void *
read_all_the_time(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        struct mpsc_gate_lane *lane = mpsc_gate_enter(&gate);

        if (lane != NULL) {
            if (left != right) {
                atomic_store(&torn, 1);
            }
            mpsc_gate_leave(lane);
        }
    }
    return NULL;
}

static void
test_writer(void)
{
    pthread_t readers[READERS];

    atomic_store(&stop, 0);
    for (int i = 0; i < READERS; i++) {
        CU_ASSERT_EQUAL_FATAL(
            pthread_create(&readers[i], NULL, read_all_the_time, NULL), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        mpsc_gate_close(&gate);
        left++;
        sched_yield();
        right++;
        mpsc_gate_open(&gate);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
    }
    CU_ASSERT_EQUAL(left, ROUNDS);
    CU_ASSERT_FALSE(atomic_load(&torn));
}

/* Nobody waits for a writer; and everyone gets in where anyone does. */
static void
test_closed(void)
{
    struct mpsc_gate_lane *lanes[64];
    unsigned count = 0;

    mpsc_gate_close(&gate);
    CU_ASSERT_PTR_NULL(mpsc_gate_enter(&gate));
    mpsc_gate_open(&gate);
    while (count < gate.count) {
        lanes[count] = mpsc_gate_enter(&gate);
        CU_ASSERT_PTR_NOT_NULL_FATAL(lanes[count]);
        for (unsigned i = 0; i < count; i++) {
            CU_ASSERT_PTR_NOT_EQUAL(lanes[i], lanes[count]);
        }
        count++;
    }
    CU_ASSERT_PTR_NULL(mpsc_gate_enter(&gate));
    while (count > 0) {
        mpsc_gate_leave(lanes[--count]);
    }
    mpsc_gate_close(&gate);
    mpsc_gate_open(&gate);
}

/* Runs on one processor, since that is what a reader's lane goes by. */
static void
run_on(unsigned processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    CU_ASSERT_EQUAL_FATAL(
        pthread_setaffinity_np(pthread_self(), sizeof(set), &set), 0);
}

/* Readers on two processors have lanes of their own, far apart. */
static void
test_lanes(void)
{
    cpu_set_t before;
    unsigned processors[2];
    int count = 0;
    struct mpsc_gate_lane *one;
    struct mpsc_gate_lane *other;

    CU_ASSERT_EQUAL_FATAL(
        pthread_getaffinity_np(pthread_self(), sizeof(before), &before), 0);
    for (unsigned i = 0; i < CPU_SETSIZE && count < 2; i++) {
        if (CPU_ISSET(i, &before)) {
            processors[count++] = i;
        }
    }
    if (count < 2) {
        puts("(not possible here: a second processor)");
        return;
    }
    run_on(processors[0]);
    one = mpsc_gate_enter(&gate);
    run_on(processors[1]);
    other = mpsc_gate_enter(&gate);
    CU_ASSERT((uintptr_t)other - (uintptr_t)one >= 128 ||
              (uintptr_t)one - (uintptr_t)other >= 128);
    mpsc_gate_leave(other);
    mpsc_gate_leave(one);
    pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
}

static void
test_errno(void)
{
    struct mpsc_gate_lane *lane;

    errno = E2BIG;
    lane = mpsc_gate_enter(&gate);
    mpsc_gate_leave(lane);
    mpsc_gate_close(&gate);
    mpsc_gate_open(&gate);
    CU_ASSERT_EQUAL(errno, E2BIG);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"a writer is alone", test_writer},
        {"closed", test_closed},
        {"lanes", test_lanes},
        {"errno", test_errno},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"gate", NULL, NULL, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
