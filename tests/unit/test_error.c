/* SPDX-License-Identifier: MIT */
/* Codes, classes, and errors on their way to a caller. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "run_suites.h"

#define RETRY MPS_CLASS_RETRY
#define ALERT MPS_CLASS_ALERT
#define BUSINESS MPS_CLASS_BUSINESS
#define CALLER MPS_CLASS_CALLER
#define CODES (MPS_E_INTERNAL + 1)

/* Hosts are compiled with these numbers and classes: none may change. */
static void
test_codes(void)
{
    static const struct {
        int code;
        const char *name;
        unsigned class;
    } rows[] = {
        {0, "MPS_OK", 0},
        {1, "MPS_E_INVALID", CALLER},
        {2, "MPS_E_CONFIG", RETRY | ALERT},
        {3, "MPS_E_BAD_REQUEST", CALLER},
        {4, "MPS_E_AUTH", RETRY | ALERT},
        {5, "MPS_E_FORBIDDEN", BUSINESS | ALERT},
        {6, "MPS_E_NOT_FOUND", BUSINESS | ALERT},
        {7, "MPS_E_UNPROCESSABLE", BUSINESS},
        {8, "MPS_E_RATE_LIMITED", RETRY},
        {9, "MPS_E_SERVER", RETRY},
        {10, "MPS_E_NETWORK", RETRY},
        {11, "MPS_E_TLS", RETRY | ALERT},
        {12, "MPS_E_TIMEOUT", RETRY},
        {13, "MPS_E_PROTOCOL", RETRY | ALERT},
        {14, "MPS_E_KEYRING", RETRY | ALERT},
        {15, "MPS_E_NO_MEMORY", RETRY},
        {16, "MPS_E_AGAIN", RETRY},
        {17, "MPS_E_INTERNAL", ALERT},
        {18, "unknown", ALERT},
        {-1, "unknown", ALERT},
        {1000000, "unknown", ALERT},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *text = mpsc_error_string(rows[i].code);

        CU_ASSERT_STRING_EQUAL(mpsc_error_name(rows[i].code), rows[i].name);
        CU_ASSERT_EQUAL(mpsc_error_class(rows[i].code), rows[i].class);
        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        CU_ASSERT_NOT_EQUAL(text[0], '\0');
        for (size_t j = 0; j < i && j < 18; j++) {
            CU_ASSERT_STRING_NOT_EQUAL(text, mpsc_error_string(rows[j].code));
        }
    }
    CU_ASSERT_EQUAL(MPS_E_AUTH, 4);
    CU_ASSERT_EQUAL(MPS_E_INTERNAL, 17);
}

static void
test_set(void)
{
    struct mps_error error;

    memset(&error, 'x', sizeof(error));
    CU_ASSERT_EQUAL(
        mpsc_error_set(&error, MPS_E_TLS, "%s of %d", "two\nlines", 5),
        MPS_E_TLS);
    CU_ASSERT_EQUAL(error.size, sizeof(error));
    CU_ASSERT_EQUAL(error.code, MPS_E_TLS);
    CU_ASSERT_EQUAL(error.http_status, 0);
    CU_ASSERT_EQUAL(error.retry_at, 0);
    CU_ASSERT_STRING_EQUAL(error.message, "two?lines of 5");
    CU_ASSERT_STRING_EQUAL(error.user_message, "");
    error.retry_at = 7;
    mpsc_error_message(&error, "other");
    CU_ASSERT_STRING_EQUAL(error.message, "other");
    CU_ASSERT_EQUAL(error.retry_at, 7);
    CU_ASSERT_EQUAL(error.code, MPS_E_TLS);
    mpsc_error_clear(&error);
    CU_ASSERT_EQUAL(error.size, sizeof(error));
    CU_ASSERT_EQUAL(error.code, MPS_OK);
    CU_ASSERT_STRING_EQUAL(error.message, "");
}

/* A message is cut at a character, whatever stands at the border. */
static void
test_cut(void)
{
    struct mps_error error;
    char text[400];

    for (size_t border = 250; border < 258; border++) {
        size_t len;

        memset(text, 'x', sizeof(text));
        snprintf(text + border, sizeof(text) - border, "%s",
                 "\xf0\x9f\x98\x80");
        mpsc_error_set(&error, MPS_E_CONFIG, "%s", text);
        len = strlen(error.message);
        CU_ASSERT(len < sizeof(error.message));
        CU_ASSERT_PTR_NULL(strchr(error.message, '?'));
        CU_ASSERT_EQUAL(len, border + 4 < sizeof(error.message) ? border + 4
                             : border < sizeof(error.message)   ? border
                                                                : 255);
    }
}

