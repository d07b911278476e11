/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "graph_response.h"

#include <json-c/json.h>
#include <json-c/json_object_iterator.h>
#include <limits.h>
#include <string.h>

#include "error.h"
#include "graph_error.h"
#include "graph_request.h"
#include "record.h"
#include "redact.h"
#include "secret_json.h"
#include "utc.h"

/* The answers are two levels deep, errors perhaps four. */
#define DEPTH_MAX 32

/*
 * Parses the body. MPS_OK and *json (which the caller wipes), else
 * MPS_E_NO_MEMORY, or MPS_E_PROTOCOL with *flaw saying why.
 *
 * Where a key comes twice, json-c keeps the last without a word, and another
 * reader of the same answer may keep the first: such a body is refused.
 */
static int
parse(const struct mpsc_secret *body, struct json_object **json,
      const char **flaw)
{
    int failed;

    *json = NULL;
    if (body->len == 0) {
        *flaw = "is empty";
        return MPS_E_PROTOCOL;
    }
    failed = mpsc_secret_json_parse(body->data, body->len, DEPTH_MAX, json);
    if (failed < 0) {
        return MPS_E_NO_MEMORY;
    }
    if (failed > 0) {
        *flaw = "is not a JSON object";
        return MPS_E_PROTOCOL;
    }
    if (!mpsc_secret_json_is_unique(*json, body->data, body->len)) {
        *flaw = "has a key twice";
        mpsc_secret_json_free(*json);
        *json = NULL;
        return MPS_E_PROTOCOL;
    }
    return MPS_OK;
}

static int
fail(const struct mpsc_http_response *response, struct mps_error *error,
     const char *flaw)
{
    mpsc_error_set(error, MPS_E_PROTOCOL,
                   "HTTP %d, but the answer %s; check base_url and proxy",
                   response->status, flaw);
    error->http_status = response->status;
    return MPS_E_PROTOCOL;
}

/*
 * The object that has access_token: the body's itself or the one entry of
 * "data". NULL with *flaw.
 */
static struct json_object *
find_entry(struct json_object *json, const char **flaw)
{
    struct json_object *data;
    struct json_object *entry;

    if (!json_object_object_get_ex(json, "data", &data)) {
        return json;
    }
    if (json_object_object_get_ex(json, "access_token", NULL)) {
        *flaw = "has both access_token and data";
        return NULL;
    }
    if (!json_object_is_type(data, json_type_array)) {
        *flaw = "has data that is not an array";
        return NULL;
    }
    if (json_object_array_length(data) != 1) {
        *flaw = json_object_array_length(data) == 0
                    ? "has no entry in data"
                    : "has more than one entry in data";
        return NULL;
    }
    entry = json_object_array_get_idx(data, 0);
    if (!json_object_is_type(entry, json_type_object)) {
        *flaw = "has an entry in data that is not an object";
        return NULL;
    }
    return entry;
}

/* Reads expires_at of `entry`; NULL, or what is wrong with it. */
static const char *
read_expiry(struct json_object *entry, int64_t now, int64_t *expires_at)
{
    struct json_object *value;
    int64_t time;

    *expires_at = -1;
    if (!json_object_object_get_ex(entry, "expires_at", &value)) {
        return NULL;
    }
    if (json_object_is_type(value, json_type_null)) {
        return "has expires_at null";
    }
    if (!json_object_is_type(value, json_type_int)) {
        return "has an expires_at that is not an integer";
    }
    /* json-c clamps what is beyond 64 bits; the clamped is out of range, too.
     * So are milliseconds. */
    time = json_object_get_int64(value);
    if (time < 0) {
        return "has a negative expires_at";
    }
    if (time > MPSC_UTC_MAX) {
        return "has an expires_at beyond the year 9999";
    }
    if (time != 0 && time <= now) {
        return "has a token that is expired on arrival (is the clock right?)";
    }
    *expires_at = time;
    return NULL;
}

/* Reads access_token of `entry`; MPS_OK, MPS_E_NO_MEMORY, or MPS_E_PROTOCOL
 * with *flaw. */
static int
read_token(struct json_object *entry, struct mpsc_secret *token,
           const char **flaw)
{
    struct json_object *value;
    size_t len;

    if (!json_object_object_get_ex(entry, "access_token", &value)) {
        *flaw = "has no access_token";
        return MPS_E_PROTOCOL;
    }
    if (!json_object_is_type(value, json_type_string)) {
        *flaw = "has an access_token that is not a string";
        return MPS_E_PROTOCOL;
    }
    len = (size_t)json_object_get_string_len(value);
    if (len == 0) {
        *flaw = "has an empty access_token";
        return MPS_E_PROTOCOL;
    }
    if (!mpsc_record_token_ok(json_object_get_string(value), len)) {
        *flaw = "has an access_token with a byte that none may have";
        return MPS_E_PROTOCOL;
    }
    return mpsc_secret_set(token, json_object_get_string(value), len) == 0
               ? MPS_OK
               : MPS_E_NO_MEMORY;
}

static int
read_success(struct json_object *json,
             const struct mpsc_http_response *response, int64_t now,
             struct mpsc_graph_answer *answer, struct mps_error *error)
{
    const char *flaw = NULL;
    struct json_object *entry = find_entry(json, &flaw);
    int code;

