/* SPDX-License-Identifier: MIT */
/*
 * Threads of one host: a fetch is shared, so is its error; deadlines are each
 * caller's own; MPS_NO_WAIT and the background.
 */
#include <CUnit/Basic.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define THREADS 32

/* One thread's call. What it got is looked at by the main thread alone:
 * CUnit's assertions are for one thread. */
struct caller {
    pthread_t thread;
    pthread_barrier_t *barrier; /* NULL = at once */
    char business_id[24];
    unsigned deadline_ms;
    struct world_got got;
    const struct mps_credential *credential;
};

static void *
call(void *arg)
{
    struct caller *caller = arg;
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = caller->business_id,
                                        .deadline_ms = caller->deadline_ms};
    int64_t begin;

    if (caller->barrier != NULL) {
        pthread_barrier_wait(caller->barrier);
    }
    begin = world_ms();
    caller->got.error.size = sizeof(caller->got.error);
    caller->got.code = mps.get_credential_with(&request, &caller->credential);
    caller->got.took_ms = world_ms() - begin;
    (void)mps.error(&caller->got.error);
    return NULL;
}

static void
start(struct caller *caller, const char *business_id, unsigned deadline_ms)
{
    memset(caller, 0, sizeof(*caller));
    snprintf(caller->business_id, sizeof(caller->business_id), "%s",
             business_id);
    caller->deadline_ms = deadline_ms;
    pthread_create(&caller->thread, NULL, call, caller);
}

static void
end(struct caller *caller)
{
    pthread_join(caller->thread, NULL);
}

