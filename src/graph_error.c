/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "graph_error.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "redact.h"
#include "utc.h"

/* Longer waits are not believed: a slip in a header must not silence a
 * customer for weeks. */
#define WAIT_MAX INT64_C(86400)

/* What of Meta's message goes into ours: names and a hint must fit, too. */
#define QUOTE_SIZE 96

/* A range of Graph codes, and what they mean. */
struct code_range {
    int first, last;
    int code;
};

/* Sorted; Meta's codes that no row has say nothing. */
static const struct code_range ranges[] = {
    {0, 0, MPS_E_AUTH},
    {1, 2, MPS_E_SERVER},
    {3, 3, MPS_E_FORBIDDEN},
    {4, 4, MPS_E_RATE_LIMITED},
    {10, 10, MPS_E_FORBIDDEN},
    {17, 17, MPS_E_RATE_LIMITED},
    {32, 32, MPS_E_RATE_LIMITED},
    {100, 100, MPS_E_BAD_REQUEST},
    {102, 102, MPS_E_AUTH},
    {104, 104, MPS_E_AUTH},
    {190, 190, MPS_E_AUTH},
    {200, 299, MPS_E_FORBIDDEN},
    {341, 341, MPS_E_RATE_LIMITED},
    {368, 368, MPS_E_FORBIDDEN},
    {613, 613, MPS_E_RATE_LIMITED},
    {803, 803, MPS_E_NOT_FOUND},
    {2500, 2500, MPS_E_BAD_REQUEST},
    {80000, 80014, MPS_E_RATE_LIMITED},
    {130429, 130429, MPS_E_RATE_LIMITED},
    {131000, 131000, MPS_E_SERVER},
    {131005, 131005, MPS_E_FORBIDDEN},
    {131008, 131009, MPS_E_BAD_REQUEST},
    {131016, 131016, MPS_E_SERVER},
    {131031, 131031, MPS_E_FORBIDDEN},
    {131048, 131048, MPS_E_RATE_LIMITED},
    {131056, 131056, MPS_E_RATE_LIMITED},
    {133016, 133016, MPS_E_RATE_LIMITED},
};

#define CODE_INVALID_PARAMETER 100
#define SUBCODE_NO_SUCH_OBJECT 33

/* What the Graph code says, or MPS_OK where it says nothing. */
static int
from_graph_code(int code)
{
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return ranges[i].code;
        }
    }
    return MPS_OK;
}

/* What the HTTP status says together with a valid error object. */
static int
from_status(int status)
{
    switch (status) {
    case 401:
        return MPS_E_AUTH;
    case 403:
        return MPS_E_FORBIDDEN;
    case 404:
        return MPS_E_NOT_FOUND;
    case 422:
        return MPS_E_UNPROCESSABLE;
    case 429:
        return MPS_E_RATE_LIMITED;
    default:
        break;
    }
    if (status >= 400 && status <= 499) {
        /* RFC 9110: a 4xx that one doesn't know is a 400. */
        return MPS_E_BAD_REQUEST;
    }
    return status >= 500 && status <= 599 ? MPS_E_SERVER : MPS_E_PROTOCOL;
}

/* Code 100 says only "invalid": these statuses say more. */
static int
refine_invalid(const struct mpsc_graph_facts *facts)
{
    if (facts->subcode == SUBCODE_NO_SUCH_OBJECT) {
        return MPS_E_NOT_FOUND;
    }
    if (facts->is_transient) {
        return MPS_E_SERVER;
    }
    switch (facts->http_status) {
    case 401:
    case 403:
    case 404:
    case 422:
        return from_status(facts->http_status);
    default:
        return MPS_E_BAD_REQUEST;
    }
}

