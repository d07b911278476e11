/* SPDX-License-Identifier: MIT */
/* An answer: status, headers, body, and how it goes over the wire. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "answer.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "token.h"

int
emu_answer_header(struct emu_answer *answer, const char *name,
                  const char *format, ...)
{
    size_t i = 0;
    char *value = NULL;
    va_list arguments;
    int n;

    while (i < answer->header_count &&
           strcasecmp(answer->headers[i].name, name) != 0) {
        i++;
    }
    if (i == EMU_HEADERS) {
        return -1;
    }
    va_start(arguments, format);
    n = vasprintf(&value, format, arguments);
    va_end(arguments);
    if (n < 0) {
        return -1;
    }
    if (i == answer->header_count) {
        answer->header_count++;
    }
    free(answer->headers[i].value);
    answer->headers[i] = (struct emu_header){name, value};
    return 0;
}

int
emu_answer_date(struct emu_answer *answer, int64_t date)
{
    const time_t when = (time_t)date;
    struct tm utc;
    char text[64];

    if (!gmtime_r(&when, &utc) ||
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc) == 0) {
        return -1;
    }
    return emu_answer_header(answer, "Date", "%s", text);
}

int
emu_answer_graph_headers(struct emu_answer *answer, const char *version,
                         int64_t date)
{
    char *request = emu_token_new(23);
    char *trace = emu_token_new(14);
    int result = -1;

    /* The traces are random text: a token without its "EAA". */
    if (!request || !trace ||
        emu_answer_header(answer, "Content-Type",
                          "application/json; charset=UTF-8") ||
        emu_answer_header(answer, "facebook-api-version", "%s", version) ||
        emu_answer_header(answer, "x-fb-request-id", "A%s", request + 3) ||
        emu_answer_header(answer, "x-fb-trace-id", "%s", trace + 3) ||
        emu_answer_header(answer, "Cache-Control",
                          "private, no-cache, no-store, must-revalidate") ||
        emu_answer_date(answer, date)) {
        goto out;
    }
    result = 0;
out:
    free(request);
    free(trace);
    return result;
}

int
emu_answer_body(struct emu_answer *answer, char *body, size_t size)
{
    if (!body) {
        return -1;
    }
    if (answer->body) {
        explicit_bzero(answer->body, answer->size);
    }
    free(answer->body);
    answer->body = body;
    answer->size = size;
    return 0;
}

int
emu_answer_error(struct emu_answer *answer,
                 const struct emu_graph_error *error, const char *detail)
{
    char *body = emu_graph_error_body(error, detail);

    answer->status = error->status;
    if (emu_answer_body(answer, body, body ? strlen(body) : 0)) {
        return -1;
    }
    if (error->status == 401) {
        return emu_answer_header(
            answer, "WWW-Authenticate",
            "OAuth \"Facebook Platform\" \"invalid_token\" \"%s\"",
            error->message);
    }
    return 0;
}

/* A bare word is a string: the scenario's reader takes its quotes off. */
static bool
is_bare_word(const char *text)
{
    return isalpha((unsigned char)*text) && strcmp(text, "null") != 0 &&
           strcmp(text, "true") != 0 && strcmp(text, "false") != 0;
}

static int
put(struct json_object *object, const char *key, struct json_object *value)
{
    if (value && json_object_object_add(object, key, value) == 0) {
        return 0;
    }
    json_object_put(value);
    return -1;
}

static struct json_object *
expiry_value(const struct emu_grant *grant)
{
    struct json_object *value = NULL;
    char *text;

    if (!grant->expires_as) {
        return json_object_new_int64(grant->expires_at);
    }
    if (is_bare_word(grant->expires_as)) {
        return json_object_new_string(grant->expires_as);
    }
    text = strdup(grant->expires_as);
    value = text ? json_object_new_int(0) : NULL;
    if (!value) {
        free(text);
        return NULL;
    }
    json_object_set_serializer(value, json_object_userdata_to_json_string,
                               text, json_object_free_userdata);
    return value;
}

static struct json_object *
grant_object(const struct emu_grant *grant)
{
    struct json_object *object = json_object_new_object();
    bool expiry =
        grant->shape == EMU_SHAPE_FLAT &&
        !(grant->expires_as && strcmp(grant->expires_as, "absent") == 0);

    if (!object) {
        return NULL;
    }
    if (put(object, "access_token", json_object_new_string(grant->token)) ||
        (expiry && put(object, "expires_at", expiry_value(grant)))) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

int
emu_answer_token(struct emu_answer *answer, const struct emu_grant *grant)
{
    struct json_object *object = grant_object(grant);
    struct json_object *array = NULL;
    struct json_object *outer = NULL;
    const char *text;
    char *body = NULL;
    int result = -1;

    if (!object) {
        return -1;
    }
    if (grant->shape == EMU_SHAPE_DATA) {
        array = json_object_new_array();
        outer = json_object_new_object();
        if (!array || !outer ||
            json_object_array_add(array, json_object_get(object)) ||
            put(outer, "data", json_object_get(array))) {
            goto out;
        }
    }
    text = json_object_to_json_string_ext(outer ? outer : object,
                                          JSON_C_TO_STRING_PLAIN);
    body = text ? strdup(text) : NULL;
    answer->status = 200;
    result = emu_answer_body(answer, body, body ? strlen(body) : 0);
out:
    json_object_put(outer);
    json_object_put(array);
    json_object_put(object);
    return result;
}

void
emu_answer_clear(struct emu_answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        free(answer->headers[i].value);
    }
    if (answer->body) {
        explicit_bzero(answer->body, answer->size);
    }
    free(answer->body);
    memset(answer, 0, sizeof *answer);
}
