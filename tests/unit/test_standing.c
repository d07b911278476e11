/* SPDX-License-Identifier: MIT */
/* What a result means for all processes of a user, and what the log says. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "error.h"
#include "fake_host.h"
#include "run_suites.h"
#include "runtime_dir.h"
#include "standing.h"

#define DIGEST                                                                \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LINES_MAX 8

/* What the log got. */
static unsigned lines;
static int priorities[LINES_MAX];
static char texts[LINES_MAX][512];

static const char *dir;
static struct mpsc_standing standing;

/* Another process of the user: what it knows. */
static struct mpsc_holdings *others;
static struct mpsc_standing other;

static void
note(void *arg, int priority, const char *text)
{
    (void)arg;
    if (lines < LINES_MAX) {
        priorities[lines] = priority;
        snprintf(texts[lines], sizeof(texts[lines]), "%s", text);
    }
    lines++;
}

static void
begin(void)
{
    fake_host_begin();
    dir = fake_host_share();
    host.configuration.log = MPSC_LOG_SYSLOG;
    host.configuration.log_level = LOG_DEBUG;
    lines = 0;
    mpsc_log_redirect(&host.provider->hub.log, note, NULL);
    standing = (struct mpsc_standing){
        .hub = &host.provider->hub,
        .profile = &host.profile,
        .holdings = host.profile.holdings,
        .runtime_dir = dir,
        .partner_digest = DIGEST,
    };
    others = mpsc_profile_new_holdings(&host.profile);
    CU_ASSERT_PTR_NOT_NULL_FATAL(others);
    other = standing;
    other.holdings = others;
}

static void
end(void)
{
    mpsc_holdings_release(&others);
    fake_host_end();
}

/* True where something was written into the runtime directory. */
static int
is_written(void)
{
    DIR *open = opendir(dir);
    const struct dirent *one;
    int written = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(open);
    while ((one = readdir(open)) != NULL) {
        written |= one->d_name[0] != '.';
    }
    closedir(open);
    return written;
}

/* A result of an endpoint that was asked; expires_at: of a token that is held
 * all the same. */
static void
report_to(const struct mpsc_standing *to, int code, int64_t expires_at)
{
    struct mps_error error;
    const struct mpsc_standing_result result = {
        .error = code != MPS_OK ? &error : NULL,
        .what = "what failed",
        .counts = 1,
        .app_usage = -1,
        .expires_at = expires_at,
    };

    mpsc_error_set(&error, code, "business 4711 at x: what failed");
    mpsc_standing_result(to, &result);
}

/* How many fetches all processes have ended so. */
static int64_t
ended(int code)
{
    struct mpsc_counts counts;

    mpsc_counts_read(dir, host.configuration.base_url,
                     host.configuration.solution_id, &counts);
    return counts.ended[code];
}

/* Each alone is counted at once, of many at once none is lost. */
static void
test_outcomes(void)
{
    enum { MANY = 2 * MPSC_HOLDINGS_OUTCOMES + 3 };

    mpsc_standing_ask(&standing);
    mpsc_standing_count(&standing, "1", MPS_OK, -1);
    CU_ASSERT_EQUAL(ended(MPS_OK), 1);

    for (int i = 0; i < MANY; i++) {
        mpsc_standing_ask(&standing);
    }
    mpsc_standing_count(&standing, "1", MPS_E_SERVER, -1);
    mpsc_standing_count(&standing, "1", MPS_OK, -1);
    CU_ASSERT_EQUAL(ended(MPS_OK), 1);
    fake_clock_advance(1000);
    mpsc_standing_count(&standing, "1", MPS_OK, -1);
    CU_ASSERT_EQUAL(ended(MPS_OK), 3);
    for (int i = 3; i < MANY - 1; i++) {
        mpsc_standing_count(&standing, "1", MPS_OK, -1);
    }
    /* As many as are kept have been counted; the rest waits. */
    CU_ASSERT_EQUAL(ended(MPS_OK), 3 + MPSC_HOLDINGS_OUTCOMES);
    mpsc_standing_count(&standing, "1", MPS_OK, -1);
    CU_ASSERT_EQUAL(ended(MPS_OK), MANY);
    CU_ASSERT_EQUAL(ended(MPS_E_SERVER), 1);
}

static void
count_one(int code)
{
    mpsc_standing_ask(&standing);
    mpsc_standing_count(&standing, "1", code, -1);
}

