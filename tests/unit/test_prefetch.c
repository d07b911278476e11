/* SPDX-License-Identifier: MIT */
/* Which code of many an administrator hears of first, what is refused before
 * anything is fetched, and prefetches on fakes. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "call.h"
#include "epoch.h"
#include "error.h"
#include "fake_host.h"
#include "fake_sweep.h"
#include "prefetch.h"
#include "run_suites.h"
#include "sweep.h"

#define IDS_MAX 1500

/* As in sweep.c. */
#define RETRY_MS 100

static const struct fake_http_answer good = FAKE_HTTP_TOKEN;
static const struct fake_http_answer unshared = {
    MPSC_HTTP_ANSWERED, 422, "{\"error\":{\"message\":\"x\",\"code\":100}}", 0,
    NULL};
static const struct fake_http_answer limited = {
    MPSC_HTTP_ANSWERED, 429, "{\"error\":{\"message\":\"x\",\"code\":4}}", 0,
    "120"};
static const struct fake_http_answer failed = {
    MPSC_HTTP_ANSWERED, 500, "{\"error\":{\"message\":\"x\",\"code\":2}}", 0,
    NULL};

/* A host's call, on a thread of its own unless run() makes it. */
static struct {
    struct mps_request request;
    char texts[IDS_MAX][24];
    const char *ids[IDS_MAX];
    size_t count;
    int codes[IDS_MAX];
    unsigned answers[IDS_MAX]; /* how often each was answered */
    unsigned foreign;          /* on another thread than the caller's */
    int gets;                  /* the callback gets what was fetched */
    pthread_t thread;
    int code;
    struct mps_error error;
    atomic_int ended;
} run;

static void
want(size_t count)
{
    memset(&run, 0, sizeof(run));
    run.request.size = sizeof(run.request);
    run.count = count;
    for (size_t i = 0; i < count; i++) {
        snprintf(run.texts[i], sizeof(run.texts[i]), "%zu", 1 + i);
        run.ids[i] = run.texts[i];
    }
}

static void
note(void *arg, const char *business_id, int code)
{
    size_t i = 0;

    CU_ASSERT_PTR_EQUAL(arg, &run);
    while (i < run.count && run.ids[i] != business_id) {
        i++;
    }
    CU_ASSERT_FATAL(i < run.count);
    run.codes[i] = code;
    run.answers[i]++;
    run.foreign += !pthread_equal(pthread_self(), run.thread);
    if (run.gets && code == MPS_OK) {
        CU_ASSERT_EQUAL(fake_host_get_for(business_id, 0), MPS_OK);
    }
}

static void *
call_it(void *arg)
{
    (void)arg;
    run.thread = pthread_self();
    mpsc_error_clear(&run.error);
    run.code = mpsc_prefetch(host.provider, &run.request, run.ids, run.count,
                             note, &run, &run.error);
    atomic_store(&run.ended, 1);
    return NULL;
}

static int
prefetch(void)
{
    memset(run.answers, 0, sizeof(run.answers));
    run.foreign = 0;
    atomic_store(&run.ended, 0);
    (void)call_it(NULL);
    return run.code;
}

static pthread_t
begin_prefetch(void)
{
    pthread_t thread = pthread_self();

    atomic_store(&run.ended, 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, call_it, NULL), 0);
    return thread;
}

/* Each item was answered once, on the caller's thread. */
static void
assert_answered(void)
{
    unsigned good_ones = 0;

    for (size_t i = 0; i < run.count; i++) {
        good_ones += run.answers[i] == 1;
    }
    CU_ASSERT_EQUAL(good_ones, run.count);
    CU_ASSERT_EQUAL(run.foreign, 0);
}

static unsigned
with_code(int code)
{
    unsigned count = 0;

    for (size_t i = 0; i < run.count; i++) {
        count += run.answers[i] == 1 && run.codes[i] == code;
    }
    return count;
}

