/* SPDX-License-Identifier: MIT */
/* What calls of one business share, what is remembered of a failure, and what
 * force and an invalidation change: on fakes, with a clock that stands. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "fake_host.h"
#include "fake_sweep.h"
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
    CU_ASSERT_PTR_NULL(mpsc_setbacks_recall(host.entry->setbacks)->failure);
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
    flight->advisory = 1;
    mpsc_flight_join_unlocked(flight, &wishes[0], 1000);
    CU_ASSERT_FALSE(flight->advisory);
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

/* --- what is known of the endpoint ---------------------------------------
 */

/* A rate limit that one business met holds for all, forced or not. */
static void
test_rate_limit(void)
{
    fake_host_answer(&limited);
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(host.error.retry_at, FAKE_CLOCK_WALL_S + 120);
    fake_host_answer(&good);
    fake_clock_advance(119000);
    CU_ASSERT_EQUAL(fake_host_get_for("2", 0), MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(host.error.retry_at, FAKE_CLOCK_WALL_S + 120);
    CU_ASSERT_EQUAL(host.error.http_status, 429);
    CU_ASSERT_EQUAL(host.error.graph_code, 4);
    CU_ASSERT_PTR_NOT_NULL(strstr(host.error.message, "business 2 at"));
    CU_ASSERT_PTR_NULL(strstr(host.error.message, "business 1 at"));
    CU_ASSERT_EQUAL(fake_host_get_for("2", MPS_FORCE_REFRESH),
                    MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(fake_host_started(), 0);
    fake_clock_advance(1000);
    CU_ASSERT_EQUAL(fake_host_get_for("2", 0), MPS_OK);
}

/* Many refusals because of a limit don't lengthen it. */
static void
test_refusals(void)
{
    fake_host_keep(NULL);
    fake_host_answer(&limited);
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_E_RATE_LIMITED);
    for (int i = 0; i < 200; i++) {
        fake_clock_advance(99);
        CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_RATE_LIMITED);
    }
    fake_host_answer(&good);
    fake_clock_advance(120000 - INT64_C(200) * 99);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
}

/* The endpoint closed between two attempts: the second is a refusal, too. */
static void
test_refused_attempt(void)
{
    const struct mpsc_limits *limits = &host.profile.holdings->shared.limits;
    const struct mpsc_fetch_events *events;
    struct mpsc_flight *flight =
        mpsc_flight_new(&host.provider->hub, &host.profile,
                        host.profile.holdings, host.entry, MPSC_FETCH_TOKEN);
    struct mps_error failure;
    int64_t until_ms;

    CU_ASSERT_PTR_NOT_NULL_FATAL(flight);
    events = flight->fetch.events;
    CU_ASSERT_EQUAL(events->allow(flight, &failure), 0);
    fake_host_answer(&limited);
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_E_RATE_LIMITED);
    until_ms = limits->rate.until_ms;
    fake_clock_advance(500);
    CU_ASSERT_EQUAL(events->allow(flight, &failure), -1);
    CU_ASSERT_EQUAL(failure.code, MPS_E_RATE_LIMITED);
    events->known(flight, NULL, 0, &failure);
    events->over(flight);
    CU_ASSERT_EQUAL(limits->rate.until_ms, until_ms);
    CU_ASSERT_PTR_NULL(strstr(limits->rate.message, "not asked"));
}

/* The endpoint is closed, and the keyring has tokens of two businesses. */
static void
close_with_keyring(void)
{
    static const struct fake_sweep_entry entries[] = {
        {.business_id = FAKE_HOST_BUSINESS, .token = "EAAkept"},
        {.business_id = "2", .token = "EAAtwo"},
    };

    fake_host_answer(&limited);
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_E_RATE_LIMITED);
    fake_host_keep(NULL);
    fake_sweep_plan(entries, 2);
}

/* And of a third one now. */
static void
keep_another(void)
{
    static const struct fake_sweep_entry another = {.business_id = "3",
                                                    .token = "EAAthree"};

    fake_sweep_plan(&another, 1);
}