/* What can't be written is kept, the latest of it. */
static void
test_outcomes_kept(void)
{
    int open = mpsc_runtime_dir_open(dir);
    int lock = mpsc_runtime_lock(open, MPSC_RUNTIME_LOCK_MS);

    CU_ASSERT(lock >= 0);
    count_one(MPS_E_SERVER);
    count_one(MPS_OK);
    CU_ASSERT_EQUAL(ended(MPS_OK), 0);
    mpsc_runtime_unlock(lock);
    count_one(MPS_OK);
    CU_ASSERT_EQUAL(ended(MPS_E_SERVER), 1);
    CU_ASSERT_EQUAL(ended(MPS_OK), 2);

    lock = mpsc_runtime_lock(open, MPSC_RUNTIME_LOCK_MS);
    CU_ASSERT(lock >= 0);
    mpsc_standing_ask(&standing);
    count_one(MPS_E_SERVER);
    for (int i = 0; i < MPSC_HOLDINGS_OUTCOMES - 1; i++) {
        count_one(MPS_OK);
    }
    mpsc_runtime_unlock(lock);
    /* Not with each one anew: all wait for others' lock in vain. */
    count_one(MPS_OK);
    CU_ASSERT_EQUAL(ended(MPS_OK), 2);
    fake_clock_advance(1000);
    mpsc_standing_count(&standing, "1", MPS_OK, -1);
    CU_ASSERT_EQUAL(ended(MPS_E_SERVER), 1);
    CU_ASSERT_EQUAL(ended(MPS_OK), 2 + MPSC_HOLDINGS_OUTCOMES);
    close(open);
}

static void
report(int code)
{
    report_to(&standing, code, 0);
}

static int
allow(const struct mpsc_standing *by, int advisory, int *probing)
{
    mpsc_error_clear(&host.error);
    return mpsc_standing_allow(by, advisory, fake_host_boot_ms() + 10000,
                               probing, &host.error);
}

static int
may_ask(const struct mpsc_standing *by)
{
    int probing = 0;

    return allow(by, 0, &probing) == 0;
}

/* The log's next line, from the first on. */
static int
is_line(unsigned index, int priority, const char *text)
{
    int is = index < lines && index < LINES_MAX &&
             priorities[index] == priority &&
             strncmp(texts[index], text, strlen(text)) == 0;

    if (!is) {
        printf("\n    line %u of %u: %d \"%s\"\n", index, lines,
               index < lines ? priorities[index] : -1,
               index < lines ? texts[index] : "");
    }
    return is;
}

static void
test_well(void)
{
    for (int i = 0; i < 3; i++) {
        CU_ASSERT(may_ask(&standing));
        report(MPS_OK);
        mpsc_standing_keyring(&standing, NULL);
    }
    CU_ASSERT_FALSE(is_written());
    CU_ASSERT_EQUAL(lines, 0);
    CU_ASSERT_STRING_EQUAL(standing.holdings->partner_digest, DIGEST);
}

#define AUTH_FAILED "auth_failed: business 4711 at x: what failed"
#define EXPIRED "expired: business 4711 at x: what failed"
#define FAILING                                                               \
    "refresh_failing: business 4711 at x: what failed; earliest expiry "      \
    "2023-11-15T"
#define LIMITED "rate_limited: business 4711 at x: what failed"

