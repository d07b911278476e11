/* SPDX-License-Identifier: MIT */
/* One fetch's way through keyring and endpoint, edge by edge. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "fake_clock.h"
#include "fake_http.h"
#include "fake_keyring.h"
#include "fake_trace.h"
#include "fetch.h"
#include "run_suites.h"

#define BUSINESS "4711"
#define DEADLINE_MS 10000
#define KEYRING_MS 2000
#define BOOT_ID "11111111-2222-3333-4444-555555555555"
#define STEPS_MAX 60

static char directory[] = "/tmp/mps-test-fetch-XXXXXX";
static char token_path[64];
static char solution_id[] = "1234567890123456";
static char api_version[] = "v25.0";
static char base_url[] = "https://graph.example";

static struct mpsc_configuration configuration;
static _Atomic(struct mpsc_fetch_prepared *) prepared;
static struct mpsc_fetch_means means;
static struct mpsc_fetch fetch;
static struct mpsc_http *http;

/* What the owner says and was told. */
static int believes;
static int allows; /* so often */
static int accepts;
static int takes; /* it takes the token out of the record */
static unsigned known_count;
static struct mps_error known_error;

static const struct fake_http_answer good = FAKE_HTTP_TOKEN;
static const struct fake_http_answer unavailable = {
    MPSC_HTTP_ANSWERED, 503, "<html>busy</html>", 0, NULL};
static const struct fake_http_answer forbidden = {
    MPSC_HTTP_ANSWERED, 403, "{\"error\":{\"message\":\"no\",\"code\":200}}",
    0, NULL};

/* "OK", "TIMEOUT". */
static const char *
short_name(int code)
{
    return code == MPS_OK ? "OK" : mpsc_error_name(code) + strlen("MPS_E_");
}

static int
on_allow(void *arg, struct mps_error *error)
{
    (void)arg;
    return allows-- > 0
               ? 0
               : (mpsc_error_set(error, MPS_E_RATE_LIMITED, "no"), -1);
}

static int
on_accept(void *arg, const struct mpsc_record *record, struct mps_error *error)
{
    (void)arg;
    CU_ASSERT(record->token.len > 0);
    return accepts ? 0 : (mpsc_error_set(error, MPS_E_PROTOCOL, "dead"), -1);
}

static int
on_believe(void *arg, const struct mpsc_record *record)
{
    (void)arg;
    CU_ASSERT_STRING_EQUAL(record->token.data, "EAAkept");
    fake_trace("believe");
    return believes;
}

static void
on_keyring(void *arg, enum mpsc_keyring_state state)
{
    (void)arg;
    fake_trace("keyring:%d", (int)state);
}

static void
on_answered(void *arg, const struct mpsc_record *record,
            const struct mps_error *error)
{
    (void)arg;
    CU_ASSERT_NOT_EQUAL(record == NULL, error == NULL);
    fake_trace("answered:%s",
               short_name(error != NULL ? error->code : MPS_OK));
}

static void
on_known(void *arg, struct mpsc_record *record, int source,
         const struct mps_error *error)
{
    (void)arg;
    known_count++;
    if (error != NULL) {
        known_error = *error;
        fake_trace("known:%s", short_name(error->code));
    } else if (record == NULL) {
        fake_trace("known:erased");
    } else {
        fake_trace("known:%d:%s", source, record->token.data);
    }
    if (record != NULL && takes) {
        mpsc_secret_free(&record->token);
    }
}

