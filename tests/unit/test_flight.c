/* SPDX-License-Identifier: MIT */
/* What calls of one business share, what is remembered of a failure, and what
 * force and an invalidation change: on fakes, with a clock that stands. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "fake_host.h"
#include "run_suites.h"

#define BACKOFF_S 31

static const struct fake_http_answer good = FAKE_HTTP_TOKEN;
static const struct fake_http_answer unshared = {
    MPSC_HTTP_ANSWERED, 422, "{\"error\":{\"message\":\"x\",\"code\":100}}", 0,
    NULL};
static const struct fake_http_answer limited = {
    MPSC_HTTP_ANSWERED, 429, "{\"error\":{\"message\":\"x\",\"code\":4}}", 0,
    "120"};
static const struct fake_http_answer refused = {
    MPSC_HTTP_ANSWERED, 401, "{\"error\":{\"message\":\"x\",\"code\":190}}", 0,
    NULL};
static const struct fake_http_answer failed = {
    MPSC_HTTP_ANSWERED, 500, "{\"error\":{\"message\":\"x\",\"code\":2}}", 0,
    NULL};
static const struct fake_http_answer unknown = {
    MPSC_HTTP_ANSWERED, 404, "{\"error\":{\"message\":\"x\",\"code\":803}}", 0,
    NULL};

static void
test_memory(void)
{
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAfresh");
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    /* Young, and so as good as it gets. */
    CU_ASSERT_EQUAL(fake_host_get(MPS_FORCE_REFRESH, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_get(0, 1000000), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    fake_clock_advance(BACKOFF_S * 1000);
    CU_ASSERT_EQUAL(fake_host_get(0, 60), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    CU_ASSERT_EQUAL(fake_host_get(MPS_FORCE_REFRESH, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 2);
    /* Its end, by no wall clock. */
    fake_clock_step_wall(-86400);
    fake_clock_advance(3600000);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 3);
}

/* A definite no is remembered for its time, and force passes it. */
static void
test_no(void)
{
    fake_host_answer(&unshared);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(host.error.retry_at, FAKE_CLOCK_WALL_S + 60);
    fake_clock_advance(59999);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    CU_ASSERT_EQUAL(fake_host_get(MPS_FORCE_REFRESH, 0), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(fake_host_started(), 2);
    fake_clock_advance(60000);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(fake_host_started(), 3);
    fake_host_answer(&good);
    CU_ASSERT_EQUAL(fake_host_get(MPS_FORCE_REFRESH, 0), MPS_OK);
    CU_ASSERT_PTR_NULL(host.entry->failure);
}

static void
test_no_memory_of_no(void)
{
    host.configuration.negative_ttl_s = 0;
    fake_host_answer(&unshared);
    for (unsigned i = 1; i <= 3; i++) {
        CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_UNPROCESSABLE);
        CU_ASSERT_EQUAL(fake_host_started(), i);
        CU_ASSERT_EQUAL(host.error.retry_at, FAKE_CLOCK_WALL_S);
    }
}

/* What passes isn't remembered for those who wait, until it came three times
 * in a row. */
static void
test_passing_failures(void)
{
    fake_host_answer(&failed);
    for (unsigned i = 1; i <= 3; i++) {
        CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_SERVER);
        CU_ASSERT_EQUAL(fake_host_started(), i);
        CU_ASSERT_EQUAL(host.error.retry_at > 0, i == 3);
    }
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_SERVER);
    /* A pause of a second, of which a quarter is drawn. */
    CU_ASSERT(host.error.retry_at >= FAKE_CLOCK_WALL_S + 1);
    CU_ASSERT(host.error.retry_at <= FAKE_CLOCK_WALL_S + 2);
    CU_ASSERT_EQUAL(fake_host_started(), 3);
    /* The pause is over: the caller is the probe, for lack of a thread. */
    fake_clock_advance(2000);
    fake_host_answer(&good);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
}

/* The partner's token is refused: for a minute nobody asks with it. */
static void
test_refused_partner(void)
{
    fake_host_answer(&refused);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_AUTH);
    CU_ASSERT_EQUAL(host.error.retry_at, FAKE_CLOCK_WALL_S + 60);
    fake_clock_advance(59000);
    CU_ASSERT_EQUAL(fake_host_get(MPS_FORCE_REFRESH, 0), MPS_E_AUTH);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    fake_clock_advance(1000);
    fake_host_answer(&good);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
}

static void
test_background(void)
{
    struct pollfd watch = {.events = POLLIN};
    uint64_t count = 0;

    host.configuration.threads = 1;
    watch.fd = mpsc_provider_event_fd(host.provider);
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_E_AGAIN);
    CU_ASSERT_EQUAL(poll(&watch, 1, FAKE_HOST_HANG_MS), 1);
    CU_ASSERT_EQUAL(read(watch.fd, &count, sizeof(count)), sizeof(count));
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    /* Force starts the refresh and answers from memory. */
    fake_clock_advance(BACKOFF_S * 1000);
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT | MPS_FORCE_REFRESH, 0), MPS_OK);
    fake_host_await_background();
    CU_ASSERT_EQUAL(fake_host_started(), 2);
}

