/* SPDX-License-Identifier: MIT */
/*
 * An endpoint that says no or nothing: what one process has learned, all of
 * them know. They fail fast and don't ask again too early, and whoever holds a
 * usable token goes on.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <time.h>

#include "world.h"

#define PATIENT "keyring_deadline_ms = 8000\ndeadline_ms = 30000\n"
#define ONCE PATIENT "attempts = 1\n"

static int64_t
wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
nap_until(int64_t wall)
{
    while (wall_ms() < wall) {
        world_nap(5);
    }
}

/* --- rate limits ----------------------------------------------------------
 */

/* How a 429 says until when, and the seconds that it may be away. */
static const struct kind {
    const char *query;
    int64_t least_s;
    int64_t most_s;
} kinds[] = {
    {"fault=429&app_usage=absent&regain_minutes=absent&retry_after=4", 2, 5},
    {"fault=429&app_usage=absent&regain_minutes=1&retry_after=absent", 55, 61},
    /* 30 s, half of it at random */
    {"fault=429&app_usage=absent&regain_minutes=absent&retry_after=absent", 12,
     31},
};

/* What the second process is told without a request, and what it is given. */
static void
check_second(struct world_host *second, const char *limited,
             const char *stored, int64_t retry_at)
{
    char output[WORLD_OUTPUT];
    const char *other = world_business();
    int64_t told;

    world_ask(second, output, "get %s", other);
    CU_ASSERT_EQUAL(world_number(output, "code"), MPS_E_RATE_LIMITED);
    CU_ASSERT(world_number(output, "ms") < 1000 + world_margin());
    told = world_number(output, "retry_at");
    CU_ASSERT(told >= retry_at - 1 && told <= retry_at + 1);
    world_ask(second, output, "get %s force", limited);
    CU_ASSERT_EQUAL(world_number(output, "code"), MPS_E_RATE_LIMITED);
    world_ask(second, output, "get %s", stored);
    CU_ASSERT_EQUAL(world_number(output, "code"), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(world_requests(other), 0);
}

static void
check_kind(const struct kind *kind)
{
    struct world_host second;
    struct world_got got;
    char output[WORLD_OUTPUT];
    const char *held = world_business();
    const char *limited = world_business();
    int64_t away;

    world_configure(PATIENT);
    world_reset();
    CU_ASSERT_EQUAL(world_get(held, &got), MPS_OK);
    world_emulate(limited, kind->query);
    world_emulate(limited, "fault_count=1");
    CU_ASSERT_EQUAL(world_get(limited, &got), MPS_E_RATE_LIMITED);
    away = got.error.retry_at - time(NULL);
    CU_ASSERT(away >= kind->least_s && away <= kind->most_s);
    world_serve_start(&second);
    check_second(&second, limited, held, got.error.retry_at);
    CU_ASSERT_EQUAL(world_get(held, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(""), 2);
    if (kind == &kinds[0]) {
        CU_ASSERT_EQUAL(world_get(limited, &got), MPS_E_RATE_LIMITED);
        nap_until((got.error.retry_at + 1) * 1000);
        world_ask(&second, output, "get %s", limited);
        CU_ASSERT_EQUAL(world_number(output, "code"), MPS_OK);
        CU_ASSERT_EQUAL(world_get(limited, &got), MPS_OK);
    }
    world_serve_end(&second);
}

static void
test_retry_after(void)
{
    check_kind(&kinds[0]);
}

static void
test_regain(void)
{
    check_kind(&kinds[1]);
}

static void
test_no_time(void)
{
    check_kind(&kinds[2]);
}

static void
test_crash_loop(void)
{
    char output[WORLD_OUTPUT];
    struct world_got got;
    const char *id = world_business();
    int limited = 0;

    world_configure(PATIENT);
    world_reset();
    world_emulate("", "fault=429");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_RATE_LIMITED);
    for (int i = 0; i < 50; i++) {
        limited += world_host(output, "", "get %d", 660001 + i % 2) ==
                   MPS_E_RATE_LIMITED;
    }
    CU_ASSERT_EQUAL(limited, 50);
    CU_ASSERT_EQUAL(world_requests(""), 1);
    world_reset();
}

/* Near the limit a refresh can wait until the token's last tenth, but not
 * beyond. */
static void
test_usage(void)
{
    enum { LIFETIME_S = 14, MANDATORY_MS = LIFETIME_S * 100 };
    struct world_got got;
    const char *id = world_business();
    int64_t end;
    int failures = 0;

    world_configure(PATIENT);
    world_emulate(id, "app_usage=97&lifetime_s=14");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    end = got.expires_at * 1000;
    while (wall_ms() < end - MANDATORY_MS - 200) {
        failures += world_get(id, &got) != MPS_OK;
        world_nap(20);
    }
    CU_ASSERT_EQUAL(world_requests(id), 1);
    while (wall_ms() < end - 300) {
        failures += world_get(id, &got) != MPS_OK;
        world_nap(20);
    }
    CU_ASSERT_EQUAL(world_requests(id), 2);
    CU_ASSERT_EQUAL(failures, 0);
}

/* --- the breaker ----------------------------------------------------------
 */

/* Three failures of different businesses, then only probes: within WATCH_MS
 * there are at most two, for the pauses are at least 0.75 s and 1.5 s. */
static void
test_breaker(void)
{
    enum { WATCH_MS = 3000, FAILURES = 3, PROBES = 2 };
    struct world_host second;
    struct world_got got;
    char output[WORLD_OUTPUT];
    int64_t until;
    long calls = 0;
    long others = 0;
    long requests;

    world_configure(ONCE);
    world_reset();
    world_emulate("", "status=500");
    world_serve_start(&second);
    for (int i = 0; i < FAILURES; i++) {
        CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_SERVER);
        CU_ASSERT_EQUAL(world_requests(""), i + 1);
    }
    for (until = world_ms() + WATCH_MS; world_ms() < until; calls += 2) {
        others += world_get(world_business(), &got) != MPS_E_SERVER;
        others += got.error.retry_at == 0;
        world_ask(&second, output, "get %s", world_business());
        others += world_number(output, "code") != MPS_E_SERVER;
        others += world_number(output, "retry_at") <= 0;
        world_nap(10);
    }
    CU_ASSERT(calls > 50);
    CU_ASSERT_EQUAL(others, 0);
    requests = world_requests("");
    CU_ASSERT(requests > FAILURES);
    CU_ASSERT(requests <= FAILURES + PROBES);
    /* It heals: the next probe's success is everybody's. */
    world_emulate("", "status=200");
    (void)world_get(world_business(), &got);
    CU_ASSERT(got.error.retry_at <= time(NULL) + 6);
    nap_until((got.error.retry_at + 1) * 1000);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    world_ask(&second, output, "get %s", world_business());
    CU_ASSERT_EQUAL(world_number(output, "code"), MPS_OK);
    world_serve_end(&second);
    world_reset();
}

