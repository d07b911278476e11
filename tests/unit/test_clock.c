/* SPDX-License-Identifier: MIT */
/* The clocks and the boot id. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "run_suites.h"

static void
test_system(void)
{
    struct mpsc_time first;
    struct mpsc_time second;
    struct timespec boot;
    struct timespec pause = {0, 20 * 1000 * 1000};
    time_t before = time(NULL);

    mpsc_clock_system(&first);
    CU_ASSERT_EQUAL_FATAL(clock_gettime(CLOCK_BOOTTIME, &boot), 0);
    /* time(2) may lag a tick behind. */
    CU_ASSERT(first.wall_s >= before && first.wall_s <= time(NULL) + 1);
    CU_ASSERT(first.boot_ms <=
              (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000);
    CU_ASSERT(first.boot_ms + 60000 > (int64_t)boot.tv_sec * 1000);
    CU_ASSERT(first.mono_ms > 0);
    /* Read one after the other: a few milliseconds may lie between. */
    CU_ASSERT(first.mono_ms <= first.boot_ms + 1000);
    (void)nanosleep(&pause, NULL);
    mpsc_clock_system(&second);
    CU_ASSERT(second.mono_ms >= first.mono_ms + 20);
    CU_ASSERT(second.boot_ms >= first.boot_ms + 20);
    CU_ASSERT(second.wall_s >= first.wall_s);
}

static void
test_boot_id(void)
{
    char id[MPSC_BOOT_ID_SIZE];
    char again[MPSC_BOOT_ID_SIZE];

    memset(id, 'x', sizeof(id));
    errno = EXDEV;
    mpsc_clock_boot_id(id);
    mpsc_clock_boot_id(again);
    CU_ASSERT_EQUAL(errno, EXDEV);
    CU_ASSERT_EQUAL(id[MPSC_BOOT_ID_SIZE - 1], '\0');
    CU_ASSERT_STRING_EQUAL(id, again);
    /* A sandbox may hide /proc. */
    if (id[0] != '\0') {
        CU_ASSERT_EQUAL(strlen(id), 36);
        CU_ASSERT_EQUAL(strspn(id, "0123456789abcdef-"), 36);
    }
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"system", test_system},
        {"boot id", test_boot_id},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"clock", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
