/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "fake_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_clock.h"
#include "fake_trace.h"

/* A call under way: its handle. */
struct flying {
    struct flying *next;
    struct mpsc_http *http;
    struct mpsc_http_call *call;
    const struct fake_http_answer *answer; /* NULL = it stalls */
};

struct mpsc_http {
    int woken;
    unsigned kicks; /* those that poll() has seen */
};

/* Guarded by fake_lock. */
static struct fake_http_plan plan;
static struct fake_http_counts counts;
static struct flying *flying;
static unsigned released;
static unsigned rest_kicks; /* seen by the thread that waited last */
static char url[512];
static char authorization[512];

void
fake_http_plan(const struct fake_http_plan *wanted)
{
    struct fake_http_counts kept = {.opened = 0};

    pthread_mutex_lock(&fake_lock);
    /* Clients and their threads stay. */
    kept.opened = counts.opened - counts.closed - counts.abandoned;
    kept.waiting = counts.waiting;
    kept.under_way = counts.under_way;
    plan = *wanted;
    counts = kept;
    released = 0;
    pthread_mutex_unlock(&fake_lock);
}

static struct mpsc_http *
fake_open(void)
{
    struct mpsc_http *http = NULL;

    pthread_mutex_lock(&fake_lock);
    if (!plan.fails_open) {
        http = calloc(1, sizeof(*http));
        counts.opened++;
    }
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
    return http;
}

/* The answer of the call that is started now. Called with the lock. */
static const struct fake_http_answer *
next_answer_unlocked(void)
{
    if (counts.started < plan.count) {
        return &plan.answers[counts.started];
    }
    return plan.repeat ? &plan.answers[plan.count - 1] : NULL;
}

static int
fake_start(struct mpsc_http *http, struct mpsc_http_call *call)
{
    struct flying *one = calloc(1, sizeof(*one));
    struct flying **end = &flying;
    int fails;

    pthread_mutex_lock(&fake_lock);
    fails = plan.fails_start;
    if (fails) {
        call->response.outcome = MPSC_HTTP_INTERNAL;
        free(one);
    } else {
        one->http = http;
        one->call = call;
        one->answer = next_answer_unlocked();
        call->handle = one;
        while (*end != NULL) {
            end = &(*end)->next;
        }
        *end = one;
        counts.started++;
        counts.under_way++;
        snprintf(url, sizeof(url), "%s", call->request.url.data);
        snprintf(authorization, sizeof(authorization), "%s",
                 call->request.authorization.data);
    }
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
    if (!plan.no_trace) {
        fake_trace("start");
    }
    return fails ? -1 : 0;
}

/* Takes a call out of the list and frees its handle. Called with the lock. */
static void
land_unlocked(struct flying **link)
{
    struct flying *one = *link;

    *link = one->next;
    one->call->handle = NULL;
    counts.under_way--;
    free(one);
}

static void
fake_cancel(struct mpsc_http *http, struct mpsc_http_call *call)
{
    struct flying **link = &flying;

    pthread_mutex_lock(&fake_lock);
    while (*link != NULL && *link != call->handle) {
        link = &(*link)->next;
    }
    if (*link == NULL || (*link)->http != http) {
        printf("\n    cancel() of a call that isn't under way\n");
        counts.mistakes++;
    } else {
        land_unlocked(link);
        counts.cancelled++;
    }
    pthread_mutex_unlock(&fake_lock);
    if (!plan.no_trace) {
        fake_trace("cancel");
    }
}

static void
fill(struct mpsc_http_response *response,
     const struct fake_http_answer *answer)
{
    response->outcome = answer->outcome;
    response->status = answer->status;
    response->date = answer->date;
    snprintf(response->retry_after, sizeof(response->retry_after), "%s",
             answer->retry_after != NULL ? answer->retry_after : "");
    snprintf(response->app_usage, sizeof(response->app_usage), "%s",
             plan.app_usage != NULL ? plan.app_usage : "");
    if (answer->body != NULL) {
        (void)mpsc_secret_set(&response->body, answer->body,
                              strlen(answer->body));
    }
}

