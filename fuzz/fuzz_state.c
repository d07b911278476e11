/* SPDX-License-Identifier: MIT */
/*
 * The files that a user's processes share, which any of them could spoil: the
 * state and the counts. What is taken from one is within its bounds, and
 * whatever works on it stays within its own promises; the state can be written
 * and read again.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "counts.h"
#include "state_json.h"
#include "target.h"
#include "utc.h"

#define DAY_S 86400

static const struct mpsc_time now = {FUZZ_NOW, FUZZ_NOW_BOOT_MS,
                                     FUZZ_NOW_BOOT_MS};

static void
must_be_time(int64_t boot_ms)
{
    MUST(boot_ms >= 0);
    MUST(boot_ms <= now.boot_ms + MPSC_STATE_AHEAD_MS);
}

/* A file's texts were redacted before they were written; so only what the
 * file must not spoil is looked at. */
static void
must_be_clean(const char *text, size_t size)
{
    MUST(memchr(text, '\0', size) != NULL);
    for (; *text != '\0'; text++) {
        MUST((unsigned char)*text >= 0x20 && *text != 0x7f);
    }
}

static void
must_be_limit(const struct mpsc_limit *limit)
{
    must_be_time(limit->until_ms);
    MUST(limit->step <= MPSC_LIMITS_COUNT_MAX);
    MUST(limit->http_status >= 0 && limit->http_status <= 999);
    MUST(limit->is_transient == 0 || limit->is_transient == 1);
    must_be_clean(limit->type, sizeof(limit->type));
    must_be_clean(limit->fbtrace_id, sizeof(limit->fbtrace_id));
    must_be_clean(limit->message, sizeof(limit->message));
}

/* Each limit's code is of its kind, or there is none. */
static void
must_be_codes(const struct mpsc_limits *limits)
{
    MUST(limits->rate.code == 0 || limits->rate.code == MPS_E_RATE_LIMITED);
    MUST(limits->auth.code == 0 || limits->auth.code == MPS_E_AUTH);
    MUST(limits->breaker.code == 0 || limits->breaker.code == MPS_E_NETWORK ||
         limits->breaker.code == MPS_E_TLS ||
         limits->breaker.code == MPS_E_TIMEOUT ||
         limits->breaker.code == MPS_E_SERVER);
}

static void
must_be_trouble(const struct mpsc_trouble_view *view)
{
    for (int i = 0; i < MPSC_TROUBLE_COUNT; i++) {
        MUST(view->since_s[i] >= 0 && view->since_s[i] <= MPSC_UTC_MAX);
        MUST(view->last_line_s[i] >= 0);
        MUST(view->last_line_s[i] <= MPSC_UTC_MAX);
    }
}

/* Both were zeroed before they were filled, what lies between their members
 * included. */
static int
is_same(const struct mpsc_shared *a, const struct mpsc_shared *b)
{
    return memcmp((const char *)a, (const char *)b, sizeof(*a)) == 0;
}

static void
must_survive(const struct mpsc_shared *shared)
{
    struct json_object *json = mpsc_state_to_json(shared, FUZZ_BOOT_ID);
    struct mpsc_shared again;
    const char *text;

    MUST(json != NULL);
    text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);
    MUST(text != NULL);
    MUST(mpsc_state_from_json(text, strlen(text), FUZZ_BOOT_ID, now.boot_ms,
                              &again) == 0);
    MUST(is_same(&again, shared));
    json_object_put(json);
}

/* The limits as a call looks at them, and as its answer changes them. */
static void
must_limit(struct mpsc_limits limits)
{
    const struct mpsc_limit *why = NULL;
    struct mps_error error;
    enum mpsc_limits_verdict verdict =
        mpsc_limits_check(&limits, now.boot_ms, &why);

    MUST(why == NULL || why == &limits.rate || why == &limits.auth ||
         why == &limits.breaker);
    MUST((verdict == MPSC_LIMITS_OPEN) == (why == NULL));
    MUST(verdict != MPSC_LIMITS_CLOSED ||
         !mpsc_limits_allow_advisory(&limits, now.boot_ms));
    if (why == NULL) {
        return;
    }
    mpsc_limits_explain(why, &now, &error);
    MUST(error.code == why->code);
    MUST(error.retry_at > FUZZ_NOW);
    MUST(error.retry_at <= FUZZ_NOW + MPSC_STATE_AHEAD_MS / 1000);
    must_be_clean(error.message, sizeof(error.message));
    if (verdict == MPSC_LIMITS_PROBE) {
        mpsc_limits_claim(&limits, now.boot_ms + 1000);
        MUST(mpsc_limits_check(&limits, now.boot_ms, &why) ==
             MPSC_LIMITS_CLOSED);
    }
    mpsc_limits_count(&limits, &error, 100, &now, UINT32_MAX);
    MUST(limits.failures <= MPSC_LIMITS_COUNT_MAX);
    must_be_limit(&limits.rate);
    must_be_limit(&limits.auth);
    must_be_limit(&limits.breaker);
}

