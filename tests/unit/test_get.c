/* SPDX-License-Identifier: MIT */
/* A token through its life: who gets it, who waits, and when it is asked for
 * anew: on fakes, with a clock that stands. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "fake_host.h"
#include "refresh.h"
#include "run_suites.h"

#define OLD "EAAold"
#define NEW "EAAnew"

/* Of a token whose last tenth is 10 s. */
#define LIFETIME_S 100
#define MANDATORY_MS 10000

/* Of one whose refresh is far from both of its ends. */
#define LONG_S 36000

static const struct fake_http_answer failed = {
    MPSC_HTTP_ANSWERED, 500, "{\"error\":{\"message\":\"x\",\"code\":2}}", 0,
    NULL};
static const struct fake_http_answer limited = {
    MPSC_HTTP_ANSWERED, 429, "{\"error\":{\"message\":\"x\",\"code\":4}}", 0,
    "120"};

/* How the next call goes that comes with a token in hand. */
#define GETS(wanted)                                                          \
    do {                                                                      \
        CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);                         \
        CU_ASSERT_STRING_EQUAL(host.token, wanted);                           \
    } while (0)

/* The process holds a token, and the endpoint's calls are counted from here
 * on. */
static void
hold_token(int threads, int64_t lifetime_s)
{
    host.configuration.threads = threads;
    fake_host_give(OLD, lifetime_s);
    GETS(OLD);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    fake_host_give(NEW, lifetime_s);
}

/* What is held now; it stays as long as nobody else asks. */
static struct mpsc_credential *
held(void)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(host.entry->credential);
    return host.entry->credential;
}

static void
pass_to_advisory(void)
{
    fake_host_pass_until(held()->refresh_ms);
}

static void
pass_to_mandatory(void)
{
    fake_host_pass_until(
        mpsc_refresh_mandatory(held()->received_ms, held()->end_ms));
}

static void
test_fresh(void)
{
    hold_token(1, LONG_S);
    CU_ASSERT(held()->refresh_ms - held()->received_ms >= 500 * LONG_S);
    CU_ASSERT(held()->refresh_ms - held()->received_ms <= 900 * LONG_S);
    fake_host_pass_until(held()->refresh_ms - 1);
    GETS(OLD);
    CU_ASSERT_PTR_NULL(host.entry->flight);
    CU_ASSERT_EQUAL(fake_host_started(), 0);
}

/* All processes of a machine draw the same time for a token, and another one
 * for another token. */
static void
test_draw(void)
{
    int64_t first;

    hold_token(0, LONG_S);
    first = held()->refresh_ms - held()->received_ms;
    CU_ASSERT_EQUAL(fake_host_invalidate(NULL), MPS_OK);
    fake_host_give(OLD, LONG_S);
    GETS(OLD);
    CU_ASSERT_EQUAL(held()->refresh_ms - held()->received_ms, first);
    CU_ASSERT_EQUAL(fake_host_invalidate(NULL), MPS_OK);
    fake_host_give(NEW, LONG_S);
    GETS(NEW);
    CU_ASSERT_NOT_EQUAL(held()->refresh_ms - held()->received_ms, first);
}

/* One refresh in the background, while a thousand calls get the old token,
 * none of which leaves memory; and who polls hears of its end. */
static void
test_advisory(void)
{
    struct pollfd watch = {.events = POLLIN};
    const struct mpsc_flight *flight;
    int64_t due_ms;
    uint64_t count;

    hold_token(1, LONG_S);
    watch.fd = mpsc_provider_event_fd(host.provider);
    (void)!read(watch.fd, &count, sizeof(count));
    pass_to_advisory();
    fake_host_hold(NEW, LONG_S);
    GETS(OLD);
    fake_host_await_flight(1);
    flight = host.entry->flight;
    due_ms = host.profile.look_ms;
    for (int i = 0; i < 1000; i++) {
        GETS(OLD);
    }
    CU_ASSERT_EQUAL(host.profile.look_ms, due_ms);
    CU_ASSERT_PTR_EQUAL(host.entry->flight, flight);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    CU_ASSERT_EQUAL(poll(&watch, 1, 0), 0);
    fake_http_release(1);
    fake_host_await_background();
    CU_ASSERT_EQUAL(poll(&watch, 1, FAKE_HOST_HANG_MS), 1);
    GETS(NEW);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

/* As many refreshes as may be are stalled, and one more waits for its turn:
 * who needs it now gets it past them. */
static void
test_promotion(void)
{
    struct fake_host_caller caller = {.request = {.flags = MPS_FORCE_REFRESH}};
    char id[16];

    host.configuration.threads = 1;
    fake_host_give(OLD, LONG_S);
    for (int i = 0; i < 16; i++) {
        snprintf(id, sizeof(id), "%d", i);
        CU_ASSERT_EQUAL(fake_host_get_for(id, 0), MPS_OK);
    }
    GETS(OLD);
    pass_to_advisory();
    fake_host_answer(NULL);
    for (int i = 0; i < 16; i++) {
        snprintf(id, sizeof(id), "%d", i);
        CU_ASSERT_EQUAL(fake_host_get_for(id, 0), MPS_OK);
    }
    fake_host_await_started(16);
    GETS(OLD);
    fake_host_await_flight(1);
    CU_ASSERT_EQUAL(fake_host_started(), 16);
    fake_host_call(&caller);
    fake_host_await_started(17);
    fake_host_pass(10000);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_E_TIMEOUT);
}

