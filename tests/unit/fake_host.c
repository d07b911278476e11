/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "fake_host.h"

#include <CUnit/Basic.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "get.h"

/* How often a wait by the fake clock looks at it. */
#define LOOK_MS 2

struct fake_host host;

static char directory[32];
static char token_path[64];
static char runtime_path[64];
static char solution_id[] = "1234567890123456";
static char api_version[] = "v25.0";
static char base_url[] = "https://graph.example";

static int64_t real_boot_ms;

/* --- waits by the fake clock ------------------------------------------------
 */

static atomic_uint waiting; /* threads in a wait, for all its wakeups */
static atomic_uint looks;   /* at the clock, by these */

/* This thread's wait: from its first pthread_cond_timedwait() on. */
static _Thread_local struct {
    const pthread_cond_t *cond; /* NULL = none */
    unsigned count;             /* of its looks at the clock */
} wait_here;

static void
end_wait(void)
{
    if (wait_here.cond != NULL) {
        wait_here.cond = NULL;
        atomic_fetch_sub(&waiting, 1);
    }
}

static void
begin_wait(const pthread_cond_t *cond)
{
    if (wait_here.cond != cond) {
        end_wait();
        wait_here.cond = cond;
        wait_here.count = 0;
        atomic_fetch_add(&waiting, 1);
    }
}

static void
add_ms(struct timespec *time, int64_t ms)
{
    time->tv_sec += ms / 1000;
    time->tv_nsec += (long)(ms % 1000) * 1000000L;
    time->tv_sec += time->tv_nsec / 1000000000L;
    time->tv_nsec %= 1000000000L;
}

/* True where the fake CLOCK_MONOTONIC has come to it. */
static int
has_come(const struct timespec *until)
{
    int64_t until_ms = until->tv_sec * 1000 + until->tv_nsec / 1000000;

    atomic_fetch_add(&looks, 1);
    return fake_clock_mono_ms() >= until_ms;
}

/* In the place of libc's, for the code under test. The fakes themselves wait
 * by the real clock. It wakes up for nothing again and again, which is
 * allowed, to look at the clock: the caller must see what came meanwhile. */
int
pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                       const struct timespec *until)
{
    struct timespec soon;

    if (mutex == &fake_lock) {
        return pthread_cond_clockwait(cond, mutex, CLOCK_REALTIME, until);
    }
    begin_wait(cond);
    if (has_come(until)) {
        end_wait();
        return ETIMEDOUT;
    }
    if (wait_here.count++ >= FAKE_HOST_HANG_MS / LOOK_MS) {
        CU_FAIL("a call waits for ever");
        end_wait();
        return ETIMEDOUT;
    }
    clock_gettime(CLOCK_MONOTONIC, &soon);
    add_ms(&soon, LOOK_MS);
    (void)pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, &soon);
    return 0;
}

static void
rest_a_moment(void)
{
    const struct timespec moment = {0, 1000000};

    nanosleep(&moment, NULL);
}

void
fake_host_pass(int64_t ms)
{
    unsigned seen;

    fake_clock_advance(ms);
    seen = atomic_load(&looks);
    for (int i = 0; i < FAKE_HOST_HANG_MS && atomic_load(&waiting) > 0 &&
                    atomic_load(&looks) - seen < 2 * atomic_load(&waiting);
         i++) {
        rest_a_moment();
    }
}

void
fake_host_pass_until(int64_t boot_ms)
{
    CU_ASSERT(boot_ms >= fake_host_boot_ms());
    fake_host_pass(boot_ms - fake_host_boot_ms());
}

void
fake_host_now(struct mpsc_time *now)
{
    fake_clock_now(now);
    now->boot_ms = real_boot_ms + now->mono_ms - FAKE_CLOCK_MS;
}

int64_t
fake_host_boot_ms(void)
{
    struct mpsc_time now;

    fake_host_now(&now);
    return now.boot_ms;
}

int64_t
fake_host_coarse(void)
{
    struct mpsc_time now;

    fake_host_now(&now);
    return now.mono_ms;
}

int64_t
fake_host_not_before_ms(void)
{
    return mpsc_setbacks_recall(host.entry->setbacks)->refresh_not_before_ms;
}

/* --- what the process finds -------------------------------------------------
 */

void
fake_host_set_partner(const char *token)
{
    int fd;

    if (token == NULL) {
        unlink(token_path);
        return;
    }
    fd = open(token_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, token, strlen(token)), (ssize_t)strlen(token));
    close(fd);
}

