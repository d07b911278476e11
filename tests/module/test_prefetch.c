/* SPDX-License-Identifier: MIT */
/*
 * prefetch_credentials(): each item is answered once, on the calling thread.
 */
#include <CUnit/Basic.h>
#include <pthread.h>
#include <stdlib.h>

#include "world.h"

/* More than are fetched at a time. */
#define ITEMS 60
#define AT_ONCE 32

struct answers {
    pthread_t thread;
    unsigned foreign; /* answers on another thread */
    unsigned count;
    char ids[ITEMS][24];
    int codes[ITEMS];
};

static void
note(void *arg, const char *business_id, int code)
{
    struct answers *answers = arg;

    if (!pthread_equal(answers->thread, pthread_self())) {
        answers->foreign++;
    }
    if (answers->count < ITEMS) {
        snprintf(answers->ids[answers->count], sizeof(answers->ids[0]), "%s",
                 business_id != NULL ? business_id : "NULL");
        answers->codes[answers->count] = code;
    }
    answers->count++;
}

/* The code that an id was answered with; -1 = not, -2 = more than once. */
static int
code_of(const struct answers *answers, const char *id)
{
    int code = -1;

    for (unsigned i = 0; i < answers->count && i < ITEMS; i++) {
        if (strcmp(answers->ids[i], id) == 0) {
            code = code == -1 ? answers->codes[i] : -2;
        }
    }
    return code;
}

static void
begin(struct answers *answers)
{
    memset(answers, 0, sizeof(*answers));
    answers->thread = pthread_self();
}

static void
test_one_fails(void)
{
    const char *ids[ITEMS];
    struct answers answers;
    struct mps_error error = {.size = sizeof(error)};
    struct world_got got;

    for (int i = 0; i < ITEMS; i++) {
        ids[i] = world_business();
    }
    world_configure("keyring = off\n");
    world_reset();
    world_emulate(ids[7], "status=422");
    begin(&answers);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, ITEMS, note, &answers),
                    MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(mps.error(&error), MPS_OK);
    CU_ASSERT_EQUAL(error.code, MPS_E_UNPROCESSABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, ids[7]));
    CU_ASSERT_EQUAL(answers.count, ITEMS);
    CU_ASSERT_EQUAL(answers.foreign, 0);
    for (int i = 0; i < ITEMS; i++) {
        CU_ASSERT_EQUAL(code_of(&answers, ids[i]),
                        i == 7 ? MPS_E_UNPROCESSABLE : MPS_OK);
    }
    /* what was fetched is at hand */
    CU_ASSERT_EQUAL(world_get(ids[3], &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(""), ITEMS);
}

static void
test_worst(void)
{
    const char *ids[] = {world_business(), world_business(), "no digits", NULL,
                         world_business()};
    const struct mps_request request = {.size = sizeof(request)};
    struct answers answers;

    world_configure("keyring = off\nattempts = 1\n");
    world_emulate(ids[0], "status=422");
    world_emulate(ids[1], "status=500");
    begin(&answers);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(&request, ids, 5, note, &answers),
                    MPS_E_SERVER);
    CU_ASSERT_EQUAL(answers.count, 5);
    CU_ASSERT_EQUAL(code_of(&answers, "no digits"), MPS_E_INVALID);
    CU_ASSERT_EQUAL(code_of(&answers, "NULL"), MPS_E_INVALID);
    CU_ASSERT_EQUAL(code_of(&answers, ids[4]), MPS_OK);
    /* what only the administrator can mend is the worst */
    world_emulate(ids[4], "status=401");
    world_configure("keyring = off\nattempts = 1\n");
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, 5, NULL, NULL),
                    MPS_E_AUTH);
}