/* It has the configured time, not that of the call that happened to start it;
 * nor has one that MPS_NO_WAIT starts. */
static void
test_background_deadline(void)
{
    const struct mps_request hasty = {.size = sizeof(hasty),
                                      .business_id = FAKE_HOST_BUSINESS,
                                      .deadline_ms = 20};
    struct mps_request without_waiting = hasty;

    hold_token(1, LONG_S);
    pass_to_advisory();
    fake_host_hold(NEW, LONG_S);
    CU_ASSERT_EQUAL(fake_host_ask(&hasty), MPS_OK);
    fake_host_await_flight(1);
    fake_host_pass(9900);
    fake_host_await_flight(1);
    fake_http_release(1);
    fake_host_await_background();
    GETS(NEW);
    CU_ASSERT_EQUAL(
        mpsc_setbacks_recall(host.entry->setbacks)->refresh_failures, 0);

    without_waiting.flags = MPS_NO_WAIT;
    CU_ASSERT_EQUAL(fake_host_invalidate(NULL), MPS_OK);
    fake_host_hold(OLD, LONG_S);
    CU_ASSERT_EQUAL(fake_host_ask(&without_waiting), MPS_E_AGAIN);
    fake_host_await_flight(1);
    fake_host_pass(9900);
    fake_host_await_flight(1);
    fake_http_release(1);
    fake_host_await_background();
    GETS(OLD);
}

/* A refresh that failed isn't tried again before its time, and the time grows;
 * the token is served all the while. */
static void
test_backoff(void)
{
    int64_t wait_ms = 0;

    hold_token(1, LONG_S);
    pass_to_advisory();
    fake_host_answer(&failed);
    for (unsigned i = 1; i <= 6; i++) {
        int64_t least_ms =
            MPSC_REFRESH_BACKOFF_FIRST_MS / 2 * (INT64_C(1) << (i - 1));

        GETS(OLD);
        fake_host_await_background();
        CU_ASSERT_EQUAL(fake_host_started(), i);
        CU_ASSERT_EQUAL(
            mpsc_setbacks_recall(host.entry->setbacks)->refresh_failures, i);
        wait_ms = fake_host_not_before_ms() - fake_host_boot_ms();
        CU_ASSERT(wait_ms >= least_ms || wait_ms >= 450000);
        CU_ASSERT(wait_ms <= 2 * least_ms);
        fake_host_pass(wait_ms - 1);
        GETS(OLD);
        CU_ASSERT_EQUAL(fake_host_started(), i);
        fake_host_pass(1);
    }
    fake_host_give(NEW, LONG_S);
    GETS(OLD);
    fake_host_await_background();
    GETS(NEW);
    CU_ASSERT_EQUAL(
        mpsc_setbacks_recall(host.entry->setbacks)->refresh_failures, 0);
    CU_ASSERT_EQUAL(fake_host_not_before_ms(), 0);
}

/* An endpoint that is down from the refresh to the very end: each call is
 * served, and then the right error comes. */
static void
test_outage(void)
{
    hold_token(1, 3600);
    pass_to_advisory();
    fake_host_answer(&failed);
    while (fake_host_boot_ms() < held()->end_ms) {
        GETS(OLD);
        fake_host_await_background();
        fake_host_pass(500);
    }
    /* 30 s, doubling, and half of the rest, then of what is left of that. */
    CU_ASSERT(fake_host_started() >= 5);
    CU_ASSERT(fake_host_started() <= 45);
    CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_E_SERVER);
    CU_ASSERT(host.error.retry_at > 0);
    CU_ASSERT_EQUAL(host.error.code, MPS_E_SERVER);
}

