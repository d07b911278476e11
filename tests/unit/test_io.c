/* SPDX-License-Identifier: MIT */
/* The runner: its thread, its turns, its end; and the caller's own thread. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "fake_clock.h"
#include "fake_http.h"
#include "fake_keyring.h"
#include "fetch.h"
#include "io.h"
#include "run_suites.h"

/* As in io.c. */
#define ACTIVE_MAX 64
#define BACKGROUND_MAX 16
#define IDLE_MS 10000
#define STOP_MS 3000

#define DEADLINE_MS 10000
/* How long a fetch with that deadline waits for its store, see fetch.c: half
 * of its time for the turn and the keyring's deadline, and a little. */
#define CHANGE_MS 5250
#define JOBS_MAX 256
#define THREADS 8

struct job {
    struct mpsc_fetch fetch;
    /* Guarded by fake_lock. */
    unsigned known;
    unsigned over;
    int code;
    pthread_t thread; /* on which it became known */
};

static char directory[] = "/tmp/mps-test-io-XXXXXX";
static char token_path[64];
static char solution_id[] = "1234567890123456";
static char api_version[] = "v25.0";
static char base_url[] = "https://graph.example";

static struct mpsc_configuration configuration;
static _Atomic(struct mpsc_fetch_prepared *) prepared;
static struct mpsc_fetch_means means;
static struct mpsc_io *io;
static struct job jobs[JOBS_MAX];

/* What pthread_create() returns in place of doing its work; 0 = it works. */
static atomic_int create_fails;
static atomic_int create_calls;

/* The runner's thread; one at a time. Guarded by fake_lock. */
static struct {
    void *(*run)(void *);
    unsigned begun;
    unsigned ended;
} runner;

static void *
run_runner(void *arg)
{
    void *result = runner.run(arg);

    pthread_mutex_lock(&fake_lock);
    runner.ended++;
    fake_rest_unlocked();
    pthread_mutex_unlock(&fake_lock);
    return result;
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
               void *(*run)(void *), void *arg)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                       void *);

    create_calls++;
    if (create_fails != 0 && (create_fails != EINVAL || attributes != NULL)) {
        return create_fails;
    }
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    }
    /* The tests' own have neither. */
    if (attributes != NULL || create_fails != 0) {
        pthread_mutex_lock(&fake_lock);
        runner.run = run;
        runner.begun++;
        pthread_mutex_unlock(&fake_lock);
        run = run_runner;
    }
    return real(thread, attributes, run, arg);
}

static int
on_allow(void *arg, struct mps_error *error)
{
    (void)arg;
    (void)error;
    return 0;
}

static int
on_accept(void *arg, const struct mpsc_record *record, struct mps_error *error)
{
    (void)arg;
    (void)record;
    (void)error;
    return 0;
}

static int
on_believe(void *arg, const struct mpsc_record *record)
{
    (void)arg;
    (void)record;
    return 1;
}

static void
on_keyring(void *arg, enum mpsc_keyring_state state)
{
    (void)arg;
    (void)state;
}

static void
on_answered(void *arg, const struct mpsc_record *record,
            const struct mps_error *error)
{
    (void)arg;
    (void)record;
    (void)error;
}

static void
on_known(void *arg, struct mpsc_record *record, int source,
         const struct mps_error *error)
{
    struct job *job = arg;

    (void)record;
    (void)source;
    pthread_mutex_lock(&fake_lock);
    job->known++;
    job->code = error != NULL ? error->code : MPS_OK;
    job->thread = pthread_self();
    fake_rest_unlocked();
    pthread_mutex_unlock(&fake_lock);
}

static void
on_over(void *arg)
{
    struct job *job = arg;

    pthread_mutex_lock(&fake_lock);
    job->over++;
    fake_rest_unlocked();
    pthread_mutex_unlock(&fake_lock);
}

static const struct mpsc_fetch_events events = {
    .believe = on_believe,
    .allow = on_allow,
    .accept = on_accept,
    .keyring = on_keyring,
    .answered = on_answered,
    .known = on_known,
    .over = on_over,
};

static int
make_directory(void)
{
    static const char token[] = "EAApartner\n";
    int fd;

    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(token_path, sizeof(token_path), "%s/token", directory);
    fd = open(token_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, token, strlen(token)) != (ssize_t)strlen(token)) {
        return -1;
    }
    return close(fd);
}

static int
remove_directory(void)
{
    unlink(token_path);
    return rmdir(directory);
}

static void
plan_http(struct fake_http_plan plan)
{
    plan.no_trace = 1;
    fake_http_plan(&plan);
}

static void
plan_keyring(struct fake_keyring_plan plan)
{
    plan.no_trace = 1;
    fake_keyring_plan(&plan);
}

/* An endpoint that gives everybody a token. */
static const struct fake_http_plan generous = {
    .answers = {FAKE_HTTP_TOKEN}, .count = 1, .repeat = 1};

static struct mpsc_fetch *
job_prepare(struct job *job)
{
    memset(job, 0, sizeof(*job));
    job->fetch.task.ops = &mpsc_fetch_ops;
    job->fetch.means = &means;
    job->fetch.events = &events;
    job->fetch.arg = job;
    memcpy(job->fetch.business_id, "4711", sizeof("4711"));
    atomic_store(&job->fetch.deadline_ms, fake_clock_mono_ms() + DEADLINE_MS);
    return &job->fetch;
}