/* What another process has fetched before is found there, by reading all of
 * it once. */
static void
test_closed_with_keyring(void)
{
    close_with_keyring();
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAkept");
    keep_another();
    CU_ASSERT_EQUAL(fake_host_get_for("2", 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAtwo");
    CU_ASSERT_EQUAL(fake_host_get_for("3", 0), MPS_E_RATE_LIMITED);
    /* Without a generation nobody can tell whether it has changed. */
    fake_clock_advance(29999);
    CU_ASSERT_EQUAL(fake_host_get_for("3", 0), MPS_E_RATE_LIMITED);
    fake_clock_advance(1);
    CU_ASSERT_EQUAL(fake_host_get_for("3", 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

/* With one it is read again when it has changed, and only then. */
static void
test_closed_with_generation(void)
{
    int dir = open(fake_host_share(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    CU_ASSERT_FATAL(dir >= 0);
    CU_ASSERT_EQUAL(mpsc_generation_raise(dir, host.configuration.base_url,
                                          host.configuration.solution_id),
                    0);
    close_with_keyring();
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    keep_another();
    fake_clock_advance(60000);
    CU_ASSERT_EQUAL(fake_host_get_for("3", 0), MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(mpsc_generation_raise(dir, host.configuration.base_url,
                                          host.configuration.solution_id),
                    0);
    fake_clock_advance(1000);
    CU_ASSERT_EQUAL(fake_host_get_for("3", 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    close(dir);
}

static int
is_keyring_open(void)
{
    return fake_keyring_open_count() > 0;
}

/* A mute keyring may cost a call no more than half of the token in hand. */
static void
test_closed_with_token(void)
{
    struct fake_host_caller caller = {.request = {.deadline_ms = 0}};
    const struct fake_keyring_plan mute = {.load = FAKE_KEYRING_MUTE,
                                           .no_trace = 1};

    host.configuration.threads = 1;
    fake_host_give("EAAold", 100);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    fake_clock_advance(99000);
    close_with_keyring();
    fake_keyring_plan(&mute);
    fake_host_call(&caller);
    fake_host_await(is_keyring_open);
    fake_host_pass(500);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_OK);
    CU_ASSERT_STRING_EQUAL(caller.token, "EAAold");
}

/* Three failures, whatever the businesses, and nobody waits any more. */
static void
fail_three_times(void)
{
    fake_host_answer(&failed);
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_E_SERVER);
    CU_ASSERT_EQUAL(fake_host_get_for("2", 0), MPS_E_SERVER);
    CU_ASSERT_EQUAL(fake_host_get_for("3", 0), MPS_E_SERVER);
    CU_ASSERT_EQUAL(fake_host_started(), 3);
    CU_ASSERT_EQUAL(fake_host_get_for("4", 0), MPS_E_SERVER);
    CU_ASSERT(host.error.retry_at > FAKE_CLOCK_WALL_S);
    CU_ASSERT_PTR_NOT_NULL(strstr(host.error.message, "business 4 at"));
    CU_ASSERT_EQUAL(fake_host_started(), 3);
}

static int
has_token(void)
{
    return fake_host_get_for("4", 0) == MPS_OK;
}

/* Then one call probes, which waits a quarter of its time; meanwhile the
 * others go away at once, and the probe's success is for all. */
static void
test_probe(void)
{
    struct fake_host_caller first = {.request = {.business_id = "4"}};

    host.configuration.threads = 1;
    fail_three_times();
    fake_host_hold("EAAfresh", 3600);
    fake_host_pass(1250);
    fake_host_call(&first);
    fake_host_await_started(1);
    CU_ASSERT(host.profile.holdings->probing);
    CU_ASSERT_EQUAL(fake_host_get_for("5", 0), MPS_E_SERVER);
    CU_ASSERT_EQUAL(fake_host_get_for("4", 0), MPS_E_SERVER);
    CU_ASSERT_EQUAL(fake_host_get_for("5", MPS_NO_WAIT), MPS_E_SERVER);
    fake_host_pass(2499);
    CU_ASSERT_FALSE(fake_host_has_ended(&first));
    fake_host_pass(1);
    fake_host_join(&first);
    CU_ASSERT_EQUAL(first.code, MPS_E_SERVER);
    CU_ASSERT(first.error.retry_at > 0);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    fake_http_release(1);
    fake_host_await(has_token);
    CU_ASSERT_FALSE(host.profile.holdings->probing);
    fake_host_answer(&good);
    CU_ASSERT_EQUAL(fake_host_get_for("5", 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

/* Nobody else begins one while it is on its way to the endpoint. */
static void
test_probe_loads(void)
{
    struct fake_host_caller first = {.request = {.business_id = "4"}};

    host.configuration.threads = 1;
    fail_three_times();
    fake_host_keep(NULL);
    fake_keyring_load_manner(FAKE_KEYRING_MUTE);
    fake_host_answer(NULL);
    fake_host_pass(1250);
    fake_host_call(&first);
    fake_host_await(is_keyring_open);
    CU_ASSERT_EQUAL(fake_host_get_for("5", 0), MPS_E_SERVER);
    CU_ASSERT_EQUAL(fake_host_get_for("4", 0), MPS_E_SERVER);
    CU_ASSERT_EQUAL(fake_keyring_open_count(), 1);
    fake_host_pass(2500);
    fake_host_join(&first);
    CU_ASSERT_EQUAL(first.code, MPS_E_SERVER);
}

/* A probe that is well is waited for; one that fails closes for longer. */
static void
test_probe_ends(void)
{
    const struct mpsc_limit *breaker =
        &host.profile.holdings->shared.limits.breaker;

    host.configuration.threads = 1;
    fail_three_times();
    CU_ASSERT_EQUAL(breaker->step, 1);
    fake_host_answer(&failed);
    fake_host_pass(1250);
    CU_ASSERT_EQUAL(fake_host_get_for("4", 0), MPS_E_SERVER);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    CU_ASSERT_EQUAL(breaker->step, 2);
    CU_ASSERT_FALSE(host.profile.holdings->probing);
    CU_ASSERT_EQUAL(fake_host_get_for("4", 0), MPS_E_SERVER);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    fake_host_pass(2500);
    fake_host_answer(&good);
    CU_ASSERT_EQUAL(fake_host_get_for("4", 0), MPS_OK);
    CU_ASSERT_EQUAL(breaker->code, MPS_OK);
}

/* A probing call with a token in hand waits half of its life at most. */
static void
test_probe_with_token(void)
{
    struct fake_host_caller caller = {.request = {.deadline_ms = 0}};

    host.configuration.threads = 1;
    fake_host_give("EAAold", 100);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    fake_clock_advance(96000);
    fail_three_times();
    fake_host_answer(NULL);
    fake_host_pass(1250);
    fake_host_call(&caller);
    fake_host_await_flight(2);
    fake_host_pass(1374);
    CU_ASSERT_FALSE(fake_host_has_ended(&caller));
    fake_host_pass(1);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_OK);
    CU_ASSERT_STRING_EQUAL(caller.token, "EAAold");
}

/* Those in a hurry, and a shutdown, say nothing of the endpoint. */
static void
test_hurry(void)
{
    struct fake_host_caller callers[4] = {
        {.request = {.deadline_ms = 4000}},
        {.request = {.deadline_ms = 4000}},
        {.request = {.deadline_ms = 4000}},
        {.request = {.deadline_ms = 5100}},
    };
    const struct mpsc_limits *limits = &host.profile.holdings->shared.limits;

    host.configuration.threads = 1;
    fake_host_answer(NULL);
    for (int i = 0; i < 4; i++) {
        fake_host_call(&callers[i]);
        fake_host_await_flight(2);
        fake_host_pass(5100);
        fake_host_join(&callers[i]);
        CU_ASSERT_EQUAL(callers[i].code, MPS_E_TIMEOUT);
        fake_host_await_background();
        CU_ASSERT_EQUAL(limits->failures, i == 3);
    }
}

/* The partner's token was refused, and there is another one: asked at once
 * with that; where nobody waits, within a second. */
static void
test_other_partner(void)
{
    fake_host_answer(&refused);
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_E_AUTH);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_AUTH);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    fake_host_set_partner("EAAother\n");
    fake_host_answer(&good);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    /* The first one is remembered no more, should it come back. */
    fake_host_set_partner("EAApartner\n");
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_OK);
}

static void
test_other_partner_in_background(void)
{
    host.configuration.threads = 1;
    fake_host_answer(&refused);
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_E_AGAIN);
    fake_host_await_background();
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_E_AUTH);
    fake_host_set_partner("EAAother\n");
    fake_host_answer(&good);
    fake_host_pass(999);
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_E_AUTH);
    fake_host_pass(1);
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_E_AGAIN);
    fake_host_await_background();
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_OK);
}

/* --- dead tokens ---------------------------------------------------------
 */

/* The endpoint gives again what was reported dead: not believed for its
 * time, and told to all who wait. */
static void
test_dead_from_endpoint(void)
{
    struct fake_host_caller callers[2] = {{.request = {.deadline_ms = 0}},
                                          {.request = {.deadline_ms = 0}}};

    host.configuration.threads = 1;
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    /* Two reports at once are one. */
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAfresh"), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAfresh"), MPS_OK);
    fake_host_hold("EAAfresh", 3600);
    for (int i = 0; i < 2; i++) {
        fake_host_call(&callers[i]);
        fake_host_await_flight(2 + (unsigned)i);
    }
    fake_http_release(1);
    for (int i = 0; i < 2; i++) {
        fake_host_join(&callers[i]);
        CU_ASSERT_EQUAL(callers[i].code, MPS_E_PROTOCOL);
        CU_ASSERT_EQUAL(callers[i].error.retry_at, FAKE_CLOCK_WALL_S + 30);
        CU_ASSERT_EQUAL(callers[i].error.http_status, 200);
    }
    fake_host_give("EAAfresh", 3600);
    fake_host_pass(29999);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_PROTOCOL);
    CU_ASSERT_EQUAL(fake_host_get(MPS_FORCE_REFRESH, 0), MPS_E_PROTOCOL);
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_E_PROTOCOL);
    CU_ASSERT_EQUAL(fake_host_started(), 0);
    fake_host_pass(1);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAfresh");
    /* Served from memory like any other. */
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    /* And reported once more: twice as long. */
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAfresh"), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_PROTOCOL);
    CU_ASSERT_EQUAL(host.error.retry_at, FAKE_CLOCK_WALL_S + 90);
}