static void
on_over(void *arg)
{
    (void)arg;
    fake_trace("over");
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

static void
write_token(const char *text)
{
    int fd = open(token_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static int
make_directory(void)
{
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(token_path, sizeof(token_path), "%s/token", directory);
    return 0;
}

static int
remove_directory(void)
{
    unlink(token_path);
    return rmdir(directory);
}

/* A fetch that has not begun, with a good configuration. */
static void
begin(void)
{
    const struct fake_http_plan no_answers = {.count = 0};
    const struct fake_keyring_plan empty = {.open = MPSC_KEYRING_OK};

    configuration = (struct mpsc_configuration){
        .solution_id = solution_id,
        .api_version = api_version,
        .base_url = base_url,
        .token_file = token_path,
        .deadline_ms = DEADLINE_MS,
        .connect_timeout_ms = 3000,
        .attempts = 3,
        .keyring = MPSC_KEYRING_PREFERRED,
        .keyring_deadline_ms = KEYRING_MS,
        .assume_lifetime_s = 3600,
        .max_age_s = 86400,
    };
    means = (struct mpsc_fetch_means){
        .configuration = &configuration,
        .prepared = &prepared,
        .boot_id = BOOT_ID,
        .http = &fake_http,
        .keyring = &fake_keyring,
        .clock = fake_clock_now,
    };
    memset(&fetch, 0, sizeof(fetch));
    fetch.means = &means;
    fetch.events = &events;
    memcpy(fetch.business_id, BUSINESS, sizeof(BUSINESS));
    write_token("EAApartner\n");
    fake_clock_start();
    fake_http_plan(&no_answers);
    fake_keyring_plan(&empty);
    fake_trace_clear();
    atomic_store(&fetch.deadline_ms, fake_clock_mono_ms() + DEADLINE_MS);
    believes = 1;
    allows = 100;
    accepts = 1;
    takes = 1;
    known_count = 0;
    mpsc_error_clear(&known_error);
    http = fake_http.open();
    CU_ASSERT_PTR_NOT_NULL_FATAL(http);
}

/* Nothing is left of a fetch: session, call, secret. */
static void
end(void)
{
    fake_http.close(&http);
    CU_ASSERT_EQUAL(known_count, 1);
    CU_ASSERT_EQUAL(fake_keyring_open_count(), 0);
    CU_ASSERT_EQUAL(fake_keyring_unfinished(), 0);
    CU_ASSERT_EQUAL(fake_keyring_mistakes(), 0);
    CU_ASSERT_EQUAL(fake_http_counts().under_way, 0);
    CU_ASSERT_EQUAL(fake_http_counts().mistakes, 0);
    CU_ASSERT_EQUAL(fake_http_counts().opened, fake_http_counts().closed);
    CU_ASSERT_PTR_NULL(fetch.record.token.data);
    CU_ASSERT_PTR_NULL(fetch.call.request.url.data);
    CU_ASSERT_PTR_NULL(fetch.call.request.authorization.data);
    CU_ASSERT_PTR_NULL(fetch.call.response.body.data);
    CU_ASSERT_PTR_NULL(fetch.session);
}

/* Steps until nothing moves without time or answers. True when over. */
static int
settle(void)
{
    int over = 0;

    for (int i = 0; i < STEPS_MAX && !over; i++) {
        size_t before = strlen(fake_trace_text());

        over = mpsc_fetch_step(&fetch);
        if (!over && strlen(fake_trace_text()) == before) {
            break;
        }
    }
    return over;
}

/* As the runner does: steps, lets answers come, and else lets time pass up to
 * when the fetch wants to be stepped. */
static void
drive(void)
{
    while (!settle()) {
        int64_t now = fake_clock_mono_ms();
        int64_t due = mpsc_fetch_due(&fetch);

        if (fake_http_deliver(1) > 0) {
            continue;
        }
        CU_ASSERT_FATAL(due != INT64_MAX);
        CU_ASSERT_FATAL(due > now);
        fake_clock_advance(due - now);
    }
    fetch.events->over(fetch.arg);
}

static void
fly(void)
{
    mpsc_fetch_begin(&fetch, http);
    drive();
}

struct row {
    const char *name;
    enum mpsc_fetch_purpose purpose;
    enum mpsc_keyring_use use;
    int believes;
    struct fake_keyring_plan keyring;
    const char *expected;
};

#define T MPSC_FETCH_TOKEN
#define E MPSC_FETCH_ERASE
#define PREFERRED MPSC_KEYRING_PREFERRED
#define REQUIRED MPSC_KEYRING_REQUIRED
#define OFF MPSC_KEYRING_OFF

/* With an endpoint that gives the token EAAfresh. */
static const struct row rows[] = {
    {"found and believed",
     T,
     PREFERRED,
     1,
     {.token = "EAAkept"},
     "open keyring:0 believe finish known:2:EAAkept close over"},
    {"found and not believed",
     T,
     PREFERRED,
     0,
     {.token = "EAAkept"},
     "open keyring:0 believe start answered:OK store known:1:EAAfresh "
     "keyring:0 finish close over"},
    {"nothing found",
     T,
     PREFERRED,
     1,
     {.token = NULL},
     "open keyring:0 start answered:OK store known:1:EAAfresh "
     "keyring:0 finish close over"},
    {"nothing found, required",
     T,
     REQUIRED,
     1,
     {.token = NULL},
     "open keyring:0 start answered:OK store known:1:EAAfresh "
     "keyring:0 finish close over"},
    {"keyring off",
     T,
     OFF,
     1,
     {.token = "EAAkept"},
     "start answered:OK known:1:EAAfresh over"},
    {"the helper dies while loading",
     T,
     PREFERRED,
     1,
     {.load = FAKE_KEYRING_DIES},
     "open keyring:4 finish start close answered:OK known:1:EAAfresh over"},
    {"the helper dies while loading, required",
     T,
     REQUIRED,
     1,
     {.load = FAKE_KEYRING_DIES},
     "open keyring:4 finish known:KEYRING close over"},
    {"the helper dies while holding",
     T,
     PREFERRED,
     1,
     {.hold = FAKE_KEYRING_DIES},
     "open keyring:0 start finish close answered:OK known:1:EAAfresh over"},
    {"the helper dies while changing",
     T,
     PREFERRED,
     1,
     {.change = FAKE_KEYRING_DIES},
     "open keyring:0 start answered:OK store known:1:EAAfresh "
     "keyring:4 finish close over"},
    {"the helper dies before it has the whole record",
     T,
     PREFERRED,
     1,
     {.change = FAKE_KEYRING_DIES, .unsent = 1},
     "open keyring:0 start answered:OK store keyring:4 finish close "
     "known:1:EAAfresh over"},
    {"the store can't be sent",
     T,
     PREFERRED,
     1,
     {.refuses_change = 1},
     "open keyring:0 start answered:OK store keyring:4 finish "
     "known:1:EAAfresh close over"},
    {"the store fails",
     T,
     PREFERRED,
     1,
     {.change_state = MPSC_KEYRING_LOCKED},
     "open keyring:0 start answered:OK store known:1:EAAfresh "
     "keyring:8 finish close over"},
    {"purged before the store",
     T,
     REQUIRED,
     1,
     {.change_state = MPSC_KEYRING_PURGED},
     "open keyring:0 start answered:OK store known:1:EAAfresh "
     "keyring:13 finish close over"},
    {"the store fails, required",
     T,
     REQUIRED,
     1,
     {.change_state = MPSC_KEYRING_LOCKED},
     "open keyring:0 start answered:OK store known:1:EAAfresh "
     "keyring:8 finish close over"},
    {"the load is mute",
     T,
     PREFERRED,
     1,
     {.load = FAKE_KEYRING_MUTE},
     "open keyring:10 finish start close answered:OK known:1:EAAfresh over"},
    {"the load is mute, required",
     T,
     REQUIRED,
     1,
     {.load = FAKE_KEYRING_MUTE},
     "open keyring:10 finish known:KEYRING close over"},
    {"the store is mute",
     T,
     PREFERRED,
     1,
     {.change = FAKE_KEYRING_MUTE},
     "open keyring:0 start answered:OK store known:1:EAAfresh "
     "keyring:10 finish close over"},
    {"a mute helper that takes nothing",
     T,
     PREFERRED,
     1,
     {.change = FAKE_KEYRING_MUTE, .unsent = 1},
     "open keyring:0 start answered:OK store keyring:10 finish "
     "known:1:EAAfresh close over"},
    {"the helper never ends",
     T,
     PREFERRED,
     1,
     {.token = "EAAkept", .never_ends = 1},
     "open keyring:0 believe finish known:2:EAAkept close over"},

    {"erase: found",
     E,
     PREFERRED,
     1,
     {.token = "EAAkept"},
     "open keyring:0 believe erase keyring:0 finish known:erased close over"},
    {"erase: another token",
     E,
     PREFERRED,
     0,
     {.token = "EAAkept"},
     "open keyring:0 believe finish known:erased close over"},
    {"erase: nothing found",
     E,
     REQUIRED,
     1,
     {.token = NULL},
     "open keyring:0 finish known:erased close over"},
    {"erase: keyring off",
     E,
     OFF,
     1,
     {.token = "EAAkept"},
     "known:erased over"},
    {"erase: fails",
     E,
     PREFERRED,
     1,
     {.token = "EAAkept", .change_state = MPSC_KEYRING_REFUSED},
     "open keyring:0 believe erase keyring:9 finish known:erased close over"},
    {"erase: fails, required",
     E,
     REQUIRED,
     1,
     {.token = "EAAkept", .change_state = MPSC_KEYRING_REFUSED},
     "open keyring:0 believe erase keyring:9 finish known:KEYRING close over"},
    {"erase: can't be sent, required",
     E,
     REQUIRED,
     1,
     {.token = "EAAkept", .refuses_change = 1},
     "open keyring:0 believe erase keyring:4 finish known:KEYRING close over"},
    {"erase: can't be sent",
     E,
     PREFERRED,
     1,
     {.token = "EAAkept", .refuses_change = 1},
     "open keyring:0 believe erase keyring:4 finish known:erased close over"},
    {"erase: the helper dies",
     E,
     REQUIRED,
     1,
     {.token = "EAAkept", .change = FAKE_KEYRING_DIES},
     "open keyring:0 believe erase keyring:4 finish known:KEYRING close over"},
    {"erase: mute",
     E,
     REQUIRED,
     1,
     {.token = "EAAkept", .change = FAKE_KEYRING_MUTE},
     "open keyring:0 believe erase keyring:10 finish known:KEYRING close "
     "over"},
    {"erase: the load is mute",
     E,
     PREFERRED,
     1,
     {.load = FAKE_KEYRING_MUTE},
     "open keyring:10 finish known:erased close over"},
    {"erase: busy, required",
     E,
     REQUIRED,
     1,
     {.load_state = MPSC_KEYRING_BUSY},
     "open keyring:5 finish known:KEYRING close over"},
    {"erase: busy",
     E,
     PREFERRED,
     1,
     {.load_state = MPSC_KEYRING_BUSY},
     "open keyring:5 finish known:erased close over"},
};

static void
test_paths(void)
{
    const struct fake_http_plan plan = {.answers = {FAKE_HTTP_TOKEN},
                                        .count = 1};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (takes = 0; takes < 2; takes++) {
            int taking = takes;

            begin();
            takes = taking;
            fetch.purpose = rows[i].purpose;
            configuration.keyring = rows[i].use;
            believes = rows[i].believes;
            fake_keyring_plan(&rows[i].keyring);
            fake_http_plan(&plan);
            fly();
            CU_ASSERT(fake_trace_is(rows[i].name, rows[i].expected));
            end();
        }
    }
}

/* What isn't believed is wiped at once, not kept while the endpoint is asked.
 */
static void
test_not_believed(void)
{
    const struct fake_keyring_plan kept = {.token = "EAAkept"};

    begin();
    believes = 0;
    fake_keyring_plan(&kept);
    mpsc_fetch_begin(&fetch, http);
    (void)settle();
    CU_ASSERT_EQUAL(fetch.stage, MPSC_FETCH_ASKING);
    CU_ASSERT_PTR_NULL(fetch.record.token.data);
    mpsc_fetch_give_up(&fetch, MPS_E_TIMEOUT, "enough");
    drive();
    end();
}

/* Every state of the keyring, from open() and from the load. */
static void
test_states(void)
{
    const struct fake_http_plan plan = {.answers = {FAKE_HTTP_TOKEN},
                                        .count = 1};

    for (int state = MPSC_KEYRING_NO_BUS; state <= MPSC_KEYRING_NO_MEMORY;
         state++) {
        for (int loaded = 0; loaded < 2; loaded++) {
            for (int required = 0; required < 2; required++) {
                struct fake_keyring_plan keyring = {.open = MPSC_KEYRING_OK};
                int fails = required && state != MPSC_KEYRING_BUSY;
                char expected[128];

                begin();
                *(loaded ? &keyring.load_state : &keyring.open) =
                    (enum mpsc_keyring_state)state;
                configuration.keyring = required ? REQUIRED : PREFERRED;
                fake_keyring_plan(&keyring);
                fake_http_plan(&plan);
                fly();
                snprintf(expected, sizeof(expected),
                         "open keyring:%d %s%s%s over", state,
                         loaded ? "finish " : "",
                         fails    ? "known:KEYRING"
                         : loaded ? "start close answered:OK known:1:EAAfresh"
                                  : "start answered:OK known:1:EAAfresh",
                         loaded && fails ? " close" : "");
                CU_ASSERT(fake_trace_is("state", expected));
                if (fails) {
                    CU_ASSERT_PTR_NOT_NULL(strstr(
                        known_error.message,
                        mpsc_keyring_text((enum mpsc_keyring_state)state)));
                    CU_ASSERT_PTR_NOT_NULL(
                        strstr(known_error.message, BUSINESS));
                }
                end();
            }
        }
    }
}

/* A keyring that was mute a moment ago isn't even opened. */
static void
test_hint(void)
{
    const struct fake_http_plan plan = {.answers = {FAKE_HTTP_TOKEN},
                                        .count = 1};

    begin();
    fetch.keyring_hint = MPSC_KEYRING_SILENT;
    fake_http_plan(&plan);
    fly();
    CU_ASSERT(fake_trace_is(
        "hint", "keyring:10 start answered:OK known:1:EAAfresh over"));
    end();

    begin();
    fetch.keyring_hint = MPSC_KEYRING_SILENT;
    configuration.keyring = MPSC_KEYRING_REQUIRED;
    fly();
    CU_ASSERT(
        fake_trace_is("hint, required", "keyring:10 known:KEYRING over"));
    end();
}

/* The keyring off, and these answers. */
static void
fly_to_endpoint(const struct fake_http_answer *answers, unsigned count)
{
    struct fake_http_plan plan = {.count = count};

    begin();
    memcpy(plan.answers, answers, count * sizeof(*answers));
    configuration.keyring = MPSC_KEYRING_OFF;
    fake_http_plan(&plan);
    fly();
    end();
}

static void
test_outcomes(void)
{
    static const struct {
        enum mpsc_http_outcome outcome;
        int code;
    } outcomes[] = {
        {MPSC_HTTP_TLS, MPS_E_TLS},
        {MPSC_HTTP_TOO_LARGE, MPS_E_PROTOCOL},
        {MPSC_HTTP_NOT_HTTP, MPS_E_PROTOCOL},
        {MPSC_HTTP_CA_FILE, MPS_E_CONFIG},
        {MPSC_HTTP_NO_MEMORY, MPS_E_NO_MEMORY},
        {MPSC_HTTP_INTERNAL, MPS_E_INTERNAL},
    };

    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        const struct fake_http_answer answer = {outcomes[i].outcome, 0, NULL,
                                                0, NULL};

        fly_to_endpoint(&answer, 1);
        CU_ASSERT_EQUAL(known_error.code, outcomes[i].code);
        CU_ASSERT_EQUAL(fake_http_counts().started, 1);
        CU_ASSERT_PTR_NOT_NULL(strstr(known_error.message, BUSINESS));
        CU_ASSERT_PTR_NOT_NULL(strstr(known_error.message, base_url));
    }
}

static void
test_retry(void)
{
    const struct fake_http_answer network = {MPSC_HTTP_NETWORK, 0, NULL, 0,
                                             NULL};
    const struct fake_http_answer mended[] = {unavailable, network, good};
    const struct fake_http_answer broken[] = {network, unavailable, network,
                                              good};
    const struct fake_http_answer limited[] = {
        {MPSC_HTTP_ANSWERED, 429, "{\"error\":{\"message\":\"x\",\"code\":4}}",
         0, "30"},
        good};
    int64_t before = FAKE_CLOCK_MS;

    fly_to_endpoint(mended, 3);
    CU_ASSERT(fake_trace_is(
        "mended", "start start start answered:OK known:1:EAAfresh over"));
    /* Full jitter: up to 250 and 500 ms. */
    CU_ASSERT(fake_clock_mono_ms() - before <= 750);

    fly_to_endpoint(broken, 4);
    CU_ASSERT(fake_trace_is(
        "attempts", "start start start answered:NETWORK known:NETWORK over"));

    fly_to_endpoint(limited, 2);
    CU_ASSERT(fake_trace_is(
        "limited", "start answered:RATE_LIMITED known:RATE_LIMITED over"));
    CU_ASSERT_EQUAL(known_error.retry_at, FAKE_CLOCK_WALL_S + 30);
}

/* An error answer while the lock is held: nothing is stored. */
static void
test_error_with_keyring(void)
{
    const struct fake_http_plan plan = {.answers = {forbidden}, .count = 1};

    begin();
    fake_http_plan(&plan);
    fly();
    CU_ASSERT(fake_trace_is("forbidden",
                            "open keyring:0 start answered:FORBIDDEN finish "
                            "known:FORBIDDEN close over"));
    CU_ASSERT_STRING_EQUAL(fake_keyring_stored(), "");
    CU_ASSERT_EQUAL(known_error.http_status, 403);
    end();
}

static void
test_request(void)
{
    fly_to_endpoint(&good, 1);
    CU_ASSERT_STRING_EQUAL(fake_http_url(),
                           "https://graph.example/v25.0/1234567890123456/"
                           "access_token?business_id=" BUSINESS);
    CU_ASSERT_STRING_EQUAL(fake_http_authorization(),
                           "Authorization: Bearer EAApartner");
}

/* Meta's texts may repeat the partner's token. */
static void
test_redaction(void)
{
    const struct fake_http_answer answer = {
        MPSC_HTTP_ANSWERED, 401,
        "{\"error\":{\"message\":\"bad token EAApartner here\",\"code\":190,"
        "\"error_user_title\":\"EAApartner\",\"error_user_msg\":"
        "\"EAApartner!\"}}",
        0, NULL};

    fly_to_endpoint(&answer, 1);
    CU_ASSERT_EQUAL(known_error.code, MPS_E_AUTH);
    CU_ASSERT_PTR_NULL(strstr(known_error.message, "EAApartner"));
    CU_ASSERT_PTR_NULL(strstr(known_error.user_title, "EAApartner"));
    CU_ASSERT_PTR_NULL(strstr(known_error.user_message, "EAApartner"));
    CU_ASSERT_PTR_NOT_NULL(strstr(known_error.message, "bad token"));
}

static void
test_partner(void)
{
    struct mpsc_fetch_prepared ready = {.partner = MPSC_PARTNER_EMPTY};

    /* No token: no request. */
    begin();
    unlink(token_path);
    configuration.keyring = MPSC_KEYRING_OFF;
    fly();
    CU_ASSERT(fake_trace_is("no token", "known:CONFIG over"));
    CU_ASSERT_PTR_NOT_NULL(strstr(known_error.message, "token_file"));
    end();

    /* After a chroot. */
    begin();
    unlink(token_path);
    CU_ASSERT_EQUAL(mpsc_secret_set(&ready.partner.token, "EAAready", 8), 0);
    CU_ASSERT_EQUAL(mpsc_secret_set(&ready.ca, "PEM", 3), 0);
    atomic_store(&prepared, &ready);
    configuration.keyring = MPSC_KEYRING_OFF;
    mpsc_fetch_begin(&fetch, http);
    CU_ASSERT_STRING_EQUAL(fake_http_authorization(),
                           "Authorization: Bearer EAAready");
    CU_ASSERT_PTR_EQUAL(fetch.call.request.ca_blob, &ready.ca);
    mpsc_fetch_give_up(&fetch, MPS_E_TIMEOUT, "enough");
    CU_ASSERT(mpsc_fetch_step(&fetch));
    end();
    atomic_store(&prepared, NULL);
    mpsc_partner_free(&ready.partner);
    mpsc_secret_free(&ready.ca);
}

static void
test_start_fails(void)
{
    const struct fake_http_plan plan = {.fails_start = 1};

    begin();
    fake_http_plan(&plan);
    fly();
    CU_ASSERT(fake_trace_is("start fails", "open keyring:0 start finish "
                                           "known:INTERNAL close over"));
    end();
}

/* Brings a new fetch into a stage where it stays without answer. */
enum place {
    IN_LOAD,
    IN_ASK,
    IN_PAUSE,
    IN_STORE,
    IN_CHANGE,
    IN_ERASE,
    PLACES
};

static void
go_to(enum place place)
{
    const struct fake_keyring_plan keyring = {
        .load = place == IN_LOAD ? FAKE_KEYRING_MUTE : FAKE_KEYRING_ANSWERS,
        .token = place == IN_ERASE ? "EAAkept" : NULL,
        .change = FAKE_KEYRING_MUTE,
        .unsent = place == IN_STORE,
    };
    struct fake_http_plan plan = {.count = place != IN_ASK};

    begin();
    plan.answers[0] = place == IN_PAUSE ? unavailable : good;
    fetch.purpose = place == IN_ERASE ? E : T;
    fake_keyring_plan(&keyring);
    fake_http_plan(&plan);
    mpsc_fetch_begin(&fetch, http);
    (void)settle();
    (void)fake_http_deliver(1);
    (void)settle();
}

static void
test_stages(void)
{
    static const struct {
        enum mpsc_fetch_stage stage;
        enum mpsc_fetch_keyring phase;
    } places[PLACES] = {
        [IN_LOAD] = {MPSC_FETCH_LOADING, MPSC_FETCH_OPENED},
        [IN_ASK] = {MPSC_FETCH_ASKING, MPSC_FETCH_HELD},
        [IN_PAUSE] = {MPSC_FETCH_PAUSING, MPSC_FETCH_HELD},
        [IN_STORE] = {MPSC_FETCH_STORING, MPSC_FETCH_CHANGING},
        [IN_CHANGE] = {MPSC_FETCH_KNOWN, MPSC_FETCH_CHANGING},
        [IN_ERASE] = {MPSC_FETCH_LOADING, MPSC_FETCH_CHANGING},
    };

    for (int place = 0; place < PLACES; place++) {
        go_to((enum place)place);
        /* A draw of no pause at all is over by now. */
        if (place != IN_PAUSE || fetch.stage == MPSC_FETCH_PAUSING) {
            CU_ASSERT_EQUAL(fetch.stage, places[place].stage);
            CU_ASSERT_EQUAL(fetch.phase, places[place].phase);
        }
        CU_ASSERT_FALSE(mpsc_fetch_is_settled(&fetch));
        CU_ASSERT_EQUAL(mpsc_fetch_is_known(&fetch), place == IN_CHANGE);
        mpsc_fetch_give_up(&fetch, MPS_E_TIMEOUT, "enough");
        CU_ASSERT(mpsc_fetch_is_known(&fetch));
        /* A token that is there is not thrown away. */
        CU_ASSERT_EQUAL(
            known_error.code,
            place == IN_STORE || place == IN_CHANGE ? MPS_OK : MPS_E_TIMEOUT);
        /* Once more does nothing. */
        mpsc_fetch_give_up(&fetch, MPS_E_INTERNAL, "again");
        drive();
        end();
    }
}

static void
test_drop(void)
{
    for (int place = 0; place < PLACES; place++) {
        go_to((enum place)place);
        mpsc_fetch_give_up(&fetch, MPS_E_TIMEOUT, "enough");
        mpsc_fetch_drop(&fetch);
        CU_ASSERT(mpsc_fetch_step(&fetch));
        mpsc_fetch_drop(&fetch);
        end();
    }
}

/* Each stage ends with the deadline, whoever is mute. */
static void
test_deadline(void)
{
    for (int place = 0; place < PLACES; place++) {
        int64_t start;

        go_to((enum place)place);
        start = fake_clock_mono_ms();
        atomic_store(&fetch.deadline_ms, start + 1);
        fake_clock_advance(1);
        (void)mpsc_fetch_step(&fetch);
        CU_ASSERT(mpsc_fetch_is_known(&fetch));
        CU_ASSERT(mpsc_fetch_is_settled(&fetch));
        /* A token that has come is handed out, stored or not. */
        CU_ASSERT_EQUAL(
            known_error.code,
            place == IN_STORE || place == IN_CHANGE ? MPS_OK : MPS_E_TIMEOUT);
        drive();
        end();
    }
}

/* What nobody answers is over by the deadline all the same, by due() alone;
 * and the keyring leaves the endpoint its share of the time. */
static void
test_mute_world(void)
{
    static const int64_t deadlines[] = {1, 50, 400, 1000, 2000, 10000, 60000};
    const struct fake_keyring_plan mute = {.load = FAKE_KEYRING_MUTE};

    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
        int64_t start;
        int64_t asked;

        begin();
        start = fake_clock_mono_ms();
        atomic_store(&fetch.deadline_ms, start + deadlines[i]);
        fake_keyring_plan(&mute);
        mpsc_fetch_begin(&fetch, http);
        while (!settle() && fetch.stage == MPSC_FETCH_LOADING) {
            fake_clock_advance(mpsc_fetch_due(&fetch) - fake_clock_mono_ms());
        }
        asked = fake_clock_mono_ms() - start;
        if (deadlines[i] >= 50) {
            CU_ASSERT_EQUAL(fetch.stage, MPSC_FETCH_ASKING);
            CU_ASSERT(asked <= deadlines[i] * 3 / 4 + 1);
        }
        if (!mpsc_fetch_is_known(&fetch)) {
            fake_clock_advance(mpsc_fetch_due(&fetch) - fake_clock_mono_ms());
            (void)settle();
        }
        CU_ASSERT(mpsc_fetch_is_known(&fetch));
        CU_ASSERT_EQUAL(known_error.code, MPS_E_TIMEOUT);
        CU_ASSERT(fake_clock_mono_ms() - start <= deadlines[i]);
        CU_ASSERT(mpsc_fetch_is_settled(&fetch));
        drive();
        end();
    }
}