/* Each result, with a token that is held all the same and without. */
static void
test_lines(void)
{
    static const struct {
        int code;
        int priority; /* of its own line; -1 = none */
        const char *line;
        int is_trouble; /* of all */
    } rows[] = {
        {MPS_E_AUTH, LOG_CRIT, AUTH_FAILED, 1},
        {MPS_E_RATE_LIMITED, LOG_WARNING, LIMITED, 1},
        {MPS_E_SERVER, -1, NULL, 1},
        {MPS_E_NETWORK, -1, NULL, 1},
        {MPS_E_TLS, -1, NULL, 1},
        {MPS_E_TIMEOUT, -1, NULL, 1},
        {MPS_E_PROTOCOL, -1, NULL, 1},
        {MPS_E_CONFIG, -1, NULL, 1},
        {MPS_E_KEYRING, -1, NULL, 1},
        {MPS_E_NO_MEMORY, -1, NULL, 1},
        {MPS_E_INTERNAL, -1, NULL, 1},
        {MPS_E_FORBIDDEN, -1, NULL, 0},
        {MPS_E_NOT_FOUND, -1, NULL, 0},
        {MPS_E_UNPROCESSABLE, -1, NULL, 0},
        {MPS_E_BAD_REQUEST, -1, NULL, 0},
        {MPS_E_AGAIN, -1, NULL, 0},
    };

    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        int held = i % 2 != 0;
        unsigned told = 0;

        begin();
        report_to(&standing, rows[i / 2].code,
                  held ? FAKE_CLOCK_WALL_S + 86400 : 0);
        if (rows[i / 2].line != NULL) {
            CU_ASSERT(is_line(told++, rows[i / 2].priority, rows[i / 2].line));
        }
        if (rows[i / 2].is_trouble) {
            CU_ASSERT(is_line(told++, held ? LOG_WARNING : LOG_ERR,
                              held ? FAILING : EXPIRED));
        }
        CU_ASSERT_EQUAL(lines, told);
        /* A minute later all is well. */
        fake_clock_advance(61000);
        report(MPS_OK);
        CU_ASSERT_EQUAL(lines, 2 * told);
        for (unsigned n = told; n < lines; n++) {
            CU_ASSERT(is_line(n, LOG_NOTICE, "recovered: "));
            CU_ASSERT_PTR_NOT_NULL(strstr(texts[n], "after 61 s"));
        }
        CU_ASSERT(may_ask(&standing));
        end();
    }
}

/* At most one line a minute, whoever of the processes meets it. */
static void
test_repeats(void)
{
    report(MPS_E_PROTOCOL);
    CU_ASSERT_EQUAL(lines, 1);
    for (int i = 0; i < 5; i++) {
        fake_clock_advance(10000);
        report(MPS_E_PROTOCOL);
        report_to(&other, MPS_E_PROTOCOL, 0);
    }
    CU_ASSERT_EQUAL(lines, 1);
    fake_clock_advance(10000);
    report_to(&other, MPS_E_PROTOCOL, 0);
    CU_ASSERT_EQUAL(lines, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(texts[1], "(10 more since)"));
    report(MPS_OK);
    CU_ASSERT_EQUAL(lines, 3);
    CU_ASSERT(is_line(2, LOG_NOTICE, "recovered: expired is over after 60 s"));
}

/* What the host doesn't want to hear is not told, but known. */
static void
test_level(void)
{
    host.configuration.log_level = LOG_ERR;
    report_to(&standing, MPS_E_SERVER, FAKE_CLOCK_WALL_S + 10);
    CU_ASSERT_EQUAL(lines, 0);
    CU_ASSERT_NOT_EQUAL(standing.holdings->shared.trouble
                            .since_s[MPSC_TROUBLE_REFRESH_FAILING],
                        0);
    CU_ASSERT_EQUAL(standing.holdings->shared.trouble.earliest_expiry_s,
                    FAKE_CLOCK_WALL_S + 10);
    host.configuration.log = MPSC_LOG_OFF;
    report(MPS_E_SERVER);
    CU_ASSERT_EQUAL(lines, 0);
}

/* What is learnt stands for the other process at its next question, without
 * the business that it was learnt by; and a success is for both. */
static void
test_shared(void)
{
    static const char other_digest[MPSC_DIGEST_HEX_SIZE] = "abcdef";

    CU_ASSERT(may_ask(&other));
    report(MPS_E_RATE_LIMITED);
    CU_ASSERT(is_written());
    CU_ASSERT_FALSE(may_ask(&other));
    CU_ASSERT_EQUAL(host.error.code, MPS_E_RATE_LIMITED);
    CU_ASSERT(host.error.retry_at > FAKE_CLOCK_WALL_S);
    CU_ASSERT_STRING_EQUAL(others->shared.limits.rate.message, "what failed");
    CU_ASSERT_PTR_NULL(strstr(host.error.message, "4711"));
    fake_clock_advance(30000);
    CU_ASSERT(may_ask(&other));
    report_to(&other, MPS_OK, 0);
    CU_ASSERT_EQUAL(others->shared.limits.rate.code, MPS_OK);
    CU_ASSERT(may_ask(&standing));
    CU_ASSERT_EQUAL(standing.holdings->shared.limits.rate.code, MPS_OK);
    /* Another token of the partner's knows nothing of it. */
    report(MPS_E_AUTH);
    CU_ASSERT_FALSE(may_ask(&standing));
    other.partner_digest = other_digest;
    CU_ASSERT(may_ask(&other));
}