static void
rest_a_moment(void)
{
    const struct timespec moment = {0, 1000000};

    nanosleep(&moment, NULL);
}

/* Waits until so many requests have been started, and whoever runs them rests
 * in poll(). */
static void
await_started(unsigned wanted)
{
    const struct fake_http_counts *counts = fake_http_counts_unlocked();
    int there = 0;

    for (int i = 0; i < FAKE_HOST_HANG_MS && !there; i++) {
        pthread_mutex_lock(&fake_lock);
        there = counts->started >= wanted && fake_http_rests_unlocked();
        pthread_mutex_unlock(&fake_lock);
        if (!there) {
            rest_a_moment();
        }
    }
    CU_ASSERT_EQUAL(fake_host_started(), wanted);
}

/* Lets time pass in steps until the call has ended; how much it was. */
static int64_t
end_prefetch(pthread_t thread, int64_t step_ms)
{
    int64_t start = fake_clock_mono_ms();

    for (int i = 0; i < FAKE_HOST_HANG_MS && !atomic_load(&run.ended); i++) {
        int rests;

        pthread_mutex_lock(&fake_lock);
        rests = fake_http_rests_unlocked();
        pthread_mutex_unlock(&fake_lock);
        if (rests && !atomic_load(&run.ended)) {
            fake_clock_advance(step_ms);
        }
        rest_a_moment();
    }
    CU_ASSERT_FATAL(atomic_load(&run.ended));
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    return fake_clock_mono_ms() - start;
}

/* Runs a test with the module's thread and without. */
static void
each_way(void (*test)(void))
{
    test();
    fake_host_end();
    fake_host_begin();
    host.configuration.threads = 1;
    test();
}

/* --- before anything is fetched -------------------------------------------
 */

static void
test_refused(void)
{
    struct mps_error error;
    const char *const ids[] = {"1"};

    want(1);
    CU_ASSERT_EQUAL(
        mpsc_prefetch(host.provider, NULL, NULL, 0, NULL, NULL, &error),
        MPS_OK);
    CU_ASSERT_EQUAL(
        mpsc_prefetch(host.provider, NULL, NULL, 1, NULL, NULL, &error),
        MPS_E_INVALID);
    run.request.flags = MPS_NO_WAIT;
    CU_ASSERT_EQUAL(
        mpsc_prefetch(host.provider, &run.request, ids, 1, NULL, NULL, &error),
        MPS_E_INVALID);
    CU_ASSERT_EQUAL(error.code, MPS_E_INVALID);
    run.request.flags = 0;
    run.request.size = 1;
    CU_ASSERT_EQUAL(
        mpsc_prefetch(host.provider, &run.request, ids, 1, NULL, NULL, &error),
        MPS_E_INVALID);
    CU_ASSERT_EQUAL(fake_host_started(), 0);
}

/* Each item is answered on its own, and the worst code is the result. The
 * profile's configuration is missing, which is worse than a bad id. */
static void
test_no_profile(void)
{
    want(4);
    run.ids[0] = "x";
    run.ids[2] = NULL;
    run.ids[3] = "";
    run.request.profile = "none";
    setenv("MPS_CREDENTIAL_CONF", "/nonexistent/conf", 1);
    CU_ASSERT_EQUAL(prefetch(), MPS_E_CONFIG);
    unsetenv("MPS_CREDENTIAL_CONF");
    CU_ASSERT_EQUAL(run.error.code, MPS_E_CONFIG);
    assert_answered();
    CU_ASSERT_EQUAL(with_code(MPS_E_INVALID), 3);
    CU_ASSERT_EQUAL(run.codes[1], MPS_E_CONFIG);
}

/* --- with an endpoint that answers ----------------------------------------
 */