/* In its last part the caller refreshes it. */
static void
test_mandatory(void)
{
    hold_token(1, LONG_S);
    pass_to_mandatory();
    GETS(NEW);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

/* Where that fails it gets the old one, and so do the others for a while. */
static void
test_mandatory_fails(void)
{
    int64_t not_before_ms;

    hold_token(1, LONG_S);
    pass_to_mandatory();
    fake_host_answer(&failed);
    GETS(OLD);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    not_before_ms = fake_host_not_before_ms();
    CU_ASSERT(not_before_ms > fake_host_boot_ms());
    CU_ASSERT(not_before_ms < held()->end_ms);
    GETS(OLD);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    fake_host_pass_until(not_before_ms);
    fake_host_give(NEW, LONG_S);
    GETS(NEW);
}

/* With a stalled endpoint it waits half of the token's remaining life, and
 * spares the others that. */
static void
test_mandatory_stalls(void)
{
    struct fake_host_caller first = {.request = {.deadline_ms = 0}};

    hold_token(1, LIFETIME_S);
    fake_host_pass_until(held()->end_ms - MANDATORY_MS + 2000);
    fake_host_answer(NULL);
    fake_host_call(&first);
    fake_host_await_flight(2);
    fake_host_pass(3999);
    CU_ASSERT_FALSE(fake_host_has_ended(&first));
    fake_host_pass(1);
    fake_host_join(&first);
    CU_ASSERT_EQUAL(first.code, MPS_OK);
    CU_ASSERT_STRING_EQUAL(first.token, OLD);
    /* The same flight, and no wait. */
    fake_host_await_flight(1);
    GETS(OLD);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    /* The next one waits for it again, for half of what is left. */
    fake_host_pass_until(fake_host_not_before_ms());
    CU_ASSERT(fake_host_boot_ms() < held()->end_ms);
    fake_host_call(&first);
    fake_host_await_flight(2);
    fake_host_pass((held()->end_ms - fake_host_boot_ms()) / 2);
    fake_host_join(&first);
    CU_ASSERT_EQUAL(first.code, MPS_OK);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

/* Without threads the refresh is the caller's, early as it is. */
static void
test_no_threads(void)
{
    struct fake_host_caller caller = {.request = {.deadline_ms = 0}};

    hold_token(0, LONG_S);
    fake_host_pass_until(held()->refresh_ms - 1);
    GETS(OLD);
    fake_host_pass(1);
    GETS(NEW);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    pass_to_advisory();
    fake_host_answer(&failed);
    GETS(NEW);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    GETS(NEW);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    /* A stalled one has the call's deadline, less what it is ahead of it. */
    fake_host_pass_until(fake_host_not_before_ms());
    fake_host_answer(NULL);
    fake_host_call(&caller);
    fake_host_await_flight(2);
    fake_host_pass(9949);
    CU_ASSERT_FALSE(fake_host_has_ended(&caller));
    fake_host_pass(1);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_OK);
    /* It was the second in a row. */
    CU_ASSERT(fake_host_not_before_ms() - fake_host_boot_ms() >= 30000);
}

/* The token in hand must not run out while the fetch keeps the thread. */
static void
test_no_threads_stalls(void)
{
    struct fake_host_caller caller = {.request = {.deadline_ms = 0}};

    hold_token(0, LIFETIME_S);
    fake_host_pass_until(held()->end_ms - MANDATORY_MS + 2000);
    fake_host_answer(NULL);
    fake_host_call(&caller);
    fake_host_await_flight(2);
    fake_host_pass(3949);
    CU_ASSERT_FALSE(fake_host_has_ended(&caller));
    fake_host_pass(1);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_OK);
    CU_ASSERT_STRING_EQUAL(caller.token, OLD);
}

/* The endpoint gives the same token: half of what is left is waited, and half
 * of that again. */
static void
test_same_token(void)
{
    hold_token(1, 3600);
    for (int i = 1; i <= 5; i++) {
        int64_t now_ms;
        int64_t left_s;

        pass_to_advisory();
        now_ms = fake_host_boot_ms();
        left_s = (held()->end_ms - now_ms) / 1000;
        fake_host_give(OLD, left_s);
        GETS(OLD);
        fake_host_await_background();
        CU_ASSERT_EQUAL(fake_host_started(), 1);
        CU_ASSERT_EQUAL(held()->received_ms, now_ms);
        CU_ASSERT_EQUAL(held()->refresh_ms, now_ms + left_s * 500);
        GETS(OLD);
        CU_ASSERT_EQUAL(fake_host_started(), 1);
    }
}