/* A result that doesn't count leaves the endpoint as it stands. */
static void
test_counts(void)
{
    struct mps_error error;
    struct mpsc_standing_result result = {
        .error = &error, .what = "", .app_usage = -1};

    mpsc_error_set(&error, MPS_E_TIMEOUT, "late");
    for (int i = 0; i < 5; i++) {
        mpsc_standing_result(&standing, &result);
    }
    CU_ASSERT(may_ask(&standing));
    CU_ASSERT_EQUAL(standing.holdings->shared.limits.failures, 0);
    result.counts = 1;
    for (int i = 0; i < 3; i++) {
        CU_ASSERT(may_ask(&standing));
        mpsc_standing_result(&standing, &result);
    }
    CU_ASSERT_FALSE(may_ask(&standing));
    CU_ASSERT_EQUAL(host.error.code, MPS_E_TIMEOUT);
}

/* Two failures are forgotten with a success. */
static void
test_in_a_row(void)
{
    for (int i = 0; i < 3; i++) {
        report(MPS_E_SERVER);
        report(MPS_E_SERVER);
        CU_ASSERT(may_ask(&standing));
        report(MPS_OK);
    }
}

/* Of all processes one probes, as often as it likes, until it has an answer
 * or its time is over. */
static void
test_probe(void)
{
    int ours = 0;
    int theirs = 0;

    for (int i = 0; i < 3; i++) {
        report(MPS_E_SERVER);
    }
    CU_ASSERT_NOT_EQUAL(allow(&standing, 0, &ours), 0);
    CU_ASSERT_FALSE(ours);
    fake_clock_advance(1250);
    CU_ASSERT_EQUAL(allow(&standing, 0, &ours), 0);
    CU_ASSERT(ours);
    CU_ASSERT_NOT_EQUAL(allow(&other, 0, &theirs), 0);
    CU_ASSERT_FALSE(theirs);
    CU_ASSERT_EQUAL(host.error.code, MPS_E_SERVER);
    CU_ASSERT_EQUAL(allow(&standing, 0, &ours), 0);
    /* Ours has died. */
    fake_clock_advance(10000);
    CU_ASSERT_EQUAL(allow(&other, 0, &theirs), 0);
    CU_ASSERT(theirs);
    CU_ASSERT_FALSE(may_ask(&standing));
    report_to(&other, MPS_OK, 0);
    CU_ASSERT(may_ask(&standing));
}

static int theirs;
static int racing;

/* A clock at which the other process is faster. */
static void
racing_now(struct mpsc_time *now)
{
    if (racing) {
        racing = 0;
        CU_ASSERT_EQUAL(allow(&other, 0, &theirs), 0);
    }
    fake_host_now(now);
}

/* Both have seen that a probe is due. */
static void
test_probe_race(void)
{
    int ours = 0;

    theirs = 0;
    for (int i = 0; i < 3; i++) {
        report(MPS_E_SERVER);
    }
    fake_clock_advance(1250);
    host.provider->hub.clock = racing_now;
    racing = 1;
    CU_ASSERT_EQUAL(allow(&standing, 0, &ours), -1);
    CU_ASSERT(theirs);
    CU_ASSERT_FALSE(ours);
    CU_ASSERT_EQUAL(host.error.code, MPS_E_SERVER);
}