/* The times that the helper is given. */
static void
test_query(void)
{
    static const unsigned deadlines[] = {1, 2, 100, 2000, 10000, 3600000};

    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
        struct mpsc_keyring_query query;

        begin();
        atomic_store(&fetch.deadline_ms,
                     fake_clock_mono_ms() + (int64_t)deadlines[i]);
        fetch.epoch = i + 7;
        mpsc_fetch_begin(&fetch, http);
        query = fake_keyring_query();
        CU_ASSERT_EQUAL(query.flight_ms, deadlines[i]);
        CU_ASSERT_EQUAL(query.epoch, i + 7);
        CU_ASSERT_EQUAL(fetch.hurried, deadlines[i] < DEADLINE_MS / 2);
        CU_ASSERT(query.keyring_deadline_ms <= KEYRING_MS);
        CU_ASSERT(query.keyring_deadline_ms > 0);
        /* Half of the time is the endpoint's. */
        CU_ASSERT(query.lock_wait_ms + query.keyring_deadline_ms <=
                  deadlines[i] / 2 + 1);
        mpsc_fetch_give_up(&fetch, MPS_E_TIMEOUT, "enough");
        drive();
        end();
    }
}

/* A helper that has not taken the whole record holds up the answer. */
static void
test_unsent(void)
{
    go_to(IN_STORE);
    CU_ASSERT_EQUAL(known_count, 0);
    fake_keyring_send();
    CU_ASSERT_FALSE(mpsc_fetch_step(&fetch));
    CU_ASSERT_EQUAL(known_count, 1);
    CU_ASSERT_FALSE(mpsc_fetch_is_settled(&fetch));
    CU_ASSERT_STRING_EQUAL(fake_keyring_stored(), "EAAfresh");
    drive();
    CU_ASSERT(fake_trace_is("unsent",
                            "open keyring:0 start answered:OK store "
                            "known:1:EAAfresh keyring:10 finish close over"));
    end();
}