int
mpsc_graph_error_code(const struct mpsc_graph_facts *facts)
{
    int code = facts->has_code ? from_graph_code(facts->code) : MPS_OK;
    int by_status = from_status(facts->http_status);

    if (facts->has_code && facts->code == CODE_INVALID_PARAMETER) {
        return refine_invalid(facts);
    }
    if (code != MPS_OK && code != MPS_E_BAD_REQUEST) {
        return code;
    }
    if (facts->is_transient) {
        /* Transient is the server's row, which comes before bad request; yet
         * a 429 must not become something that is retried at once. */
        return code == MPS_OK && by_status == MPS_E_RATE_LIMITED
                   ? by_status
                   : MPS_E_SERVER;
    }
    if (code != MPS_OK) {
        return code;
    }
    if (facts->has_object || by_status == MPS_E_RATE_LIMITED ||
        by_status == MPS_E_SERVER) {
        return by_status;
    }
    /* Not Meta's word: a proxy's 404 must not cost a business its token. */
    return MPS_E_PROTOCOL;
}

/* The member's string, or NULL where it is absent or of another type. */
static const char *
get_string(struct json_object *object, const char *name)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, name, &value) ||
        !json_object_is_type(value, json_type_string)) {
        return NULL;
    }
    return json_object_get_string(value);
}

/* Whether the member is an integer that fits an int, which *number then is. */
static int
get_int(struct json_object *object, const char *name, int *number)
{
    struct json_object *value;
    int64_t wide;

    if (!json_object_object_get_ex(object, name, &value) ||
        !json_object_is_type(value, json_type_int)) {
        return 0;
    }
    wide = json_object_get_int64(value);
    if (wide < INT_MIN || wide > INT_MAX) {
        return 0;
    }
    *number = (int)wide;
    return 1;
}

static void
read_facts(struct json_object *object, int status,
           struct mpsc_graph_facts *facts)
{
    struct json_object *value;

    *facts = (struct mpsc_graph_facts){.http_status = status};
    if (!json_object_is_type(object, json_type_object)) {
        return;
    }
    /* Others have an "error" with message and code, too; type and fbtrace_id
     * are Graph's. */
    facts->has_object = get_string(object, "type") != NULL ||
                        get_string(object, "fbtrace_id") != NULL;
    if (!facts->has_object && get_string(object, "status") != NULL) {
        /* {"code", "message", "status"} is how gRPC gateways put it: their
         * numbers are none of Graph's. */
        return;
    }
    facts->has_code = get_int(object, "code", &facts->code);
    (void)get_int(object, "error_subcode", &facts->subcode);
    facts->is_transient =
        json_object_object_get_ex(object, "is_transient", &value) &&
        json_object_is_type(value, json_type_boolean) &&
        json_object_get_boolean(value);
}

/* Copies a text of Meta's, redacted and cleaned; "" where there is none. */
static void
copy_text(struct json_object *object, const char *name, char *to, size_t size)
{
    const char *from = NULL;

    if (json_object_is_type(object, json_type_object)) {
        from = get_string(object, name);
    }
    mpsc_redact_copy(to, size, from != NULL ? from : "");
}

/* Decimal digits as a number of seconds of `unit` each, no more than
 * WAIT_MAX; -1 where there is no digit. *end is the first other byte. */
static int64_t
read_wait(const char *text, int unit, const char **end)
{
    int64_t wait = -1;

    for (; *text >= '0' && *text <= '9'; text++) {
        wait = (wait < 0 ? 0 : wait) * 10 + (*text - '0');
        if (wait > WAIT_MAX) {
            wait = WAIT_MAX;
        }
    }
    *end = text;
    if (wait < 0) {
        return -1;
    }
    return wait > WAIT_MAX / unit ? WAIT_MAX : wait * unit;
}

/* Seconds to wait by Retry-After; 0 where it doesn't say. */
static int64_t
wait_by_retry_after(const struct mpsc_http_response *response, int64_t now)
{
    const char *end;
    int64_t wait = read_wait(response->retry_after, 1, &end);
    int64_t date;

    if (wait >= 0) {
        return *end == '\0' ? wait : 0;
    }
    date = mpsc_utc_http_date(response->retry_after);
    if (date < 0) {
        return 0;
    }
    /* The date is by the sender's clock. */
    wait = date - (response->date > 0 ? response->date : now);
    if (wait < 0) {
        return 0;
    }
    return wait > WAIT_MAX ? WAIT_MAX : wait;
}