/* What another process has fetched ends a refresh without a request; what is
 * held already doesn't. */
static void
test_keyring_record(void)
{
    struct fake_keyring_plan plan = {
        .token = OLD, .received_at = FAKE_CLOCK_WALL_S - 10, .no_trace = 1};

    host.configuration.threads = 1;
    host.configuration.keyring = MPSC_KEYRING_PREFERRED;
    fake_keyring_plan(&plan);
    fake_host_give(NEW, LONG_S);
    GETS(OLD);
    CU_ASSERT_EQUAL(fake_host_started(), 0);
    /* The wall clock's seconds alone make the same record look newer. */
    fake_host_pass_until(held()->refresh_ms / 1000 * 1000 + 1999 +
                         held()->received_ms % 1000);
    GETS(OLD);
    fake_host_await_background();
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    GETS(NEW);
    CU_ASSERT_EQUAL(held()->public.source, MPS_SOURCE_ENDPOINT);

    pass_to_advisory();
    fake_host_give("EAAunwanted", LONG_S);
    plan.token = "EAAother";
    plan.received_at = 0;
    fake_keyring_plan(&plan);
    GETS(NEW);
    fake_host_await_background();
    GETS("EAAother");
    CU_ASSERT_EQUAL(fake_host_started(), 0);

    /* Another one, but of before that. */
    plan.token = "EAAolder";
    plan.received_at = held()->received_at - 1;
    fake_keyring_plan(&plan);
    pass_to_advisory();
    fake_host_give(NEW, LONG_S);
    GETS("EAAother");
    fake_host_await_background();
    GETS(NEW);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

/* Whatever was stored before the machine was started is served after it. */
static void
test_keyring_before_boot(void)
{
    const struct fake_keyring_plan plan = {
        .token = OLD,
        .received_at = FAKE_CLOCK_WALL_S - FAKE_CLOCK_MS / 1000 - 3600,
        .no_trace = 1};

    host.configuration.threads = 1;
    host.configuration.keyring = MPSC_KEYRING_PREFERRED;
    fake_keyring_plan(&plan);
    fake_host_give(NEW, LONG_S);
    GETS(OLD);
    CU_ASSERT_EQUAL(held()->public.source, MPS_SOURCE_KEYRING);
    CU_ASSERT(held()->received_ms < 0);
}

/* The same token, which another process has got again since: newer, and as
 * good as if this one had. */
static void
test_keyring_same_token(void)
{
    struct fake_keyring_plan plan = {
        .token = OLD, .received_at = FAKE_CLOCK_WALL_S - 10, .no_trace = 1};

    host.configuration.threads = 1;
    host.configuration.keyring = MPSC_KEYRING_PREFERRED;
    fake_keyring_plan(&plan);
    GETS(OLD);
    pass_to_advisory();
    plan.received_at = 0;
    fake_keyring_plan(&plan);
    fake_host_give(NEW, LONG_S);
    GETS(OLD);
    fake_host_await_background();
    CU_ASSERT_EQUAL(fake_host_started(), 0);
    CU_ASSERT(held()->received_ms > fake_host_boot_ms() - 101000);
    CU_ASSERT_EQUAL(held()->refresh_ms,
                    (held()->received_ms + held()->end_ms) / 2);
}

/* Force and min_validity_s, with the endpoint at hand or closed. */
struct wish {
    const char *name;
    int state; /* seconds after the beginning; -1: advisory, -2: mandatory */
    unsigned flags;
    unsigned min_validity_s;
    const struct fake_http_answer *answer; /* NULL = a new token */
    int code;
    const char *token; /* what the call gets */
    unsigned started;  /* and the endpoint */
    const char *later; /* and what the next call, once all is quiet */
};

#define FORCE MPS_FORCE_REFRESH
#define NO_WAIT MPS_NO_WAIT

static const struct wish wishes[] = {
    {"young, force", 29, FORCE, 0, NULL, MPS_OK, OLD, 0, OLD},
    {"young, long", 29, 0, 90000, NULL, MPS_OK, OLD, 0, OLD},
    {"fresh, force", 30, FORCE, 0, NULL, MPS_OK, NEW, 1, NEW},
    {"fresh, long", 30, 0, 90000, NULL, MPS_OK, NEW, 1, NEW},
    {"fresh, short", 30, 0, 60, NULL, MPS_OK, OLD, 0, OLD},
    {"fresh, force, fails", 30, FORCE, 0, &failed, MPS_E_SERVER, "", 1, OLD},
    {"fresh, long, fails", 30, 0, 90000, &failed, MPS_E_SERVER, "", 1, OLD},
    {"fresh, force, limited", 30, FORCE, 0, &limited, MPS_E_RATE_LIMITED, "",
     1, OLD},
    {"fresh, force, no wait", 30, FORCE | NO_WAIT, 0, NULL, MPS_OK, OLD, 1,
     NEW},
    {"fresh, long, no wait", 30, NO_WAIT, 90000, NULL, MPS_E_AGAIN, "", 1,
     NEW},
    {"fresh, no wait", 30, NO_WAIT, 0, NULL, MPS_OK, OLD, 0, OLD},
    {"advisory, force", -1, FORCE, 0, NULL, MPS_OK, NEW, 1, NEW},
    {"advisory, force, fails", -1, FORCE, 0, &failed, MPS_E_SERVER, "", 1,
     OLD},
    {"advisory, no wait", -1, NO_WAIT, 0, NULL, MPS_OK, OLD, 1, NEW},
    {"advisory, short", -1, 0, 60, NULL, MPS_OK, OLD, 1, NEW},
    {"mandatory, force", -2, FORCE, 0, NULL, MPS_OK, NEW, 1, NEW},
    {"mandatory, force, fails", -2, FORCE, 0, &failed, MPS_E_SERVER, "", 1,
     OLD},
    {"mandatory, long, fails", -2, 0, 61, &failed, MPS_E_SERVER, "", 1, OLD},
    {"mandatory, short, fails", -2, 0, 60, &failed, MPS_OK, OLD, 1, OLD},
    {"mandatory, no wait", -2, NO_WAIT, 0, NULL, MPS_OK, OLD, 1, NEW},
    {"mandatory, no wait, force", -2, FORCE | NO_WAIT, 0, NULL, MPS_OK, OLD, 1,
     NEW},
    {"mandatory, no wait, fails", -2, NO_WAIT, 0, &failed, MPS_OK, OLD, 1,
     OLD},
    {"mandatory, no wait, long", -2, NO_WAIT, 61, NULL, MPS_E_AGAIN, "", 1,
     NEW},
};

static int
is_as(const struct wish *wish, int code)
{
    int right = code == wish->code && strcmp(host.token, wish->token) == 0;

    if (!right) {
        printf("\n    %s: %s \"%s\"\n", wish->name, mpsc_error_name(code),
               host.token);
    }
    return right;
}

static void
hold_at(const struct wish *wish)
{
    hold_token(1, LONG_S);
    if (wish->state == -1) {
        pass_to_advisory();
    } else if (wish->state == -2) {
        pass_to_mandatory();
    } else {
        fake_host_pass(wish->state * INT64_C(1000));
    }
}

static void
test_wishes(void)
{
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        const struct wish *wish = &wishes[i];
        int later;

        fake_host_begin();
        hold_at(wish);
        if (wish->answer != NULL) {
            fake_host_answer(wish->answer);
        }
        CU_ASSERT(
            is_as(wish, fake_host_get(wish->flags, wish->min_validity_s)));
        fake_host_await_background();
        later = fake_host_started() == wish->started &&
                strcmp(held()->public.access_token, wish->later) == 0;
        if (!later) {
            printf("\n    %s: later %s, %u requests\n", wish->name,
                   held()->public.access_token, fake_host_started());
        }
        CU_ASSERT(later);
        fake_host_end();
    }
}

