/* SPDX-License-Identifier: MIT */
/*
 * prefetch_credentials() of 1,000 businesses: one request for each, up to 32
 * at a time, each token where it belongs, in memory and keyring. How fast that
 * is: scripts/bench prefetch.
 */
#include <CUnit/Basic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "world.h"

#define BUSINESSES 1000
#define AT_ONCE 32

static char names[BUSINESSES][24];
static const char *ids[BUSINESSES];
static char tokens[BUSINESSES][16];

/* Counts the emulator's open connections, its own among them. */
struct counter {
    pthread_t thread;
    atomic_int stop;
    long most;
    long looks;
};

static void *
count_connections(void *arg)
{
    struct counter *counter = arg;

    while (!atomic_load(&counter->stop)) {
        long open = world_stat("/connections_open") - 1;

        counter->most = open > counter->most ? open : counter->most;
        counter->looks++;
        world_nap(5);
    }
    return NULL;
}

static void
note(void *arg, const char *business_id, int code)
{
    unsigned *answers = arg;

    (void)business_id;
    *answers += code == MPS_OK;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static unsigned
count_different(void)
{
    static char sorted[BUSINESSES][16];
    unsigned count = 1;

    memcpy(sorted, tokens, sizeof(sorted));
    qsort(sorted, BUSINESSES, sizeof(sorted[0]), by_text);
    for (int i = 1; i < BUSINESSES; i++) {
        count += strcmp(sorted[i], sorted[i - 1]) != 0;
    }
    return count;
}

static void
test_first(void)
{
    struct counter counter = {.most = 0};
    struct world_got got;
    unsigned answers = 0;
    int failures = 0;

    for (int i = 0; i < BUSINESSES; i++) {
        snprintf(names[i], sizeof(names[i]), "%d", 680001 + i);
        ids[i] = names[i];
    }
    world_configure("keyring_deadline_ms = 20000\ndeadline_ms = 60000\n");
    world_emulate("", "latency_ms=50");
    pthread_create(&counter.thread, NULL, count_connections, &counter);
    CU_ASSERT_EQUAL(
        mps.prefetch_credentials(NULL, ids, BUSINESSES, note, &answers),
        MPS_OK);
    atomic_store(&counter.stop, 1);
    pthread_join(counter.thread, NULL);
    CU_ASSERT_EQUAL(answers, BUSINESSES);
    CU_ASSERT_EQUAL(world_requests(""), BUSINESSES);
    CU_ASSERT_EQUAL(world_stat("/by_status/200"), BUSINESSES);
    CU_ASSERT(counter.looks > 1);
    CU_ASSERT(counter.most > 1);
    CU_ASSERT(counter.most <= AT_ONCE);
    printf("(%ld at once) ", counter.most);
    for (int i = 0; i < BUSINESSES; i++) {
        failures += world_get(ids[i], &got) != MPS_OK;
        memcpy(tokens[i], got.token_id, sizeof(tokens[i]));
    }
    CU_ASSERT_EQUAL(failures, 0);
    CU_ASSERT_EQUAL(count_different(), BUSINESSES);
    CU_ASSERT_EQUAL(world_requests(""), BUSINESSES);
}

/* Another process finds them all, each business its own. */
static void
test_second(void)
{
    struct world_got got;
    int elsewhere = 0;
    int others = 0;

    world_restart(); /* waits until all is stored */
    CU_ASSERT_EQUAL(
        mps.prefetch_credentials(NULL, ids, BUSINESSES, NULL, NULL), MPS_OK);
    for (int i = 0; i < BUSINESSES; i++) {
        CU_ASSERT_EQUAL(world_get(ids[i], &got), MPS_OK);
        elsewhere += got.source != MPS_SOURCE_KEYRING;
        others += strcmp(got.token_id, tokens[i]) != 0;
    }
    CU_ASSERT_EQUAL(elsewhere, 0);
    CU_ASSERT_EQUAL(others, 0);
    CU_ASSERT_EQUAL(world_requests(""), BUSINESSES);
}

static CU_TestInfo tests[] = {
    {"1,000 requests, at most 32 at once", test_first},
    {"and none for the next process", test_second},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"prefetch of 1,000", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