/* What the error is about comes first, and is cut last. */
static void
test_subject(void)
{
    static const char about[] = "business 42 at https://a: ";
    struct mps_error error;
    char text[400];

    mpsc_error_set(&error, MPS_E_SERVER, "it failed");
    error.retry_at = 7;
    CU_ASSERT_EQUAL(mpsc_error_subject(&error, "42", "https://a"),
                    strlen(about));
    CU_ASSERT_STRING_EQUAL(error.message,
                           "business 42 at https://a: it failed");
    CU_ASSERT_EQUAL(error.code, MPS_E_SERVER);
    CU_ASSERT_EQUAL(error.retry_at, 7);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    mpsc_error_set(&error, MPS_E_SERVER, "%s", text);
    CU_ASSERT_EQUAL(mpsc_error_subject(&error, "42", "https://a"),
                    strlen(about));
    CU_ASSERT_EQUAL(strlen(error.message), sizeof(error.message) - 1);
    CU_ASSERT_NSTRING_EQUAL(error.message, about, strlen(about));
    /* No more is said of the subject than there is room for. */
    CU_ASSERT_EQUAL(mpsc_error_subject(&error, "42", text),
                    sizeof(error.message) - 1);
    CU_ASSERT_NSTRING_EQUAL(error.message, "business 42 at xx", 17);
}

static void
test_sizes(void)
{
    struct mps_error error;
    size_t first =
        offsetof(struct mps_error, user_message) + sizeof(error.user_message);

    CU_ASSERT_FALSE(mpsc_error_size_ok(0));
    CU_ASSERT_FALSE(mpsc_error_size_ok(first - 1));
    CU_ASSERT_TRUE(mpsc_error_size_ok(first));
    CU_ASSERT_TRUE(mpsc_error_size_ok(sizeof(error)));
    CU_ASSERT_TRUE(mpsc_error_size_ok(sizeof(error) + 64));
    CU_ASSERT_FALSE(mpsc_error_size_ok((size_t)-1));
}

/* A caller of a later version gets zeroes behind; nobody gets more bytes than
 * the size says. */
static void
test_export(void)
{
    struct mps_error from;
    struct {
        struct mps_error error;
        unsigned char more[64];
    } to;

    mpsc_error_set(&from, MPS_E_AUTH, "message");
    memset(&to, 0x55, sizeof(to));
    to.error.size = sizeof(to.error);
    mpsc_error_export(&to.error, &from);
    CU_ASSERT_EQUAL(to.error.size, sizeof(to.error));
    CU_ASSERT_EQUAL(to.error.code, MPS_E_AUTH);
    CU_ASSERT_STRING_EQUAL(to.error.message, "message");
    CU_ASSERT_EQUAL(to.more[0], 0x55);
    memset(&to, 0x55, sizeof(to));
    to.error.size = sizeof(to.error) + 32;
    mpsc_error_export(&to.error, &from);
    CU_ASSERT_EQUAL(to.error.size, sizeof(to.error) + 32);
    CU_ASSERT_EQUAL(to.more[31], 0);
    CU_ASSERT_EQUAL(to.more[32], 0x55);
}

/* A total order: no two codes are equally bad. */
static void
test_severity(void)
{
    unsigned seen[CODES + 1] = {0};

    for (int code = 0; code < CODES; code++) {
        unsigned severity = mpsc_error_severity(code);

        CU_ASSERT_FATAL(severity < CODES);
        seen[severity]++;
    }
    for (int severity = 0; severity < CODES; severity++) {
        CU_ASSERT_EQUAL(seen[severity], 1);
    }
    CU_ASSERT_EQUAL(mpsc_error_severity(MPS_OK), 0);
    CU_ASSERT_EQUAL(mpsc_error_severity(CODES), CODES);
    CU_ASSERT_EQUAL(mpsc_error_severity(-1), CODES);
}

/* What concerns all businesses is worse than what concerns one. */
static void
test_severity_meaning(void)
{
    for (int one = 1; one < CODES; one++) {
        if ((mpsc_error_class(one) & MPS_CLASS_BUSINESS) == 0) {
            continue;
        }
        for (int all = 1; all < CODES; all++) {
            if ((mpsc_error_class(all) & MPS_CLASS_RETRY) != 0 &&
                all != MPS_E_AGAIN) {
                CU_ASSERT(mpsc_error_severity(one) < mpsc_error_severity(all));
            }
        }
    }
    CU_ASSERT(mpsc_error_severity(MPS_E_NETWORK) <
              mpsc_error_severity(MPS_E_AUTH));
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"codes", test_codes},       {"set", test_set},
        {"cut", test_cut},           {"subject", test_subject},
        {"sizes", test_sizes},       {"export", test_export},
        {"severity", test_severity}, {"what it means", test_severity_meaning},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"error", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