/* Runs before each test. */
static void
begin(void)
{
    configuration = (struct mpsc_configuration){
        .solution_id = solution_id,
        .api_version = api_version,
        .base_url = base_url,
        .token_file = token_path,
        .deadline_ms = DEADLINE_MS,
        .attempts = 3,
        .keyring = MPSC_KEYRING_OFF,
        .keyring_deadline_ms = 2000,
        .assume_lifetime_s = 3600,
        .max_age_s = 86400,
    };
    means = (struct mpsc_fetch_means){
        .configuration = &configuration,
        .prepared = &prepared,
        .boot_id = "11111111-2222-3333-4444-555555555555",
        .http = &fake_http,
        .keyring = &fake_keyring,
        .clock = fake_clock_now,
    };
    fake_clock_start();
    plan_http(generous);
    plan_keyring((struct fake_keyring_plan){.open = MPSC_KEYRING_OK});
    for (int i = 0; i < JOBS_MAX; i++) {
        (void)job_prepare(&jobs[i]);
    }
    create_fails = 0;
    io = mpsc_io_new(&fake_http, fake_clock_now);
    CU_ASSERT_PTR_NOT_NULL_FATAL(io);
}

static void
assert_clients_gone(void)
{
    const struct fake_http_counts counts = fake_http_counts();

    CU_ASSERT_EQUAL(counts.opened, counts.closed + counts.abandoned);
}

/* Runs after each test: all clients and sessions are gone. */
static void
end(void)
{
    create_fails = 0;
    mpsc_io_stop(io);
    mpsc_io_free(&io);
    CU_ASSERT_PTR_NULL(io);
    assert_clients_gone();
    CU_ASSERT_EQUAL(fake_http_counts().mistakes, 0);
    CU_ASSERT_EQUAL(fake_http_counts().under_way, 0);
    CU_ASSERT_EQUAL(fake_keyring_open_count(), 0);
    CU_ASSERT_EQUAL(fake_keyring_unfinished(), 0);
    CU_ASSERT_EQUAL(fake_keyring_mistakes(), 0);
}

/* How many of the first `count` jobs are over. Called with fake_lock. */
static unsigned
over_unlocked(unsigned count)
{
    unsigned over = 0;

    for (unsigned i = 0; i < count; i++) {
        over += jobs[i].over;
    }
    return over;
}

/* Waits until `wanted` of the first `count` jobs are over; false where they
 * hang. */
static int
await_over(unsigned count, unsigned wanted)
{
    int alive = 1;
    int reached;

    pthread_mutex_lock(&fake_lock);
    while (over_unlocked(count) < wanted && alive) {
        alive = fake_await_unlocked();
    }
    reached = over_unlocked(count) == wanted;
    pthread_mutex_unlock(&fake_lock);
    return reached;
}

/* Waits until the thread rests in poll() with `started` calls made. */
static int
await_rest(unsigned started)
{
    const struct fake_http_counts *counts = fake_http_counts_unlocked();
    int alive = 1;
    int reached;

    pthread_mutex_lock(&fake_lock);
    while ((!fake_http_rests_unlocked() || counts->started < started) &&
           alive) {
        alive = fake_await_unlocked();
    }
    reached = counts->started == started;
    pthread_mutex_unlock(&fake_lock);
    return reached;
}

/* Waits until the runner's thread has ended. */
static int
await_thread_end(void)
{
    int alive = 1;
    int reached;

    pthread_mutex_lock(&fake_lock);
    while (runner.begun != runner.ended && alive) {
        alive = fake_await_unlocked();
    }
    reached = runner.begun == runner.ended;
    pthread_mutex_unlock(&fake_lock);
    return reached;
}

/* Each was known once, with this code, and over once. */
static void
assert_all(unsigned count, int code)
{
    unsigned good = 0;

    pthread_mutex_lock(&fake_lock);
    for (unsigned i = 0; i < count; i++) {
        good +=
            jobs[i].known == 1 && jobs[i].over == 1 && jobs[i].code == code;
    }
    pthread_mutex_unlock(&fake_lock);
    CU_ASSERT_EQUAL(good, count);
}

static void
submit(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[i].fetch.task), 0);
    }
}

/* Lets the time run while mpsc_io_stop() waits. */
static void *
stop_it(void *arg)
{
    int *stopped = arg;

    mpsc_io_stop(io);
    pthread_mutex_lock(&fake_lock);
    *stopped = 1;
    fake_rest_unlocked();
    pthread_mutex_unlock(&fake_lock);
    return NULL;
}

/* How long stop() took, by the fake clock; at most `limit_ms`. */
static int64_t
stop_within(int64_t limit_ms)
{
    const struct fake_http_counts *counts = fake_http_counts_unlocked();
    struct fake_http_counts before = fake_http_counts();
    int64_t start = fake_clock_mono_ms();
    pthread_t thread = pthread_self();
    int stopped = 0;
    int alive = 1;

    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, stop_it, &stopped), 0);
    pthread_mutex_lock(&fake_lock);
    while (!stopped && alive) {
        /* The runner's thread, where there is one, has heard of it. */
        if (fake_http_rests_unlocked() &&
            (runner.begun == runner.ended ||
             counts->wakeups > before.wakeups) &&
            fake_clock_mono_ms() - start < limit_ms) {
            pthread_mutex_unlock(&fake_lock);
            fake_clock_advance(100);
            pthread_mutex_lock(&fake_lock);
        } else {
            alive = fake_await_unlocked();
        }
    }
    pthread_mutex_unlock(&fake_lock);
    pthread_join(thread, NULL);
    return fake_clock_mono_ms() - start;
}