/* It isn't put into the keyring, either; and another one is taken. */
static void
test_dead_not_stored(void)
{
    fake_host_keep(NULL);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(fake_keyring_stored(), "EAAfresh");
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAfresh"), MPS_OK);
    fake_host_keep(NULL);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_PROTOCOL);
    CU_ASSERT_STRING_EQUAL(fake_keyring_stored(), "");
    fake_clock_advance(30000);
    fake_host_give("EAAother", 3600);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(fake_keyring_stored(), "EAAother");
}

/* From the keyring it is never believed. */
static void
test_dead_from_keyring(void)
{
    fake_host_keep("EAAkept");
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAkept"), MPS_OK);
    fake_clock_advance(INT64_C(24) * 3600 * 1000);
    fake_host_give("EAAother", 3600);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAother");
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

/* A refresh that brings a dead token leaves the live one. */
static void
test_dead_refresh(void)
{
    host.configuration.threads = 1;
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAdead"), MPS_OK);
    fake_host_give("EAAlive", 60);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    fake_clock_advance(54000);
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAdead"), MPS_OK);
    fake_host_give("EAAdead", 3600);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAlive");
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

/* --- purges --------------------------------------------------------------
 */

/* Tokens are purged while the endpoint is asked: that one is not stored, and
 * who waits gets one that was fetched after it. */
static void
test_purge_in_flight(void)
{
    struct fake_host_caller caller = {.request = {.deadline_ms = 0}};
    const char *dir = fake_host_share();
    struct mpsc_epoch epoch;

    host.configuration.threads = 1;
    fake_host_keep(NULL);
    fake_host_hold("EAAbefore", 3600);
    fake_host_call(&caller);
    fake_host_await_flight(2);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    CU_ASSERT_EQUAL_FATAL(mpsc_epoch_raise(dir, 0, &epoch), 0);
    fake_http_release(1);
    fake_host_await_started(2);
    CU_ASSERT_FALSE(fake_host_has_ended(&caller));
    CU_ASSERT_STRING_EQUAL(fake_keyring_stored(), "");
    CU_ASSERT_EQUAL(fake_keyring_query().epoch, epoch.number);
    fake_host_give("EAAafter", 3600);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_OK);
    CU_ASSERT_STRING_EQUAL(caller.token, "EAAafter");
    CU_ASSERT_STRING_EQUAL(fake_keyring_stored(), "EAAafter");
    /* It is none of those that were purged. */
    fake_host_pass(2000);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAafter");
}

/* Where nobody waits it is no failure: the next call starts the next. */
static void
test_purge_in_background(void)
{
    const char *dir = fake_host_share();

    host.configuration.threads = 1;
    fake_host_hold("EAAbefore", 3600);
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_E_AGAIN);
    fake_host_await_flight(1);
    CU_ASSERT_EQUAL_FATAL(mpsc_epoch_raise(dir, 0, NULL), 0);
    fake_http_release(1);
    fake_host_await_background();
    CU_ASSERT_PTR_NULL(mpsc_setbacks_recall(host.entry->setbacks)->failure);
    fake_host_give("EAAafter", 3600);
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_E_AGAIN);
    fake_host_await_background();
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    CU_ASSERT_EQUAL(fake_host_get(MPS_NO_WAIT, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAafter");
}

/* What is held is served for no more than a second after it was purged. */
static void
test_purge_by_look(void)
{
    const char *dir = fake_host_share();

    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_OK);
    fake_host_give("EAAafter", 3600);
    CU_ASSERT_EQUAL_FATAL(mpsc_epoch_raise(dir, 0, NULL), 0);
    fake_clock_advance(999);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAfresh");
    fake_clock_advance(1);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAafter");
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAafter");
    CU_ASSERT_EQUAL(fake_host_started(), 2);
    fake_clock_advance(1000);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 2);
}