static void
many(void)
{
    want(100);
    run.ids[7] = "7x";
    run.ids[50] = run.texts[10]; /* a pointer that comes twice is told twice */
    memcpy(run.texts[51], "11", sizeof("11"));
    memcpy(run.texts[52], "11", sizeof("11"));
    run.ids[50] = run.texts[52];
    run.ids[52] = "11";
    run.gets = 1;
    CU_ASSERT_EQUAL(prefetch(), MPS_E_INVALID);
    assert_answered();
    CU_ASSERT_EQUAL(with_code(MPS_OK), 99);
    CU_ASSERT_EQUAL(run.codes[7], MPS_E_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(run.error.message, "digits"));
    CU_ASSERT_EQUAL(fake_host_started(), 96);
    /* Memory has them all. */
    CU_ASSERT_EQUAL(prefetch(), MPS_E_INVALID);
    assert_answered();
    CU_ASSERT_EQUAL(fake_host_started(), 96);
}

static void
test_many(void)
{
    each_way(many);
}

static void
window(void)
{
    pthread_t thread;

    want(100);
    fake_host_hold("EAAheld", 3600);
    thread = begin_prefetch();
    await_started(MPSC_SWEEP_WINDOW);
    fake_http_release(10);
    await_started(MPSC_SWEEP_WINDOW + 10);
    fake_http_release(10);
    await_started(MPSC_SWEEP_WINDOW + 20);
    fake_http_release(MPSC_SWEEP_WINDOW);
    await_started(2 * MPSC_SWEEP_WINDOW + 20);
    fake_http_release(MPSC_SWEEP_WINDOW);
    await_started(100);
    fake_http_release(MPSC_SWEEP_WINDOW);
    CU_ASSERT_EQUAL(end_prefetch(thread, 0), 0);
    CU_ASSERT_EQUAL(run.code, MPS_OK);
    assert_answered();
}

static void
test_window(void)
{
    each_way(window);
}

/* What memory holds is answered while the others are on their way. */
static void
test_memory_first(void)
{
    pthread_t thread;
    unsigned answers = 0;

    host.configuration.threads = 1;
    CU_ASSERT_EQUAL(fake_host_get_for("2", 0), MPS_OK);
    want(3);
    fake_host_hold("EAAheld", 3600);
    thread = begin_prefetch();
    await_started(2);
    for (int i = 0; i < FAKE_HOST_HANG_MS && answers == 0; i++) {
        mpsc_provider_lock(host.provider);
        answers = run.answers[1];
        mpsc_provider_unlock(host.provider);
        rest_a_moment();
    }
    CU_ASSERT_EQUAL(answers, 1);
    CU_ASSERT_FALSE(atomic_load(&run.ended));
    fake_http_release(2);
    CU_ASSERT_EQUAL(end_prefetch(thread, 0), 0);
    assert_answered();
    CU_ASSERT_EQUAL(run.code, MPS_OK);
}

/* A wish that memory doesn't meet. */
static void
test_wishes(void)
{
    want(2);
    CU_ASSERT_EQUAL(prefetch(), MPS_OK);
    run.request.flags = MPS_FORCE_REFRESH;
    run.request.min_validity_s = 100000;
    CU_ASSERT_EQUAL(prefetch(), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 2);
    fake_clock_advance(31000);
    run.request.flags = 0;
    CU_ASSERT_EQUAL(prefetch(), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 4);
    fake_clock_advance(31000);
    run.request.flags = MPS_FORCE_REFRESH;
    run.request.min_validity_s = 0;
    CU_ASSERT_EQUAL(prefetch(), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 6);
}

