/* SPDX-License-Identifier: MIT */
/*
 * exit() at any moment of a fetch: the host's exit status is its own, and
 * nothing is printed.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <time.h>

#include "world.h"

#define EXITS 1000

/* The moments that a host leaves at are spread over a connection's making, the
 * request, the answer and the time behind it. */
#define LATENCY "latency_ms=15"

static void
check(const char *program, const char *mode, unsigned count,
      unsigned within_ms, const char *lines)
{
    struct world_host host;
    static unsigned first = 650001;
    char output[WORLD_OUTPUT];
    unsigned seed = (unsigned)time(NULL);
    long before = world_requests("");

    world_configure("%s", lines);
    world_emulate("", LATENCY);
    world_load_start(&host, program, "leave %u %u %s %u %u", count, seed, mode,
                     within_ms, first);
    first += 4 * count;
    CU_ASSERT_EQUAL(world_host_end(&host, output), 0);
    CU_ASSERT_EQUAL(world_number(output, "well"), count);
    CU_ASSERT_EQUAL(world_number(output, "of"), count);
    CU_ASSERT_EQUAL(world_number(output, "output"), 0);
    if (world_number(output, "well") != count) {
        printf("\n    %s %s, seed %u, %s    %s", program, mode, seed, lines,
               output);
    }
    /* some of them did come to their request */
    CU_ASSERT(world_requests("") > before || within_ms < 60);
}

static void
test_plain(void)
{
    check("load_host", "nowait", world_scale(EXITS), 60, "keyring = off\n");
}

static void
test_openssl(void)
{
    check("ssl_host", "nowait", world_scale(EXITS), 60, "keyring = off\n");
}

static void
test_waiting_threads(void)
{
    check("load_host", "threads", world_scale(EXITS / 4), 60,
          "keyring = off\n");
    check("ssl_host", "threads", world_scale(EXITS / 4), 60,
          "keyring = off\n");
}

/* exit() has begun before the first call of another thread. */
static void
test_before_the_first_call(void)
{
    check("ssl_host", "threads", world_scale(EXITS / 2), 10,
          "keyring = off\n");
    check("ssl_host", "threads", world_scale(EXITS / 2), 10,
          "keyring = off\nthreads = no\n");
}

static void
test_without_threads(void)
{
    check("load_host", "threads", world_scale(EXITS / 4), 60,
          "keyring = off\nthreads = no\n");
    check("ssl_host", "threads", world_scale(EXITS / 4), 60,
          "keyring = off\nthreads = no\n");
}

/* Here the helper comes before the request. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEYRING_WITHIN_MS 1500
#else
#define KEYRING_WITHIN_MS 250
#endif

static void
test_keyring(void)
{
    check("load_host", "nowait", world_scale(EXITS / 10), KEYRING_WITHIN_MS,
          "");
    check("ssl_host", "nowait", world_scale(EXITS / 10), KEYRING_WITHIN_MS,
          "");
}

static CU_TestInfo tests[] = {
    {"1,000 exits in a background fetch", test_plain},
    {"1,000 in a host that has initialised OpenSSL", test_openssl},
    {"with threads inside calls", test_waiting_threads},
    {"likewise with threads = no", test_without_threads},
    {"before the first call", test_before_the_first_call},
    {"with the keyring", test_keyring},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"exit", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
