/* SPDX-License-Identifier: MIT */
/*
 * fake_host: a host's process: a provider with one profile, whose clock and
 * ports are the fakes. No keyring, no thread and no runtime directory unless
 * a test sets them. Also a call's wait for its flight is by the fake clock.
 */
#ifndef TEST_FAKE_HOST_H
#define TEST_FAKE_HOST_H

#include "fake_clock.h"
#include "fake_http.h"
#include "fake_keyring.h"
#include "provider.h"

#define FAKE_HOST_BUSINESS "4711"

/* A wait for what happens by itself ends after this. */
#define FAKE_HOST_HANG_MS 10000

struct fake_host {
    struct mpsc_configuration configuration; /* the test may change it */
    struct mpsc_profile profile;
    struct mpsc_provider *provider;
    struct mpsc_entry *entry; /* of FAKE_HOST_BUSINESS */
    struct mps_error error;   /* of the last call */
    char token[64];           /* that it got; "" = none */
    atomic_uint hot;          /* calls that mpsc_get_hot() answered */
};

extern struct fake_host host;

/* For a suite: a directory with the partner's token in it. 0 or -1. */
int fake_host_make_directory(void);
int fake_host_remove_directory(void);

/* For each test: a new process at a good endpoint; and that it leaves nothing
 * behind. */
void fake_host_begin(void);
void fake_host_end(void);

/* An mpsc_clock_fn: the fake clock, but CLOCK_BOOTTIME begins at the real one,
 * which is what stands in the runtime directory's files. */
void fake_host_now(struct mpsc_time *now);
int64_t fake_host_boot_ms(void);

/* Its mpsc_clock_coarse_fn. */
int64_t fake_host_coarse(void);

/* Until when the held token's refresh waits; 0 = it doesn't. */
int64_t fake_host_not_before_ms(void);

/* The partner's token from now on; NULL = none. */
void fake_host_set_partner(const char *token);

/* A runtime directory of its own for this test; its path. */
const char *fake_host_share(void);

/* What the endpoint says from now on: one answer, or NULL: it stalls. What
 * stalls already does so on, what is held gets the new answer. The calls
 * started are counted anew. */
void fake_host_answer(const struct fake_http_answer *answer);

/* The same, with a token of this name and lifetime. That of hold() waits for
 * fake_http_release(). */
void fake_host_give(const char *token, int64_t lifetime_s);
void fake_host_hold(const char *token, int64_t lifetime_s);

/* Likewise, with the header X-App-Usage. */
void fake_host_give_used(const char *token, int64_t lifetime_s,
                         const char *app_usage);

/* The keyring is used, and has this token; NULL = none. */
void fake_host_keep(const char *token);

/* One call, as the module's shell makes it; its code. */
int fake_host_get(unsigned flags, unsigned min_validity_s);
int fake_host_get_for(const char *business_id, unsigned flags);
int fake_host_ask(const struct mps_request *request);
int fake_host_invalidate(const char *access_token);

/* Waits until a condition holds. */
void fake_host_await(int (*is)(void));

/* How many calls the endpoint got since fake_host_answer(); and waits for so
 * many. */
unsigned fake_host_started(void);
void fake_host_await_started(unsigned count);

/* Waits until no flight of FAKE_HOST_BUSINESS is under way. */
void fake_host_await_background(void);

/* Waits until that flight is there with so many references, and the thread
 * that runs it rests in poll(). */
void fake_host_await_flight(unsigned references);

/* A caller in a thread of its own, with the request's business, deadline,
 * wish and flags. */
struct fake_host_caller {
    struct mps_request request;
    pthread_t thread;
    int code;
    atomic_int_least64_t ended_ms; /* since the clock's start; -1 = not yet */
    char token[64];
    struct mps_error error;
};
void fake_host_call(struct fake_host_caller *caller);
void fake_host_join(struct fake_host_caller *caller);

/* Whether it has ended. */
int fake_host_has_ended(struct fake_host_caller *caller);

/* Lets time pass, and waits until every caller that waits has looked at the
 * clock since: who is still waiting then waits on. */
void fake_host_pass(int64_t ms);

/* Lets time pass up to a moment of CLOCK_BOOTTIME. */
void fake_host_pass_until(int64_t boot_ms);

#endif