/* Completes the client's first call that has an answer. http NULL: any. */
static int
deliver_one(const struct mpsc_http *http)
{
    struct flying **link = &flying;
    const struct fake_http_answer *answer;
    struct mpsc_http_call *call = NULL;

    pthread_mutex_lock(&fake_lock);
    while (*link != NULL && ((*link)->answer == NULL ||
                             (http != NULL && (*link)->http != http))) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        call = (*link)->call;
        answer = (*link)->answer;
        land_unlocked(link);
        fill(&call->response, answer);
    }
    pthread_mutex_unlock(&fake_lock);
    if (call != NULL) {
        call->done(call, call->arg);
    }
    return call != NULL;
}

unsigned
fake_http_deliver(unsigned most)
{
    unsigned count = 0;

    while (count < most && deliver_one(NULL)) {
        count++;
    }
    return count;
}

void
fake_http_release(unsigned most)
{
    pthread_mutex_lock(&fake_lock);
    released += most;
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
}

void
fake_http_mend_poll(void)
{
    pthread_mutex_lock(&fake_lock);
    plan.fails_poll = 0;
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
}

/* How many calls poll() may complete now. */
static unsigned
take_released(void)
{
    unsigned most;

    pthread_mutex_lock(&fake_lock);
    most = plan.holds ? released : UINT32_MAX;
    released = 0;
    pthread_mutex_unlock(&fake_lock);
    return most;
}

/* Waits for a wakeup, anything new or the end of the time. */
static void
wait_unlocked(struct mpsc_http *http, int64_t until_ms)
{
    counts.waiting++;
    rest_kicks = http->kicks;
    fake_rest_unlocked();
    while (!http->woken && http->kicks == fake_kicks_unlocked() &&
           fake_clock_mono_ms() < until_ms) {
        (void)fake_await_unlocked();
    }
    counts.waiting--;
    http->woken = 0;
    http->kicks = fake_kicks_unlocked();
}

static int
fake_poll(struct mpsc_http *http, struct mpsc_http_watch *watches,
          unsigned count, int timeout_ms)
{
    int64_t until_ms = fake_clock_mono_ms() + timeout_ms;
    unsigned most;
    int fails;

    (void)watches;
    (void)count;
    pthread_mutex_lock(&fake_lock);
    counts.polls++;
    fails = plan.fails_poll;
    if (!fails) {
        wait_unlocked(http, until_ms);
    }
    pthread_mutex_unlock(&fake_lock);
    if (fails) {
        return -1;
    }
    for (most = take_released(); most > 0 && deliver_one(http); most--) {
    }
    return 0;
}

static void
fake_wakeup(struct mpsc_http *http)
{
    pthread_mutex_lock(&fake_lock);
    http->woken = 1;
    counts.wakeups++;
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
}

static int
fake_usable(struct mpsc_http *http)
{
    int usable;

    (void)http;
    pthread_mutex_lock(&fake_lock);
    usable = !plan.unusable;
    pthread_mutex_unlock(&fake_lock);
    return usable;
}

static const char *
fake_ca_file(void)
{
    return NULL;
}

static void
fake_close(struct mpsc_http **http)
{
    if (*http == NULL) {
        return;
    }
    pthread_mutex_lock(&fake_lock);
    for (struct flying *one = flying; one != NULL; one = one->next) {
        counts.mistakes += one->http == *http;
    }
    counts.closed++;
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
    free(*http);
    *http = NULL;
}

static void
fake_abandon(struct mpsc_http **http)
{
    if (*http == NULL) {
        return;
    }
    pthread_mutex_lock(&fake_lock);
    counts.abandoned++;
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
    free(*http);
    *http = NULL;
}

int
fake_http_rests_unlocked(void)
{
    return counts.waiting > 0 && rest_kicks == fake_kicks_unlocked();
}

const struct fake_http_counts *
fake_http_counts_unlocked(void)
{
    return &counts;
}

struct fake_http_counts
fake_http_counts(void)
{
    struct fake_http_counts copy;

    pthread_mutex_lock(&fake_lock);
    copy = counts;
    pthread_mutex_unlock(&fake_lock);
    return copy;
}

const char *
fake_http_url(void)
{
    return url;
}

const char *
fake_http_authorization(void)
{
    return authorization;
}

const struct mpsc_http_port fake_http = {
    .open = fake_open,
    .start = fake_start,
    .cancel = fake_cancel,
    .poll = fake_poll,
    .wakeup = fake_wakeup,
    .usable = fake_usable,
    .ca_file = fake_ca_file,
    .close = fake_close,
    .abandon = fake_abandon,
};