/* The endpoint limits the rate, as another business has found: nothing passes
 * that, and what is good enough from memory is served. */
static const struct wish closed_wishes[] = {
    {"fresh", 30, 0, 0, NULL, MPS_OK, OLD, 0, OLD},
    {"fresh, force", 30, FORCE, 0, NULL, MPS_E_RATE_LIMITED, "", 0, OLD},
    {"fresh, long", 30, 0, 90000, NULL, MPS_E_RATE_LIMITED, "", 0, OLD},
    {"fresh, force, no wait", 30, FORCE | NO_WAIT, 0, NULL, MPS_OK, OLD, 0,
     OLD},
    {"fresh, long, no wait", 30, NO_WAIT, 90000, NULL, MPS_E_RATE_LIMITED, "",
     0, OLD},
    {"advisory", -1, 0, 0, NULL, MPS_OK, OLD, 0, OLD},
    {"advisory, no wait", -1, NO_WAIT, 0, NULL, MPS_OK, OLD, 0, OLD},
    {"mandatory", -2, 0, 0, NULL, MPS_OK, OLD, 0, OLD},
    {"mandatory, force", -2, FORCE, 0, NULL, MPS_E_RATE_LIMITED, "", 0, OLD},
    {"mandatory, no wait", -2, NO_WAIT, 0, NULL, MPS_OK, OLD, 0, OLD},
};