static void
test_submit(void)
{
    submit(1);
    CU_ASSERT(await_over(1, 1));
    assert_all(1, MPS_OK);
    CU_ASSERT_FALSE(pthread_equal(jobs[0].thread, pthread_self()));
    CU_ASSERT_EQUAL(fake_http_counts().opened, 1);
}

static void *
submit_some(void *arg)
{
    struct job *first = arg;

    for (unsigned i = 0; i < JOBS_MAX / THREADS; i++) {
        (void)mpsc_io_submit(io, &first[i].fetch.task);
    }
    return NULL;
}

/* Many threads hand in at once, and one thread serves all. */
static void
test_threads(void)
{
    pthread_t threads[THREADS];

    configuration.keyring = MPSC_KEYRING_PREFERRED;
    for (unsigned i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, submit_some,
                                             &jobs[i * (JOBS_MAX / THREADS)]),
                              0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CU_ASSERT(await_over(JOBS_MAX, JOBS_MAX));
    assert_all(JOBS_MAX, MPS_OK);
    CU_ASSERT_EQUAL(fake_http_counts().opened, 1);
    for (unsigned i = 1; i < JOBS_MAX; i++) {
        CU_ASSERT(pthread_equal(jobs[i].thread, jobs[0].thread));
    }
}

static void
test_turns(void)
{
    struct fake_http_plan plan = generous;

    plan.holds = 1;
    plan_http(plan);
    submit(ACTIVE_MAX + 8);
    CU_ASSERT(await_rest(ACTIVE_MAX));
    fake_http_release(1);
    CU_ASSERT(await_rest(ACTIVE_MAX + 1));
    /* All at once: nobody is left whose answer would wake the thread, but
     * those that wait for their turn need no more. */
    fake_http_release(ACTIVE_MAX);
    CU_ASSERT(await_rest(ACTIVE_MAX + 8));
    fake_http_release(ACTIVE_MAX);
    CU_ASSERT(await_over(ACTIVE_MAX + 8, ACTIVE_MAX + 8));
    assert_all(ACTIVE_MAX + 8, MPS_OK);
}

/* Fetches that end in their first step don't hold up the next. */
static void
test_instant_failures(void)
{
    char missing[] = "/nonexistent/token";

    configuration.token_file = missing;
    submit(JOBS_MAX);
    CU_ASSERT(await_over(JOBS_MAX, JOBS_MAX));
    assert_all(JOBS_MAX, MPS_E_CONFIG);
    /* The clock stood still. */
    CU_ASSERT_EQUAL(fake_clock_mono_ms(), FAKE_CLOCK_MS);
}

/* What waits for a mute keyring only takes nobody's turn. */
static void
test_known_take_no_turn(void)
{
    configuration.keyring = MPSC_KEYRING_PREFERRED;
    plan_keyring((struct fake_keyring_plan){.change = FAKE_KEYRING_MUTE});
    submit(2 * ACTIVE_MAX);
    CU_ASSERT(await_rest(2 * ACTIVE_MAX));
    CU_ASSERT_EQUAL(fake_keyring_open_count(), 2 * ACTIVE_MAX);
    fake_clock_advance(CHANGE_MS);
    CU_ASSERT(await_over(2 * ACTIVE_MAX, 2 * ACTIVE_MAX));
    assert_all(2 * ACTIVE_MAX, MPS_OK);
}

/* Submits in the background; each for a business of its own. */
static void
submit_background(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        jobs[i].fetch.task.background = 1;
        snprintf(jobs[i].fetch.business_id, sizeof(jobs[i].fetch.business_id),
                 "%u", 1000 + i);
        CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[i].fetch.task), 0);
    }
}

/* True where the last request was for this job. */
static int
asked_last(unsigned job)
{
    char business[64];

    snprintf(business, sizeof(business), "business_id=%u", 1000 + job);
    return strstr(fake_http_url(), business) != NULL;
}

/* Refreshes that stall leave room for those that somebody waits for. */
static void
test_background_stalls(void)
{
    const struct fake_http_plan stalls = {.count = 0};

    plan_http(stalls);
    submit_background(0, BACKGROUND_MAX + 4);
    CU_ASSERT(await_rest(BACKGROUND_MAX));
    for (unsigned i = 0; i < ACTIVE_MAX - BACKGROUND_MAX; i++) {
        CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[100 + i].fetch.task), 0);
    }
    CU_ASSERT(await_rest(ACTIVE_MAX));
}

/* The foreground goes first, however long the background has waited. */
static void
test_foreground_first(void)
{
    struct fake_http_plan plan = generous;

    plan.holds = 1;
    plan_http(plan);
    submit(ACTIVE_MAX);
    CU_ASSERT(await_rest(ACTIVE_MAX));
    submit_background(100, 2);
    submit_background(102, 1);
    mpsc_io_promote(io, &jobs[102].fetch.task);
    CU_ASSERT(await_rest(ACTIVE_MAX));
    fake_http_release(1);
    CU_ASSERT(await_rest(ACTIVE_MAX + 1));
    CU_ASSERT(asked_last(102));
    fake_http_release(1);
    CU_ASSERT(await_rest(ACTIVE_MAX + 2));
    CU_ASSERT(asked_last(100));
}