/* The owner puts the deadline off while the fetch runs. */
static void
test_put_off(void)
{
    go_to(IN_ASK);
    atomic_fetch_add(&fetch.deadline_ms, 5000);
    fake_clock_advance(DEADLINE_MS + 1000);
    CU_ASSERT_FALSE(mpsc_fetch_step(&fetch));
    CU_ASSERT_FALSE(mpsc_fetch_is_known(&fetch));
    CU_ASSERT_EQUAL(mpsc_fetch_due(&fetch), fake_clock_mono_ms() + 4000);
    fake_clock_advance(4000);
    (void)mpsc_fetch_step(&fetch);
    CU_ASSERT_EQUAL(known_error.code, MPS_E_TIMEOUT);
    drive();
    end();
}

/* Before it has begun: its turn never came. */
static void
test_never_begun(void)
{
    begin();
    mpsc_fetch_give_up(&fetch, MPS_E_NO_MEMORY, "no client");
    CU_ASSERT(fake_trace_is("never begun", "known:NO_MEMORY"));
    CU_ASSERT_PTR_NOT_NULL(strstr(known_error.message, "no client"));
    end();

    begin();
    fake_clock_advance(DEADLINE_MS);
    mpsc_fetch_begin(&fetch, http);
    CU_ASSERT(mpsc_fetch_step(&fetch));
    CU_ASSERT(fake_trace_is("too late", "known:TIMEOUT"));
    end();
}

