/* SPDX-License-Identifier: MIT */
/* What calls of one business share, what is remembered of a failure, and what
 * force and an invalidation change: on fakes, with a clock that stands. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "fake_clock.h"
#include "fake_http.h"
#include "fake_keyring.h"
#include "get.h"
#include "invalidate.h"
#include "provider.h"
#include "run_suites.h"

#define BUSINESS "4711"
#define HANG_MS 10000
#define BACKOFF_S 31

static char directory[] = "/tmp/mps-test-flight-XXXXXX";
static char token_path[64];
static char solution_id[] = "1234567890123456";
static char api_version[] = "v25.0";
static char base_url[] = "https://graph.example";

static struct mpsc_configuration configuration;
static struct mpsc_profile profile;
static struct mpsc_provider *provider;
static struct mpsc_entry *entry;
static struct mps_error error;

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

/* What the endpoint says from now on. */
static void
answer_with(const struct fake_http_answer *answer)
{
    struct fake_http_plan plan = {.no_trace = 1};

    if (answer != NULL) {
        plan.answers[0] = *answer;
        plan.count = 1;
        plan.repeat = 1;
    }
    fake_http_plan(&plan);
}

static void
keep_in_keyring(const char *token)
{
    const struct fake_keyring_plan plan = {.token = token, .no_trace = 1};

    configuration.keyring = MPSC_KEYRING_PREFERRED;
    fake_keyring_plan(&plan);
}

static void
set_means(void)
{
    profile.configuration = &configuration;
    profile.means = (struct mpsc_fetch_means){
        .configuration = &configuration,
        .prepared = &profile.prepared,
        .boot_id = profile.boot_id,
        .http = &fake_http,
        .keyring = &fake_keyring,
        .clock = fake_clock_now,
    };
}

static void
begin(void)
{
    configuration = (struct mpsc_configuration){
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
    memset(&profile, 0, sizeof(profile));
    memcpy(profile.boot_id, "11111111-2222-3333-4444-555555555555",
           MPSC_BOOT_ID_SIZE);
    profile.user = geteuid();
    profile.references = 2; /* never freed: it is the test's */
    (void)mpsc_configuration_stamp(NULL, profile.stamp);
    set_means();
    profile.holdings = mpsc_profile_new_holdings(&profile);
    CU_ASSERT_PTR_NOT_NULL_FATAL(profile.holdings);
    unsetenv("MPS_CREDENTIAL_PROFILE");
    fake_clock_start();
    answer_with(&good);
    provider = mpsc_provider_new(NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(provider);
    if (provider == NULL) {
        return;
    }
    provider->hub.clock = fake_clock_now;
    provider->profiles = &profile;
    provider->io = mpsc_io_new(&fake_http, fake_clock_now);
    entry = mpsc_cache_entry(profile.holdings->cache, BUSINESS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
}

static void
end(void)
{
    mpsc_io_stop(provider->io);
    /* The profile is the test's, not the provider's to free. */
    provider->profiles = NULL;
    mpsc_provider_shutdown(provider);
    mpsc_provider_free_unused(&provider);
    mpsc_holdings_release(&profile.holdings);
    mpsc_place_free(&profile.place);
    CU_ASSERT_EQUAL(fake_http_counts().opened, fake_http_counts().closed);
    CU_ASSERT_EQUAL(fake_keyring_open_count(), 0);
}

/* One call; the token that it got is kept for token_is(). */
static char token[64];

static int
get(unsigned flags, unsigned min_validity_s)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = BUSINESS,
                                        .min_validity_s = min_validity_s,
                                        .flags = flags};
    const struct mps_credential *credential = NULL;
    int code;

    mpsc_error_clear(&error);
    code = mpsc_get(provider, &request, &credential, &error);
    CU_ASSERT_EQUAL(code == MPS_OK, credential != NULL);
    snprintf(token, sizeof(token), "%s",
             credential != NULL ? credential->access_token : "");
    mpsc_credential_release(mpsc_credential_of(credential));
    return code;
}

static int
invalidate(const char *access_token)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = BUSINESS};

    mpsc_error_clear(&error);
    return mpsc_invalidate(provider, &request, access_token, &error);
}

/* Waits until the background fetch has ended. */
static void
await_background(void)
{
    const struct timespec moment = {0, 1000000};
    int busy = 1;

    for (int i = 0; i < HANG_MS && busy; i++) {
        mpsc_provider_lock(provider);
        busy = entry->flight != NULL;
        mpsc_provider_unlock(provider);
        if (busy) {
            nanosleep(&moment, NULL);
        }
    }
    CU_ASSERT_FALSE(busy);
}

