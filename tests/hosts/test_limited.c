/* SPDX-License-Identifier: MIT */
/* Hosts under limits of resources: see limited.c. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "reception.h"

static void
check_nofile(const char *lines)
{
    reception_configure(lines);
    reception_host("", "limited nofile %s", world_business());
    reception_configure(lines);
    reception_host("", "limited nofile-prepared %s", world_business());
}

static void
test_nofile(void)
{
    check_nofile("");
    check_nofile("keyring = required\n");
}

static void
test_nofile_without_threads(void)
{
    check_nofile("threads = no\n");
}

static void
test_memlock(void)
{
    reception_configure("");
    reception_host("", "limited memlock %s", world_business());
}

/* True where the module's shared state is there. */
static int
has_state(void)
{
    char output[WORLD_OUTPUT];

    CU_ASSERT_EQUAL(world_shell(output, "ls -A %s", world_path("mps")), 0);
    return strstr(output, "state-") != NULL;
}

/* The state that processes share is what the module writes itself. */
static void
check_fsize(const char *lines)
{
    const char *limited = world_business();
    char output[WORLD_OUTPUT];
    char text[64];

    reception_configure(lines);
    world_emulate(limited, "fault=429");
    reception_host("", "limited fsize %s %s", world_business(), limited);
    CU_ASSERT_EQUAL(world_requests(limited), 1);
    CU_ASSERT_FALSE(has_state());
    /* It would have been there. */
    snprintf(text, sizeof(text), "../module/host get %s", limited);
    CU_ASSERT_EQUAL(world_program(output, "", text), MPS_E_RATE_LIMITED);
    CU_ASSERT(has_state());
}

/* On the host's own thread SIGXFSZ would not be blocked. */
static void
test_fsize(void)
{
    check_fsize("attempts = 1\n");
    check_fsize("attempts = 1\nthreads = no\n");
}

/* In steps, so that it lacks now here, now there; the last is enough. */
static void
test_address_space(void)
{
    enum { STEP_KIB = 32, STEPS = 8, ENOUGH_KIB = 65536 };
    unsigned refused = 0;
    const char *output = "";

    for (int i = 0; i <= STEPS; i++) {
        int more_kib = i < STEPS ? i * STEP_KIB : ENOUGH_KIB;

        reception_configure("");
        output = reception_host("", "limited as=%d %s %s", more_kib,
                                world_business(), world_business());
        if (*world_value(output, "house") == '\0') {
            return; /* not possible here */
        }
        refused += world_number(output, "code") == MPS_E_NO_MEMORY;
    }
    CU_ASSERT(refused > 0);
    CU_ASSERT_EQUAL(world_number(output, "code"), MPS_OK);
}

static CU_TestInfo tests[] = {
    {"RLIMIT_NOFILE reached", test_nofile},
    {"RLIMIT_NOFILE reached, threads = no", test_nofile_without_threads},
    {"RLIMIT_MEMLOCK 0", test_memlock},
    {"RLIMIT_FSIZE 0", test_fsize},
    {"RLIMIT_AS reached", test_address_space},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"limited hosts", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
