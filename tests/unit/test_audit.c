/* SPDX-License-Identifier: MIT */
/*
 * audit: which events are written, and that no value can pass for two.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "audit.h"
#include "error.h"
#include "run_suites.h"

#define DIGEST                                                                \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char datagram[2048];

/* In place of the C library's: what would go to /dev/log. */
ssize_t
sendto(int fd, const void *bytes, size_t len, int flags,
       __CONST_SOCKADDR_ARG address, socklen_t address_len)
{
    (void)fd;
    (void)flags;
    (void)address;
    (void)address_len;
    memcpy(datagram, bytes, len < sizeof(datagram) ? len : 0);
    datagram[len < sizeof(datagram) ? len : 0] = '\0';
    return (ssize_t)len;
}

static const char *
written(enum mpsc_audit wanted, const struct mpsc_audit_event *event,
        char *profile_name)
{
    struct mpsc_configuration configuration = {.profile = profile_name,
                                               .audit = wanted};
    struct mpsc_log log;

    datagram[0] = '\0';
    CU_ASSERT_EQUAL_FATAL(mpsc_log_init(&log, NULL), 0);
    mpsc_audit(&log, &configuration, event);
    mpsc_log_destroy(&log);
    return strchr(datagram, ':') != NULL ? strchr(datagram, ':') + 2 : "";
}

static void
test_levels(void)
{
    static const struct {
        enum mpsc_audit wanted, level;
        int is_written;
    } rows[] = {
        {MPSC_AUDIT_FETCH, MPSC_AUDIT_FETCH, 1},
        {MPSC_AUDIT_FETCH, MPSC_AUDIT_USE, 0},
        {MPSC_AUDIT_USE, MPSC_AUDIT_FETCH, 1},
        {MPSC_AUDIT_USE, MPSC_AUDIT_USE, 1},
        {MPSC_AUDIT_OFF, MPSC_AUDIT_FETCH, 0},
        {MPSC_AUDIT_OFF, MPSC_AUDIT_USE, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct mpsc_audit_event event = {
            .level = rows[i].level, .event = "fetch", .business = "1"};

        CU_ASSERT_EQUAL(written(rows[i].wanted, &event, NULL)[0] != '\0',
                        rows[i].is_written);
    }
}

static void
test_success(void)
{
    const struct mpsc_audit_event event = {
        .level = MPSC_AUDIT_FETCH,
        .event = "fetch",
        .business = "123",
        .source = mpsc_audit_source(MPS_SOURCE_ENDPOINT),
        .token_id = DIGEST,
        .expires = 1735689600,
        .http_status = 200,
    };
    const char *line = written(MPSC_AUDIT_FETCH, &event, NULL);

    /* LOG_AUTHPRIV | LOG_INFO */
    CU_ASSERT_EQUAL(strncmp(datagram, "<86>", 4), 0);
    CU_ASSERT_STRING_EQUAL(
        line, "event=fetch program=test_audit profile=- business=123 "
              "source=endpoint code=MPS_OK http=200 fbtrace=- "
              "token_id=0123456789ab expires=1735689600");
    CU_ASSERT_STRING_EQUAL(mpsc_audit_source(MPS_SOURCE_ENDPOINT), "endpoint");
    CU_ASSERT_STRING_EQUAL(mpsc_audit_source(MPS_SOURCE_KEYRING), "keyring");
    CU_ASSERT_STRING_EQUAL(mpsc_audit_source(MPS_SOURCE_FILE), "file");
}

/* A program's or profile's name, or the endpoint's trace, forges no field. */
static void
test_forgery(void)
{
    char profile[] = "a b\"c=d\n";
    char *name = program_invocation_short_name;
    char program[] = "x code=MPS_OK";
    struct mps_error error;
    struct mpsc_audit_event event = {.level = MPSC_AUDIT_FETCH,
                                     .event = "fetch",
                                     .business = "123",
                                     .error = &error,
                                     .http_status = 401};

    mpsc_error_set(&error, MPS_E_AUTH, "no");
    strcpy(error.fbtrace_id, "A business=9");
    program_invocation_short_name = program;
    CU_ASSERT_STRING_EQUAL(
        written(MPSC_AUDIT_FETCH, &event, profile),
        "event=fetch program=x_code_MPS_OK profile=a_b_c_d_ business=123 "
        "source=- code=MPS_E_AUTH http=401 fbtrace=A_business_9 token_id=- "
        "expires=0");
    program_invocation_short_name = name;
}

static CU_TestInfo tests[] = {
    {"levels", test_levels},
    {"success", test_success},
    {"forgery", test_forgery},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"audit", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    return run_suites(suites);
}
