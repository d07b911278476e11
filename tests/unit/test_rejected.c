/* SPDX-License-Identifier: MIT */
/* Dead tokens: how long each isn't believed. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>

#include "rejected.h"
#include "run_suites.h"

#define S 1000

static struct mpsc_rejected *list;

static void
end(void)
{
    mpsc_rejected_free(&list);
    CU_ASSERT_PTR_NULL(list);
    mpsc_rejected_free(&list);
}

static void
test_backoff(void)
{
    int64_t now = 5 * S;
    int64_t wanted = 30 * S;

    CU_ASSERT_EQUAL(mpsc_rejected_until(list, "a"), 0);
    for (int i = 0; i < 8; i++) {
        mpsc_rejected_add(&list, "a", now);
        CU_ASSERT_EQUAL(mpsc_rejected_until(list, "a"), now + wanted);
        /* The same report by others, and too early. */
        mpsc_rejected_add(&list, "a", now);
        mpsc_rejected_add(&list, "a", now + wanted - 1);
        CU_ASSERT_EQUAL(mpsc_rejected_until(list, "a"), now + wanted);
        now += wanted;
        wanted = wanted * 2 < 900 * S ? wanted * 2 : 900 * S;
    }
    CU_ASSERT_EQUAL(wanted, 900 * S);
    CU_ASSERT_EQUAL(mpsc_rejected_until(list, "b"), 0);
}

static void
test_many(void)
{
    char digest[16];

    for (int i = 0; i < MPSC_REJECTED_MAX + 2; i++) {
        snprintf(digest, sizeof(digest), "%d", i);
        mpsc_rejected_add(&list, digest, i);
    }
    CU_ASSERT_EQUAL(mpsc_rejected_until(list, "0"), 0);
    CU_ASSERT_EQUAL(mpsc_rejected_until(list, "1"), 0);
    for (int i = 2; i < MPSC_REJECTED_MAX + 2; i++) {
        snprintf(digest, sizeof(digest), "%d", i);
        CU_ASSERT_EQUAL(mpsc_rejected_until(list, digest), i + 30 * S);
    }
    /* One that is reported again is the newest. */
    mpsc_rejected_add(&list, "2", 100 * S);
    mpsc_rejected_add(&list, "x", 100 * S);
    CU_ASSERT_EQUAL(mpsc_rejected_until(list, "2"), 160 * S);
    CU_ASSERT_EQUAL(mpsc_rejected_until(list, "3"), 0);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"back-off", test_backoff},
        {"many", test_many},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"rejected", NULL, NULL, NULL, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