/* One thread that needs them all, one after the other. */
static void
check_thousand(const char *lines)
{
    enum { BUSINESSES = 1000, DEADLINE_MS = 1500 };
    static char names[BUSINESSES][24];
    static const char *ids[BUSINESSES];
    struct world_got got;
    int64_t begin;
    long strange = 0;
    int answered = 0;

    for (int i = 0; i < BUSINESSES; i++) {
        snprintf(names[i], sizeof(names[i]), "%d", 670001 + i);
        ids[i] = names[i];
    }
    world_configure("attempts = 1\nkeyring_deadline_ms = 1000\n"
                    "deadline_ms = 60000\n%s",
                    lines);
    world_reset();
    world_emulate("", "lifetime_s=3");
    CU_ASSERT_EQUAL(
        mps.prefetch_credentials(NULL, ids, BUSINESSES, NULL, NULL), MPS_OK);
    world_reconfigure("attempts = 1\nkeyring_deadline_ms = 1000\n"
                      "deadline_ms = %d\n%s",
                      DEADLINE_MS, lines);
    world_nap(3500); /* until all are expired */
    world_emulate("", "fault=stall");
    begin = world_ms();
    for (int i = 0; i < BUSINESSES && world_ms() - begin <= 8L * DEADLINE_MS;
         i++) {
        strange += world_get(ids[i], &got) != MPS_E_TIMEOUT;
        answered++;
    }
    CU_ASSERT_EQUAL(answered, BUSINESSES);
    CU_ASSERT(world_ms() - begin <= 4 * DEADLINE_MS + world_margin());
    CU_ASSERT_EQUAL(strange, 0);
    CU_ASSERT(got.error.retry_at > 0);
    printf("(%lld ms, %ld stalled) ", (long long)(world_ms() - begin),
           world_stat("/faults/stall"));
    world_reset();
}

static void
test_thousand(void)
{
    check_thousand("keyring = off\n");
}

static void
test_thousand_with_keyring(void)
{
    check_thousand("");
}

/* --- a definite no --------------------------------------------------------
 */