static void
test_memory(void)
{
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(token, "EAAfresh");
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_http_counts().started, 1);
    /* Young, and so as good as it gets. */
    CU_ASSERT_EQUAL(get(MPS_FORCE_REFRESH, 0), MPS_OK);
    CU_ASSERT_EQUAL(get(0, 1000000), MPS_OK);
    CU_ASSERT_EQUAL(fake_http_counts().started, 1);
    fake_clock_advance(BACKOFF_S * 1000);
    CU_ASSERT_EQUAL(get(0, 60), MPS_OK);
    CU_ASSERT_EQUAL(fake_http_counts().started, 1);
    CU_ASSERT_EQUAL(get(MPS_FORCE_REFRESH, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_http_counts().started, 2);
    /* Its end, by no wall clock. */
    fake_clock_step_wall(-86400);
    fake_clock_advance(3600000);
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_http_counts().started, 3);
}

/* A definite no is remembered for its time, and force passes it. */
static void
test_no(void)
{
    answer_with(&unshared);
    CU_ASSERT_EQUAL(get(0, 0), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(error.retry_at, FAKE_CLOCK_WALL_S + 60);
    fake_clock_advance(59999);
    CU_ASSERT_EQUAL(get(0, 0), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(fake_http_counts().started, 1);
    CU_ASSERT_EQUAL(get(MPS_FORCE_REFRESH, 0), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(fake_http_counts().started, 2);
    fake_clock_advance(60000);
    CU_ASSERT_EQUAL(get(0, 0), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(fake_http_counts().started, 3);
    answer_with(&good);
    CU_ASSERT_EQUAL(get(MPS_FORCE_REFRESH, 0), MPS_OK);
    CU_ASSERT_PTR_NULL(entry->failure);
}

static void
test_no_memory_of_no(void)
{
    configuration.negative_ttl_s = 0;
    answer_with(&unshared);
    for (unsigned i = 1; i <= 3; i++) {
        CU_ASSERT_EQUAL(get(0, 0), MPS_E_UNPROCESSABLE);
        CU_ASSERT_EQUAL(fake_http_counts().started, i);
        CU_ASSERT_EQUAL(error.retry_at, FAKE_CLOCK_WALL_S);
    }
}

/* What passes isn't remembered for those who wait, until it came three times
 * in a row. */
static void
test_passing_failures(void)
{
    answer_with(&failed);
    for (unsigned i = 1; i <= 3; i++) {
        CU_ASSERT_EQUAL(get(0, 0), MPS_E_SERVER);
        CU_ASSERT_EQUAL(fake_http_counts().started, i);
        CU_ASSERT_EQUAL(error.retry_at > 0, i == 3);
    }
    CU_ASSERT_EQUAL(get(0, 0), MPS_E_SERVER);
    CU_ASSERT(error.retry_at > FAKE_CLOCK_WALL_S);
    CU_ASSERT(error.retry_at <= FAKE_CLOCK_WALL_S + 2);
    CU_ASSERT_EQUAL(fake_http_counts().started, 3);
    /* The pause is over: the caller is the probe, for lack of a thread. */
    fake_clock_advance(2000);
    answer_with(&good);
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
}

/* The partner's token is refused: for a minute nobody asks with it. */
static void
test_refused_partner(void)
{
    answer_with(&refused);
    CU_ASSERT_EQUAL(get(0, 0), MPS_E_AUTH);
    CU_ASSERT_EQUAL(error.retry_at, FAKE_CLOCK_WALL_S + 60);
    fake_clock_advance(59000);
    CU_ASSERT_EQUAL(get(MPS_FORCE_REFRESH, 0), MPS_E_AUTH);
    CU_ASSERT_EQUAL(fake_http_counts().started, 1);
    fake_clock_advance(1000);
    answer_with(&good);
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
}

static void
test_background(void)
{
    struct pollfd watch = {.events = POLLIN};
    uint64_t count = 0;

    configuration.threads = 1;
    watch.fd = mpsc_provider_event_fd(provider);
    CU_ASSERT_EQUAL(get(MPS_NO_WAIT, 0), MPS_E_AGAIN);
    CU_ASSERT_EQUAL(poll(&watch, 1, HANG_MS), 1);
    CU_ASSERT_EQUAL(read(watch.fd, &count, sizeof(count)), sizeof(count));
    CU_ASSERT_EQUAL(get(MPS_NO_WAIT, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_http_counts().started, 1);
    /* Force starts the refresh and answers from memory. */
    fake_clock_advance(BACKOFF_S * 1000);
    CU_ASSERT_EQUAL(get(MPS_NO_WAIT | MPS_FORCE_REFRESH, 0), MPS_OK);
    await_background();
    CU_ASSERT_EQUAL(fake_http_counts().started, 2);
}

/* Without threads there is no background. */
static void
test_background_without_threads(void)
{
    CU_ASSERT_EQUAL(get(MPS_NO_WAIT, 0), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "threads"));
    CU_ASSERT_EQUAL(fake_http_counts().started, 0);
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

    configuration.threads = 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mpsc_time now;

        answer_with(rows[i].answer);
        fake_clock_now(&now);
        CU_ASSERT_EQUAL(get(MPS_NO_WAIT, 0), MPS_E_AGAIN);
        await_background();
        CU_ASSERT_EQUAL(get(MPS_NO_WAIT, 0), rows[i].code);
        CU_ASSERT_EQUAL(error.retry_at, now.wall_s + rows[i].for_s);
        fake_clock_advance(rows[i].for_s * 1000 - 1);
        CU_ASSERT_EQUAL(get(MPS_NO_WAIT, 0), rows[i].code);
        CU_ASSERT_EQUAL(fake_http_counts().started, 1);
        fake_clock_advance(1);
        CU_ASSERT_EQUAL(get(MPS_NO_WAIT, 0), MPS_E_AGAIN);
        await_background();
        CU_ASSERT_EQUAL(fake_http_counts().started, 2);
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

    configuration.threads = 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        answer_with(rows[i].answer);
        CU_ASSERT_EQUAL(get(flags, 0), MPS_E_AGAIN);
        for (int n = 0; n < 5; n++) {
            await_background();
            CU_ASSERT_EQUAL(get(flags, 0), rows[i].code);
        }
        CU_ASSERT_EQUAL(fake_http_counts().started, 1);
        fake_clock_advance(200000);
    }
    /* With a token in memory that is the answer, limit or not. */
    answer_with(&good);
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    fake_clock_advance(BACKOFF_S * 1000);
    answer_with(&limited);
    for (int n = 0; n < 5; n++) {
        CU_ASSERT_EQUAL(get(flags, 0), MPS_OK);
        await_background();
    }
    CU_ASSERT_EQUAL(fake_http_counts().started, 1);
}

static void
test_doubt(void)
{
    answer_with(&unknown);
    CU_ASSERT_EQUAL(get(0, 0), MPS_E_NOT_FOUND);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "none has succeeded"));
    answer_with(&good);
    CU_ASSERT_EQUAL(get(MPS_FORCE_REFRESH, 0), MPS_OK);
    fake_clock_advance(BACKOFF_S * 1000);
    answer_with(&unknown);
    CU_ASSERT_EQUAL(get(MPS_FORCE_REFRESH, 0), MPS_E_NOT_FOUND);
    CU_ASSERT_PTR_NULL(strstr(error.message, "none has succeeded"));
}

static void
test_invalidate(void)
{
    keep_in_keyring("EAAkept");
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(token, "EAAkept");
    /* Another token: nothing changes. */
    CU_ASSERT_EQUAL(invalidate("EAAother"), MPS_OK);
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(token, "EAAkept");
    CU_ASSERT_EQUAL(fake_http_counts().started, 0);
    /* The keyring still has it in this test, and isn't believed. */
    CU_ASSERT_EQUAL(invalidate("EAAkept"), MPS_OK);
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(token, "EAAfresh");
    CU_ASSERT_EQUAL(fake_http_counts().started, 1);
    CU_ASSERT_EQUAL(invalidate(""), MPS_E_INVALID);
}

/* Whatever is held, and a remembered no. */
static void
test_invalidate_all(void)
{
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(invalidate(NULL), MPS_OK);
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_http_counts().started, 2);
    CU_ASSERT_EQUAL(invalidate(NULL), MPS_OK);
    answer_with(&unshared);
    CU_ASSERT_EQUAL(get(0, 0), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(invalidate("EAAother"), MPS_OK);
    answer_with(&good);
    CU_ASSERT_EQUAL(get(0, 0), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(invalidate(NULL), MPS_OK);
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
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
    flight = mpsc_flight_new(&provider->hub, &profile, profile.holdings, entry,
                             MPSC_FETCH_TOKEN);
    CU_ASSERT_PTR_NOT_NULL_FATAL(flight);
    if (flight == NULL) {
        return;
    }
    CU_ASSERT(flight->fetch.events->believe(flight, &record));
    CU_ASSERT_EQUAL(invalidate("EAAkept"), MPS_OK);
    flight->fetch.events->known(flight, &record, MPS_SOURCE_KEYRING, NULL);
    flight->fetch.events->over(flight);
    mpsc_record_free(&record);
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    CU_ASSERT_STRING_EQUAL(token, "EAAfresh");
}

static void
test_join(void)
{
    const struct mpsc_lifetime_wish wishes[] = {{10, 0}, {60, 0}, {5, 1}};
    struct mpsc_flight *flight = mpsc_flight_new(
        &provider->hub, &profile, profile.holdings, entry, MPSC_FETCH_TOKEN);

    CU_ASSERT_PTR_NOT_NULL_FATAL(flight);
    if (flight == NULL) {
        return;
    }
    mpsc_provider_lock(provider);
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
    mpsc_provider_unlock(provider);
}

struct caller {
    unsigned deadline_ms;
    int code;
    int64_t ended_ms;
};

static void *
call_it(void *arg)
{
    struct caller *caller = arg;
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = BUSINESS,
                                        .deadline_ms = caller->deadline_ms};
    const struct mps_credential *credential = NULL;
    struct mps_error mine;

    caller->code = mpsc_get(provider, &request, &credential, &mine);
    mpsc_credential_release(mpsc_credential_of(credential));
    caller->ended_ms = fake_clock_mono_ms() - FAKE_CLOCK_MS;
    return NULL;
}

/* Waits until the business's flight has so many references and its thread
 * rests in poll(). */
static void
await_flight(unsigned references)
{
    const struct timespec moment = {0, 1000000};
    int there = 0;

    for (int i = 0; i < HANG_MS && !there; i++) {
        mpsc_provider_lock(provider);
        pthread_mutex_lock(&fake_lock);
        there = entry->flight != NULL &&
                entry->flight->references == references &&
                fake_http_rests_unlocked();
        pthread_mutex_unlock(&fake_lock);
        mpsc_provider_unlock(provider);
        if (!there) {
            nanosleep(&moment, NULL);
        }
    }
    CU_ASSERT_FATAL(there);
}

/* The one that lends its thread isn't kept beyond its own deadline by one
 * that joins; and that one gets all of its own time. */
static void
test_deadlines_apart(void)
{
    struct caller first = {.deadline_ms = 1000};
    struct caller second = {.deadline_ms = 5000};
    pthread_t threads[2];

    answer_with(NULL);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[0], NULL, call_it, &first),
                          0);
    await_flight(2);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[1], NULL, call_it, &second),
                          0);
    await_flight(3);
    fake_clock_advance(1000);
    /* The second's own. */
    await_flight(2);
    CU_ASSERT_EQUAL(fake_http_counts().started, 2);
    pthread_join(threads[0], NULL);
    CU_ASSERT_EQUAL(first.code, MPS_E_TIMEOUT);
    CU_ASSERT_EQUAL(first.ended_ms, 1000);
    fake_clock_advance(4000);
    pthread_join(threads[1], NULL);
    CU_ASSERT_EQUAL(second.code, MPS_E_TIMEOUT);
    CU_ASSERT_EQUAL(second.ended_ms, 5000);
}

/* A mute keyring isn't asked again for a while. */
static void
test_mute(void)
{
    struct fake_keyring_plan plan = {.load_state = MPSC_KEYRING_SILENT,
                                     .no_trace = 1};

    configuration.keyring = MPSC_KEYRING_REQUIRED;
    fake_keyring_plan(&plan);
    CU_ASSERT_EQUAL(get(0, 0), MPS_E_KEYRING);
    plan.load_state = MPSC_KEYRING_OK;
    fake_keyring_plan(&plan);
    fake_clock_advance(29999);
    CU_ASSERT_EQUAL(get(0, 0), MPS_E_KEYRING);
    fake_clock_advance(1);
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
}

static void
test_distrust(void)
{
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    configuration.distrust_before = FAKE_CLOCK_WALL_S + 1;
    fake_clock_advance(2000);
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_http_counts().started, 2);
    CU_ASSERT_EQUAL(get(0, 0), MPS_OK);
    CU_ASSERT_EQUAL(fake_http_counts().started, 2);
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
        {"flight", make_directory, remove_directory, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