int
fake_host_make_directory(void)
{
    snprintf(directory, sizeof(directory), "/tmp/mps-test-host-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(token_path, sizeof(token_path), "%s/token", directory);
    snprintf(runtime_path, sizeof(runtime_path), "%s/run", directory);
    return 0;
}

static void
empty_runtime_dir(void)
{
    DIR *dir = opendir(runtime_path);
    const struct dirent *one;

    while (dir != NULL && (one = readdir(dir)) != NULL) {
        (void)unlinkat(dirfd(dir), one->d_name, 0);
    }
    if (dir != NULL) {
        closedir(dir);
        rmdir(runtime_path);
    }
}

int
fake_host_remove_directory(void)
{
    unlink(token_path);
    return rmdir(directory);
}

const char *
fake_host_share(void)
{
    CU_ASSERT_EQUAL(mkdir(runtime_path, 0700), 0);
    host.configuration.runtime_dir = runtime_path;
    return runtime_path;
}

void
fake_host_answer(const struct fake_http_answer *answer)
{
    struct fake_http_plan plan = {.no_trace = 1};

    if (answer != NULL) {
        plan.answers[0] = *answer;
        plan.count = 1;
        plan.repeat = 1;
    }
    fake_http_plan(&plan);
    fake_kick();
}

static void
give(const char *name, int64_t lifetime_s, int holds, const char *app_usage)
{
    static char body[128];
    struct fake_http_plan plan = {.count = 1,
                                  .repeat = 1,
                                  .holds = holds,
                                  .no_trace = 1,
                                  .app_usage = app_usage};
    struct mpsc_time now;

    fake_host_now(&now);
    snprintf(body, sizeof(body),
             "{\"access_token\":\"%s\",\"expires_at\":%" PRId64 "}", name,
             now.wall_s + lifetime_s);
    plan.answers[0] =
        (struct fake_http_answer){MPSC_HTTP_ANSWERED, 200, body, 0, NULL};
    fake_http_plan(&plan);
    fake_kick();
}

void
fake_host_give(const char *token, int64_t lifetime_s)
{
    give(token, lifetime_s, 0, NULL);
}

void
fake_host_hold(const char *token, int64_t lifetime_s)
{
    give(token, lifetime_s, 1, NULL);
}

void
fake_host_give_used(const char *token, int64_t lifetime_s,
                    const char *app_usage)
{
    give(token, lifetime_s, 0, app_usage);
}

void
fake_host_keep(const char *token)
{
    const struct fake_keyring_plan plan = {.token = token, .no_trace = 1};

    host.configuration.keyring = MPSC_KEYRING_PREFERRED;
    fake_keyring_plan(&plan);
}

/* --- the process ------------------------------------------------------------
 */

static void
set_configuration(void)
{
    host.configuration = (struct mpsc_configuration){
        .solution_id = solution_id,
        .api_version = api_version,
        .base_url = base_url,
        .token_file = token_path,
        .deadline_ms = 10000,
        .attempts = 1,
        .keyring = MPSC_KEYRING_OFF,
        .keyring_deadline_ms = 2000,
        .assume_lifetime_s = 3600,
        .max_age_s = 86400,
        .negative_ttl_s = 60,
        .audit = MPSC_AUDIT_OFF,
        .log = MPSC_LOG_OFF,
        .threads = 0,
    };
}

static void
set_profile(void)
{
    struct mpsc_profile *profile = &host.profile;

    memset(profile, 0, sizeof(*profile));
    mpsc_clock_boot_id(profile->boot_id);
    profile->user = geteuid();
    profile->references = 2; /* never freed: it is the test's */
    (void)mpsc_configuration_stamp(NULL, profile->stamp);
    profile->configuration = &host.configuration;
    profile->means = (struct mpsc_fetch_means){
        .configuration = &host.configuration,
        .prepared = &profile->prepared,
        .boot_id = profile->boot_id,
        .http = &fake_http,
        .keyring = &fake_keyring,
        .clock = fake_host_now,
    };
    profile->gate = &host.provider->hub.gate;
    profile->holdings = mpsc_profile_new_holdings(profile);
    CU_ASSERT_PTR_NOT_NULL_FATAL(profile->holdings);
}

void
fake_host_begin(void)
{
    static const struct fake_http_answer good = FAKE_HTTP_TOKEN;
    static const struct fake_keyring_plan empty = {.no_trace = 1};
    struct mpsc_time real;

    mpsc_clock_system(&real);
    real_boot_ms = real.boot_ms;
    fake_clock_start();
    unsetenv("MPS_CREDENTIAL_PROFILE");
    fake_host_set_partner("EAApartner\n");
    atomic_store(&host.hot, 0);
    set_configuration();
    fake_host_answer(&good);
    fake_keyring_plan(&empty);
    host.provider = mpsc_provider_new(NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host.provider);
    if (host.provider == NULL) {
        return;
    }
    set_profile();
    host.provider->hub.clock = fake_host_now;
    host.provider->hub.coarse = fake_host_coarse;
    host.provider->profiles = &host.profile;
    host.provider->io = mpsc_io_new(&fake_http, fake_host_now);
    host.entry =
        mpsc_cache_entry(host.profile.holdings->cache, FAKE_HOST_BUSINESS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host.entry);
}

void
fake_host_end(void)
{
    mpsc_io_stop(host.provider->io);
    /* The profile is the test's, not the provider's to free. */
    host.provider->profiles = NULL;
    mpsc_provider_shutdown(host.provider);
    mpsc_provider_free_unused(&host.provider);
    CU_ASSERT_EQUAL(host.profile.references, 2);
    CU_ASSERT_EQUAL(host.profile.holdings->references, 1);
    mpsc_holdings_release(&host.profile.holdings);
    mpsc_place_free(&host.profile.place);
    empty_runtime_dir();
    CU_ASSERT_EQUAL(fake_http_counts().opened,
                    fake_http_counts().closed + fake_http_counts().abandoned);
    CU_ASSERT_EQUAL(fake_http_counts().under_way, 0);
    CU_ASSERT_EQUAL(fake_http_counts().mistakes, 0);
    CU_ASSERT_EQUAL(fake_keyring_open_count(), 0);
    CU_ASSERT_EQUAL(fake_keyring_mistakes(), 0);
}

/* --- its calls --------------------------------------------------------------
 */

/* Gives a credential back; its token is kept in `token`. */
static void
take(const struct mps_credential *credential, char token[64])
{
    snprintf(token, 64, "%s",
             credential != NULL ? credential->access_token : "");
    mpsc_credential_release(mpsc_credential_of(credential));
}

static int
get(const struct mps_request *request,
    const struct mps_credential **credential, struct mps_error *error)
{
    *credential = mpsc_request_is_plain(request)
                      ? mpsc_get_hot(host.provider, request->business_id,
                                     request->profile, request->flags)
                      : NULL;
    if (*credential != NULL) {
        atomic_fetch_add(&host.hot, 1);
        return MPS_OK;
    }
    return mpsc_get(host.provider, request, credential, error);
}

int
fake_host_ask(const struct mps_request *request)
{
    const struct mps_credential *credential = NULL;
    int code;

    mpsc_error_clear(&host.error);
    code = get(request, &credential, &host.error);
    end_wait();
    CU_ASSERT_EQUAL(code == MPS_OK, credential != NULL);
    CU_ASSERT(code == MPS_OK || host.error.code == code);
    take(credential, host.token);
    return code;
}

int
fake_host_get(unsigned flags, unsigned min_validity_s)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = FAKE_HOST_BUSINESS,
                                        .min_validity_s = min_validity_s,
                                        .flags = flags};

    return fake_host_ask(&request);
}

