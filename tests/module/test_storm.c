/* SPDX-License-Identifier: MIT */
/*
 * A storm: 8 processes with 32 threads each want the same at once. However
 * many they are, the machine asks the endpoint once for each token.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>

#include "world.h"

#define PROCESSES 8
#define THREADS 32

/* So long that no waiter gives up the one who fetches (it would after half of
 * its time), on a busy machine neither. */
#define PATIENT "keyring_deadline_ms = 60000\ndeadline_ms = 120000\n"

struct storm {
    struct world_host hosts[PROCESSES];
    char output[PROCESSES][WORLD_OUTPUT];
    long ok;
    long failed;
    unsigned tokens; /* different ones that any thread saw */
};

static void
begin(struct storm *storm, const char *arguments)
{
    memset(storm, 0, sizeof(*storm));
    for (int i = 0; i < PROCESSES; i++) {
        world_load_start(&storm->hosts[i], "load_host", "%s", arguments);
    }
}

/* The different words, separated by commas, in all outputs. */
static unsigned
count_tokens(const struct storm *storm)
{
    char seen[256][16];
    unsigned count = 0;

    for (int i = 0; i < PROCESSES; i++) {
        char list[512];
        char *save = NULL;

        snprintf(list, sizeof(list), "%s",
                 world_value(storm->output[i], "tokens"));
        for (char *id = strtok_r(list, ",", &save); id != NULL;
             id = strtok_r(NULL, ",", &save)) {
            unsigned at = 0;

            while (at < count && strcmp(seen[at], id) != 0) {
                at++;
            }
            if (at == count && count < 256) {
                snprintf(seen[count++], sizeof(seen[0]), "%s", id);
            }
        }
    }
    return count;
}

static void
end(struct storm *storm)
{
    for (int i = 0; i < PROCESSES; i++) {
        CU_ASSERT_EQUAL(world_host_end(&storm->hosts[i], storm->output[i]), 0);
        storm->ok += (long)world_number(storm->output[i], "ok");
        storm->failed += (long)world_number(storm->output[i], "failed");
        if (world_number(storm->output[i], "failed") != 0) {
            printf("\n    %s", storm->output[i]);
        }
    }
    storm->tokens = count_tokens(storm);
}

static void
go(struct storm *storm)
{
    for (int i = 0; i < PROCESSES; i++) {
        world_host_go(&storm->hosts[i]);
    }
}

static void
test_cold(void)
{
    static struct storm storm;
    const char *id = world_business();
    char arguments[64];

    world_configure(PATIENT);
    world_emulate(id, "latency_ms=300");
    snprintf(arguments, sizeof(arguments), "storm %d %s 1", THREADS, id);
    begin(&storm, arguments);
    go(&storm);
    end(&storm);
    CU_ASSERT_EQUAL(world_requests(id), 1);
    CU_ASSERT_EQUAL(storm.ok, PROCESSES * THREADS);
    CU_ASSERT_EQUAL(storm.failed, 0);
    CU_ASSERT_EQUAL(storm.tokens, 1);
}

/* Under ThreadSanitizer a storm of a hundred outlasts half of the deadline,
 * and then those who wait fetch themselves. */
#ifdef __SANITIZE_THREAD__
#define BUSINESSES 20
#else
#define BUSINESSES 100
#endif

static void
test_hundred(void)
{
    enum { FIRST = 610001 };
    static struct storm storm;
    char arguments[64];
    long most = 0;

    world_configure(PATIENT);
    world_reset();
    snprintf(arguments, sizeof(arguments), "storm %d %d %d", THREADS, FIRST,
             BUSINESSES);
    begin(&storm, arguments);
    go(&storm);
    end(&storm);
    CU_ASSERT_EQUAL(world_requests(""), BUSINESSES);
    for (int i = 0; i < BUSINESSES; i++) {
        long requests = world_stat("/businesses/%d/requests", FIRST + i);

        most = requests > most ? requests : most;
    }
    CU_ASSERT_EQUAL(most, 1);
    CU_ASSERT_EQUAL(storm.ok, (long)PROCESSES * THREADS * BUSINESSES);
    CU_ASSERT_EQUAL(storm.failed, 0);
}

/*
 * All of them keep asking while a token of ten seconds comes into the second
 * half of its life, at another moment in each process. The last token is a
 * long one, so that all see it and end: each request has brought a token that
 * somebody saw, and there were no more requests than tokens.
 */
static void
test_refresh(void)
{
    static struct storm storm;
    const char *id = world_business();
    char arguments[64];

    world_configure(PATIENT);
    world_emulate(id, "lifetime_s=10");
    snprintf(arguments, sizeof(arguments), "storm-refresh %d %s", THREADS, id);
    begin(&storm, arguments);
    go(&storm);
    CU_ASSERT(world_await_requests(id, 2)); /* the first refresh */
    world_emulate(id, "lifetime_s=7200");
    end(&storm);
    CU_ASSERT(world_requests(id) >= 3);
    CU_ASSERT_EQUAL(world_requests(id), storm.tokens);
    CU_ASSERT_EQUAL(storm.failed, 0);
    CU_ASSERT(storm.ok > (long)PROCESSES * THREADS);
}

/* All of them hold the same token and report it dead. */
static void
test_dead(void)
{
    static struct storm storm;
    const char *id = world_business();
    char arguments[64];

    world_configure(PATIENT);
    world_emulate(id, "latency_ms=100");
    snprintf(arguments, sizeof(arguments), "storm-dead %d %s", THREADS, id);
    begin(&storm, arguments);
    for (int i = 0; i < PROCESSES; i++) {
        CU_ASSERT_EQUAL(world_load_step(&storm.hosts[i]), 0);
    }
    CU_ASSERT_EQUAL(world_requests(id), 1);
    go(&storm);
    end(&storm);
    CU_ASSERT_EQUAL(world_requests(id), 2);
    CU_ASSERT_EQUAL(storm.ok, 2L * PROCESSES * THREADS);
    CU_ASSERT_EQUAL(storm.failed, 0);
    CU_ASSERT_EQUAL(storm.tokens, 2);
}

static CU_TestInfo tests[] = {
    {"cold, one business: 1 request", test_cold},
    {"cold, 100 businesses: 100 requests", test_hundred},
    {"one request for each refresh", test_refresh},
    {"one request after an invalidation", test_dead},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"storm", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