/*
 * Seconds to wait by X-Business-Use-Case-Usage, which gives minutes; 0 where
 * it doesn't say. Its keys may repeat, and a JSON library keeps only the last
 * of those. So the text is searched: a name in quotes can't occur within a
 * JSON string, where quotes are escaped.
 */
static int64_t
wait_by_usage(const char *usage)
{
    static const char name[] = "\"estimated_time_to_regain_access\"";
    static const char blank[] = " \t\r\n";
    int64_t longest = 0;

    while ((usage = strstr(usage, name)) != NULL) {
        int64_t wait;

        usage += sizeof(name) - 1;
        usage += strspn(usage, blank);
        if (*usage != ':') {
            continue;
        }
        usage++;
        usage += strspn(usage, blank);
        wait = read_wait(usage, 60, &usage);
        if (wait > longest) {
            longest = wait;
        }
    }
    return longest;
}

static int64_t
retry_at(const struct mpsc_http_response *response, int64_t now)
{
    int64_t wait = wait_by_retry_after(response, now);

    if (wait == 0) {
        wait = wait_by_usage(response->business_usage);
    }
    return wait > 0 ? now + wait : 0;
}

/* What the administrator does next. */
static const char *
hint(int code)
{
    switch (code) {
    case MPS_E_AUTH:
        return "renew the partner's token in token_file";
    case MPS_E_FORBIDDEN:
        return "check the permissions of the partner's app and token";
    case MPS_E_NOT_FOUND:
        return "check the business and solution_id";
    case MPS_E_UNPROCESSABLE:
        return "the business must share a WhatsApp account with the solution";
    case MPS_E_RATE_LIMITED:
        return "wait; further calls lengthen the block";
    case MPS_E_SERVER:
        return "try again later";
    case MPS_E_BAD_REQUEST:
        return "check base_url, api_version, solution_id, app_secret_file";
    default:
        return "check base_url and proxy";
    }
}

static void
set_message(struct mps_error *error, const struct mpsc_graph_facts *facts,
            const char *quote)
{
    char code[64] = "";

    if (facts->has_code && facts->subcode != 0) {
        snprintf(code, sizeof(code), ", Graph code %d/%d", facts->code,
                 facts->subcode);
    } else if (facts->has_code) {
        snprintf(code, sizeof(code), ", Graph code %d", facts->code);
    }
    if (quote[0] != '\0') {
        mpsc_error_message(error, "HTTP %d%s: \"%s\"; %s", facts->http_status,
                           code, quote, hint(error->code));
    } else {
        mpsc_error_message(error, "HTTP %d%s%s; %s", facts->http_status, code,
                           facts->has_object ? "" : " and no Graph error",
                           hint(error->code));
    }
}

int
mpsc_graph_error_fill(struct json_object *object,
                      const struct mpsc_http_response *response, int64_t now,
                      struct mps_error *error)
{
    struct mpsc_graph_facts facts;
    char quote[QUOTE_SIZE];

    read_facts(object, response->status, &facts);
    mpsc_error_clear(error);
    error->code = mpsc_graph_error_code(&facts);
    error->http_status = facts.http_status;
    error->graph_code = facts.code;
    error->graph_subcode = facts.subcode;
    error->is_transient = facts.is_transient;
    copy_text(object, "type", error->type, sizeof(error->type));
    copy_text(object, "fbtrace_id", error->fbtrace_id,
              sizeof(error->fbtrace_id));
    if (error->fbtrace_id[0] == '\0') {
        mpsc_redact_copy(error->fbtrace_id, sizeof(error->fbtrace_id),
                         response->trace);
    }
    copy_text(object, "error_user_title", error->user_title,
              sizeof(error->user_title));
    copy_text(object, "error_user_msg", error->user_message,
              sizeof(error->user_message));
    copy_text(object, "message", quote, sizeof(quote));
    if (error->code == MPS_E_RATE_LIMITED || error->code == MPS_E_SERVER) {
        error->retry_at = retry_at(response, now);
    }
    set_message(error, &facts, quote);
    return error->code;
}
