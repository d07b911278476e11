/* SPDX-License-Identifier: MIT */
/* Hosts that close descriptors, their own and ours. */
#include <CUnit/Basic.h>

#include "reception.h"

static const char *const lines[] = {"", "threads = no\n", "keyring = off\n"};

#define LINES (sizeof(lines) / sizeof(lines[0]))

static void
test_standard(void)
{
    for (size_t i = 0; i < LINES; i++) {
        reception_configure(lines[i]);
        reception_host("", "closer standard %s", world_business());
    }
}

static void
check(const char *kind)
{
#ifdef __SANITIZE_THREAD__
    /* A descriptor that one thread closes while another uses it is a race, by
     * this test's very purpose. */
    world_untried("ThreadSanitizer");
    return;
#endif
    for (size_t i = 0; i < LINES; i++) {
        const char *id = world_business();
        const char *output;

        reception_configure(lines[i]);
        world_emulate(id, "latency_ms=1000");
        output =
            reception_host("", "closer %s %s %s", kind, id, world_business());
        /* The thread isn't found asleep: it would be for ten seconds. */
        CU_ASSERT(world_number(output, "took") < 5000 + world_margin());
    }
}

static void
test_idle(void)
{
    check("idle");
}

static void
test_busy(void)
{
    check("busy");
}

static void
test_forked(void)
{
    check("forked");
}

static CU_TestInfo tests[] = {
    {"0, 1 and 2 are closed", test_standard},
    {"all others closed and reused between calls", test_idle},
    {"likewise in the middle of a fetch", test_busy},
    {"likewise with copies in a child", test_forked},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"hosts that close descriptors", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