/* Somebody waits for a refresh that waits for its turn behind others. */
static void
test_promote(void)
{
    const struct fake_http_plan stalls = {.count = 0};

    plan_http(stalls);
    submit_background(0, BACKGROUND_MAX + 3);
    CU_ASSERT(await_rest(BACKGROUND_MAX));
    mpsc_io_promote(io, &jobs[BACKGROUND_MAX + 1].fetch.task);
    CU_ASSERT(await_rest(BACKGROUND_MAX + 1));
    CU_ASSERT(asked_last(BACKGROUND_MAX + 1));
    /* The last in the queue, after which one more must find its end. */
    mpsc_io_promote(io, &jobs[BACKGROUND_MAX + 2].fetch.task);
    CU_ASSERT(await_rest(BACKGROUND_MAX + 2));
    submit_background(BACKGROUND_MAX + 3, 1);
    mpsc_io_promote(io, &jobs[BACKGROUND_MAX + 3].fetch.task);
    CU_ASSERT(await_rest(BACKGROUND_MAX + 3));
    /* One that has begun: nothing to do. */
    mpsc_io_promote(io, &jobs[0].fetch.task);
    CU_ASSERT(await_rest(BACKGROUND_MAX + 3));
    CU_ASSERT_EQUAL(stop_within(STOP_MS), 0);
    CU_ASSERT_EQUAL(over_unlocked(BACKGROUND_MAX + 4), BACKGROUND_MAX + 4);
}

/* A stalled one holds up no other, and ends by its deadline. */
static void
test_stalled(void)
{
    const struct fake_http_plan stalls = {.count = 0};

    plan_http(stalls);
    submit(1);
    CU_ASSERT(await_rest(1));
    plan_http(generous);
    CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[1].fetch.task), 0);
    CU_ASSERT(await_over(2, 1));
    CU_ASSERT_EQUAL(jobs[1].over, 1);
    fake_clock_advance(DEADLINE_MS);
    CU_ASSERT(await_over(2, 2));
    CU_ASSERT_EQUAL(jobs[0].code, MPS_E_TIMEOUT);
    CU_ASSERT_EQUAL(fake_http_counts().cancelled, 1);
}

/* The thread ends when it is idle; the client is there for the next one. */
static void
test_idle_end(void)
{
    submit(1);
    CU_ASSERT(await_over(1, 1));
    CU_ASSERT(await_rest(1));
    fake_clock_advance(IDLE_MS - 1);
    CU_ASSERT(await_rest(1));
    fake_clock_advance(2);
    CU_ASSERT(await_thread_end());
    for (unsigned i = 1; i < 4; i++) {
        (void)job_prepare(&jobs[i]);
        CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[i].fetch.task), 0);
        CU_ASSERT(await_over(i + 1, i + 1));
        CU_ASSERT(await_rest(i + 1));
        fake_clock_advance(IDLE_MS + 1);
        CU_ASSERT(await_thread_end());
    }
    assert_all(4, MPS_OK);
    CU_ASSERT_EQUAL(fake_http_counts().opened, 1);
    CU_ASSERT_EQUAL(fake_http_counts().closed, 0);
}

/* Submits at the very moment at which the thread ends: none is lost. */
static void
test_idle_race(void)
{
    for (unsigned i = 0; i < JOBS_MAX; i++) {
        (void)job_prepare(&jobs[i]);
        CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[i].fetch.task), 0);
        CU_ASSERT(await_over(i + 1, i + 1));
        fake_clock_advance(IDLE_MS + 1);
    }
    assert_all(JOBS_MAX, MPS_OK);
}

static void
test_stop_in_stages(void)
{
    const struct fake_http_answer unavailable = {MPSC_HTTP_ANSWERED, 503, "",
                                                 0, NULL};
    struct fake_http_plan plan = {.count = 0};

    configuration.keyring = MPSC_KEYRING_PREFERRED;
    /* Asking. */
    plan_http(plan);
    submit(1);
    CU_ASSERT(await_rest(1));
    /* Pausing, or asking in vain by now. */
    plan.answers[0] = unavailable;
    plan.count = 1;
    plan_http(plan);
    CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[1].fetch.task), 0);
    CU_ASSERT(await_rest(1));
    /* Loading. */
    fake_keyring_load_manner(FAKE_KEYRING_MUTE);
    CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[2].fetch.task), 0);
    CU_ASSERT_EQUAL(stop_within(STOP_MS), 0);
    assert_all(3, MPS_E_TIMEOUT);
}

/* A record that the helper doesn't take, and helpers that never end. */
static void
test_stop_with_mute_keyring(void)
{
    int64_t took;

    configuration.keyring = MPSC_KEYRING_PREFERRED;
    plan_keyring((struct fake_keyring_plan){
        .change = FAKE_KEYRING_MUTE, .unsent = 1, .never_ends = 1});
    submit(3);
    CU_ASSERT(await_rest(3));
    took = stop_within(2 * STOP_MS);
    CU_ASSERT(took >= STOP_MS && took <= STOP_MS + 200);
    /* The tokens are there all the same. */
    assert_all(3, MPS_OK);
}

static void
test_stop_with_queue(void)
{
    const struct fake_http_plan stalls = {.count = 0};

    plan_http(stalls);
    submit(JOBS_MAX);
    CU_ASSERT(await_rest(ACTIVE_MAX));
    CU_ASSERT_EQUAL(stop_within(STOP_MS), 0);
    assert_all(JOBS_MAX, MPS_E_TIMEOUT);
    /* Stopping twice is fine. */
    mpsc_io_stop(io);
}

