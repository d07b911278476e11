/* SPDX-License-Identifier: MIT */
/* Hosts with many threads, with threads that are cancelled, and with one that
 * must never wait. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "reception.h"

static const char *const lines[] = {"", "threads = no\n"};

/* So many businesses in a line. */
static const char *
businesses(unsigned count)
{
    static char line[1024];
    size_t used = 0;

    for (unsigned i = 0; i < count; i++) {
        used += (size_t)snprintf(line + used, sizeof(line) - used, "%s ",
                                 world_business());
    }
    return line;
}

static void
check_crowd(int with_shutdown)
{
    for (int i = 0; i < 2; i++) {
        const char *output;

        reception_configure(lines[i]);
        output = reception_host("", "crowd %u %d %s", world_scale(16),
                                with_shutdown, businesses(12));
        CU_ASSERT(world_number(output, "calls") > 0);
        CU_ASSERT(world_number(output, "stack") <= world_number(output, "of"));
        printf("(stack: %lld bytes) ", world_number(output, "stack"));
    }
}

static void
test_crowd(void)
{
    check_crowd(0);
}

static void
test_crowd_with_shutdown(void)
{
    check_crowd(1);
}

/* The endpoint takes longer than the loop may be away: a call that waited for
 * it would be seen, also where all else may be late. */
static void
test_event_loop(void)
{
    reception_configure("");
    world_emulate("", "latency_ms=1500");
    reception_host("", "event_loop 1400 %s", businesses(8));
    world_reset();
}

static void
cancel_inside(const char *function)
{
    for (int i = 0; i < 2; i++) {
        reception_configure(lines[i]);
        reception_host("", "cancel %s %s %s %u", function, world_business(),
                       world_business(), world_scale(40));
    }
}

#define CANCEL_INSIDE(function)                                               \
    static void test_cancel_##function(void)                                  \
    {                                                                         \
        cancel_inside(#function);                                             \
    }
CANCEL_INSIDE(get_credential)
CANCEL_INSIDE(get_credential_with)
CANCEL_INSIDE(invalidate_credential)
CANCEL_INSIDE(invalidate_credential_with)
CANCEL_INSIDE(prefetch_credentials)
CANCEL_INSIDE(credential_error)
CANCEL_INSIDE(credential_event_fd)
CANCEL_INSIDE(credential_prepare)
CANCEL_INSIDE(credential_shutdown)
CANCEL_INSIDE(credential_log_to)

static CU_TestInfo tests[] = {
    {"64 threads with 64 KiB of stack", test_crowd},
    {"64 threads, one shuts down", test_crowd_with_shutdown},
    {"epoll loop with a signalfd", test_event_loop},
    {"cancelled in get_credential", test_cancel_get_credential},
    {"cancelled in get_credential_with", test_cancel_get_credential_with},
    {"cancelled in invalidate_credential", test_cancel_invalidate_credential},
    {"cancelled in invalidate_credential_with",
     test_cancel_invalidate_credential_with},
    {"cancelled in prefetch_credentials", test_cancel_prefetch_credentials},
    {"cancelled in credential_error", test_cancel_credential_error},
    {"cancelled in credential_event_fd", test_cancel_credential_event_fd},
    {"cancelled in credential_prepare", test_cancel_credential_prepare},
    {"cancelled in credential_shutdown", test_cancel_credential_shutdown},
    {"cancelled in credential_log_to", test_cancel_credential_log_to},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"hosts with threads", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