static void
test_wishes_closed(void)
{
    for (size_t i = 0;
         i < 2 * sizeof(closed_wishes) / sizeof(closed_wishes[0]); i++) {
        const struct wish *wish = &closed_wishes[i / 2];

        fake_host_begin();
        hold_at(wish);
        if (i % 2 != 0) {
            fake_host_keep(NULL);
        }
        fake_host_answer(&limited);
        CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_E_RATE_LIMITED);
        CU_ASSERT_EQUAL(fake_host_started(), 1);
        CU_ASSERT(
            is_as(wish, fake_host_get(wish->flags, wish->min_validity_s)));
        /* Not even tried. */
        fake_host_await_background();
        CU_ASSERT_EQUAL(
            mpsc_setbacks_recall(host.entry->setbacks)->refresh_failures, 0);
        CU_ASSERT_EQUAL(fake_host_started(), 1);
        fake_host_end();
    }
}

/* Two who wait for one flight: what satisfies the first alone isn't taken. */
static void
test_two_wishes(void)
{
    struct fake_host_caller first = {.request = {.deadline_ms = 0}};
    struct fake_host_caller second = {.request = {.min_validity_s = 2000}};

    host.configuration.threads = 1;
    fake_host_keep(OLD); /* for 1,000 s yet */
    fake_keyring_load_manner(FAKE_KEYRING_MUTE);
    fake_host_give(NEW, LONG_S);
    fake_host_call(&first);
    fake_host_await_flight(2);
    fake_host_call(&second);
    fake_host_await_flight(3);
    fake_keyring_load_manner(FAKE_KEYRING_ANSWERS);
    fake_host_join(&first);
    fake_host_join(&second);
    CU_ASSERT_STRING_EQUAL(first.token, NEW);
    CU_ASSERT_STRING_EQUAL(second.token, NEW);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

/* While a flight asks the keyring, its token comes to memory with all others:
 * it is none the worse for that. */
static void
test_loaded_meanwhile(void)
{
    struct fake_host_caller caller = {.request = {.deadline_ms = 0}};
    struct mpsc_record record = {
        .expires_at = FAKE_CLOCK_WALL_S + 1000,
        .received_at = FAKE_CLOCK_WALL_S - 100,
    };
    struct mpsc_flight *flight;
    char digest[MPSC_DIGEST_HEX_SIZE];

    host.configuration.threads = 1;
    fake_host_keep(OLD);
    fake_keyring_load_manner(FAKE_KEYRING_MUTE);
    fake_host_call(&caller);
    fake_host_await_flight(2);
    CU_ASSERT_EQUAL(mpsc_secret_set(&record.token, OLD, strlen(OLD)), 0);
    mpsc_provider_lock(host.provider);
    flight =
        mpsc_flight_new(&host.provider->hub, &host.profile,
                        host.profile.holdings, host.entry, MPSC_FETCH_TOKEN);
    mpsc_provider_unlock(host.provider);
    CU_ASSERT_PTR_NOT_NULL_FATAL(flight);
    CU_ASSERT(mpsc_flight_land(flight, &record));
    fake_keyring_load_manner(FAKE_KEYRING_ANSWERS);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_OK);
    CU_ASSERT_STRING_EQUAL(caller.token, OLD);
    CU_ASSERT_EQUAL(fake_host_started(), 0);
    /* It wasn't asked for anew: its refresh is at the drawn moment. */
    CU_ASSERT_EQUAL(mpsc_credential_digest(held(), digest), 0);
    CU_ASSERT_EQUAL(held()->refresh_ms,
                    mpsc_refresh_moment(digest, host.profile.boot_id,
                                        held()->received_ms, held()->end_ms));
    mpsc_record_free(&record);
}

static int
has_joined(void)
{
    int joined;

    mpsc_provider_lock(host.provider);
    joined = host.entry->flight->references == 2;
    mpsc_provider_unlock(host.provider);
    return joined;
}

/* One who comes when the keyring's record is believed already looks for
 * another. */