/* Of the partner's own token: for all businesses, until it is another one. */
static void
test_auth(void)
{
    struct world_host second;
    struct world_got got;
    char output[WORLD_OUTPUT];
    char path[256];

    snprintf(path, sizeof(path), "%s", world_path("partner"));
    world_write(path, 0600, "EAAwrong\n");
    world_configure(PATIENT "token_file = %s\n", path);
    world_reset();
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_AUTH);
    CU_ASSERT_EQUAL(world_stat("/by_status/401"), 1);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_AUTH);
    CU_ASSERT(got.error.retry_at > time(NULL));
    CU_ASSERT(got.error.retry_at <= time(NULL) + 61);
    world_serve_start(&second);
    world_ask(&second, output, "get %s", world_business());
    CU_ASSERT_EQUAL(world_number(output, "code"), MPS_E_AUTH);
    CU_ASSERT_EQUAL(world_stat("/by_status/401"), 1);
    /* The right one is taken at once, by both. */
    CU_ASSERT_EQUAL(world_shell(output, "cp %s %s.new && mv %s.new %s",
                                world_path("emu/partner_token"), path, path,
                                path),
                    0);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    world_ask(&second, output, "get %s", world_business());
    CU_ASSERT_EQUAL(world_number(output, "code"), MPS_OK);
    CU_ASSERT_EQUAL(world_stat("/by_status/401"), 1);
    world_serve_end(&second);
}

/* The source changes while the request with the former token is under way:
 * that is asked again, within the call. */
static void
test_auth_changes_meanwhile(void)
{
    struct world_host host;
    char output[WORLD_OUTPUT];
    char path[256];
    const char *id = world_business();

    snprintf(path, sizeof(path), "%s", world_path("changing"));
    world_configure(PATIENT "token_file = %s\n", path);
    CU_ASSERT_EQUAL(
        world_shell(output, "cp %s %s", world_path("emu/partner_token"), path),
        0);
    world_emulate(id, "status=401&fault_count=1&latency_ms=700");
    world_serve_start(&host);
    world_send(&host, "get %s", id);
    CU_ASSERT(world_await_requests(id, 1));
    world_emulate("", "partner_token=EAAanother");
    world_write(path, 0600, "EAAanother\n");
    world_receive(&host, output);
    CU_ASSERT_EQUAL(world_number(output, "code"), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), 2);
    world_serve_end(&host);
    world_reset();
}

static void
check_no(const char *query, int code)
{
    struct world_got got;
    const char *id = world_business();
    const struct mps_request force = {
        .size = sizeof(force), .business_id = id, .flags = MPS_FORCE_REFRESH};

    world_emulate(id, query);
    CU_ASSERT_EQUAL(world_get(id, &got), code);
    CU_ASSERT_EQUAL(world_get(id, &got), code);
    CU_ASSERT(got.error.retry_at >= time(NULL));
    CU_ASSERT(got.error.retry_at <= time(NULL) + 61);
    CU_ASSERT_EQUAL(world_requests(id), 1);
    CU_ASSERT_EQUAL(world_get_with(&force, &got), code);
    CU_ASSERT_EQUAL(world_requests(id), 2);
    CU_ASSERT_EQUAL(world_get(id, &got), code);
    CU_ASSERT_EQUAL(world_requests(id), 2);
    CU_ASSERT_EQUAL(mps.invalidate_credential(id, NULL), MPS_OK);
    CU_ASSERT_EQUAL(world_get(id, &got), code);
    CU_ASSERT_EQUAL(world_requests(id), 3);
    /* and no other business suffers */
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
}

static void
test_negative(void)
{
    struct world_got got;
    const char *id = world_business();

    world_configure(PATIENT);
    check_no("status=403", MPS_E_FORBIDDEN);
    check_no("status=404", MPS_E_NOT_FOUND);
    check_no("status=422", MPS_E_UNPROCESSABLE);
    world_configure(PATIENT "negative_ttl_s = 2\n");
    world_emulate(id, "status=422&fault_count=1");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_UNPROCESSABLE);
    nap_until((got.error.retry_at + 1) * 1000);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), 2);
}

static CU_TestInfo tests[] = {
    {"429 with Retry-After", test_retry_after},
    {"429 with estimated_time_to_regain_access", test_regain},
    {"429 without a time", test_no_time},
    {"a crash-looping host", test_crash_loop},
    {"X-App-Usage delays an advisory refresh alone", test_usage},
    {"the breaker opens, probes, heals", test_breaker},
    {"1,000 expired, a stalled endpoint, one thread", test_thousand},
    {"the same with the keyring", test_thousand_with_keyring},
    {"AUTH is remembered until the token is another", test_auth},
    {"the token changes during the request", test_auth_changes_meanwhile},
    {"403, 404, 422", test_negative},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"limits", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
