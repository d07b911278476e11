/* SPDX-License-Identifier: MIT */
/* Which code of many an administrator hears of first, and what is refused
 * before anything is fetched. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "prefetch.h"
#include "run_suites.h"

#define CODES (MPS_E_INTERNAL + 1)

static struct mps_error error;

/* A total order: no two codes are equally bad. */
static void
test_order(void)
{
    unsigned seen[CODES + 1] = {0};

    for (int code = 0; code < CODES; code++) {
        unsigned severity = mpsc_prefetch_severity(code);

        CU_ASSERT_FATAL(severity < CODES);
        seen[severity]++;
    }
    for (int severity = 0; severity < CODES; severity++) {
        CU_ASSERT_EQUAL(seen[severity], 1);
    }
    CU_ASSERT_EQUAL(mpsc_prefetch_severity(MPS_OK), 0);
    CU_ASSERT_EQUAL(mpsc_prefetch_severity(CODES), CODES);
    CU_ASSERT_EQUAL(mpsc_prefetch_severity(-1), CODES);
}

/* What concerns all businesses is worse than what concerns one. */
static void
test_meaning(void)
{
    for (int one = 1; one < CODES; one++) {
        if ((mpsc_error_class(one) & MPS_CLASS_BUSINESS) == 0) {
            continue;
        }
        for (int all = 1; all < CODES; all++) {
            if ((mpsc_error_class(all) & MPS_CLASS_RETRY) != 0 &&
                all != MPS_E_AGAIN) {
                CU_ASSERT(mpsc_prefetch_severity(one) <
                          mpsc_prefetch_severity(all));
            }
        }
    }
    CU_ASSERT(mpsc_prefetch_severity(MPS_E_NETWORK) <
              mpsc_prefetch_severity(MPS_E_AUTH));
}

static struct mpsc_provider *
new_provider(void)
{
    struct mpsc_provider *provider = mpsc_provider_new(NULL, 0);

    CU_ASSERT_PTR_NOT_NULL_FATAL(provider);
    mpsc_error_clear(&error);
    return provider;
}

struct answers {
    unsigned count;
    int codes[8];
    const char *business_ids[8];
};

static void
note(void *arg, const char *business_id, int code)
{
    struct answers *answers = arg;

    answers->codes[answers->count] = code;
    answers->business_ids[answers->count++] = business_id;
}

static void
test_refused(void)
{
    struct mpsc_provider *provider = new_provider();
    const char *const ids[] = {"1"};
    struct mps_request request = {.size = sizeof(request)};

    CU_ASSERT_EQUAL(mpsc_prefetch(provider, NULL, NULL, 0, NULL, NULL, &error),
                    MPS_OK);
    CU_ASSERT_EQUAL(mpsc_prefetch(provider, NULL, NULL, 1, NULL, NULL, &error),
                    MPS_E_INVALID);
    request.flags = MPS_NO_WAIT;
    CU_ASSERT_EQUAL(
        mpsc_prefetch(provider, &request, ids, 1, NULL, NULL, &error),
        MPS_E_INVALID);
    CU_ASSERT_EQUAL(error.code, MPS_E_INVALID);
    request.flags = 0;
    request.size = 1;
    CU_ASSERT_EQUAL(
        mpsc_prefetch(provider, &request, ids, 1, NULL, NULL, &error),
        MPS_E_INVALID);
    mpsc_provider_free_unused(&provider);
}

/* Each item is answered on its own, and the worst code is the result. The
 * profile's configuration is missing, which is worse than a bad id. */
static void
test_each(void)
{
    struct mpsc_provider *provider = new_provider();
    const char *const ids[] = {"x", "1", NULL, ""};
    struct answers answers = {.count = 0};

    setenv("MPS_CREDENTIAL_CONF", "/nonexistent/conf", 1);
    CU_ASSERT_EQUAL(
        mpsc_prefetch(provider, NULL, ids, 4, note, &answers, &error),
        MPS_E_CONFIG);
    unsetenv("MPS_CREDENTIAL_CONF");
    CU_ASSERT_EQUAL(error.code, MPS_E_CONFIG);
    CU_ASSERT_EQUAL_FATAL(answers.count, 4);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(answers.codes[i],
                        i == 1 ? MPS_E_CONFIG : MPS_E_INVALID);
        CU_ASSERT_PTR_EQUAL(answers.business_ids[i], ids[i]);
    }
    mpsc_provider_free_unused(&provider);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"severity", test_order},  {"meaning", test_meaning},
        {"refused", test_refused}, {"each item", test_each},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"prefetch", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
