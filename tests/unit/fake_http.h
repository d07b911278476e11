/* SPDX-License-Identifier: MIT */
/*
 * fake_http: the HTTP port without a network. Calls get the planned answers,
 * in the order in which they are started; what has none stalls. poll() waits
 * for the fake clock.
 */
#ifndef TEST_FAKE_HTTP_H
#define TEST_FAKE_HTTP_H

#include "http.h"

struct fake_http_answer {
    enum mpsc_http_outcome outcome;
    int status;
    const char *body;
    int64_t date;
    const char *retry_after; /* NULL = none */
};

/* A token that lives for an hour of the fake clock. */
#define FAKE_HTTP_TOKEN                                                       \
    {                                                                         \
        MPSC_HTTP_ANSWERED, 200,                                              \
            "{\"access_token\":\"EAAfresh\",\"expires_at\":1700003600}", 0,   \
            NULL                                                              \
    }

#define FAKE_HTTP_ANSWERS_MAX 8

struct fake_http_plan {
    struct fake_http_answer answers[FAKE_HTTP_ANSWERS_MAX];
    unsigned count;
    int repeat;      /* the last answer is every further call's, too */
    int fails_open;  /* open() returns NULL */
    int fails_start; /* start() returns -1 */
    int fails_poll;  /* poll() returns -1 at once */
    int holds;       /* poll() delivers nothing: fake_http_deliver() does */
    int no_trace;
    int unusable;          /* usable() is 0 */
    const char *app_usage; /* of each answer; NULL = none */
};

extern const struct mpsc_http_port fake_http;

/* The plan, and a clean slate. */
void fake_http_plan(const struct fake_http_plan *plan);

/* Completes up to `most` calls under way that have an answer. How many. For
 * tests that poll nothing: runs done() on this thread. */
unsigned fake_http_deliver(unsigned most);

/* Lets poll() complete up to `most` calls. */
void fake_http_release(unsigned most);

/* Gives poll() back its way. */
void fake_http_mend_poll(void);

struct fake_http_counts {
    unsigned opened, closed, abandoned; /* closed: not abandoned */
    unsigned started, cancelled, under_way, wakeups;
    unsigned polls;
    unsigned waiting; /* threads in poll() */
    unsigned mistakes;
};

struct fake_http_counts fake_http_counts(void);

/* The same. Called with fake_lock. */
const struct fake_http_counts *fake_http_counts_unlocked(void);

/* True while a thread waits in poll() and knows all that has happened. For
 * tests with one thread that polls. Called with fake_lock. */
int fake_http_rests_unlocked(void);

/* Of the last call that was started. */
const char *fake_http_url(void);
const char *fake_http_authorization(void);

#endif
