/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "limit.h"

#include <string.h>

#include "error.h"

#define RATE_FIRST_MS 30000
#define RATE_LAST_MS 3600000

#define AUTH_MS 60000

#define BREAKER_FAILURES 3
#define BREAKER_FIRST_MS 1000
#define BREAKER_LAST_MS 60000

enum kind {
    KIND_SILENT,  /* says nothing about the endpoint */
    KIND_FAILURE, /* the endpoint, or the way to it, doesn't work */
    KIND_ANSWER
};

static enum kind
kind_of(int code)
{
    switch (code) {
    case MPS_E_NETWORK:
    case MPS_E_TLS:
    case MPS_E_TIMEOUT:
    case MPS_E_SERVER:
        return KIND_FAILURE;
    case MPS_OK:
    case MPS_E_BAD_REQUEST:
    case MPS_E_AUTH:
    case MPS_E_FORBIDDEN:
    case MPS_E_NOT_FOUND:
    case MPS_E_UNPROCESSABLE:
    case MPS_E_RATE_LIMITED:
    case MPS_E_PROTOCOL:
        return KIND_ANSWER;
    default:
        return KIND_SILENT;
    }
}

static int
is_closed(const struct mpsc_limit *limit, int64_t now_ms)
{
    return limit->code != 0 && now_ms < limit->until_ms;
}

enum mpsc_limits_verdict
mpsc_limits_check(const struct mpsc_limits *limits, int64_t now_ms,
                  const struct mpsc_limit **why)
{
    const struct mpsc_limit *const all[] = {&limits->rate, &limits->auth,
                                            &limits->breaker};

    *why = NULL;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (is_closed(all[i], now_ms) &&
            (*why == NULL || all[i]->until_ms > (*why)->until_ms)) {
            *why = all[i];
        }
    }
    if (*why != NULL) {
        return MPSC_LIMITS_CLOSED;
    }
    if (limits->breaker.code == 0) {
        return MPSC_LIMITS_OPEN;
    }
    *why = &limits->breaker;
    return now_ms < limits->probe_until_ms ? MPSC_LIMITS_CLOSED
                                           : MPSC_LIMITS_PROBE;
}

int64_t
mpsc_limits_advisory_from(const struct mpsc_limits *limits, int64_t now_ms)
{
    const struct mpsc_limit *why;
    int64_t from_ms = now_ms;

    if (mpsc_limits_check(limits, now_ms, &why) == MPSC_LIMITS_CLOSED) {
        from_ms =
            is_closed(why, now_ms) ? why->until_ms : limits->probe_until_ms;
    }
    return from_ms > limits->usage_until_ms ? from_ms : limits->usage_until_ms;
}

int
mpsc_limits_allow_advisory(const struct mpsc_limits *limits, int64_t now_ms)
{
    return mpsc_limits_advisory_from(limits, now_ms) <= now_ms;
}

void
mpsc_limits_claim(struct mpsc_limits *limits, int64_t until_ms)
{
    limits->probe_until_ms = until_ms;
}

/* Uniform from 0 to `most`: the high bits of the product, so no modulo. */
static int64_t
draw(int64_t most, uint32_t random)
{
    return (int64_t)(((uint64_t)random * (uint64_t)(most + 1)) >> 32);
}

/* `first` doubled `step` times, `last` at most. */
static int64_t
doubled(int64_t first, unsigned step, int64_t last)
{
    while (step > 0 && first < last) {
        first *= 2;
        step--;
    }
    return first < last ? first : last;
}

static unsigned
one_more(unsigned count)
{
    return count < MPSC_LIMITS_COUNT_MAX ? count + 1 : count;
}

/* Takes over what the error says, and leaves the step. */
static void
close_until(struct mpsc_limit *limit, const struct mps_error *error,
            int64_t until_ms)
{
    limit->code = error->code;
    limit->until_ms = until_ms;
    limit->http_status = error->http_status;
    limit->graph_code = error->graph_code;
    limit->graph_subcode = error->graph_subcode;
    limit->is_transient = error->is_transient;
    memcpy(limit->type, error->type, sizeof(limit->type));
    memcpy(limit->fbtrace_id, error->fbtrace_id, sizeof(limit->fbtrace_id));
    memcpy(limit->message, error->message, sizeof(limit->message));
}