static void
test_watch(void)
{
    struct mpsc_http_watch watch;

    begin();
    CU_ASSERT_FALSE(mpsc_fetch_watch(&fetch, &watch));
    mpsc_fetch_begin(&fetch, http);
    /* A session without descriptor is not polled, either. */
    CU_ASSERT_FALSE(mpsc_fetch_watch(&fetch, &watch));
    CU_ASSERT_EQUAL(mpsc_fetch_due(&fetch) <= atomic_load(&fetch.deadline_ms),
                    1);
    mpsc_fetch_give_up(&fetch, MPS_E_TIMEOUT, "enough");
    drive();
    CU_ASSERT_EQUAL(mpsc_fetch_due(&fetch), INT64_MAX);
    end();
}

static const struct fake_http_answer refused = {
    MPSC_HTTP_ANSWERED, 401, "{\"error\":{\"message\":\"x\",\"code\":190}}", 0,
    NULL};

/* The partner's token was rotated while the endpoint was asked with the old
 * one: asked again at once, which counts as no attempt; but once only. */
static void
test_rotation(void)
{
    struct fake_http_plan plan = {.answers = {refused, good}, .count = 2};
    char before[MPSC_DIGEST_HEX_SIZE];

    begin();
    configuration.attempts = 1;
    fake_http_plan(&plan);
    mpsc_fetch_begin(&fetch, http);
    (void)settle();
    memcpy(before, fetch.partner_digest, sizeof(before));
    CU_ASSERT_EQUAL(strlen(before), MPSC_DIGEST_HEX_SIZE - 1);
    write_token("EAArotated\n");
    drive();
    CU_ASSERT(fake_trace_is("rotated", "open keyring:0 start start "
                                       "answered:OK store known:1:EAAfresh "
                                       "keyring:0 finish close over"));
    CU_ASSERT_STRING_EQUAL(fake_http_authorization(),
                           "Authorization: Bearer EAArotated");
    CU_ASSERT_STRING_NOT_EQUAL(fetch.partner_digest, before);
    CU_ASSERT_EQUAL(fake_clock_mono_ms(), FAKE_CLOCK_MS);
    end();

    begin();
    plan.answers[1] = refused;
    plan.repeat = 1;
    fake_http_plan(&plan);
    mpsc_fetch_begin(&fetch, http);
    (void)settle();
    write_token("EAArotated\n");
    CU_ASSERT_EQUAL(fake_http_deliver(1), 1);
    (void)settle();
    write_token("EAAthird\n");
    drive();
    CU_ASSERT_EQUAL(fake_http_counts().started, 2);
    CU_ASSERT_EQUAL(known_error.code, MPS_E_AUTH);
    end();
}