/* A token that should be refreshed, and can't: it is there all the same. */
static void
test_fallback(void)
{
    fake_host_give("EAAold", 100);
    want(1);
    CU_ASSERT_EQUAL(prefetch(), MPS_OK);
    fake_clock_advance(92000);
    fake_host_answer(&failed);
    CU_ASSERT_EQUAL(prefetch(), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    fake_clock_advance(8000);
    CU_ASSERT_EQUAL(prefetch(), MPS_E_SERVER);
    CU_ASSERT_EQUAL(fake_host_started(), 2);
}

/* --- the keyring ----------------------------------------------------------
 */

static const struct fake_sweep_entry records[] = {
    {.business_id = "2", .token = "EAAkept"},
    {.business_id = "4", .token = "EAAkept"},
    {.business_id = "777", .token = "EAAkept"},
};

/* Waits until the keyring has that token: the call doesn't. */
static int
is_stored(const char *business_id, const char *token)
{
    for (int i = 0; i < FAKE_HOST_HANG_MS; i++) {
        const char *stored = fake_sweep_token(business_id);

        if (stored != NULL && strcmp(stored, token) == 0) {
            return 1;
        }
        rest_a_moment();
    }
    return 0;
}

static void
with_keyring(void)
{
    fake_host_keep(NULL);
    fake_sweep_plan(records, 3);
    want(40);
    CU_ASSERT_EQUAL(prefetch(), MPS_OK);
    assert_answered();
    CU_ASSERT_EQUAL(fake_host_started(), 38);
    CU_ASSERT_EQUAL(fake_host_get_for("2", 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAkept");
    CU_ASSERT(is_stored("1", "EAAfresh"));
    CU_ASSERT(is_stored("40", "EAAfresh"));
    CU_ASSERT(is_stored("4", "EAAkept"));
    /* The sweep stores, not the flights. */
    CU_ASSERT_STRING_EQUAL(fake_keyring_stored(), "");
    /* Nobody asked for that one. */
    CU_ASSERT_PTR_NULL(mpsc_cache_find(host.profile.holdings->cache, "777"));
}

static void
test_keyring(void)
{
    each_way(with_keyring);
}

/* More than are under way at once: they come page by page, and no page is
 * written twice. */
static void
page_by_page(void)
{
    fake_host_keep(NULL);
    fake_sweep_plan(NULL, 0);
    want(IDS_MAX);
    CU_ASSERT_EQUAL(prefetch(), MPS_OK);
    for (unsigned i = 0; i < IDS_MAX; i++) {
        CU_ASSERT(is_stored(run.ids[i], "EAAfresh"));
    }
    CU_ASSERT_EQUAL(fake_sweep_pages(), MPSC_KEYRING_PAGES);
}

static void
test_pages(void)
{
    each_way(page_by_page);
}

/* A token that was reported dead isn't taken from the keyring. */
static void
test_dead_token(void)
{
    static const struct fake_sweep_entry dead[] = {
        {.business_id = FAKE_HOST_BUSINESS, .token = "EAAdead"}};

    fake_host_give("EAAdead", 3600);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_invalidate("EAAdead"), MPS_OK);
    fake_host_give("EAAalive", 3600);
    fake_host_keep(NULL);
    fake_sweep_plan(dead, 1);
    want(1);
    run.ids[0] = FAKE_HOST_BUSINESS;
    CU_ASSERT_EQUAL(prefetch(), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    CU_ASSERT(is_stored(FAKE_HOST_BUSINESS, "EAAalive"));
}

static void
test_keyring_required(void)
{
    fake_host_keep(NULL);
    host.configuration.keyring = MPSC_KEYRING_REQUIRED;
    fake_keyring_plan(&(struct fake_keyring_plan){.open = MPSC_KEYRING_NO_BUS,
                                                  .no_trace = 1});
    want(3);
    CU_ASSERT_EQUAL(prefetch(), MPS_E_KEYRING);
    assert_answered();
    CU_ASSERT_EQUAL(with_code(MPS_E_KEYRING), 3);
    CU_ASSERT_EQUAL(fake_host_started(), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(run.error.message, "keyring = required"));
}

/* A mute keyring costs its deadline once, not for each item, and not the next
 * call either. */
static void
test_keyring_mute(void)
{
    fake_host_keep(NULL);
    fake_keyring_plan(
        &(struct fake_keyring_plan){.load = FAKE_KEYRING_MUTE, .no_trace = 1});
    want(50);
    CU_ASSERT(end_prefetch(begin_prefetch(), 250) < 10000);
    CU_ASSERT_EQUAL(run.code, MPS_OK);
    assert_answered();
    want(100);
    CU_ASSERT_EQUAL(prefetch(), MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 100);
}

/* Another process fetches one; its token comes from the keyring. */
static void
contested(void)
{
    static const struct fake_sweep_entry taken[] = {
        {.business_id = "1", .taken = 1}};
    static const struct fake_sweep_entry stored[] = {
        {.business_id = "1", .token = "EAAtheirs", .late = 1}};
    pthread_t thread;

    fake_host_keep(NULL);
    fake_sweep_plan(taken, 1);
    want(1);
    thread = begin_prefetch();
    await_started(0);
    fake_sweep_plan(stored, 1);
    CU_ASSERT(end_prefetch(thread, RETRY_MS) < 5000);
    CU_ASSERT_EQUAL(run.code, MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 0);
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAtheirs");
}

static void
test_contested(void)
{
    each_way(contested);
}

/* All that the keyring has, for a call that must not ask the endpoint. */
static void
load(void)
{
    static const struct mpsc_request_rules rules = {0, 0, 0};
    struct mps_error error;
    struct mpsc_call call;

    fake_host_keep(NULL);
    fake_sweep_plan(records, 3);
    want(0);
    CU_ASSERT_EQUAL(
        mpsc_call_begin(&call, host.provider, &run.request, &rules, &error),
        MPS_OK);
    CU_ASSERT(mpsc_prefetch_load(&call));
    mpsc_call_end(&call);
    CU_ASSERT_EQUAL(fake_host_get_for("777", 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAkept");
    CU_ASSERT_EQUAL(fake_host_started(), 0);
}

static void
test_load(void)
{
    each_way(load);
}

/* True where memory has it, perhaps in a moment. */
static int
comes_to_memory(const char *business_id)
{
    for (int i = 0; i < FAKE_HOST_HANG_MS; i++) {
        const struct mpsc_entry *entry;
        int held;

        mpsc_provider_lock(host.provider);
        entry = mpsc_cache_find(host.profile.holdings->cache, business_id);
        held = entry != NULL && entry->credential != NULL;
        mpsc_provider_unlock(host.provider);
        if (held) {
            return 1;
        }
        rest_a_moment();
    }
    return 0;
}

/* A process that finds in the keyring what it asks for, again and again, reads
 * it whole. */
static void
test_read_ahead(void)
{
    static const char *const found[] = {"11", "12", "13", "14", "15"};

    host.configuration.threads = 1;
    fake_host_keep("EAAown");
    fake_sweep_plan(records, 3);
    for (unsigned i = 0; i < 5; i++) {
        CU_ASSERT_PTR_NULL(
            mpsc_cache_find(host.profile.holdings->cache, "777"));
        CU_ASSERT_EQUAL(fake_host_get_for(found[i], 0), MPS_OK);
        CU_ASSERT_STRING_EQUAL(host.token, "EAAown");
        /* The same once more is none of them. */
        CU_ASSERT_EQUAL(fake_host_get_for(found[i], 0), MPS_OK);
    }
    CU_ASSERT_FATAL(comes_to_memory("777"));
    CU_ASSERT_EQUAL(fake_host_get_for("777", 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(host.token, "EAAkept");
    CU_ASSERT_EQUAL(fake_host_started(), 0);
}

/* --- an endpoint that doesn't answer as it should -------------------------
 */

/* The rest isn't asked for; what is held is found all the same. */
static void
rate_limit(void)
{
    CU_ASSERT_EQUAL(fake_host_get_for("150", 0), MPS_OK);
    fake_host_answer(&limited);
    want(200);
    CU_ASSERT_EQUAL(prefetch(), MPS_E_RATE_LIMITED);
    assert_answered();
    CU_ASSERT_EQUAL(with_code(MPS_E_RATE_LIMITED), 199);
    CU_ASSERT_EQUAL(run.codes[149], MPS_OK);
    CU_ASSERT_EQUAL(run.error.retry_at, FAKE_CLOCK_WALL_S + 120);
    CU_ASSERT(fake_host_started() <= MPSC_SWEEP_WINDOW);
    fake_host_answer(&good);
    CU_ASSERT_EQUAL(prefetch(), MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(with_code(MPS_E_RATE_LIMITED), 199);
    CU_ASSERT_EQUAL(run.error.retry_at, FAKE_CLOCK_WALL_S + 120);
    CU_ASSERT_EQUAL(fake_host_started(), 0);
    fake_clock_advance(121000);
    CU_ASSERT_EQUAL(prefetch(), MPS_OK);
}

static void
test_rate_limit(void)
{
    each_way(rate_limit);
}

/* A definite no is each business's own, and remembered. */
static void
test_no(void)
{
    want(40);
    fake_host_answer(&unshared);
    CU_ASSERT_EQUAL(prefetch(), MPS_E_UNPROCESSABLE);
    assert_answered();
    CU_ASSERT_EQUAL(with_code(MPS_E_UNPROCESSABLE), 40);
    CU_ASSERT_EQUAL(fake_host_started(), 40);
    CU_ASSERT_EQUAL(prefetch(), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(fake_host_started(), 40);
    run.request.flags = MPS_FORCE_REFRESH;
    fake_host_answer(&good);
    CU_ASSERT_EQUAL(prefetch(), MPS_OK);
}

/* The partner's token can't be read. */
static void
test_no_partner(void)
{
    want(100);
    fake_host_set_partner(NULL);
    CU_ASSERT_EQUAL(prefetch(), MPS_E_CONFIG);
    assert_answered();
    CU_ASSERT_EQUAL(with_code(MPS_E_CONFIG), 100);
    CU_ASSERT_EQUAL(fake_host_started(), 0);
}

/* The deadline bounds the whole. */
static void
deadline(void)
{
    want(100);
    run.request.deadline_ms = 2000;
    fake_host_answer(NULL);
    CU_ASSERT(end_prefetch(begin_prefetch(), 50) < 5000);
    CU_ASSERT_EQUAL(run.code, MPS_E_TIMEOUT);
    assert_answered();
    CU_ASSERT_EQUAL(with_code(MPS_E_TIMEOUT), 100);
}

static void
test_deadline(void)
{
    each_way(deadline);
}

/* Without one each item has the configured time; but an endpoint that answers
 * nobody is asked no more. */
static void
stalled(void)
{
    want(200);
    fake_host_answer(NULL);
    CU_ASSERT(end_prefetch(begin_prefetch(), 250) <= 2 * 10000);
    CU_ASSERT_EQUAL(run.code, MPS_E_TIMEOUT);
    assert_answered();
    CU_ASSERT_EQUAL(fake_host_started(), MPSC_SWEEP_WINDOW);
}

static void
test_stalled(void)
{
    each_way(stalled);
}

/* The endpoint had failed, and its pause is over: one goes ahead. */
static void
test_probe(void)
{
    pthread_t thread;

    host.configuration.threads = 1;
    fake_host_answer(&failed);
    want(3);
    CU_ASSERT_EQUAL(prefetch(), MPS_E_SERVER);
    fake_clock_advance(2000);
    want(50);
    fake_host_hold("EAAagain", 3600);
    thread = begin_prefetch();
    await_started(1);
    fake_clock_advance(10 * RETRY_MS);
    await_started(1);
    fake_host_give("EAAagain", 3600);
    (void)end_prefetch(thread, RETRY_MS);
    CU_ASSERT_EQUAL(run.code, MPS_OK);
    assert_answered();
    CU_ASSERT_EQUAL(fake_host_started(), 49);
}

/* --- others ---------------------------------------------------------------
 */

/* A call for a business that a prefetch fetches shares its fetch. */
static void
test_joined(void)
{
    struct fake_host_caller caller = {.code = -1};
    pthread_t thread;

    host.configuration.threads = 1;
    want(1);
    run.ids[0] = FAKE_HOST_BUSINESS;
    fake_host_hold("EAAshared", 3600);
    thread = begin_prefetch();
    await_started(1);
    fake_host_call(&caller);
    fake_host_await_flight(2);
    fake_http_release(1);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(end_prefetch(thread, 0), 0);
    CU_ASSERT_EQUAL(caller.code, MPS_OK);
    CU_ASSERT_STRING_EQUAL(caller.token, "EAAshared");
    CU_ASSERT_EQUAL(run.code, MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

/* And the other way round. */
static void
test_joins(void)
{
    struct fake_host_caller caller = {.code = -1};
    pthread_t thread;

    host.configuration.threads = 1;
    fake_host_hold("EAAshared", 3600);
    fake_host_call(&caller);
    await_started(1);
    want(2);
    run.ids[0] = FAKE_HOST_BUSINESS;
    thread = begin_prefetch();
    await_started(2);
    fake_http_release(2);
    CU_ASSERT(end_prefetch(thread, RETRY_MS) < 5000);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_OK);
    CU_ASSERT_EQUAL(run.code, MPS_OK);
    assert_answered();
    CU_ASSERT_EQUAL(fake_host_started(), 2);
}

/* One who waits longer than the prefetch holds it up no more, and gets the
 * token of the fetch that goes on. */
static void
test_outlived(void)
{
    struct fake_host_caller caller = {.code = -1};
    pthread_t thread;

    host.configuration.threads = 1;
    want(2);
    run.ids[0] = FAKE_HOST_BUSINESS;
    run.request.deadline_ms = 2000;
    fake_host_hold("EAAlate", 3600);
    thread = begin_prefetch();
    await_started(2);
    fake_host_call(&caller);
    fake_host_await_flight(2);
    CU_ASSERT(end_prefetch(thread, 50) < 5000);
    CU_ASSERT_EQUAL(run.code, MPS_E_TIMEOUT);
    assert_answered();
    CU_ASSERT_FALSE(fake_host_has_ended(&caller));
    fake_http_release(1);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_OK);
}

/* A purge in the middle: what was on its way is asked for again. */
static void
test_purge(void)
{
    const char *runtime_dir = fake_host_share();
    struct mpsc_epoch epoch;
    pthread_t thread;

    host.configuration.threads = 1;
    CU_ASSERT_EQUAL(mpsc_epoch_raise(runtime_dir, 0, &epoch), 0);
    want(3);
    fake_host_hold("EAAheld", 3600);
    thread = begin_prefetch();
    await_started(3);
    fake_clock_advance(10);
    CU_ASSERT_EQUAL(mpsc_epoch_raise(runtime_dir, 1, &epoch), 0);
    fake_http_release(3);
    for (int i = 0; i < FAKE_HOST_HANG_MS && fake_host_started() < 6; i++) {
        fake_clock_advance(RETRY_MS / 10);
        rest_a_moment();
    }
    await_started(6);
    CU_ASSERT_FALSE(atomic_load(&run.ended));
    fake_http_release(3);
    (void)end_prefetch(thread, 0);
    CU_ASSERT_EQUAL(run.code, MPS_OK);
    assert_answered();
}

/* A shutdown on another thread ends it with codes. */
static void
test_stop(void)
{
    pthread_t thread;

    host.configuration.threads = 1;
    want(100);
    fake_host_answer(NULL);
    thread = begin_prefetch();
    await_started(MPSC_SWEEP_WINDOW);
    mpsc_io_stop(host.provider->io);
    CU_ASSERT_EQUAL(end_prefetch(thread, 0), 0);
    CU_ASSERT_EQUAL(run.code, MPS_E_TIMEOUT);
    assert_answered();
    CU_ASSERT_EQUAL(with_code(MPS_E_TIMEOUT), 100);
    CU_ASSERT_EQUAL(fake_host_started(), MPSC_SWEEP_WINDOW);
}

static void
set_stopping(int stopping)
{
    mpsc_provider_lock(host.provider);
    host.provider->stopping = stopping;
    mpsc_provider_unlock(host.provider);
    fake_kick();
}

/* The caller's own thread: it waits for those under way alone. */
static void
test_stop_on_own_thread(void)
{
    pthread_t thread;

    want(100);
    fake_host_hold("EAAheld", 3600);
    thread = begin_prefetch();
    await_started(MPSC_SWEEP_WINDOW);
    set_stopping(1);
    fake_http_release(MPSC_SWEEP_WINDOW);
    CU_ASSERT_EQUAL(end_prefetch(thread, 0), 0);
    set_stopping(0);
    CU_ASSERT_EQUAL(run.code, MPS_E_TIMEOUT);
    assert_answered();
    CU_ASSERT_EQUAL(with_code(MPS_OK), MPSC_SWEEP_WINDOW);
    CU_ASSERT_EQUAL(with_code(MPS_E_TIMEOUT), 100 - MPSC_SWEEP_WINDOW);
}

/* And for nothing else. */
static void
test_stop_in_vain(void)
{
    static const struct fake_sweep_entry taken[] = {
        {.business_id = "1", .taken = 1}};
    pthread_t thread;

    fake_host_keep(NULL);
    fake_sweep_plan(taken, 1);
    want(1);
    thread = begin_prefetch();
    await_started(0);
    set_stopping(1);
    CU_ASSERT_EQUAL(end_prefetch(thread, 0), 0);
    set_stopping(0);
    CU_ASSERT_EQUAL(run.code, MPS_E_TIMEOUT);
    assert_answered();
}

static void
no_client(void)
{
    fake_http_plan(&(struct fake_http_plan){.fails_open = 1, .no_trace = 1});
    want(70);
    CU_ASSERT_EQUAL(prefetch(), MPS_E_NO_MEMORY);
    assert_answered();
    CU_ASSERT_EQUAL(with_code(MPS_E_NO_MEMORY), 70);
}

static void
test_no_client(void)
{
    each_way(no_client);
}

int
main(void)
{
    CU_TestInfo codes[] = {
        CU_TEST_INFO_NULL,
    };
    CU_TestInfo calls[] = {
        {"refused", test_refused},
        {"no profile", test_no_profile},
        {"many", test_many},
        {"window", test_window},
        {"memory first", test_memory_first},
        {"wishes", test_wishes},
        {"fallback", test_fallback},
        {"keyring", test_keyring},
        {"page by page", test_pages},
        {"dead token", test_dead_token},
        {"keyring required", test_keyring_required},
        {"keyring mute", test_keyring_mute},
        {"contested", test_contested},
        {"load", test_load},
        {"read ahead", test_read_ahead},
        {"rate limit", test_rate_limit},
        {"no", test_no},
        {"no partner", test_no_partner},
        {"deadline", test_deadline},
        {"stalled", test_stalled},
        {"probe", test_probe},
        {"joined", test_joined},
        {"joins", test_joins},
        {"outlived", test_outlived},
        {"purge", test_purge},
        {"stop", test_stop},
        {"stop on the caller's thread", test_stop_on_own_thread},
        {"stop of one that waits for another", test_stop_in_vain},
        {"no client", test_no_client},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"codes", NULL, NULL, NULL, NULL, codes},
        {"prefetch", fake_host_make_directory, fake_host_remove_directory,
         fake_host_begin, fake_host_end, calls},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