/* Right after the submission, when the thread may not have begun. */
static void
test_stop_at_once(void)
{
    for (int i = 0; i < 50; i++) {
        (void)job_prepare(&jobs[0]);
        submit(1);
        mpsc_io_stop(io);
        CU_ASSERT_EQUAL(jobs[0].known, 1);
        CU_ASSERT_EQUAL(jobs[0].over, 1);
        mpsc_io_free(&io);
        io = mpsc_io_new(&fake_http, fake_clock_now);
        CU_ASSERT_PTR_NOT_NULL_FATAL(io);
    }
    /* And after the idle end, while the thread is on its way out. */
    for (int i = 0; i < 50; i++) {
        (void)job_prepare(&jobs[0]);
        submit(1);
        CU_ASSERT(await_over(1, 1));
        fake_clock_advance(IDLE_MS + 1);
        mpsc_io_stop(io);
        assert_clients_gone();
        mpsc_io_free(&io);
        io = mpsc_io_new(&fake_http, fake_clock_now);
        CU_ASSERT_PTR_NOT_NULL_FATAL(io);
    }
}

static void
test_no_client(void)
{
    struct fake_http_plan plan = generous;

    plan.fails_open = 1;
    plan_http(plan);
    submit(3);
    CU_ASSERT(await_over(3, 3));
    assert_all(3, MPS_E_NO_MEMORY);
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[3].fetch.task, NULL, NULL), -1);
    CU_ASSERT_EQUAL(jobs[3].known, 0);
    /* Later there may be one; the thread that has failed may refuse some
     * more until it has ended. */
    plan_http(generous);
    for (unsigned i = 4; i < JOBS_MAX; i++) {
        CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[i].fetch.task), 0);
        CU_ASSERT_FATAL(await_over(i + 1, i));
        if (jobs[i].code == MPS_OK) {
            return;
        }
    }
    CU_FAIL("no new thread was started");
}

static void
test_no_thread(void)
{
    create_fails = EAGAIN;
    CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[0].fetch.task), -1);
    CU_ASSERT_EQUAL(jobs[0].known, 0);
    /* A host with large thread-local variables. */
    create_fails = EINVAL;
    create_calls = 0;
    CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[0].fetch.task), 0);
    CU_ASSERT_EQUAL(create_calls, 2);
    CU_ASSERT(await_over(1, 1));
    assert_all(1, MPS_OK);
}

/* Waiting is impossible: the processor isn't kept busy, and deadlines hold.
 */
static void
test_poll_fails(void)
{
    const struct fake_http_plan plan = {.fails_poll = 1, .no_trace = 1};
    const struct timespec moment = {0, 1000000};
    struct timespec start;
    struct timespec now;
    unsigned polls;
    int64_t real_ms;

    plan_http(plan);
    clock_gettime(CLOCK_MONOTONIC, &start);
    submit(1);
    do {
        nanosleep(&moment, NULL);
        polls = fake_http_counts().polls;
        clock_gettime(CLOCK_MONOTONIC, &now);
        real_ms = (now.tv_sec - start.tv_sec) * 1000 +
                  (now.tv_nsec - start.tv_nsec) / 1000000;
    } while (polls < 6 && real_ms < 10000);
    CU_ASSERT(polls >= 6);
    CU_ASSERT(polls <= (unsigned)(real_ms / 20 + 2));
    fake_clock_advance(DEADLINE_MS);
    CU_ASSERT(await_over(1, 1));
    assert_all(1, MPS_E_TIMEOUT);
    fake_http_mend_poll();
}

/* The host has closed what poll() waits for: what is under way can't go on,
 * and what comes then gets another client. */
static void
test_poll_fails_for_ever(void)
{
    const struct fake_http_plan plan = {
        .fails_poll = 1, .unusable = 1, .no_trace = 1};

    plan_http(plan);
    submit(2);
    CU_ASSERT(await_over(2, 2));
    assert_all(2, MPS_E_NETWORK);
    plan_http(generous);
    CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[2].fetch.task), 0);
    CU_ASSERT(await_over(3, 3));
    CU_ASSERT_EQUAL(jobs[2].code, MPS_OK);
    plan_http(plan);
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[3].fetch.task, NULL, NULL), 0);
    CU_ASSERT_EQUAL(jobs[3].code, MPS_E_NETWORK);
    fake_http_mend_poll();
}

/* The thread belongs to the module: none of the host's signals is for it. */
static void *
note_mask(void *arg)
{
    pthread_sigmask(SIG_SETMASK, NULL, arg);
    return NULL;
}

static int
same_mask(const sigset_t *a, const sigset_t *b)
{
    int same = 1;

    for (int number = 1; number < NSIG; number++) {
        same &= sigismember(a, number) == sigismember(b, number);
    }
    return same;
}

static void
test_signal_mask(void)
{
    sigset_t before;
    sigset_t after;

    sigemptyset(&before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)note_mask(&before);
    submit(1);
    (void)note_mask(&after);
    CU_ASSERT(same_mask(&before, &after));
    CU_ASSERT(await_over(1, 1));
}

/* Lets the time run while mpsc_io_run() waits. */
static void *
run_it(void *arg)
{
    struct job *job = arg;
    int result = mpsc_io_run(io, &job->fetch.task, NULL, NULL);

    pthread_mutex_lock(&fake_lock);
    job->thread = pthread_self();
    job->known += result == 0 ? 100 : 0;
    fake_rest_unlocked();
    pthread_mutex_unlock(&fake_lock);
    return NULL;
}

static void
run_with_clock(struct job *job)
{
    pthread_t thread = pthread_self();
    int alive = 1;

    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run_it, job), 0);
    pthread_mutex_lock(&fake_lock);
    while (job->known < 100 && alive) {
        if (fake_http_rests_unlocked()) {
            pthread_mutex_unlock(&fake_lock);
            fake_clock_advance(50);
            pthread_mutex_lock(&fake_lock);
        } else {
            alive = fake_await_unlocked();
        }
    }
    CU_ASSERT(job->known >= 100);
    job->known -= 100;
    pthread_mutex_unlock(&fake_lock);
    pthread_join(thread, NULL);
}