/* The attempts that are left are left after a rotation, too. */
static void
test_rotation_then_retry(void)
{
    const struct fake_http_plan plan = {
        .answers = {refused, unavailable, unavailable, good}, .count = 4};

    begin();
    configuration.keyring = MPSC_KEYRING_OFF;
    fake_http_plan(&plan);
    mpsc_fetch_begin(&fetch, http);
    write_token("EAArotated\n");
    drive();
    CU_ASSERT(fake_trace_is(
        "retries", "start start start start answered:OK known:1:EAAfresh "
                   "over"));
    end();
}

/* The same token, or none that can be read, is no reason to ask again. */
static void
test_no_rotation(void)
{
    const struct fake_http_plan plan = {
        .answers = {refused, good}, .count = 2, .repeat = 1};

    for (int removed = 0; removed < 2; removed++) {
        begin();
        fake_http_plan(&plan);
        mpsc_fetch_begin(&fetch, http);
        (void)settle();
        if (removed) {
            unlink(token_path);
        }
        drive();
        CU_ASSERT_EQUAL(known_error.code, MPS_E_AUTH);
        CU_ASSERT_EQUAL(fake_http_counts().started, 1);
        end();
    }
}

static const struct fake_http_answer unreachable = {MPSC_HTTP_NETWORK, 0, NULL,
                                                    0, NULL};