static void
test_late_wish(void)
{
    struct fake_host_caller second = {.request = {.min_validity_s = 2000}};
    struct mpsc_record record = {.token = MPSC_SECRET_EMPTY};
    struct mpsc_flight *flight;

    mpsc_provider_lock(host.provider);
    flight =
        mpsc_flight_new(&host.provider->hub, &host.profile,
                        host.profile.holdings, host.entry, MPSC_FETCH_TOKEN);
    CU_ASSERT_PTR_NOT_NULL_FATAL(flight);
    host.entry->flight = flight;
    mpsc_provider_unlock(host.provider);
    record.received_at = FAKE_CLOCK_WALL_S - 100;
    record.expires_at = FAKE_CLOCK_WALL_S + 1000;
    CU_ASSERT_EQUAL(mpsc_secret_set(&record.token, OLD, strlen(OLD)), 0);
    CU_ASSERT(flight->fetch.events->believe(flight, &record));
    fake_host_give(NEW, LONG_S);
    fake_host_call(&second);
    fake_host_await(has_joined);
    flight->fetch.events->known(flight, &record, MPS_SOURCE_KEYRING, NULL);
    flight->fetch.events->over(flight);
    mpsc_record_free(&record);
    fake_host_join(&second);
    CU_ASSERT_EQUAL(second.code, MPS_OK);
    CU_ASSERT_STRING_EQUAL(second.token, NEW);
}

/* The held token's refresh is put off: into the first half of what is left of
 * it when closed_ms are over. Lets time pass until then. */
static void
check_put_off(int64_t closed_ms)
{
    int64_t from_ms = fake_host_boot_ms() + closed_ms;
    int64_t until_ms = fake_host_not_before_ms();

    CU_ASSERT(until_ms > from_ms);
    CU_ASSERT(until_ms <= from_ms + (held()->end_ms - from_ms) / 2);
    fake_host_pass_until(until_ms - 1);
    GETS(OLD);
    CU_ASSERT_PTR_NULL(host.entry->flight);
    CU_ASSERT_EQUAL(fake_host_started(), 0);
    fake_host_pass(1);
}

/* A limit holds up many tokens' refreshes, of all hosts alike: they don't come
 * together when it is over. */
static void
test_limit_over(void)
{
    hold_token(1, LONG_S);
    pass_to_advisory();
    fake_host_answer(&limited);
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_E_RATE_LIMITED);
    fake_host_give(NEW, LONG_S);
    GETS(OLD);
    check_put_off(120000);
    GETS(OLD);
    fake_host_await_background();
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    GETS(NEW);
    CU_ASSERT_EQUAL(fake_host_not_before_ms(), 0);
}

/* A limit that outlasts the token keeps nobody from asking in its last
 * part. */
static void
test_usage_to_the_end(void)
{
    hold_token(1, LIFETIME_S);
    pass_to_advisory();
    fake_host_give_used("EAAother", LONG_S, "{\"call_count\":95}");
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_OK);
    fake_host_give(NEW, LONG_S);
    GETS(OLD);
    fake_host_pass_until(held()->end_ms - MANDATORY_MS - 1);
    GETS(OLD);
    CU_ASSERT_EQUAL(fake_host_started(), 0);
    fake_host_pass(1);
    GETS(NEW);
    CU_ASSERT_EQUAL(fake_host_started(), 1);
}

/* The app's use of the API is near its limit: what can wait does, what can't
 * doesn't. */
static void
test_usage(void)
{
    for (int threads = 0; threads < 2; threads++) {
        unsigned refreshed = threads ? NO_WAIT : 0;

        fake_host_begin();
        hold_token(threads, LONG_S);
        pass_to_advisory();
        fake_host_give_used("EAAother", LONG_S, "{\"call_count\":95}");
        CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_OK);
        fake_host_give(NEW, LONG_S);
        GETS(OLD);
        CU_ASSERT_PTR_NULL(host.entry->flight);
        check_put_off(MPSC_LIMITS_USAGE_MS);
        CU_ASSERT_EQUAL(fake_host_get(0, 0), MPS_OK);
        fake_host_await_background();
        CU_ASSERT_EQUAL(fake_host_started(), 1);

        pass_to_mandatory();
        fake_host_give_used("EAAother", LONG_S, "{\"call_count\":95}");
        CU_ASSERT_EQUAL(fake_host_get_for("2", 0), MPS_OK);
        fake_host_give("EAAlast", LONG_S);
        CU_ASSERT_EQUAL(fake_host_get(refreshed, 0), MPS_OK);
        fake_host_await_background();
        CU_ASSERT_EQUAL(fake_host_started(), 1);
        GETS("EAAlast");
        fake_host_end();
    }
}

/* The refresh is on its way when the limit becomes known: it isn't made, and
 * that is no failure. */
