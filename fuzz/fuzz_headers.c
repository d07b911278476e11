/* SPDX-License-Identifier: MIT */
/*
 * The headers of an answer: a line with the HTTP status, then lines
 * "Name: value". They are taken as http_curl.c takes libcurl's (the first of
 * a name counts, one that is too long doesn't), and go where they go in the
 * module: into the error's retry_at, the limits, the next attempt and a
 * token's lifetime.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "graph_response.h"
#include "lifetime.h"
#include "limit.h"
#include "retry.h"
#include "target.h"
#include "utc.h"
#include "utf8.h"

#define DAY_S 86400

static const struct mpsc_time now = {FUZZ_NOW, FUZZ_NOW_BOOT_MS,
                                     FUZZ_NOW_BOOT_MS};

static void
take(const char *line, const char *name, char *to, size_t size)
{
    size_t len = strlen(name);

    if (to[0] == '\0' && strncasecmp(line, name, len) == 0 &&
        line[len] == ':') {
        line += len + 1;
        line += strspn(line, " \t");
        if (strlen(line) < size) {
            mpsc_utf8_copy(to, size, line);
        }
    }
}

static void
read_headers(char *text, struct mpsc_http_response *response)
{
    char date[64] = "";
    char *rest = NULL;
    int64_t at;

    for (char *line = strtok_r(text, "\r\n", &rest); line != NULL;
         line = strtok_r(NULL, "\r\n", &rest)) {
        take(line, "Date", date, sizeof(date));
        take(line, "Retry-After", response->retry_after,
             sizeof(response->retry_after));
        take(line, "X-Business-Use-Case-Usage", response->business_usage,
             sizeof(response->business_usage));
        take(line, "X-App-Usage", response->app_usage,
             sizeof(response->app_usage));
        take(line, "x-fb-trace-id", response->trace, sizeof(response->trace));
    }
    at = mpsc_utc_http_date(date);
    response->date = at > 0 ? at : 0;
}

/* A wait that was read is read again from its own number of seconds. */
static void
must_survive(int64_t retry_at)
{
    struct mpsc_http_response *response = calloc(1, sizeof(*response));
    struct mpsc_graph_answer answer;
    struct mps_error error;

    MUST(response != NULL);
    response->status = 429;
    snprintf(response->retry_after, sizeof(response->retry_after), "%lld",
             (long long)(retry_at - FUZZ_NOW));
    MUST(mpsc_graph_response_read(response, FUZZ_NOW, &answer, &error) ==
         MPS_E_RATE_LIMITED);
    MUST(error.retry_at == retry_at);
    free(response);
}

static void
must_count(const struct mps_error *error, int usage)
{
    struct mpsc_limits limits = {.failures = 0};
    const struct mpsc_limit *why = NULL;
    struct mps_error told;

    mpsc_limits_count(&limits, error, usage, &now, 0x80000000u);
    if (error->code == MPS_E_RATE_LIMITED) {
        MUST(mpsc_limits_check(&limits, now.boot_ms, &why) ==
             MPSC_LIMITS_CLOSED);
        MUST(why == &limits.rate);
        MUST(why->until_ms > now.boot_ms);
        MUST(why->until_ms <= now.boot_ms + MPSC_LIMITS_RATE_MAX_MS);
        mpsc_limits_explain(why, &now, &told);
        fuzz_must_be_error(&told, MPS_E_RATE_LIMITED);
        MUST(told.retry_at > FUZZ_NOW && told.retry_at <= FUZZ_NOW + DAY_S);
    }
    MUST(limits.usage_until_ms <= now.boot_ms + MPSC_LIMITS_USAGE_MS);
    MUST((limits.usage_until_ms > now.boot_ms) ==
         (usage >= MPSC_LIMITS_USAGE_PERCENT));
}

static void
must_retry(const struct mps_error *error)
{
    for (unsigned attempt = 1; attempt < 4; attempt++) {
        int64_t left_ms = 10000;
        int delay =
            mpsc_retry_delay(error, attempt, 4, UINT32_MAX, FUZZ_NOW, left_ms);

        MUST(delay >= -1 && delay < left_ms);
        MUST(delay <= 250 << (attempt - 1));
        MUST(error->code != MPS_E_RATE_LIMITED || delay == -1);
    }
}

/* Whatever its Date: a token that ends an hour after that, or of which nobody
 * knows when it ends, is used for an hour from now. */
static void
must_live(int64_t date)
{
    static const struct mpsc_lifetime_rules rules = {3600, 86400};
    const int64_t ends[] = {-1, date > 0 ? date + 3600 : FUZZ_NOW + 3600};

    for (size_t i = 0; i < 2; i++) {
        struct mpsc_record record = {.expires_at = 0};
        int64_t skew = i == 0 || date == 0 ? 0 : MPSC_LIFETIME_SKEW_S - 1;

        mpsc_lifetime_begin(&record, &rules, ends[i], date, &now,
                            FUZZ_BOOT_ID);
        MUST(record.expires_at >= FUZZ_NOW + 3600 - skew);
        MUST(record.expires_at <= FUZZ_NOW + 3600 + skew);
        MUST(mpsc_lifetime_end_ms(&record, &now, FUZZ_BOOT_ID) ==
             now.boot_ms + (record.expires_at - FUZZ_NOW) * 1000);
    }
}

static int
read_status(const char *text)
{
    int status = atoi(text);

    return status >= 100 && status <= 999 ? status : 429;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mpsc_http_response *response = calloc(1, sizeof(*response));
    char *text = fuzz_string(data, size < 16384 ? size : 16384);
    struct mpsc_graph_answer answer;
    struct mps_error error;
    int usage;
    int code;

    MUST(response != NULL);
    response->status = read_status(text);
    read_headers(text, response);
    MUST(response->date >= 0);
    usage = mpsc_graph_response_usage(response);
    MUST(usage >= -1);
    code = mpsc_graph_response_read(response, FUZZ_NOW, &answer, &error);
    MUST(answer.token.data == NULL);
    fuzz_must_be_error(&error, code);
    MUST(error.retry_at == 0 ||
         (error.retry_at > FUZZ_NOW && error.retry_at <= FUZZ_NOW + DAY_S));
    MUST(error.retry_at == 0 || code == MPS_E_RATE_LIMITED ||
         code == MPS_E_SERVER);
    if (error.retry_at != 0) {
        must_survive(error.retry_at);
    }
    must_count(&error, usage);
    must_retry(&error);
    must_live(response->date);
    free(response);
    free(text);
    return 0;
}