/* What a keyring page still has of before is believed, unless all was purged.
 */
static void
test_purge_of_all(void)
{
    const char *dir = fake_host_share();

    fake_host_keep("EAAkept");
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL_FATAL(mpsc_epoch_raise(dir, 0, NULL), 0);
    fake_clock_advance(1000);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAkept");
    CU_ASSERT_EQUAL_FATAL(mpsc_epoch_raise(dir, 1, NULL), 0);
    fake_clock_advance(1000);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAfresh");
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

/* A token that is on its way into memory when the purge becomes known doesn't
 * get there, wherever it comes from. */
static void
test_purge_at_the_end(void)
{
    static const int sources[] = {MPS_SOURCE_ENDPOINT, MPS_SOURCE_KEYRING};

    for (int i = 0; i < 2; i++) {
        struct mpsc_record record = {.token = MPSC_SECRET_EMPTY};
        const struct mpsc_fetch_events *events;
        struct mpsc_flight *flight;
        int told;

        record.expires_at = FAKE_CLOCK_WALL_S + 1000;
        record.received_at = FAKE_CLOCK_WALL_S - 100;
        CU_ASSERT_EQUAL(mpsc_secret_set(&record.token, "EAAkept", 7), 0);
        flight = mpsc_flight_new(&host.provider->hub, &host.profile,
                                 host.profile.holdings, host.entry,
                                 MPSC_FETCH_TOKEN);
        CU_ASSERT_PTR_NOT_NULL_FATAL(flight);
        events = flight->fetch.events;
        told = sources[i] == MPS_SOURCE_KEYRING
                   ? events->believe(flight, &record)
                   : events->accept(flight, &record, &host.error) == 0;
        CU_ASSERT(told);
        host.profile.holdings->epoch++;
        /* The flight knows of it from here on. */
        CU_ASSERT_FALSE(events->believe(flight, &record));
        CU_ASSERT_NOT_EQUAL(events->allow(flight, &host.error), 0);
        CU_ASSERT_EQUAL(host.error.code, MPS_E_AGAIN);
        CU_ASSERT_NOT_EQUAL(events->accept(flight, &record, &host.error), 0);
        events->known(flight, &record, sources[i], NULL);
        CU_ASSERT_PTR_NULL(host.entry->credential);
        events->over(flight);
        mpsc_record_free(&record);
    }
}

/* A token in hand is purged while its refresh is waited for. */
static void
test_purge_of_fallback(void)
{
    struct fake_host_caller caller = {.request = {.deadline_ms = 0}};
    const char *dir = fake_host_share();

    host.configuration.threads = 1;
    fake_host_give("EAAold", 100);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    fake_host_pass(92000);
    fake_host_answer(NULL);
    fake_host_call(&caller);
    fake_host_await_flight(2);
    CU_ASSERT_EQUAL_FATAL(mpsc_epoch_raise(dir, 0, NULL), 0);
    fake_host_pass(4000);
    fake_host_await_flight(2);
    CU_ASSERT_FALSE(fake_host_has_ended(&caller));
    fake_host_pass(6000);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_E_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(caller.token, "");
}

/* The first look is another thread's, and not over yet: a call that needs a
 * fetch looks itself, or its token would count as one from before a purge. */
static void
test_first_look(void)
{
    const char *dir = fake_host_share();

    CU_ASSERT_EQUAL_FATAL(mpsc_epoch_raise(dir, 0, NULL), 0);
    host.profile.look_ms = INT64_MAX;
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    CU_ASSERT_EQUAL(host.profile.holdings->epoch, 1);
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

/* Another's lock or a purge is no fault of the keyring's. */
static void
test_tells_keyring(void)
{
    for (int i = MPSC_KEYRING_OK; i <= MPSC_KEYRING_OTHER_HELPER; i++) {
        enum mpsc_keyring_state state = (enum mpsc_keyring_state)i;
        int tells = state != MPSC_KEYRING_BUSY && state != MPSC_KEYRING_PURGED;

        CU_ASSERT_EQUAL(mpsc_flight_tells_keyring(state, 0), tells);
        CU_ASSERT_EQUAL(mpsc_flight_tells_keyring(state, 1),
                        tells && state != MPSC_KEYRING_SILENT);
    }
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
        {"rate limit", test_rate_limit},
        {"refusals", test_refusals},
        {"refused attempt", test_refused_attempt},
        {"closed, with keyring", test_closed_with_keyring},
        {"closed, with generation", test_closed_with_generation},
        {"closed, with a token in hand", test_closed_with_token},
        {"probe", test_probe},
        {"a probe that loads", test_probe_loads},
        {"a probe's end", test_probe_ends},
        {"probe with a token in hand", test_probe_with_token},
        {"hurry", test_hurry},
        {"another partner's token", test_other_partner},
        {"another one in background", test_other_partner_in_background},
        {"dead, from the endpoint", test_dead_from_endpoint},
        {"dead, not stored", test_dead_not_stored},
        {"dead, from the keyring", test_dead_from_keyring},
        {"dead, at a refresh", test_dead_refresh},
        {"purge in flight", test_purge_in_flight},
        {"purge in background", test_purge_in_background},
        {"purge by the look", test_purge_by_look},
        {"purge of all", test_purge_of_all},
        {"purge at the end", test_purge_at_the_end},
        {"purge of the fallback", test_purge_of_fallback},
        {"first look", test_first_look},
        {"deadlines apart", test_deadlines_apart},
        {"mute keyring", test_mute},
        {"distrust", test_distrust},
        {"what tells of the keyring", test_tells_keyring},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"flight", fake_host_make_directory, fake_host_remove_directory,
         fake_host_begin, fake_host_end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