/* What the answer says of the app's use, also one that is an error. */
static void
test_usage(void)
{
    static const struct {
        const struct fake_http_answer *answer;
        const char *header;
        int usage;
    } uses[] = {
        {&good, "{\"call_count\":96,\"total_time\":3}", 96},
        {&forbidden, "{\"call_count\":7,\"total_time\":12}", 12},
        {&good, NULL, -1},
        {&unreachable, "{\"call_count\":97}", -1},
    };

    for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
        const struct fake_http_plan plan = {.answers = {*uses[i].answer},
                                            .count = 1,
                                            .app_usage = uses[i].header};

        begin();
        fake_http_plan(&plan);
        fly();
        CU_ASSERT_EQUAL(fetch.app_usage, uses[i].usage);
        end();
    }
}

/* The owner may know that the endpoint is not to be asked. */
static void
test_not_allowed(void)
{
    const struct fake_http_plan plan = {.answers = {FAKE_HTTP_TOKEN},
                                        .count = 1};

    begin();
    fake_http_plan(&plan);
    allows = 0;
    fly();
    CU_ASSERT_STRING_EQUAL(fake_trace_text(),
                           "open keyring:0 finish known:RATE_LIMITED close "
                           "over");
    CU_ASSERT_EQUAL(known_error.code, MPS_E_RATE_LIMITED);
    CU_ASSERT_PTR_NOT_NULL(strstr(known_error.message, BUSINESS));
    CU_ASSERT_EQUAL(fake_http_counts().started, 0);
    end();
}