/* All at once, on these businesses in turn. */
static void
call_together(struct caller callers[THREADS], const char *const *ids,
              unsigned count)
{
    pthread_barrier_t barrier;

    pthread_barrier_init(&barrier, NULL, THREADS);
    memset(callers, 0, THREADS * sizeof(*callers));
    for (unsigned i = 0; i < THREADS; i++) {
        callers[i].barrier = &barrier;
        snprintf(callers[i].business_id, sizeof(callers[i].business_id), "%s",
                 ids[i % count]);
        pthread_create(&callers[i].thread, NULL, call, &callers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        end(&callers[i]);
    }
    pthread_barrier_destroy(&barrier);
}

static void
test_one_business(void)
{
    struct caller callers[THREADS];
    const char *id = world_business();

    world_configure("keyring = off\ndeadline_ms = 20000\n");
    world_emulate(id, "latency_ms=200");
    call_together(callers, &id, 1);
    for (unsigned i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL_FATAL(callers[i].got.code, MPS_OK);
        /* not only the same token: the same memory */
        CU_ASSERT_PTR_EQUAL(callers[i].credential, callers[0].credential);
        CU_ASSERT_EQUAL(callers[i].credential->source, MPS_SOURCE_ENDPOINT);
    }
    CU_ASSERT_EQUAL(world_requests(id), 1);
    for (unsigned i = 0; i < THREADS; i++) {
        mps.release_credential(callers[i].credential);
    }
}

static void
test_many_businesses(void)
{
    enum { BUSINESSES = 20 };
    struct caller callers[THREADS];
    const char *ids[BUSINESSES];

    world_configure("keyring = off\ndeadline_ms = 20000\n");
    world_reset();
    world_emulate("", "latency_ms=100");
    for (unsigned i = 0; i < BUSINESSES; i++) {
        ids[i] = world_business();
    }
    call_together(callers, ids, BUSINESSES);
    for (unsigned i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL(callers[i].got.code, MPS_OK);
        mps.release_credential(callers[i].credential);
    }
    CU_ASSERT_EQUAL(world_requests(""), BUSINESSES);
    for (unsigned i = 0; i < BUSINESSES; i++) {
        CU_ASSERT_EQUAL(world_requests(ids[i]), 1);
    }
    world_reset();
}

/* With the keyring, too. */
static void
test_one_business_with_keyring(void)
{
    struct caller callers[THREADS];
    const char *id = world_business();

    world_configure("keyring_deadline_ms = 8000\ndeadline_ms = 20000\n");
    call_together(callers, &id, 1);
    for (unsigned i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL(callers[i].got.code, MPS_OK);
        mps.release_credential(callers[i].credential);
    }
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

static void
test_shared_error(void)
{
    struct caller callers[THREADS];
    const char *id = world_business();

    world_configure("keyring = off\nattempts = 1\ndeadline_ms = 20000\n");
    world_emulate(id, "status=500&latency_ms=400");
    call_together(callers, &id, 1);
    for (unsigned i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL(callers[i].got.code, MPS_E_SERVER);
        CU_ASSERT_PTR_NULL(callers[i].credential);
        CU_ASSERT_EQUAL(callers[i].got.error.http_status, 500);
        CU_ASSERT_STRING_EQUAL(callers[i].got.error.message,
                               callers[0].got.error.message);
    }
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

/* A thread's last error is its own. */
static void
test_own_error(void)
{
    struct mps_error error = {.size = sizeof(error)};
    struct caller other;
    struct world_got got;
    const char *refused = world_business();

    world_configure("keyring = off\n");
    world_emulate(refused, "status=403");
    CU_ASSERT_EQUAL(world_get("no digits", &got), MPS_E_INVALID);
    start(&other, refused, 0);
    end(&other);
    CU_ASSERT_EQUAL(other.got.error.code, MPS_E_FORBIDDEN);
    CU_ASSERT_EQUAL(mps.error(&error), MPS_OK);
    CU_ASSERT_EQUAL(error.code, MPS_E_INVALID);
    /* where nothing has failed yet, nothing is told */
    start(&other, world_business(), 0);
    end(&other);
    CU_ASSERT_EQUAL(other.got.code, MPS_OK);
    CU_ASSERT_EQUAL(other.got.error.code, MPS_OK);
    CU_ASSERT_STRING_EQUAL(other.got.error.message, "");
    mps.release_credential(other.credential);
}

static int
is_asked(void *arg)
{
    return world_requests(arg) > 0;
}

/* A short deadline ends one caller's wait, not the fetch. */
static void
test_deadlines(void)
{
    struct caller patient;
    struct caller hasty[4];
    struct world_got got;
    char *id = world_business();

    world_configure("keyring = off\n");
    world_emulate(id, "latency_ms=1500");
    start(&patient, id, 20000);
    CU_ASSERT(world_await(is_asked, id));
    for (unsigned i = 0; i < 4; i++) {
        start(&hasty[i], id, 200 + 100 * i);
    }
    for (unsigned i = 0; i < 4; i++) {
        end(&hasty[i]);
        CU_ASSERT_EQUAL(hasty[i].got.code, MPS_E_TIMEOUT);
        CU_ASSERT(hasty[i].got.took_ms >= 190 + 100 * i);
        CU_ASSERT(hasty[i].got.took_ms <= 200 + 100 * i + world_margin());
    }
    end(&patient);
    CU_ASSERT_EQUAL(patient.got.code, MPS_OK);
    mps.release_credential(patient.credential);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

/* The one that began the fetch is the hasty one; who joins has more time. */
static void
test_first_is_hasty(void)
{
    struct caller first;
    struct caller second;
    char *id = world_business();

    world_configure("keyring = off\n");
    world_emulate(id, "latency_ms=2000");
    start(&first, id, 1000);
    CU_ASSERT(world_await(is_asked, id));
    start(&second, id, 20000);
    end(&first);
    end(&second);
    CU_ASSERT_EQUAL(first.got.code, MPS_E_TIMEOUT);
    CU_ASSERT(first.got.took_ms >= 950);
    CU_ASSERT(first.got.took_ms <= 1000 + world_margin());
    CU_ASSERT_EQUAL(second.got.code, MPS_OK);
    mps.release_credential(second.credential);
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

/* One loop serves all: a stalled fetch is no other's business. */
static void
test_stalled_neighbour(void)
{
    struct caller stalled;
    struct world_got got;
    const char *stuck = world_business();

    world_configure("keyring = off\n");
    world_emulate(stuck, "fault=stall");
    start(&stalled, stuck, 3000);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
        CU_ASSERT(got.took_ms <= world_margin());
    }
    mps.shutdown();
    end(&stalled);
    CU_ASSERT_EQUAL(stalled.got.code, MPS_E_TIMEOUT);
    CU_ASSERT(stalled.got.took_ms < 2900);
}

/* --- the background -------------------------------------------------------
 */

static int
no_wait(const char *business_id, struct world_got *got)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = business_id,
                                        .flags = MPS_NO_WAIT};

    return world_get_with(&request, got);
}

/* The event, taken; 0 where none comes. */
static int
await_event(int fd)
{
    struct pollfd event = {.fd = fd, .events = POLLIN};
    uint64_t count;

    return poll(&event, 1, 10000) == 1 &&
           read(fd, &count, sizeof(count)) == sizeof(count);
}

static void
test_no_wait(void)
{
    struct world_got got;
    const char *id = world_business();
    int fd;

    world_configure("keyring_deadline_ms = 8000\n");
    world_emulate(id, "latency_ms=300");
    fd = mps.event_fd();
    CU_ASSERT(fd >= 0);
    CU_ASSERT_EQUAL(mps.event_fd(), fd);
    CU_ASSERT_EQUAL(no_wait(id, &got), MPS_E_AGAIN);
    CU_ASSERT(got.took_ms < 200);
    CU_ASSERT_EQUAL(no_wait(id, &got), MPS_E_AGAIN);
    CU_ASSERT(await_event(fd));
    CU_ASSERT_EQUAL(no_wait(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(got.source, MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

static int
has_ended(void *business_id)
{
    struct world_got got;

    return no_wait(business_id, &got) == MPS_OK;
}

/* A host may ask for the descriptor after the fetch that it waits for. */
static void
test_late_event_fd(void)
{
    char *id = world_business();
    struct world_got got;

    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(no_wait(id, &got), MPS_E_AGAIN);
    CU_ASSERT(world_await(has_ended, id));
    CU_ASSERT(await_event(mps.event_fd()));
}

static void
test_background_failure(void)
{
    static const struct {
        const char *query;
        int code;
    } cases[] = {
        {"fault=429&retry_after=2&regain_minutes=absent", MPS_E_RATE_LIMITED},
        {"status=401", MPS_E_AUTH},
        {"status=422", MPS_E_UNPROCESSABLE},
    };
    struct world_got got;

    world_configure("keyring = off\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *id = world_business();
        int fd;

        world_forget();
        fd = mps.event_fd();
        world_emulate(id, cases[i].query);
        CU_ASSERT_EQUAL(no_wait(id, &got), MPS_E_AGAIN);
        CU_ASSERT(await_event(fd));
        CU_ASSERT_EQUAL(no_wait(id, &got), cases[i].code);
        CU_ASSERT(got.error.retry_at > time(NULL));
        CU_ASSERT_EQUAL(no_wait(id, &got), cases[i].code);
        CU_ASSERT_EQUAL(world_requests(id), 1);
    }
}

static int
is_past(void *arg)
{
    return time(NULL) > *(time_t *)arg;
}

static void
test_background_failure_ends(void)
{
    struct world_got got;
    const char *id = world_business();
    time_t until;
    int fd;

    world_configure("keyring = off\n");
    fd = mps.event_fd();
    world_emulate(id, "fault=429&retry_after=1&regain_minutes=absent&"
                      "fault_count=1");
    CU_ASSERT_EQUAL(no_wait(id, &got), MPS_E_AGAIN);
    CU_ASSERT(await_event(fd));
    CU_ASSERT_EQUAL(no_wait(id, &got), MPS_E_RATE_LIMITED);
    until = (time_t)got.error.retry_at;
    CU_ASSERT(world_await(is_past, &until));
    CU_ASSERT_EQUAL(no_wait(id, &got), MPS_E_AGAIN);
    CU_ASSERT(await_event(fd));
    CU_ASSERT_EQUAL(no_wait(id, &got), MPS_OK);
}

static void
test_force_refresh(void)
{
    struct world_got got;
    const char *id = world_business();
    struct mps_request force = {
        .size = sizeof(force), .business_id = id, .flags = MPS_FORCE_REFRESH};

    /* Within the back-off the last fetch's token is as good as it gets. */
    world_configure("keyring = off\n");
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(world_get_with(&force, &got), MPS_OK);
    }
    CU_ASSERT_EQUAL(world_requests(id), 1);
    /* So is a fresh token that can't live that long. */
    force.flags = 0;
    force.min_validity_s = 1000000;
    CU_ASSERT_EQUAL(world_get_with(&force, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

/* --- shutdown -------------------------------------------------------------
 */

static void *
shut_down(void *arg)
{
    (void)arg;
    mps.shutdown();
    return NULL;
}

/* From several threads at once, with calls inside; then all works again. */
static void
test_shutdown(void)
{
    struct caller callers[8];
    pthread_t enders[3];
    struct world_got got;
    const struct mps_credential *held = NULL;
    const char *id = world_business();

    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(mps.get_credential(id, &held), MPS_OK);
    for (int i = 0; i < 8; i++) {
        const char *stuck = world_business();

        world_emulate(stuck, "fault=stall");
        start(&callers[i], stuck, 5000);
    }
    while (world_stat("/faults/stall") < 8) {
        continue;
    }
    for (int i = 0; i < 3; i++) {
        pthread_create(&enders[i], NULL, shut_down, NULL);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(enders[i], NULL);
    }
    for (int i = 0; i < 8; i++) {
        end(&callers[i]);
        CU_ASSERT_EQUAL(callers[i].got.code, MPS_E_TIMEOUT);
    }
    /* what the host holds stays good */
    CU_ASSERT_EQUAL(strlen(held->access_token), 200);
    mps.release_credential(held);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), 2);
}

static CU_TestInfo tests[] = {
    {"32 threads, one business: one request", test_one_business},
    {"32 threads, 20 businesses: 20 requests", test_many_businesses},
    {"32 threads with the keyring", test_one_business_with_keyring},
    {"an error is shared", test_shared_error},
    {"the last error is each thread's", test_own_error},
    {"shorter deadlines", test_deadlines},
    {"the first one is hasty", test_first_is_hasty},
    {"a stalled business holds up no other", test_stalled_neighbour},
    {"16 AGAIN, then the event", test_no_wait},
    {"event_fd asked for late", test_late_event_fd},
    {"a background failure has its own code", test_background_failure},
    {"until retry_at", test_background_failure_ends},
    {"MPS_FORCE_REFRESH and min_validity_s", test_force_refresh},
    {"shutdown with calls inside", test_shutdown},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"threads", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