int
fake_host_get_for(const char *business_id, unsigned flags)
{
    const struct mps_request request = {
        .size = sizeof(request), .business_id = business_id, .flags = flags};

    return fake_host_ask(&request);
}

int
fake_host_invalidate(const char *access_token)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = FAKE_HOST_BUSINESS};
    int code;

    mpsc_error_clear(&host.error);
    code = mpsc_invalidate(host.provider, &request, access_token, &host.error);
    end_wait();
    return code;
}

unsigned
fake_host_started(void)
{
    return fake_http_counts().started;
}

void
fake_host_await(int (*is)(void))
{
    int it_is = is();

    for (int i = 0; i < FAKE_HOST_HANG_MS && !it_is; i++) {
        rest_a_moment();
        it_is = is();
    }
    CU_ASSERT(it_is);
}

void
fake_host_await_started(unsigned count)
{
    for (int i = 0; i < FAKE_HOST_HANG_MS && fake_host_started() < count;
         i++) {
        rest_a_moment();
    }
    CU_ASSERT_EQUAL(fake_host_started(), count);
}

void
fake_host_await_background(void)
{
    int busy = 1;

    for (int i = 0; i < FAKE_HOST_HANG_MS && busy; i++) {
        mpsc_provider_lock(host.provider);
        busy = host.entry->flight != NULL;
        mpsc_provider_unlock(host.provider);
        if (busy) {
            rest_a_moment();
        }
    }
    CU_ASSERT_FALSE(busy);
}

void
fake_host_await_flight(unsigned references)
{
    int there = 0;

    for (int i = 0; i < FAKE_HOST_HANG_MS && !there; i++) {
        mpsc_provider_lock(host.provider);
        pthread_mutex_lock(&fake_lock);
        there = host.entry->flight != NULL &&
                host.entry->flight->references == references &&
                fake_http_rests_unlocked();
        pthread_mutex_unlock(&fake_lock);
        mpsc_provider_unlock(host.provider);
        if (!there) {
            rest_a_moment();
        }
    }
    CU_ASSERT(there);
}

static void *
call_it(void *arg)
{
    struct fake_host_caller *caller = arg;
    const struct mps_credential *credential = NULL;

    caller->code = get(&caller->request, &credential, &caller->error);
    end_wait();
    take(credential, caller->token);
    atomic_store(&caller->ended_ms, fake_clock_mono_ms() - FAKE_CLOCK_MS);
    return NULL;
}

void
fake_host_call(struct fake_host_caller *caller)
{
    caller->request.size = sizeof(caller->request);
    if (caller->request.business_id == NULL) {
        caller->request.business_id = FAKE_HOST_BUSINESS;
    }
    atomic_store(&caller->ended_ms, -1);
    mpsc_error_clear(&caller->error);
    CU_ASSERT_EQUAL_FATAL(
        pthread_create(&caller->thread, NULL, call_it, caller), 0);
}

int
fake_host_has_ended(struct fake_host_caller *caller)
{
    return atomic_load(&caller->ended_ms) >= 0;
}

void
fake_host_join(struct fake_host_caller *caller)
{
    CU_ASSERT_EQUAL(pthread_join(caller->thread, NULL), 0);
}