static void
test_run(void)
{
    configuration.keyring = MPSC_KEYRING_PREFERRED;
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[0].fetch.task, NULL, NULL), 0);
    CU_ASSERT_EQUAL(jobs[0].known, 1);
    CU_ASSERT_EQUAL(jobs[0].code, MPS_OK);
    CU_ASSERT(pthread_equal(jobs[0].thread, pthread_self()));
    CU_ASSERT_STRING_EQUAL(fake_keyring_stored(), "EAAfresh");
    /* What was left of it ends with the next one. */
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[1].fetch.task, NULL, NULL), 0);
    CU_ASSERT_EQUAL(jobs[0].over, 1);
    mpsc_io_stop(io);
    assert_all(2, MPS_OK);
}

/* Helpers that take their time to end are left to the next call. */
static void
test_run_leftovers(void)
{
    configuration.keyring = MPSC_KEYRING_PREFERRED;
    plan_keyring(
        (struct fake_keyring_plan){.token = "EAAkept", .never_ends = 1});
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[i].fetch.task, NULL, NULL), 0);
        CU_ASSERT_EQUAL(jobs[i].known, 1);
        CU_ASSERT_EQUAL(jobs[i].over, 0);
        CU_ASSERT_EQUAL(fake_keyring_open_count(), (unsigned)i + 1);
    }
    CU_ASSERT_EQUAL(fake_clock_mono_ms(), FAKE_CLOCK_MS);
    fake_keyring_end();
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[5].fetch.task, NULL, NULL), 0);
    CU_ASSERT_EQUAL(over_unlocked(5), 5);
    mpsc_io_stop(io);
    assert_all(6, MPS_OK);
}

static void
test_stop_leftovers(void)
{
    int64_t took;

    configuration.keyring = MPSC_KEYRING_PREFERRED;
    plan_keyring(
        (struct fake_keyring_plan){.token = "EAAkept", .never_ends = 1});
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[i].fetch.task, NULL, NULL), 0);
    }
    took = stop_within(2 * STOP_MS);
    CU_ASSERT(took >= STOP_MS && took <= STOP_MS + 200);
    assert_all(3, MPS_OK);
    CU_ASSERT_EQUAL(fake_keyring_open_count(), 0);
}

/* The same where no client can be had any more. */
static void
test_stop_leftovers_without_client(void)
{
    struct fake_http_plan plan = generous;

    configuration.keyring = MPSC_KEYRING_PREFERRED;
    plan_keyring(
        (struct fake_keyring_plan){.token = "EAAkept", .never_ends = 1});
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[0].fetch.task, NULL, NULL), 0);
    plan.fails_open = 1;
    plan.unusable = 1;
    plan_http(plan);
    mpsc_io_stop(io);
    assert_all(1, MPS_OK);
}

/* The caller's thread waits no longer than its deadline. */
static void
test_run_deadline(void)
{
    const struct fake_http_plan stalls = {.count = 0};
    int64_t start = fake_clock_mono_ms();

    plan_http(stalls);
    run_with_clock(&jobs[0]);
    CU_ASSERT_EQUAL(jobs[0].code, MPS_E_TIMEOUT);
    CU_ASSERT(fake_clock_mono_ms() - start <= DEADLINE_MS + 100);

    /* Nor for a helper that takes nothing. */
    configuration.keyring = MPSC_KEYRING_PREFERRED;
    plan_http(generous);
    plan_keyring((struct fake_keyring_plan){
        .change = FAKE_KEYRING_MUTE, .unsent = 1, .never_ends = 1});
    (void)job_prepare(&jobs[1]);
    start = fake_clock_mono_ms();
    run_with_clock(&jobs[1]);
    CU_ASSERT_EQUAL(jobs[1].code, MPS_OK);
    CU_ASSERT(fake_clock_mono_ms() - start <= CHANGE_MS + 100);
    fake_keyring_end();
}

static void
test_run_threads(void)
{
    pthread_t threads[THREADS];

    configuration.keyring = MPSC_KEYRING_PREFERRED;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < THREADS; i++) {
            (void)job_prepare(&jobs[round * 4 + i]);
        }
        for (int i = 0; i < 4; i++) {
            CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, run_it,
                                                 &jobs[round * 4 + i]),
                                  0);
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
        }
    }
    mpsc_io_stop(io);
    for (int i = 0; i < 80; i++) {
        CU_ASSERT_EQUAL(jobs[i].known, 101);
        CU_ASSERT_EQUAL(jobs[i].over, 1);
    }
}

/* A task that adds others to its loop, and is known when they are over. */
struct adder {
    struct mpsc_task task;
    unsigned count; /* of jobs, from the first */
    int in_step;    /* it adds them in step(), not in begin() */
    int done;
    int over;
};

static void
add_jobs(struct adder *adder, struct mpsc_loop *loop)
{
    for (unsigned i = 0; i < adder->count; i++) {
        mpsc_loop_add(loop, &jobs[i].fetch.task);
    }
}

static struct mpsc_loop *adder_loop;

static void
adder_begin(struct mpsc_task *task, struct mpsc_loop *loop,
            struct mpsc_http *http)
{
    struct adder *adder = (struct adder *)task;

    (void)http;
    adder_loop = loop;
    if (!adder->in_step) {
        add_jobs(adder, loop);
    }
}

