/* SPDX-License-Identifier: MIT */
/* Which requests are taken, of this version of the struct and of others. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <limits.h>
#include <string.h>

#include "error.h"
#include "request.h"
#include "run_suites.h"

#define FULL (sizeof(struct mps_request))

static const struct mpsc_request_rules any = {MPS_NO_WAIT | MPS_FORCE_REFRESH,
                                              1, 1};

static struct mps_error error;
static struct mps_request checked;

static int
check(const struct mps_request *request,
      const struct mpsc_request_rules *rules)
{
    int code;

    mpsc_error_clear(&error);
    memset(&checked, 0x55, sizeof(checked));
    code = mpsc_request_check(request, rules, &checked, &error);
    CU_ASSERT_EQUAL(error.code, code);
    CU_ASSERT_EQUAL(error.message[0] != '\0', code != MPS_OK);
    return code;
}

static struct mps_request
good(void)
{
    const struct mps_request request = {.size = FULL, .business_id = "4711"};

    return request;
}

/* A struct of a later version: this one's, then members that we don't know.
 */
struct later_request {
    struct mps_request known;
    char more[64];
};

static void
test_sizes(void)
{
    static const struct {
        size_t size;
        int code;
    } rows[] = {
        {0, MPS_E_INVALID},        {1, MPS_E_INVALID},
        {FULL - 1, MPS_E_INVALID}, {FULL, MPS_OK},
        {FULL + 1, MPS_OK},        {FULL + 64, MPS_OK},
        {4097, MPS_E_INVALID},     {SIZE_MAX, MPS_E_INVALID},
        {INT_MAX, MPS_E_INVALID},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct later_request request = {.known = good()};

        request.known.size = rows[i].size;
        CU_ASSERT_EQUAL(check(&request.known, &any), rows[i].code);
        if (rows[i].code != MPS_OK) {
            CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "size"));
        }
    }
    CU_ASSERT_EQUAL(check(NULL, &any), MPS_E_INVALID);
}

static void
test_later_members(void)
{
    for (size_t at = 0; at < sizeof(((struct later_request *)0)->more); at++) {
        struct later_request request = {.known = good()};

        request.more[at] = 1;
        request.known.size = FULL + at;
        CU_ASSERT_EQUAL(check(&request.known, &any), MPS_OK);
        request.known.size = FULL + at + 1;
        CU_ASSERT_EQUAL(check(&request.known, &any), MPS_E_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "upgrade"));
    }
}

static void
test_copy(void)
{
    struct mps_error mine = {.size = sizeof(mine)};
    struct later_request request = {.known = good()};

    request.known.size = sizeof(request);
    request.known.profile = "billing";
    request.known.deadline_ms = UINT_MAX;
    request.known.min_validity_s = 3;
    request.known.flags = MPS_NO_WAIT | MPS_FORCE_REFRESH;
    request.known.error = &mine;
    CU_ASSERT_EQUAL(check(&request.known, &any), MPS_OK);
    CU_ASSERT_STRING_EQUAL(checked.business_id, "4711");
    CU_ASSERT_STRING_EQUAL(checked.profile, "billing");
    CU_ASSERT_EQUAL(checked.deadline_ms, UINT_MAX);
    CU_ASSERT_EQUAL(checked.min_validity_s, 3);
    CU_ASSERT_EQUAL(checked.flags, MPS_NO_WAIT | MPS_FORCE_REFRESH);
    CU_ASSERT_PTR_EQUAL(checked.error, &mine);
}

static void
test_flags(void)
{
    static const unsigned allowed[] = {0, MPS_NO_WAIT, MPS_FORCE_REFRESH,
                                       MPS_NO_WAIT | MPS_FORCE_REFRESH};

    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        const struct mpsc_request_rules rules = {allowed[i], 1, 1};

        for (unsigned bit = 0; bit < 32; bit++) {
            struct mps_request request = good();

            request.flags = 1u << bit;
            CU_ASSERT_EQUAL(check(&request, &rules),
                            (allowed[i] & request.flags) != 0 ? MPS_OK
                                                              : MPS_E_INVALID);
        }
    }
}

static void
test_business(void)
{
    static const struct {
        const char *id;
        int code;
    } rows[] = {
        {NULL, MPS_E_INVALID},
        {"", MPS_E_INVALID},
        {"1", MPS_OK},
        {"00000000000000000000", MPS_OK},
        {"12345678901234567890", MPS_OK},
        {"123456789012345678901", MPS_E_INVALID},
        {"12a", MPS_E_INVALID},
        {"-1", MPS_E_INVALID},
        {" 1", MPS_E_INVALID},
        {"1\n", MPS_E_INVALID},
        {"1&a=b", MPS_E_INVALID},
        {"\xd9\xa1", MPS_E_INVALID}, /* an Arabic digit */
    };
    const struct mpsc_request_rules none = {0, 0, 0};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mps_request request = good();

        request.business_id = rows[i].id;
        CU_ASSERT_EQUAL(check(&request, &any), rows[i].code);
        CU_ASSERT_EQUAL(check(&request, &none), MPS_OK);
    }
}

static void
test_profile_and_validity(void)
{
    const struct mpsc_request_rules no_validity = {0, 1, 0};
    struct mps_request request = good();

    request.profile = "";
    CU_ASSERT_EQUAL(check(&request, &any), MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "profile"));
    request = good();
    request.min_validity_s = 1;
    CU_ASSERT_EQUAL(check(&request, &any), MPS_OK);
    CU_ASSERT_EQUAL(check(&request, &no_validity), MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "min_validity_s"));
}

static void
test_error(void)
{
    static const struct {
        size_t size;
        int code;
    } rows[] = {
        {0, MPS_E_INVALID},
        {sizeof(struct mps_error) - 1, MPS_E_INVALID},
        {sizeof(struct mps_error), MPS_OK},
        {sizeof(struct mps_error) + 8, MPS_OK},
        {SIZE_MAX, MPS_E_INVALID},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mps_error mine = {.size = rows[i].size};
        struct mps_request request = good();

        request.error = &mine;
        CU_ASSERT_EQUAL(check(&request, &any), rows[i].code);
        if (rows[i].code != MPS_OK) {
            CU_ASSERT_PTR_NULL(checked.error);
            CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "mps_error.size"));
        }
    }
}

static void
test_business_id(void)
{
    static const struct {
        const char *id;
        int is_ok;
    } rows[] = {
        {"1", 1},
        {"0", 1},
        {"9876543210987654", 1},
        {"12345678901234567890", 1},
        {"123456789012345678901", 0},
        {"", 0},
        {NULL, 0},
        {" 1", 0},
        {"1 ", 0},
        {"-1", 0},
        {"+1", 0},
        {"1a", 0},
        {"1/../2", 0},
        {"1&x=2", 0},
        {"1\n", 0},
        {"\xd9\xa1", 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(mpsc_request_business_id_ok(rows[i].id),
                        rows[i].is_ok);
    }
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"sizes", test_sizes},
        {"members of later versions", test_later_members},
        {"copy", test_copy},
        {"flags", test_flags},
        {"business_id", test_business},
        {"business_id alone", test_business_id},
        {"profile and min_validity_s", test_profile_and_validity},
        {"error's size", test_error},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"request", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