static void
count_rate(struct mpsc_limit *rate, const struct mps_error *error,
           const struct mpsc_time *now, uint32_t random)
{
    if (error->retry_at > now->wall_s) {
        int64_t wait_s = error->retry_at - now->wall_s;
        int64_t wait_ms = wait_s < MPSC_LIMITS_RATE_MAX_MS / 1000
                              ? wait_s * 1000
                              : MPSC_LIMITS_RATE_MAX_MS;

        /* Of several demands the longest holds. */
        if (now->boot_ms + wait_ms > rate->until_ms) {
            close_until(rate, error, now->boot_ms + wait_ms);
        }
    } else if (!is_closed(rate, now->boot_ms)) {
        int64_t half = doubled(RATE_FIRST_MS, rate->step, RATE_LAST_MS) / 2;

        close_until(rate, error, now->boot_ms + half + draw(half, random));
        rate->step = one_more(rate->step);
    }
}

static void
count_failure(struct mpsc_limits *limits, const struct mps_error *error,
              int64_t now_ms, uint32_t random)
{
    struct mpsc_limit *breaker = &limits->breaker;
    int64_t pause;

    limits->failures = one_more(limits->failures);
    if (is_closed(breaker, now_ms) ||
        (breaker->code == 0 && limits->failures < BREAKER_FAILURES)) {
        return;
    }
    /* A failure without a probe is late, too, but news: the pause begins
     * again as it was. */
    if (breaker->step == 0 || limits->probe_until_ms != 0) {
        breaker->step = one_more(breaker->step);
    }
    pause = doubled(BREAKER_FIRST_MS, breaker->step - 1, BREAKER_LAST_MS);
    close_until(breaker, error,
                now_ms + pause * 3 / 4 + draw(pause / 2, random));
    limits->probe_until_ms = 0;
}

static void
count_usage(struct mpsc_limits *limits, int app_usage, int64_t now_ms)
{
    if (app_usage >= MPSC_LIMITS_USAGE_PERCENT) {
        limits->usage_until_ms = now_ms + MPSC_LIMITS_USAGE_MS;
    } else if (app_usage >= 0) {
        limits->usage_until_ms = 0;
    }
}

/* After a success. */
static void
forgive(struct mpsc_limit *limit, int64_t now_ms)
{
    if (!is_closed(limit, now_ms)) {
        memset(limit, 0, sizeof(*limit));
    }
}

void
mpsc_limits_count(struct mpsc_limits *limits, const struct mps_error *error,
                  int app_usage, const struct mpsc_time *now, uint32_t random)
{
    int code = error != NULL ? error->code : MPS_OK;
    enum kind kind = kind_of(code);

    if (kind == KIND_SILENT) {
        return;
    }
    count_usage(limits, app_usage, now->boot_ms);
    if (kind == KIND_FAILURE) {
        count_failure(limits, error, now->boot_ms, random);
        return;
    }
    memset(&limits->breaker, 0, sizeof(limits->breaker));
    limits->failures = 0;
    limits->probe_until_ms = 0;
    if (code == MPS_E_RATE_LIMITED) {
        count_rate(&limits->rate, error, now, random);
    } else if (code == MPS_E_AUTH && !is_closed(&limits->auth, now->boot_ms)) {
        close_until(&limits->auth, error, now->boot_ms + AUTH_MS);
    } else if (code == MPS_OK) {
        forgive(&limits->rate, now->boot_ms);
        forgive(&limits->auth, now->boot_ms);
    }
}

/* For people: what has happened. */
static const char *
reason(int code)
{
    switch (code) {
    case MPS_E_RATE_LIMITED:
        return "the endpoint limits the rate";
    case MPS_E_AUTH:
        return "the endpoint refused the partner's token";
    default:
        return "the endpoint failed again and again";
    }
}

void
mpsc_limits_explain(const struct mpsc_limit *why, const struct mpsc_time *now,
                    struct mps_error *error)
{
    int64_t left_ms = why->until_ms - now->boot_ms;

    mpsc_error_set(error, why->code, "not asked, since %s: %s",
                   reason(why->code), why->message);
    error->http_status = why->http_status;
    error->graph_code = why->graph_code;
    error->graph_subcode = why->graph_subcode;
    error->is_transient = why->is_transient;
    memcpy(error->type, why->type, sizeof(error->type));
    memcpy(error->fbtrace_id, why->fbtrace_id, sizeof(error->fbtrace_id));
    /* Where the pause is over but somebody probes: any moment now. */
    error->retry_at = now->wall_s + (left_ms > 0 ? (left_ms + 999) / 1000 : 1);
}
