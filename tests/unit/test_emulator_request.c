/* SPDX-License-Identifier: MIT */
/* The rules that the emulator holds a request to. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "proof.h"
#include "request.h"
#include "run_suites.h"

#define GOOD_PATH "/v25.0/1234567890123456/access_token"
#define BEARER "Bearer EAApartner"

static const struct emu_demand demand = {
    .solution_id = "1234567890123456",
    .partner_token = "EAApartner",
    .now = 1700000000,
};

static const struct emu_request good = {
    .method = "GET",
    .path = GOOD_PATH,
    .authorization = BEARER,
    .business_id = "9876543210987654",
    .business_ids = 1,
};

static void
check_path(const char *path, enum emu_verdict expected)
{
    struct emu_request request = good;

    request.path = path;
    CU_ASSERT_EQUAL(emu_request_check(&request, &demand), expected);
}

static void
test_paths(void)
{
    check_path(GOOD_PATH, EMU_GOOD);
    check_path("/v19.0/1234567890123456/access_token", EMU_GOOD);
    check_path("/v26.0/1234567890123456/access_token", EMU_GOOD);
    check_path(GOOD_PATH EMU_REDIRECTED, EMU_FOLLOWED);
    check_path("/v18.0/1234567890123456/access_token", EMU_BAD_PATH);
    check_path("/v25/1234567890123456/access_token", EMU_BAD_PATH);
    check_path("/v25.00/1234567890123456/access_token", EMU_BAD_PATH);
    check_path("/1234567890123456/access_token", EMU_BAD_PATH);
    check_path("/v25.0//access_token", EMU_BAD_PATH);
    check_path("/v25.0/1234567890123456/access_tokens", EMU_BAD_PATH);
    check_path(GOOD_PATH "/", EMU_BAD_PATH);
    check_path("/v25.0/", EMU_BAD_PATH);
    check_path("/", EMU_BAD_PATH);
    check_path("", EMU_BAD_PATH);
    check_path("/v25.0/12x/access_token", EMU_BAD_SOLUTION);
    check_path("/v25.0/-1/access_token", EMU_BAD_SOLUTION);
    check_path("/v25.0/123456789012345/access_token", EMU_UNKNOWN_SOLUTION);
    check_path("/v25.0/12345678901234567/access_token", EMU_UNKNOWN_SOLUTION);
}

static void
check_token(const char *authorization, enum emu_verdict expected)
{
    struct emu_request request = good;

    request.authorization = authorization;
    CU_ASSERT_EQUAL(emu_request_check(&request, &demand), expected);
}

static void
test_tokens(void)
{
    check_token("Bearer  EAApartner", EMU_GOOD);
    check_token(NULL, EMU_NO_TOKEN);
    check_token("", EMU_NO_TOKEN);
    check_token("Bearer", EMU_NO_TOKEN);
    check_token("Bearer ", EMU_NO_TOKEN);
    check_token("BearerEAApartner", EMU_NO_TOKEN);
    check_token("Basic EAApartner", EMU_NO_TOKEN);
    check_token("Bearer {x}", EMU_NO_TOKEN);
    check_token("Bearer EAApartneR", EMU_WRONG_TOKEN);
    check_token("Bearer EAApartner2", EMU_WRONG_TOKEN);
    check_token("Bearer EAApartne", EMU_WRONG_TOKEN);
    check_token("Bearer 12|abc", EMU_WRONG_TOKEN);
}

static void
check_business(const char *id, size_t times, enum emu_verdict expected)
{
    struct emu_request request = good;

    request.business_id = id;
    request.business_ids = times;
    CU_ASSERT_EQUAL(emu_request_check(&request, &demand), expected);
}

static void
test_businesses(void)
{
    check_business("1", 1, EMU_GOOD);
    check_business(NULL, 0, EMU_BAD_BUSINESS);
    check_business("", 1, EMU_BAD_BUSINESS);
    check_business("1", 2, EMU_BAD_BUSINESS);
    check_business("12a", 1, EMU_BAD_BUSINESS);
    check_business(" 12", 1, EMU_BAD_BUSINESS);
    check_business("+12", 1, EMU_BAD_BUSINESS);
}

static void
test_order(void)
{
    struct emu_request request = good;

    /* The token is looked at before the parameters, the path before all. */
    request.authorization = NULL;
    request.business_id = "x";
    CU_ASSERT_EQUAL(emu_request_check(&request, &demand), EMU_NO_TOKEN);
    request.method = "POST";
    CU_ASSERT_EQUAL(emu_request_check(&request, &demand), EMU_BAD_METHOD);
    request.path = "/x";
    CU_ASSERT_EQUAL(emu_request_check(&request, &demand), EMU_BAD_PATH);
}