static int
adder_step(struct mpsc_task *task)
{
    struct adder *adder = (struct adder *)task;

    if (adder->in_step) {
        adder->in_step = 0;
        add_jobs(adder, adder_loop);
        return 0;
    }
    pthread_mutex_lock(&fake_lock);
    adder->done = over_unlocked(adder->count) == adder->count;
    pthread_mutex_unlock(&fake_lock);
    return adder->done;
}

static int
adder_watch(const struct mpsc_task *task, struct mpsc_http_watch *watch)
{
    (void)task;
    (void)watch;
    return 0;
}

static int64_t
adder_due(const struct mpsc_task *task)
{
    (void)task;
    return INT64_MAX;
}

static int
adder_is_known(const struct mpsc_task *task)
{
    return ((const struct adder *)task)->done;
}

static void
adder_give_up(struct mpsc_task *task, int code, const char *why)
{
    (void)task;
    (void)code;
    (void)why;
}

static void
adder_drop(struct mpsc_task *task)
{
    (void)task;
}

static void
adder_over(struct mpsc_task *task)
{
    pthread_mutex_lock(&fake_lock);
    ((struct adder *)task)->over = 1;
    fake_rest_unlocked();
    pthread_mutex_unlock(&fake_lock);
}

static const struct mpsc_task_ops adder_ops = {
    .begin = adder_begin,
    .step = adder_step,
    .watch = adder_watch,
    .due = adder_due,
    .is_known = adder_is_known,
    .is_settled = adder_is_known,
    .give_up = adder_give_up,
    .drop = adder_drop,
    .over = adder_over,
};

static int
await_adder(const struct adder *adder)
{
    int alive = 1;
    int over;

    pthread_mutex_lock(&fake_lock);
    while (!adder->over && alive) {
        alive = fake_await_unlocked();
    }
    over = adder->over;
    pthread_mutex_unlock(&fake_lock);
    return over;
}

/* Tasks that a task adds begin at once, and take nobody's turn. */
static void
test_added(void)
{
    for (int in_step = 0; in_step < 2; in_step++) {
        struct adder adder = {.task = {.ops = &adder_ops},
                              .count = ACTIVE_MAX,
                              .in_step = in_step};
        struct fake_http_plan plan = generous;

        for (unsigned i = 0; i < JOBS_MAX; i++) {
            (void)job_prepare(&jobs[i]);
        }
        plan.holds = 1;
        plan_http(plan);
        CU_ASSERT_EQUAL(mpsc_io_submit(io, &adder.task), 0);
        CU_ASSERT(await_rest(ACTIVE_MAX));
        CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[ACTIVE_MAX].fetch.task), 0);
        CU_ASSERT(await_rest(ACTIVE_MAX + 1));
        fake_http_release(ACTIVE_MAX + 1);
        CU_ASSERT(await_over(ACTIVE_MAX + 1, ACTIVE_MAX + 1));
        CU_ASSERT(await_adder(&adder));
        assert_all(ACTIVE_MAX + 1, MPS_OK);
    }
}

/* Those that are over in their first step leave nothing to wait for. */
static void
test_added_in_vain(void)
{
    char missing[] = "/nonexistent/token";

    configuration.token_file = missing;
    for (int in_step = 0; in_step < 2; in_step++) {
        struct adder adder = {
            .task = {.ops = &adder_ops}, .count = 40, .in_step = in_step};

        for (unsigned i = 0; i < 40; i++) {
            (void)job_prepare(&jobs[i]);
        }
        CU_ASSERT_EQUAL(mpsc_io_submit(io, &adder.task), 0);
        CU_ASSERT(await_adder(&adder));
        assert_all(40, MPS_E_CONFIG);
    }
    CU_ASSERT_EQUAL(fake_clock_mono_ms(), FAKE_CLOCK_MS);
}

/* The same for a caller who runs them. */
static void
test_added_on_own_thread(void)
{
    struct adder adder = {.task = {.ops = &adder_ops}, .count = 40};
    char missing[] = "/nonexistent/token";

    CU_ASSERT_EQUAL(mpsc_io_run(io, &adder.task, NULL, NULL), 0);
    CU_ASSERT(adder.done && adder.over);
    assert_all(40, MPS_OK);
    configuration.token_file = missing;
    for (int in_step = 0; in_step < 2; in_step++) {
        for (unsigned i = 0; i < 40; i++) {
            (void)job_prepare(&jobs[i]);
        }
        adder.in_step = in_step;
        adder.done = 0;
        CU_ASSERT_EQUAL(mpsc_io_run(io, &adder.task, NULL, NULL), 0);
        assert_all(40, MPS_E_CONFIG);
    }
    CU_ASSERT_EQUAL(fake_clock_mono_ms(), FAKE_CLOCK_MS);
}

/* The client with its connections goes from one to the next, whoever runs. */
static void
test_client_is_kept(void)
{
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[0].fetch.task, NULL, NULL), 0);
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[1].fetch.task, NULL, NULL), 0);
    CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[2].fetch.task), 0);
    CU_ASSERT(await_over(3, 3));
    CU_ASSERT_EQUAL(fake_http_counts().opened, 1);
    /* The thread has it: another one is opened, and kept as well as long as
     * there is no more than one. */
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[3].fetch.task, NULL, NULL), 0);
    CU_ASSERT_EQUAL(fake_http_counts().opened, 2);
    CU_ASSERT(await_rest(4));
    fake_clock_advance(IDLE_MS + 1);
    CU_ASSERT(await_thread_end());
    CU_ASSERT_EQUAL(fake_http_counts().closed, 1);
    (void)job_prepare(&jobs[4]);
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[4].fetch.task, NULL, NULL), 0);
    CU_ASSERT_EQUAL(fake_http_counts().opened, 2);
    assert_all(5, MPS_OK);
}