/* Without threads there is no background. */
static void
test_background_without_threads(void)
{
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(host.error.message, "threads"));
    CU_ASSERT_EQUAL(fake_host_started(), 0);
}

/* A background fetch that failed tells its code until retry_at. */
static void
test_background_failures(void)
{
    static const struct {
        const struct fake_http_answer *answer;
        int code;
        int64_t for_s;
    } rows[] = {
        {&refused, MPS_E_AUTH, 60},
        {&limited, MPS_E_RATE_LIMITED, 120},
        {&unshared, MPS_E_UNPROCESSABLE, 60},
    };

    host.configuration.threads = 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mpsc_time now;

        fake_host_answer(rows[i].answer);
        fake_clock_now(&now);
        CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_E_AGAIN);
        fake_host_await_background();
        CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), rows[i].code);
        CU_ASSERT_EQUAL(host.error.retry_at, now.wall_s + rows[i].for_s);
        fake_clock_advance(rows[i].for_s * 1000 - 1);
        CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), rows[i].code);
        CU_ASSERT_EQUAL(fake_host_started(), 1);
        fake_clock_advance(1);
        CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_E_AGAIN);
        fake_host_await_background();
        CU_ASSERT_EQUAL(fake_host_started(), 2);
        fake_clock_advance(200000);
    }
}

/* Force in an event loop's loop: the code comes, and the endpoint isn't asked
 * without end; a rate limit is never passed. */
static void
test_force_in_background(void)
{
    static const struct {
        const struct fake_http_answer *answer;
        int code;
    } rows[] = {
        {&limited, MPS_E_RATE_LIMITED},
        {&unshared, MPS_E_UNPROCESSABLE},
    };
    const unsigned flags = MPS_NO_WAIT | MPS_FORCE_REFRESH;

    host.configuration.threads = 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_host_answer(rows[i].answer);
        CU_ASSERT_EQUAL(fake_host_get(flags, 0), MPS_E_AGAIN);
        for (int n = 0; n < 5; n++) {
            fake_host_await_background();
            CU_ASSERT_EQUAL(fake_host_get(flags, 0), rows[i].code);
        }
        CU_ASSERT_EQUAL(fake_host_started(), 1);
        fake_clock_advance(200000);
    }
    /* With a token in memory that is the answer, limit or not. */
    fake_host_answer(&good);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    fake_clock_advance(BACKOFF_S * 1000);
    fake_host_answer(&limited);
    for (int n = 0; n < 5; n++) {
        CU_ASSERT_EQUAL(fake_host_get(flags, 0), MPS_OK);
        fake_host_await_background();
    }
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

static void
test_doubt(void)
{
    fake_host_answer(&unknown);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_NOT_FOUND);
    CU_ASSERT_PTR_NOT_NULL(strstr(host.error.message, "none has succeeded"));
    fake_host_answer(&good);
    CU_ASSERT_EQUAL(fake_host_get(MPS_FORCE_REFRESH, 0), MPS_OK);
    fake_clock_advance(BACKOFF_S * 1000);
    fake_host_answer(&unknown);
    CU_ASSERT_EQUAL(fake_host_get(MPS_FORCE_REFRESH, 0), MPS_E_NOT_FOUND);
    CU_ASSERT_PTR_NULL(strstr(host.error.message, "none has succeeded"));
}

static void
test_invalidate(void)
{
    fake_host_keep("EAAkept");
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAkept");
    /* Another token: nothing changes. */
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAother"), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAkept");
    CU_ASSERT_EQUAL(fake_host_started(), 0);
    /* The keyring still has it in this test, and isn't believed. */
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAkept"), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAfresh");
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    CU_ASSERT_EQUAL(fake_host_invalidate(""), MPS_E_INVALID);
}

/* Whatever is held, and a remembered no. */
static void
test_invalidate_all(void)
{
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_invalidate(NULL), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 2);
    CU_ASSERT_EQUAL(fake_host_invalidate(NULL), MPS_OK);
    fake_host_answer(&unshared);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAother"), MPS_OK);
    fake_host_answer(&good);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(fake_host_invalidate(NULL), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
}