static void
must_end(struct mpsc_trouble_view view, enum mpsc_trouble trouble,
         int64_t now_s)
{
    struct mpsc_trouble_line line;
    char text[MPSC_TROUBLE_LINE_SIZE];

    if (mpsc_trouble_end(&view, trouble, now_s, &line)) {
        MUST(line.is_over && line.lasted_s >= 0);
        mpsc_trouble_format(&line, "the message", text);
        must_be_clean(text, sizeof(text));
    }
    MUST(view.since_s[trouble] == 0);
    must_be_trouble(&view);
}

/* A trouble of the file is over, or is met again and then over. */
static void
must_speak(const struct mpsc_trouble_view *shared)
{
    for (int i = 0; i < MPSC_TROUBLE_COUNT; i++) {
        enum mpsc_trouble trouble = (enum mpsc_trouble)i;
        struct mpsc_trouble_view view = *shared;
        struct mpsc_trouble_line line;
        char text[MPSC_TROUBLE_LINE_SIZE];

        must_end(view, trouble, FUZZ_NOW);
        if (mpsc_trouble_begin(&view, trouble, FUZZ_NOW, FUZZ_NOW + DAY_S,
                               &line)) {
            mpsc_trouble_format(&line, "the message", text);
            must_be_clean(text, sizeof(text));
        }
        must_be_trouble(&view);
        MUST(view.since_s[i] > 0);
        must_end(view, trouble, FUZZ_NOW + 1);
    }
}

static void
must_be_counts(const struct mpsc_counts *counts)
{
    for (int code = 0; code < MPSC_COUNTS_CODES; code++) {
        MUST(counts->ended[code] >= 0);
    }
    MUST(counts->success_s >= 0 && counts->success_s <= MPSC_UTC_MAX);
    MUST(counts->app_usage >= 0);
    MUST(counts->app_usage_s >= 0 && counts->app_usage_s <= MPSC_UTC_MAX);
    MUST(counts->failure_count <= MPSC_COUNTS_FAILURES);
    for (size_t i = 0; i < counts->failure_count; i++) {
        const struct mpsc_outcome *failure = &counts->failures[i];

        must_be_clean(failure->business_id, sizeof(failure->business_id));
        MUST(failure->code >= 0 && failure->code < MPSC_COUNTS_CODES);
        MUST(failure->at_s >= 0 && failure->at_s <= MPSC_UTC_MAX);
    }
}

/* The same bytes as counts, and one outcome more. */
static void
must_count(const char *text, size_t size)
{
    static const struct mpsc_outcome outcome = {
        .business_id = "4711",
        .code = MPS_E_SERVER,
        .app_usage = INT_MAX,
        .at_s = FUZZ_NOW,
    };
    struct mpsc_counts counts;
    int result = mpsc_counts_from_json(text, size, &counts);

    MUST(result == 0 || counts.failure_count == 0);
    must_be_counts(&counts);
    mpsc_counts_apply(&counts, &outcome, 1);
    MUST(counts.ended[MPS_E_SERVER] > 0);
    must_be_counts(&counts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mpsc_shared nothing;
    struct mpsc_shared shared;
    char *text = fuzz_string(data, size);

    if (mpsc_state_from_json(text, size, FUZZ_BOOT_ID, now.boot_ms, &shared) ==
        0) {
        must_be_limit(&shared.limits.rate);
        must_be_limit(&shared.limits.auth);
        must_be_limit(&shared.limits.breaker);
        must_be_codes(&shared.limits);
        MUST(shared.limits.failures <= MPSC_LIMITS_COUNT_MAX);
        must_be_time(shared.limits.probe_until_ms);
        must_be_time(shared.limits.usage_until_ms);
        must_be_trouble(&shared.trouble);
        must_survive(&shared);
        must_limit(shared.limits);
        must_speak(&shared.trouble);
    } else {
        MUST(is_same(&shared, &nothing));
    }
    must_count(text, size);
    free(text);
    return 0;
}