/* A client that nobody has used for a minute has no connection worth it. */
static void
test_tidy(void)
{
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[0].fetch.task, NULL, NULL), 0);
    fake_clock_advance(59999);
    mpsc_io_tidy(io);
    CU_ASSERT_EQUAL(fake_http_counts().closed, 0);
    fake_clock_advance(1);
    mpsc_io_tidy(io);
    CU_ASSERT_EQUAL(fake_http_counts().closed, 1);
    mpsc_io_tidy(io);
    mpsc_io_stop(io);
    assert_all(1, MPS_OK);
    CU_ASSERT_EQUAL(fake_http_counts().opened, 1);
    CU_ASSERT_EQUAL(fake_http_counts().closed, 1);
}

/* The host has closed or reused a descriptor of the client's. */
static void
test_client_is_abandoned(void)
{
    struct fake_http_plan plan = generous;
    struct fake_http_plan stalls = {.count = 0, .unusable = 1};

    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[0].fetch.task, NULL, NULL), 0);
    plan.unusable = 1;
    plan_http(plan);
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[1].fetch.task, NULL, NULL), 0);
    CU_ASSERT_EQUAL(fake_http_counts().abandoned, 1);
    CU_ASSERT_EQUAL(fake_http_counts().opened, 2);
    /* The thread's, before each that comes while nothing is under way. */
    CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[2].fetch.task), 0);
    CU_ASSERT(await_over(3, 3));
    CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[3].fetch.task), 0);
    CU_ASSERT(await_over(4, 4));
    CU_ASSERT_EQUAL(fake_http_counts().abandoned, 3);
    assert_all(4, MPS_OK);
    plan_http(stalls);
    CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[4].fetch.task), 0);
    CU_ASSERT(await_rest(1));
    CU_ASSERT_EQUAL(fake_http_counts().abandoned, 1);
    plan = generous;
    plan.unusable = 1;
    plan_http(plan);
    CU_ASSERT_EQUAL(mpsc_io_submit(io, &jobs[5].fetch.task), 0);
    CU_ASSERT(await_over(6, 5));
    CU_ASSERT_EQUAL(fake_http_counts().abandoned, 0);
    CU_ASSERT_EQUAL(stop_within(STOP_MS), 0);
}

struct ticks {
    struct mpsc_task *give_up; /* NULL = none */
    unsigned count;
    sigset_t mask;
};

static void
on_tick(void *arg)
{
    struct ticks *ticks = arg;

    ticks->count++;
    (void)note_mask(&ticks->mask);
    if (ticks->give_up != NULL) {
        ticks->give_up->ops->give_up(ticks->give_up, MPS_E_TIMEOUT, "enough");
    }
}

/* The caller has its say in each turn, as if it were not in the loop. */
static void
test_run_tick(void)
{
    const struct fake_http_plan stalls = {.count = 0};
    struct ticks ticks = {.give_up = NULL};
    sigset_t before;

    (void)note_mask(&before);
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[0].fetch.task, on_tick, &ticks), 0);
    CU_ASSERT(ticks.count >= 2);
    CU_ASSERT(same_mask(&before, &ticks.mask));
    plan_http(stalls);
    ticks.give_up = &jobs[1].fetch.task;
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[1].fetch.task, on_tick, &ticks), 0);
    CU_ASSERT_EQUAL(jobs[1].code, MPS_E_TIMEOUT);
    CU_ASSERT_EQUAL(fake_clock_mono_ms(), FAKE_CLOCK_MS);
}

/* SIGPIPE that the network raises in the caller's thread is not the host's. */
static void
test_run_mask(void)
{
    sigset_t before;
    sigset_t after;

    sigemptyset(&before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)note_mask(&before);
    CU_ASSERT_EQUAL(mpsc_io_run(io, &jobs[0].fetch.task, NULL, NULL), 0);
    (void)note_mask(&after);
    CU_ASSERT(same_mask(&before, &after));
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"submit", test_submit},
        {"submit from threads", test_threads},
        {"turns", test_turns},
        {"instant failures", test_instant_failures},
        {"the known take no turn", test_known_take_no_turn},
        {"background stalls", test_background_stalls},
        {"foreground first", test_foreground_first},
        {"promote", test_promote},
        {"stalled", test_stalled},
        {"idle end", test_idle_end},
        {"idle race", test_idle_race},
        {"stop in each stage", test_stop_in_stages},
        {"stop with a mute keyring", test_stop_with_mute_keyring},
        {"stop with a queue", test_stop_with_queue},
        {"stop at once", test_stop_at_once},
        {"no client", test_no_client},
        {"no thread", test_no_thread},
        {"poll fails", test_poll_fails},
        {"poll fails for ever", test_poll_fails_for_ever},
        {"signal mask", test_signal_mask},
        {"run", test_run},
        {"run: leftovers", test_run_leftovers},
        {"run: leftovers and stop", test_stop_leftovers},
        {"run: leftovers, no client", test_stop_leftovers_without_client},
        {"run: deadline", test_run_deadline},
        {"run: threads", test_run_threads},
        {"run: signal mask", test_run_mask},
        {"run: tick", test_run_tick},
        {"added", test_added},
        {"added in vain", test_added_in_vain},
        {"added on the caller's thread", test_added_on_own_thread},
        {"the client is kept", test_client_is_kept},
        {"tidy", test_tidy},
        {"the client is abandoned", test_client_is_abandoned},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"io", make_directory, remove_directory, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