static void
test_invalid(void)
{
    const char *ids[] = {world_business()};
    struct mps_request request = {.size = sizeof(request),
                                  .flags = MPS_NO_WAIT};
    struct answers answers;

    world_configure("keyring = off\n");
    begin(&answers);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(&request, ids, 1, note, &answers),
                    MPS_E_INVALID);
    request.flags = 0;
    request.size = 1;
    CU_ASSERT_EQUAL(mps.prefetch_credentials(&request, ids, 1, note, &answers),
                    MPS_E_INVALID);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, NULL, 1, note, &answers),
                    MPS_E_INVALID);
    CU_ASSERT_EQUAL(answers.count, 0);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, 0, note, &answers),
                    MPS_OK);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, NULL, 0, NULL, NULL),
                    MPS_OK);
    CU_ASSERT_EQUAL(answers.count, 0);
    /* its business_id is ignored */
    request.size = sizeof(request);
    request.business_id = "no digits";
    CU_ASSERT_EQUAL(mps.prefetch_credentials(&request, ids, 1, note, &answers),
                    MPS_OK);
    CU_ASSERT_EQUAL(answers.count, 1);
}

static void
test_rate_limit(void)
{
    const char *ids[ITEMS];
    struct answers answers;
    unsigned limited = 0;

    for (int i = 0; i < ITEMS; i++) {
        ids[i] = world_business();
    }
    world_configure("keyring = off\n");
    world_reset();
    world_emulate("", "fault=429");
    begin(&answers);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, ITEMS, note, &answers),
                    MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(answers.count, ITEMS);
    for (int i = 0; i < ITEMS; i++) {
        limited += code_of(&answers, ids[i]) == MPS_E_RATE_LIMITED;
    }
    CU_ASSERT_EQUAL(limited, ITEMS);
    /* Further requests, beside those that are under way at the first answer,
     * would only lengthen the block. */
    CU_ASSERT(world_requests("") >= 1);
    CU_ASSERT(world_requests("") <= AT_ONCE);
    world_reset();
}

/* The limit concerns what would have to be asked for: not what is held, nor
 * what is wrong anyway. */
static void
test_rate_limit_spares_the_held(void)
{
    const char *ids[] = {world_business(), world_business(), "x"};
    struct answers answers;
    struct world_got got;

    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(world_get(ids[1], &got), MPS_OK);
    world_emulate(ids[0], "fault=429");
    begin(&answers);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, 3, note, &answers),
                    MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(code_of(&answers, ids[0]), MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(code_of(&answers, ids[1]), MPS_OK);
    CU_ASSERT_EQUAL(code_of(&answers, ids[2]), MPS_E_INVALID);
}

static void
test_deadline(void)
{
    const char *ids[ITEMS];
    struct mps_request request = {.size = sizeof(request),
                                  .deadline_ms = 1000};
    struct answers answers;
    int64_t begun;

    for (int i = 0; i < ITEMS; i++) {
        ids[i] = world_business();
    }
    world_configure("keyring = off\n");
    world_emulate("", "fault=stall");
    begin(&answers);
    begun = world_ms();
    CU_ASSERT_EQUAL(
        mps.prefetch_credentials(&request, ids, ITEMS, note, &answers),
        MPS_E_TIMEOUT);
    CU_ASSERT(world_ms() - begun <= 1000 + world_margin());
    CU_ASSERT_EQUAL(answers.count, ITEMS);
    world_reset();
}

/* The function may itself use the module. */
static void
use_module(void *arg, const char *business_id, int code)
{
    const struct mps_credential *credential = NULL;
    unsigned *count = arg;

    if (code == MPS_OK &&
        mps.get_credential(business_id, &credential) == MPS_OK) {
        (*count)++;
    }
    mps.release_credential(credential);
}

static void
test_reentry(void)
{
    const char *ids[] = {world_business(), world_business()};
    unsigned count = 0;

    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, 2, use_module, &count),
                    MPS_OK);
    CU_ASSERT_EQUAL(count, 2);
}

static CU_TestInfo tests[] = {
    {"20 businesses, one fails", test_one_fails},
    {"the worst code", test_worst},
    {"invalid arguments", test_invalid},
    {"stops at a rate limit", test_rate_limit},
    {"a rate limit and what is held", test_rate_limit_spares_the_held},
    {"a deadline for the whole", test_deadline},
    {"the function uses the module", test_reentry},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"prefetch", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