/* It is asked before each attempt. */
static void
test_not_allowed_again(void)
{
    const struct fake_http_plan plan = {.answers = {unavailable, good},
                                        .count = 2};

    begin();
    fake_http_plan(&plan);
    allows = 1;
    fly();
    CU_ASSERT_EQUAL(known_error.code, MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(fake_http_counts().started, 1);
    end();
}

/* A token that the owner knows to be dead is neither stored nor handed on. */
static void
test_not_accepted(void)
{
    const struct fake_http_plan plan = {.answers = {FAKE_HTTP_TOKEN},
                                        .count = 1};

    begin();
    fake_http_plan(&plan);
    accepts = 0;
    fly();
    CU_ASSERT_EQUAL(known_error.code, MPS_E_PROTOCOL);
    CU_ASSERT_PTR_NULL(strstr(fake_trace_text(), "store"));
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_trace_text(), "answered:PROTOCOL"));
    CU_ASSERT_EQUAL(fake_http_counts().started, 1);
    end();
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"paths", test_paths},
        {"not believed", test_not_believed},
        {"keyring states", test_states},
        {"keyring hint", test_hint},
        {"outcomes", test_outcomes},
        {"retry", test_retry},
        {"an error with keyring", test_error_with_keyring},
        {"request", test_request},
        {"redaction", test_redaction},
        {"partner's secrets", test_partner},
        {"start fails", test_start_fails},
        {"give up", test_stages},
        {"drop", test_drop},
        {"deadline", test_deadline},
        {"mute world", test_mute_world},
        {"query", test_query},
        {"unsent", test_unsent},
        {"deadline put off", test_put_off},
        {"never begun", test_never_begun},
        {"watch and due", test_watch},
        {"rotation", test_rotation},
        {"rotation, then retries", test_rotation_then_retry},
        {"no rotation", test_no_rotation},
        {"usage", test_usage},
        {"not allowed", test_not_allowed},
        {"not allowed again", test_not_allowed_again},
        {"not accepted", test_not_accepted},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"fetch", make_directory, remove_directory, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
