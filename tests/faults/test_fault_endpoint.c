/* SPDX-License-Identifier: MIT */
/*
 * Every fault that the emulator can have, by its own list: the code in time,
 * and the next call is fine. And what is wrong with an endpoint's TLS is said.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>

#include "world.h"

#define DEADLINE_MS 1500

/* What ends by itself may take its time on a busy machine; what doesn't is
 * ended by the deadline. */
#define PATIENT_MS 60000

struct row {
    const char *fault;
    const char *query; /* what the emulator is told */
    int code;
    int is_slow; /* the deadline ends it */
};

static const struct row rows[] = {
    {"429", "fault=429", MPS_E_RATE_LIMITED, 0},
    {"bad-utf8", "fault=bad-utf8", MPS_E_PROTOCOL, 0},
    {"control-token", "fault=control-token", MPS_E_PROTOCOL, 0},
    {"cut", "fault=cut=10", MPS_E_NETWORK, 0},
    {"cut-chunked", "fault=cut-chunked=500", MPS_E_NETWORK, 0},
    {"cut-response", "fault=cut-response=30", MPS_E_NETWORK, 0},
    {"cut-unframed", "fault=cut-unframed=500", MPS_E_PROTOCOL, 0},
    {"date-skew", "fault=date-skew=-86400", MPS_OK, 0},
    {"deep", "fault=deep", MPS_E_PROTOCOL, 0},
    {"drip", "fault=drip&drip_ms=50", MPS_E_TIMEOUT, 1},
    {"duplicate-keys", "fault=duplicate-keys", MPS_E_PROTOCOL, 0},
    {"empty", "fault=empty", MPS_E_PROTOCOL, 0},
    {"empty-token", "fault=empty-token", MPS_E_PROTOCOL, 0},
    {"endless", "fault=endless", MPS_E_PROTOCOL, 0},
    {"error-in-200", "fault=error-in-200", MPS_E_BAD_REQUEST, 0},
    {"error-string", "fault=error-string", MPS_E_PROTOCOL, 0},
    {"garbage", "fault=garbage", MPS_E_PROTOCOL, 0},
    {"html", "fault=html", MPS_E_SERVER, 0},
    {"no-token", "fault=no-token", MPS_E_PROTOCOL, 0},
    {"none", "fault=none", MPS_OK, 0},
    {"oversized", "fault=oversized", MPS_E_PROTOCOL, 0},
    {"redirect", "fault=redirect", MPS_E_PROTOCOL, 0},
    {"reset", "fault=reset", MPS_E_NETWORK, 0},
    {"reset-body", "fault=reset-body", MPS_E_NETWORK, 0},
    {"stall", "fault=stall", MPS_E_TIMEOUT, 1},
    {"stall-body", "fault=stall-body", MPS_E_TIMEOUT, 1},
    {"trailing", "fault=trailing", MPS_E_PROTOCOL, 0},
    {"truncated", "fault=truncated", MPS_E_NETWORK, 0},
    {"two-entries", "fault=two-entries", MPS_E_PROTOCOL, 0},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void
check(int holds, const char *row, const char *what,
      const struct world_got *got)
{
    CU_ASSERT(holds);
    if (!holds) {
        printf("\n    %s: %s: %d after %lld ms: %s\n", row, what, got->code,
               (long long)got->took_ms, got->error.message);
    }
}

/* The table above has the emulator's list, whole and in its order. */
static void
test_list(void)
{
    char output[WORLD_OUTPUT];
    char *save = NULL;
    size_t count = 0;

    CU_ASSERT_EQUAL(world_shell(output,
                                "\"$MPS_TEST_BINDIR\"/mps-graph-emulator "
                                "--list-faults"),
                    0);
    for (char *line = strtok_r(output, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        const char *name = line + strspn(line, " ");
        size_t len = strcspn(name, " =");

        CU_ASSERT_FATAL(count < ROWS);
        CU_ASSERT_EQUAL(strlen(rows[count].fault), len);
        CU_ASSERT_EQUAL(strncmp(rows[count].fault, name, len), 0);
        count++;
    }
    CU_ASSERT_EQUAL(count, ROWS);
}

static void
check_fault(const struct row *row)
{
    const struct mps_request request = {
        .size = sizeof(request),
        .business_id = world_business(),
        .deadline_ms = row->is_slow ? DEADLINE_MS : PATIENT_MS,
    };
    struct world_got got;

    world_emulate(request.business_id, row->query);
    world_get_with(&request, &got);
    check(got.code == row->code, row->fault, "code", &got);
    check(got.took_ms <= (int64_t)request.deadline_ms + world_margin(),
          row->fault, "in time", &got);
    check(!row->is_slow || got.took_ms >= DEADLINE_MS - 100, row->fault,
          "not before", &got);
    if (row->code == MPS_E_RATE_LIMITED) {
        /* That is meant for all businesses, and remembered. */
        world_get(world_business(), &got);
        check(got.code == row->code, row->fault, "remembered", &got);
        world_forget();
    }
    /* What failed once is no trouble for the next call. */
    world_get(world_business(), &got);
    check(got.code == MPS_OK && strlen(got.token) == 200, row->fault,
          "the next call", &got);
    world_emulate(request.business_id, "fault=none");
    world_get(request.business_id, &got);
    check(got.code == MPS_OK && strlen(got.token) == 200, row->fault,
          "the same business", &got);
}

static void
check_faults(const char *lines)
{
    world_configure("keyring = off\nattempts = 1\nconnect_timeout_ms = "
                    "20000\ndeadline_ms = 60000\n%s",
                    lines);
    for (size_t i = 0; i < ROWS; i++) {
        check_fault(&rows[i]);
    }
    CU_ASSERT_EQUAL(world_stat("/redirect_followed"), 0);
}

static void
test_faults(void)
{
    check_faults("");
}

static void
test_faults_without_threads(void)
{
    check_faults("threads = no\n");
}

/* --- TLS ------------------------------------------------------------------
 */

/* The emulator refuses nobody for its version: it speaks TLS 1.1, which a
 * client that allows that can tell. */
static void
check_speaks_old(const char *url)
{
    char output[WORLD_OUTPUT];

    CU_ASSERT_EQUAL(world_shell(output,
                                "openssl s_client -connect %s -tls1_1 -cipher "
                                "'ALL:@SECLEVEL=0' </dev/null 2>/dev/null | "
                                "grep -c 'Protocol *: TLSv1.1'",
                                url + strlen("https://")),
                    0);
}

static void
test_tls(void)
{
    static const struct {
        const char *emulator;
        const char *option;
        const char *ca;
        const char *why;
    } cases[] = {
        {"expired", "--certificate=expired", "expired/ca.pem", "expired"},
        {"elsewhere", "--certificate=wrong-host", "elsewhere/ca.pem",
         "match"}, /* "does not match target host name" */
        {"old", "--tls=1.0-1.1", "old/ca.pem", "protocol"},
        {NULL, NULL, "expired/ca.pem", "issuer"},
    };
    struct world_got got;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *url =
            cases[i].option != NULL
                ? world_second_emulator(cases[i].emulator, cases[i].option)
                : world_base_url();
        const char *id = world_business();

        world_configure("keyring = off\nconnect_timeout_ms = 20000\nbase_url "
                        "= %s\nca_file = %s\n",
                        url, world_path(cases[i].ca));
        world_get(id, &got);
        check(got.code == MPS_E_TLS, cases[i].why, "code", &got);
        check(strstr(got.error.message, cases[i].why) != NULL, cases[i].why,
              "why", &got);
        check(strstr(got.error.message, id) != NULL &&
                  strstr(got.error.message, url) != NULL,
              cases[i].why, "whom", &got);
        if (cases[i].option != NULL && strstr(cases[i].option, "tls")) {
            check_speaks_old(url);
        }
        world_configure("keyring = off\n");
        world_get(id, &got);
        check(got.code == MPS_OK, cases[i].why, "the next call", &got);
    }
}

static CU_TestInfo tests[] = {
    {"the emulator's list is known here", test_list},
    {"each fault, then a good call", test_faults},
    {"the same with threads = no", test_faults_without_threads},
    {"TLS: what is wrong is said", test_tls},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"faults of the endpoint", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