/* Near the app's limit what can wait is refused, and only that. */
static void
test_usage(void)
{
    struct mpsc_standing_result result = {
        .what = "", .counts = 1, .app_usage = 94};
    int probing = 0;

    mpsc_standing_result(&standing, &result);
    CU_ASSERT_FALSE(is_written());
    CU_ASSERT_EQUAL(allow(&standing, 1, &probing), 0);
    result.app_usage = 95;
    mpsc_standing_result(&standing, &result);
    CU_ASSERT(is_written());
    CU_ASSERT_EQUAL(allow(&other, 1, &probing), -1);
    CU_ASSERT_EQUAL(host.error.code, MPS_E_AGAIN);
    CU_ASSERT_EQUAL(allow(&other, 0, &probing), 0);
    /* It is told again when there is room. */
    result.app_usage = 50;
    mpsc_standing_result(&standing, &result);
    CU_ASSERT_EQUAL(allow(&other, 1, &probing), 0);
    CU_ASSERT_EQUAL(lines, 0);
    /* A closed endpoint says its own code, also to an advisory refresh. */
    report(MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(allow(&other, 1, &probing), -1);
    CU_ASSERT_EQUAL(host.error.code, MPS_E_RATE_LIMITED);
}

static void
test_keyring(void)
{
    mpsc_standing_keyring(&standing, "it is locked");
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT(is_line(0, LOG_WARNING, "keyring_degraded: it is locked"));
    mpsc_standing_keyring(&standing, "it is locked");
    CU_ASSERT_EQUAL(lines, 1);
    /* A token of the endpoint's is none of the keyring's business. */
    report(MPS_OK);
    CU_ASSERT_EQUAL(lines, 1);
    fake_clock_advance(30000);
    mpsc_standing_keyring(&standing, NULL);
    CU_ASSERT_EQUAL(lines, 2);
    CU_ASSERT(is_line(1, LOG_NOTICE, "recovered: keyring_degraded is over"));
    mpsc_standing_keyring(&standing, NULL);
    CU_ASSERT_EQUAL(lines, 2);
}

/* The partner's digest: as the file is, else as it was. */
static void
test_digest(void)
{
    char digest[MPSC_DIGEST_HEX_SIZE];
    char expected[MPSC_DIGEST_HEX_SIZE];

    CU_ASSERT_EQUAL(mpsc_digest_sha256("EAApartner", 10, expected), 0);
    mpsc_standing_digest(standing.hub, &host.profile, standing.holdings,
                         digest);
    CU_ASSERT_STRING_EQUAL(digest, expected);
    fake_host_set_partner(NULL);
    mpsc_standing_digest(standing.hub, &host.profile, standing.holdings,
                         digest);
    CU_ASSERT_STRING_EQUAL(digest, "");
    CU_ASSERT(may_ask(&standing));
    mpsc_standing_digest(standing.hub, &host.profile, standing.holdings,
                         digest);
    CU_ASSERT_STRING_EQUAL(digest, DIGEST);
}

/* What flights tell: not a shutdown in their middle, nor what the keyring did
 * to one in a hurry; but that one in a hurry got nothing. */
static void
test_flights(void)
{
    struct fake_host_caller caller = {.request = {.deadline_ms = 2000}};
    const struct fake_keyring_plan mute = {.load = FAKE_KEYRING_MUTE,
                                           .no_trace = 1};

    host.configuration.threads = 1;
    host.configuration.keyring = MPSC_KEYRING_PREFERRED;
    host.configuration.log_level = LOG_NOTICE;
    fake_keyring_plan(&mute);
    fake_host_answer(NULL);
    fake_host_call(&caller);
    fake_host_await_flight(2);
    /* Half of its time is the keyring's, and a little more. */
    fake_host_pass(1300);
    fake_host_await_started(1);
    CU_ASSERT_EQUAL(lines, 0);
    fake_host_pass(2000);
    fake_host_join(&caller);
    fake_host_await_background();
    CU_ASSERT_EQUAL(caller.code, MPS_E_TIMEOUT);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT(is_line(0, LOG_ERR, "expired: business 4711"));
    CU_ASSERT_EQUAL(ended(MPS_E_TIMEOUT), 1);

    host.configuration.keyring = MPSC_KEYRING_OFF;
    fake_clock_advance(61000);
    caller.request.deadline_ms = 0;
    fake_host_call(&caller);
    fake_host_await_flight(2);
    fake_host_await_started(2);
    host.provider->profiles = NULL;
    mpsc_provider_shutdown(host.provider);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_E_TIMEOUT);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_EQUAL(ended(MPS_E_TIMEOUT), 1);
    CU_ASSERT_EQUAL(host.profile.holdings->asking, 0);
    host.provider->profiles = &host.profile;
    host.provider->io = mpsc_io_new(&fake_http, fake_host_now);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"counts for people", test_outcomes},
        {"counts that must wait", test_outcomes_kept},
        {"well", test_well},
        {"repeats", test_repeats},
        {"level", test_level},
        {"shared", test_shared},
        {"what counts", test_counts},
        {"in a row", test_in_a_row},
        {"probe", test_probe},
        {"probe's race", test_probe_race},
        {"usage", test_usage},
        {"keyring", test_keyring},
        {"digest", test_digest},
        {"flights", test_flights},
        CU_TEST_INFO_NULL,
    };
    CU_TestInfo tables[] = {
        {"lines", test_lines},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"standing", fake_host_make_directory, fake_host_remove_directory,
         begin, end, tests},
        {"standing, lines", fake_host_make_directory,
         fake_host_remove_directory, NULL, NULL, tables},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
