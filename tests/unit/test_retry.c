/* SPDX-License-Identifier: MIT */
/* Which failures are tried again, when, and when no more. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <string.h>

#include "error.h"
#include "retry.h"
#include "run_suites.h"

#define NOW 1700000000
#define MOST UINT32_MAX
#define LONG_LEFT 600000

static int
delay_after(int code, int graph_code, int is_transient, unsigned attempt)
{
    struct mps_error error;

    mpsc_error_clear(&error);
    error.code = code;
    error.graph_code = graph_code;
    error.is_transient = is_transient;
    return mpsc_retry_delay(&error, attempt, 10, 0, NOW, LONG_LEFT);
}

static void
test_which(void)
{
    static const struct {
        int code, graph_code, is_transient;
        unsigned attempt;
        int is_retried;
    } rows[] = {
        {MPS_E_NETWORK, 0, 0, 1, 1},
        {MPS_E_NETWORK, 0, 0, 5, 1},
        {MPS_E_SERVER, 0, 0, 1, 1},
        {MPS_E_SERVER, 2, 1, 1, 1},
        {MPS_E_SERVER, 2, 0, 5, 1},
        {MPS_E_SERVER, 1, 0, 1, 1},
        {MPS_E_SERVER, 1, 0, 2, 0},
        {MPS_E_SERVER, 1, 1, 2, 0},
        {MPS_E_NOT_FOUND, 803, 0, 1, 0},
        {MPS_E_NOT_FOUND, 803, 1, 1, 1},
        {MPS_E_UNPROCESSABLE, 100, 0, 1, 0},
        {MPS_E_BAD_REQUEST, 100, 0, 1, 0},
        {MPS_E_RATE_LIMITED, 4, 1, 1, 0},
        {MPS_E_RATE_LIMITED, 4, 0, 1, 0},
        {MPS_E_AUTH, 190, 1, 1, 0},
        {MPS_E_FORBIDDEN, 10, 1, 1, 0},
        {MPS_E_TLS, 0, 0, 1, 0},
        {MPS_E_TIMEOUT, 0, 0, 1, 0},
        {MPS_E_PROTOCOL, 0, 0, 1, 0},
        {MPS_E_CONFIG, 0, 0, 1, 0},
        {MPS_E_KEYRING, 0, 0, 1, 0},
        {MPS_E_NO_MEMORY, 0, 0, 1, 0},
        {MPS_E_INTERNAL, 0, 0, 1, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(delay_after(rows[i].code, rows[i].graph_code,
                                    rows[i].is_transient, rows[i].attempt),
                        rows[i].is_retried ? 0 : -1);
    }
}

/* The bound doubles from 250 ms; the delay is drawn over all of it. */
static void
test_jitter(void)
{
    static const struct {
        unsigned attempt;
        int bound;
    } rows[] = {{1, 250},  {2, 500},  {3, 1000},
                {4, 2000}, {6, 8000}, {9, 8000}};
    struct mps_error error;

    mpsc_error_set(&error, MPS_E_NETWORK, "refused");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned attempt = rows[i].attempt;
        int bound = rows[i].bound;

        CU_ASSERT_EQUAL(
            mpsc_retry_delay(&error, attempt, 10, 0, NOW, LONG_LEFT), 0);
        CU_ASSERT_EQUAL(
            mpsc_retry_delay(&error, attempt, 10, MOST, NOW, LONG_LEFT),
            bound);
        CU_ASSERT_EQUAL(
            mpsc_retry_delay(&error, attempt, 10, MOST / 2, NOW, LONG_LEFT),
            bound / 2);
    }
}

static void
test_limits(void)
{
    struct mps_error error;

    mpsc_error_set(&error, MPS_E_NETWORK, "refused");
    /* attempts = 3: two delays. */
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 2, 3, 0, NOW, LONG_LEFT), 0);
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 3, 3, 0, NOW, LONG_LEFT), -1);
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 1, 1, 0, NOW, LONG_LEFT), -1);
    /* 100 ms must be left for the attempt. */
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 1, 3, MOST, NOW, 350), 250);
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 1, 3, MOST, NOW, 349), -1);
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 1, 3, 0, NOW, 99), -1);
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 1, 3, 0, NOW, -5), -1);
}

static void
test_retry_after(void)
{
    struct mps_error error;

    mpsc_error_set(&error, MPS_E_SERVER, "HTTP 503");
    error.retry_at = NOW + 1;
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 1, 9, 0, NOW, LONG_LEFT), -1);
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 3, 9, 0, NOW, LONG_LEFT), 1000);
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 3, 9, 0, NOW, 1099), -1);
    error.retry_at = NOW + 3;
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 4, 9, 0, NOW, LONG_LEFT), -1);
    error.retry_at = INT64_MAX;
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 9, 10, 0, NOW, LONG_LEFT), -1);
    /* It has passed by now, or was not given. */
    error.retry_at = NOW;
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 1, 9, MOST, NOW, LONG_LEFT), 250);
    error.retry_at = 0;
    CU_ASSERT_EQUAL(mpsc_retry_delay(&error, 1, 9, MOST, NOW, LONG_LEFT), 250);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"which", test_which},   {"jitter", test_jitter},
        {"limits", test_limits}, {"Retry-After", test_retry_after},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"retry", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
