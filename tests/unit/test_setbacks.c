/* SPDX-License-Identifier: MIT */
/* What has gone wrong with a business: kept while there is anything, and no
 * longer. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <string.h>

#include "error.h"
#include "run_suites.h"
#include "setbacks.h"

static struct mpsc_setbacks *setbacks;

static void
end(void)
{
    mpsc_setbacks_free(&setbacks);
    CU_ASSERT_PTR_NULL(setbacks);
}

static struct mpsc_setbacks *
note(void)
{
    struct mpsc_setbacks *noted = mpsc_setbacks_note(&setbacks);

    CU_ASSERT_PTR_NOT_NULL_FATAL(noted);
    CU_ASSERT_PTR_EQUAL(noted, setbacks);
    return noted;
}

static void
test_none(void)
{
    const struct mpsc_setbacks *none = mpsc_setbacks_recall(NULL);

    CU_ASSERT_PTR_NULL(none->failure);
    CU_ASSERT_PTR_NULL(none->rejected);
    CU_ASSERT_EQUAL(none->refresh_not_before_ms, 0);
    mpsc_setbacks_forgive(&setbacks);
    mpsc_setbacks_recover(&setbacks);
    CU_ASSERT_PTR_NULL(setbacks);
    CU_ASSERT_PTR_EQUAL(mpsc_setbacks_recall(note()), setbacks);
    CU_ASSERT_PTR_EQUAL(mpsc_setbacks_note(&setbacks), setbacks);
    mpsc_setbacks_forgive(&setbacks);
    CU_ASSERT_PTR_NULL(setbacks);
}

static void
test_failure(void)
{
    struct mps_error error;

    mpsc_error_set(&error, MPS_E_NOT_FOUND, "first");
    mpsc_setbacks_fail(&setbacks, &error, 500, 1000, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(setbacks);
    CU_ASSERT_PTR_NOT_NULL_FATAL(setbacks->failure);
    mpsc_error_set(&error, MPS_E_FORBIDDEN, "second");
    /* A copy. */
    CU_ASSERT_EQUAL(setbacks->failure->code, MPS_E_NOT_FOUND);
    CU_ASSERT_EQUAL(setbacks->failure_since_ms, 500);
    CU_ASSERT_EQUAL(setbacks->failure_until_ms, 1000);
    CU_ASSERT_EQUAL(setbacks->failure_binds, 1);
    mpsc_setbacks_fail(&setbacks, &error, 1500, 2000, 0);
    CU_ASSERT_EQUAL(setbacks->failure->code, MPS_E_FORBIDDEN);
    CU_ASSERT_STRING_EQUAL(setbacks->failure->message, "second");
    CU_ASSERT_EQUAL(setbacks->failure_since_ms, 1500);
    CU_ASSERT_EQUAL(setbacks->failure_until_ms, 2000);
    CU_ASSERT_EQUAL(setbacks->failure_binds, 0);
    mpsc_setbacks_forgive(&setbacks);
    CU_ASSERT_PTR_NULL(setbacks);
    /* One that is remembered goes with the rest. */
    mpsc_setbacks_fail(&setbacks, &error, 2500, 3000, 0);
    note()->distrust_until_ms = 1;
}

/* A token ends the failure and the back-off, and nothing else. */
static void
test_recover(void)
{
    struct mps_error error;

    mpsc_error_set(&error, MPS_E_SERVER, "x");
    mpsc_setbacks_fail(&setbacks, &error, 500, 1000, 0);
    note()->refresh_failures = 3;
    note()->refresh_not_before_ms = 700;
    mpsc_setbacks_forgive(&setbacks);
    CU_ASSERT_PTR_NOT_NULL_FATAL(setbacks);
    CU_ASSERT_PTR_NULL(setbacks->failure);
    CU_ASSERT_EQUAL(setbacks->refresh_failures, 3);
    CU_ASSERT_EQUAL(setbacks->refresh_not_before_ms, 700);
    mpsc_setbacks_recover(&setbacks);
    CU_ASSERT_PTR_NULL(setbacks);

    mpsc_rejected_add(&note()->rejected, "x", 1000);
    mpsc_setbacks_recover(&setbacks);
    CU_ASSERT_PTR_NOT_NULL_FATAL(setbacks);
    CU_ASSERT_NOT_EQUAL(mpsc_rejected_until(setbacks->rejected, "x"), 0);
    mpsc_rejected_free(&setbacks->rejected);
    setbacks->distrust_until_ms = 900;
    mpsc_setbacks_recover(&setbacks);
    CU_ASSERT_EQUAL(mpsc_setbacks_recall(setbacks)->distrust_until_ms, 900);
    note()->distrust_until_ms = 0;
    note()->erasure = (struct mpsc_flight *)(void *)&error;
    mpsc_setbacks_recover(&setbacks);
    CU_ASSERT_PTR_NOT_NULL(setbacks);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"none", test_none},
        {"failure", test_failure},
        {"recover", test_recover},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"setbacks", NULL, NULL, NULL, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
