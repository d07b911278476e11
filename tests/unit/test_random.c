/* SPDX-License-Identifier: MIT */
/* Random bits, from a kernel that has some or has none. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "random.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include "run_suites.h"

static int has_none;
static unsigned asked_flags;

/* In the place of libc's. */
ssize_t
getrandom(void *to, size_t size, unsigned flags)
{
    asked_flags = flags;
    if (has_none) {
        errno = EAGAIN;
        return -1;
    }
    memset(to, 0xa5, size);
    return (ssize_t)size;
}

static void
test_bits(void)
{
    has_none = 0;
    CU_ASSERT_EQUAL(mpsc_random_bits(), 0xa5a5a5a5);
    CU_ASSERT_EQUAL(asked_flags, GRND_NONBLOCK);
}

static void
test_none(void)
{
    has_none = 1;
    CU_ASSERT_EQUAL(mpsc_random_bits(), 0);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"all bits, without waiting", test_bits},
        {"the kernel has none", test_none},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"random", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