/* Computed with: printf TEXT | openssl dgst -sha256 -hmac secret */
#define PROOF_PLAIN                                                           \
    "d45253fea43c188a110a9a0d061058573b127634b28ec2fb18e82fd8e62577f7"
#define PROOF_TIMED                                                           \
    "87a0c00a5cb6bdf3135443ccb7f45dcd691645177e05d0aa0112d84a0ff80e4c"

static void
test_proofs(void)
{
    const char *key = "secret";
    const char *token = "EAApartner";
    const char *time = "1700000000";
    const int64_t now = 1700000000;
    char upper[] = PROOF_PLAIN;

    CU_ASSERT(emu_proof_good(key, token, PROOF_PLAIN, NULL, now));
    CU_ASSERT(emu_proof_good(key, token, PROOF_TIMED, time, now));
    CU_ASSERT(emu_proof_good(key, token, PROOF_TIMED, time, now + 300));
    CU_ASSERT(emu_proof_good(key, token, PROOF_TIMED, time, now - 300));
    CU_ASSERT_FALSE(emu_proof_good(key, token, PROOF_TIMED, time, now + 301));
    CU_ASSERT_FALSE(emu_proof_good(key, token, PROOF_TIMED, time, now - 301));
    CU_ASSERT_FALSE(emu_proof_good(key, token, PROOF_TIMED, NULL, now));
    CU_ASSERT_FALSE(emu_proof_good(key, token, PROOF_PLAIN, time, now));
    CU_ASSERT_FALSE(emu_proof_good(key, token, PROOF_TIMED, "17e8", now));
    CU_ASSERT_FALSE(emu_proof_good(key, "EAAother", PROOF_PLAIN, NULL, now));
    CU_ASSERT_FALSE(emu_proof_good("other", token, PROOF_PLAIN, NULL, now));
    CU_ASSERT_FALSE(emu_proof_good(key, token, NULL, NULL, now));
    CU_ASSERT_FALSE(emu_proof_good(key, token, "", NULL, now));
    for (size_t i = 0; upper[i]; i++) {
        if (upper[i] >= 'a' && upper[i] <= 'f') {
            upper[i] = (char)(upper[i] - 'a' + 'A');
        }
    }
    CU_ASSERT_FALSE(emu_proof_good(key, token, upper, NULL, now));
}

static void
test_proof_demanded(void)
{
    struct emu_demand strict = demand;
    struct emu_request request = good;

    strict.app_secret = "secret";
    CU_ASSERT_EQUAL(emu_request_check(&request, &strict), EMU_BAD_PROOF);
    request.proof = PROOF_PLAIN;
    CU_ASSERT_EQUAL(emu_request_check(&request, &strict), EMU_GOOD);
    request.proof_time = "1700000000";
    CU_ASSERT_EQUAL(emu_request_check(&request, &strict), EMU_BAD_PROOF);
    request.proof = PROOF_TIMED;
    CU_ASSERT_EQUAL(emu_request_check(&request, &strict), EMU_GOOD);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"paths", test_paths},
        {"partner tokens", test_tokens},
        {"business_id", test_businesses},
        {"order of the checks", test_order},
        {"appsecret_proof", test_proofs},
        {"appsecret_proof demanded", test_proof_demanded},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"emulator: request", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