/* An invalidation between the keyring's load and its being known. */
static void
test_invalidate_during_load(void)
{
    struct mpsc_record record = {.token = MPSC_SECRET_EMPTY};
    struct mpsc_flight *flight;
    struct mpsc_time now;

    fake_clock_now(&now);
    record.expires_at = now.wall_s + 1000;
    record.received_at = now.wall_s - 100;
    CU_ASSERT_EQUAL(mpsc_secret_set(&record.token, "EAAkept", 7), 0);
    flight =
        mpsc_flight_new(&host.provider->hub, &host.profile,
                        host.profile.holdings, host.entry, MPSC_FETCH_TOKEN);
    CU_ASSERT_PTR_NOT_NULL_FATAL(flight);
    if (flight == NULL) {
        return;
    }
    CU_ASSERT(flight->fetch.events->believe(flight, &record));
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAkept"), MPS_OK);
    flight->fetch.events->known(flight, &record, MPS_SOURCE_KEYRING, NULL);
    flight->fetch.events->over(flight);
    mpsc_record_free(&record);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAfresh");
}

static void
test_join(void)
{
    const struct mpsc_lifetime_wish wishes[] = {{10, 0}, {60, 0}, {5, 1}};
    struct mpsc_flight *flight =
        mpsc_flight_new(&host.provider->hub, &host.profile,
                        host.profile.holdings, host.entry, MPSC_FETCH_TOKEN);

    CU_ASSERT_PTR_NOT_NULL_FATAL(flight);
    if (flight == NULL) {
        return;
    }
    mpsc_provider_lock(host.provider);
    mpsc_flight_join_unlocked(flight, &wishes[0], 1000);
    CU_ASSERT_EQUAL(flight->wish.min_validity_s, 10);
    CU_ASSERT_EQUAL(flight->wish.force_refresh, 0);
    CU_ASSERT_EQUAL(atomic_load(&flight->fetch.deadline_ms), 1000);
    mpsc_flight_join_unlocked(flight, &wishes[1], 900);
    CU_ASSERT_EQUAL(flight->wish.min_validity_s, 60);
    CU_ASSERT_EQUAL(atomic_load(&flight->fetch.deadline_ms), 1000);
    mpsc_flight_join_unlocked(flight, &wishes[2], 1001);
    CU_ASSERT_EQUAL(flight->wish.min_validity_s, 60);
    CU_ASSERT_EQUAL(flight->wish.force_refresh, 1);
    CU_ASSERT_EQUAL(atomic_load(&flight->fetch.deadline_ms), 1001);
    mpsc_flight_release_unlocked(flight);
    mpsc_provider_unlock(host.provider);
}

/* The one that lends its thread isn't kept beyond its own deadline by one
 * that joins; and that one gets all of its own time. */
static void
test_deadlines_apart(void)
{
    struct fake_host_caller first = {.request = {.deadline_ms = 1000}};
    struct fake_host_caller second = {.request = {.deadline_ms = 5000}};

    fake_host_answer(NULL);
    fake_host_call(&first);
    fake_host_await_flight(2);
    fake_host_call(&second);
    fake_host_await_flight(3);
    fake_clock_advance(1000);
    /* The second's own. */
    fake_host_await_flight(2);
    CU_ASSERT_EQUAL(fake_host_started(), 2);
    fake_host_join(&first);
    CU_ASSERT_EQUAL(first.code, MPS_E_TIMEOUT);
    CU_ASSERT_EQUAL(first.ended_ms, 1000);
    fake_clock_advance(4000);
    fake_host_join(&second);
    CU_ASSERT_EQUAL(second.code, MPS_E_TIMEOUT);
    CU_ASSERT_EQUAL(second.ended_ms, 5000);
}

/* A mute keyring isn't asked again for a while. */
static void
test_mute(void)
{
    struct fake_keyring_plan plan = {.load_state = MPSC_KEYRING_SILENT,
                                     .no_trace = 1};

    host.configuration.keyring = MPSC_KEYRING_REQUIRED;
    fake_keyring_plan(&plan);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_KEYRING);
    plan.load_state = MPSC_KEYRING_OK;
    fake_keyring_plan(&plan);
    fake_clock_advance(29999);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_KEYRING);
    fake_clock_advance(1);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
}

static void
test_distrust(void)
{
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    host.configuration.distrust_before = FAKE_CLOCK_WALL_S + 1;
    fake_clock_advance(2000);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 2);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 2);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"memory", test_memory},
        {"a no", test_no},
        {"a no that isn't remembered", test_no_memory_of_no},
        {"passing failures", test_passing_failures},
        {"refused partner", test_refused_partner},
        {"background", test_background},
        {"no background", test_background_without_threads},
        {"background failures", test_background_failures},
        {"force in background", test_force_in_background},
        {"doubt in solution_id", test_doubt},
        {"invalidate", test_invalidate},
        {"invalidate all", test_invalidate_all},
        {"invalidate during load", test_invalidate_during_load},
        {"join", test_join},
        {"deadlines apart", test_deadlines_apart},
        {"mute keyring", test_mute},
        {"distrust", test_distrust},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"flight", fake_host_make_directory, fake_host_remove_directory,
         fake_host_begin, fake_host_end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