    if (entry == NULL) {
        return fail(response, error, flaw);
    }
    flaw = read_expiry(entry, response->date > 0 ? response->date : now,
                       &answer->endpoint_expires_at);
    if (flaw != NULL) {
        return fail(response, error, flaw);
    }
    code = read_token(entry, &answer->token, &flaw);
    return code == MPS_E_PROTOCOL ? fail(response, error, flaw) : code;
}

/* A 200: a token, or an error all the same. */
static int
read_ok(const struct mpsc_http_response *response, int64_t now,
        struct mpsc_graph_answer *answer, struct mps_error *error)
{
    struct json_object *json;
    struct json_object *object;
    const char *flaw = NULL;
    int code = parse(&response->body, &json, &flaw);

    if (code != MPS_OK) {
        return code == MPS_E_PROTOCOL ? fail(response, error, flaw) : code;
    }
    if (json_object_object_get_ex(json, "error", &object) && object != NULL) {
        /* "error": null carries no error. */
        code = mpsc_graph_error_fill(object, response, now, error);
    } else {
        code = read_success(json, response, now, answer, error);
    }
    mpsc_secret_json_free(json);
    return code;
}

/* Any 4xx or 5xx. */
static int
read_failure(const struct mpsc_http_response *response, int64_t now,
             struct mps_error *error)
{
    struct json_object *json;
    struct json_object *object = NULL;
    const char *flaw;
    int code;

    if (parse(&response->body, &json, &flaw) == MPS_E_NO_MEMORY) {
        return MPS_E_NO_MEMORY;
    }
    if (json != NULL) {
        (void)json_object_object_get_ex(json, "error", &object);
    }
    code = mpsc_graph_error_fill(object, response, now, error);
    mpsc_secret_json_free(json);
    return code;
}

int
mpsc_graph_response_read(const struct mpsc_http_response *response,
                         int64_t now, struct mpsc_graph_answer *answer,
                         struct mps_error *error)
{
    int code;

    answer->token = (struct mpsc_secret)MPSC_SECRET_EMPTY;
    answer->endpoint_expires_at = -1;
    if (response->status == 200) {
        code = read_ok(response, now, answer, error);
    } else if (response->status >= 400 && response->status <= 599) {
        code = read_failure(response, now, error);
    } else if (response->status >= 300 && response->status <= 399) {
        code = fail(response, error, "is a redirect");
    } else {
        code = fail(response, error, "is none that the endpoint gives");
    }
    if (code == MPS_E_NO_MEMORY) {
        mpsc_error_set(error, code, "no memory to read the answer");
        error->http_status = response->status;
    }
    return code;
}

/* A part of a per cent counts as one. -1 for what is no number from 0. */
static int
per_cent(struct json_object *value)
{
    double number;

    if (!json_object_is_type(value, json_type_int) &&
        !json_object_is_type(value, json_type_double)) {
        return -1;
    }
    number = json_object_get_double(value);
    if (!(number >= 0)) { /* NaN, too */
        return -1;
    }
    if (number > INT_MAX - 1) {
        return INT_MAX;
    }
    return (int)number + (number > (int)number);
}

/*
 * Meta may repeat the partner's token in its texts, and a short one doesn't
 * look like a token by itself. Taken out of the body, before any text of it
 * is cut. True where it was there.
 */
static int
redact_body(struct mpsc_http_call *call)
{
    const struct mpsc_secret *line = &call->request.authorization;
    const size_t name = strlen(MPSC_GRAPH_BEARER);
    const struct mpsc_secret token = {line->data + name, line->len - name, 0};
    const struct mpsc_secret *secrets[] = {&token};
    struct mpsc_secret *body = &call->response.body;

    /* A NUL in it: no JSON, of which no text is kept; and what was refused
     * for that must not be read again without it. */
    if (body->len == 0 || memchr(body->data, '\0', body->len) != NULL ||
        memmem(body->data, body->len, token.data, token.len) == NULL) {
        return 0;
    }
    mpsc_redact_known(body->data, secrets, 1);
    body->len = strlen(body->data);
    return 1;
}

int
mpsc_graph_response_read_for(struct mpsc_http_call *call, int64_t now,
                             struct mpsc_graph_answer *answer,
                             struct mps_error *error)
{
    int code = mpsc_graph_response_read(&call->response, now, answer, error);

    return code != MPS_OK && redact_body(call)
               ? mpsc_graph_response_read(&call->response, now, answer, error)
               : code;
}

int
mpsc_graph_response_usage(const struct mpsc_http_response *response)
{
    struct json_object *json;
    struct json_object_iterator at;
    struct json_object_iterator end;
    int greatest = -1;

    if (mpsc_secret_json_parse(response->app_usage,
                               strlen(response->app_usage), DEPTH_MAX,
                               &json) != 0) {
        return -1;
    }
    end = json_object_iter_end(json);
    for (at = json_object_iter_begin(json); !json_object_iter_equal(&at, &end);
         json_object_iter_next(&at)) {
        int number = per_cent(json_object_iter_peek_value(&at));

        greatest = number > greatest ? number : greatest;
    }
    json_object_put(json);
    return greatest;
}