static void
test_usage_meanwhile(void)
{
    hold_token(1, LONG_S);
    pass_to_advisory();
    fake_host_keep(NULL);
    fake_host_give(NEW, LONG_S);
    fake_keyring_load_manner(FAKE_KEYRING_MUTE);
    GETS(OLD);
    fake_host_await_flight(1);
    fake_host_give_used("EAAother", LONG_S, "{\"call_count\":100}");
    host.configuration.keyring = MPSC_KEYRING_OFF;
    CU_ASSERT_EQUAL(fake_host_get_for("1", 0), MPS_OK);
    host.configuration.keyring = MPSC_KEYRING_PREFERRED;
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    fake_keyring_load_manner(FAKE_KEYRING_ANSWERS);
    fake_host_await_background();
    CU_ASSERT_EQUAL(fake_host_started(), 1);
    CU_ASSERT_EQUAL(
        mpsc_setbacks_recall(host.entry->setbacks)->refresh_failures, 0);
    CU_ASSERT_PTR_NULL(mpsc_setbacks_recall(host.entry->setbacks)->failure);
    GETS(OLD);
}

/* What a call fell back on may be dead by the time that it does. */
static void
test_dead_fallback(void)
{
    struct fake_host_caller caller = {.request = {.deadline_ms = 0}};

    hold_token(1, LIFETIME_S);
    fake_host_pass_until(held()->end_ms - MANDATORY_MS + 2000);
    fake_host_hold(NEW, LONG_S);
    fake_host_call(&caller);
    fake_host_await_flight(2);
    CU_ASSERT_EQUAL(fake_host_invalidate(OLD), MPS_OK);
    fake_host_pass(4000);
    fake_host_await_flight(2);
    CU_ASSERT_FALSE(fake_host_has_ended(&caller));
    fake_host_answer(&failed);
    fake_http_release(1);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_E_SERVER);
    CU_ASSERT_STRING_EQUAL(caller.token, "");
}

/* Or at its end: the machine was suspended. */
static void
test_end_while_waiting(void)
{
    struct fake_host_caller caller = {.request = {.deadline_ms = 5000}};

    hold_token(1, LIFETIME_S);
    fake_host_pass_until(held()->end_ms - MANDATORY_MS + 2000);
    fake_host_answer(NULL);
    fake_host_call(&caller);
    fake_host_await_flight(2);
    fake_host_pass(9000);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_E_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(caller.token, "");
}

/* With none left the call has all of its time. */
static void
test_expired_stalls(void)
{
    struct fake_host_caller caller = {.request = {.deadline_ms = 0}};

    hold_token(1, LIFETIME_S);
    fake_host_pass_until(held()->end_ms);
    fake_host_answer(NULL);
    fake_host_call(&caller);
    fake_host_await_flight(2);
    fake_host_pass(9949);
    CU_ASSERT_FALSE(fake_host_has_ended(&caller));
    fake_host_pass(1);
    fake_host_join(&caller);
    CU_ASSERT_EQUAL(caller.code, MPS_E_TIMEOUT);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"fresh", test_fresh},
        {"draw", test_draw},
        {"advisory", test_advisory},
        {"promotion", test_promotion},
        {"background deadline", test_background_deadline},
        {"back-off", test_backoff},
        {"outage", test_outage},
        {"mandatory", test_mandatory},
        {"mandatory, fails", test_mandatory_fails},
        {"mandatory, stalls", test_mandatory_stalls},
        {"no threads", test_no_threads},
        {"no threads, stalls", test_no_threads_stalls},
        {"the same token", test_same_token},
        {"keyring's record", test_keyring_record},
        {"a record from before the boot", test_keyring_before_boot},
        {"keyring's record of the same token", test_keyring_same_token},
        {"two wishes", test_two_wishes},
        {"loaded meanwhile", test_loaded_meanwhile},
        {"late wish", test_late_wish},
        {"a limit that is over", test_limit_over},
        {"usage to the end", test_usage_to_the_end},
        {"usage meanwhile", test_usage_meanwhile},
        {"dead fallback", test_dead_fallback},
        {"end while waiting", test_end_while_waiting},
        {"expired, stalls", test_expired_stalls},
        CU_TEST_INFO_NULL,
    };
    /* These begin a host for each row. */
    CU_TestInfo tables[] = {
        {"wishes", test_wishes},
        {"wishes at a closed endpoint", test_wishes_closed},
        {"usage", test_usage},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"get", fake_host_make_directory, fake_host_remove_directory,
         fake_host_begin, fake_host_end, tests},
        {"get, tables", fake_host_make_directory, fake_host_remove_directory,
         NULL, NULL, tables},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
