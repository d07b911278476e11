/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "tokens.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "lifetime.h"
#include "redact.h"
#include "request.h"
#include "secret_file.h"
#include "secret_json.h"
#include "utc.h"

#define KEY "static_file"

/* An object of objects, and one level for json-c to say what is wrong. */
#define DEPTH 4

/* What of a wrong name goes into a message: it may be a token. */
#define SHOWN_SIZE 41

/* The file that is being read. */
struct reading {
    const char *path;
    struct mpsc_time now;
    char boot_id[MPSC_BOOT_ID_SIZE];
    struct mps_error *error;
};

static int
no_memory(struct mps_error *error)
{
    return mpsc_error_set(error, MPS_E_NO_MEMORY, "no memory to read " KEY);
}

static int
wrong(const struct reading *reading, const char *business_id, const char *what)
{
    return mpsc_error_set(reading->error, MPS_E_CONFIG,
                          KEY " %s: business %s: %s", reading->path,
                          business_id, what);
}

/* The members of a business's object; *value is the string of access_token.
 * A member that isn't known may be a slip of one that is. */
static int
read_members(const struct reading *reading, const char *business_id,
             struct json_object *json, struct json_object **value,
             int64_t *expires_at)
{
    struct json_object_iterator at = json_object_iter_begin(json);
    struct json_object_iterator end = json_object_iter_end(json);

    *value = NULL;
    *expires_at = -1;
    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        const char *name = json_object_iter_peek_name(&at);
        struct json_object *member = json_object_iter_peek_value(&at);

        if (strcmp(name, "access_token") == 0) {
            *value = member;
        } else if (strcmp(name, "expires_at") != 0) {
            return wrong(reading, business_id,
                         "has a member that is neither access_token nor "
                         "expires_at");
        } else if (!json_object_is_type(member, json_type_int) ||
                   json_object_get_int64(member) < 0 ||
                   json_object_get_int64(member) > MPSC_UTC_MAX) {
            return wrong(reading, business_id,
                         "expires_at must be a time in Unix seconds, without "
                         "quotes");
        } else {
            *expires_at = json_object_get_int64(member);
        }
    }
    if (!json_object_is_type(*value, json_type_string) ||
        !mpsc_record_token_ok(json_object_get_string(*value),
                              (size_t)json_object_get_string_len(*value))) {
        return wrong(reading, business_id,
                     "access_token must be a string of printable ASCII "
                     "without blanks");
    }
    return MPS_OK;
}

static int
read_token(const struct reading *reading, const char *business_id,
           struct json_object *json, struct mpsc_static_token *token)
{
    static const struct mpsc_lifetime_rules no_rules;
    struct mpsc_record record = {.token = MPSC_SECRET_EMPTY};
    struct json_object *value;
    char shown[SHOWN_SIZE];
    int64_t expires_at;
    int code;

    if (!mpsc_request_business_id_ok(business_id)) {
        mpsc_redact_copy(shown, sizeof(shown), business_id);
        return mpsc_error_set(reading->error, MPS_E_CONFIG,
                              KEY " %s: \"%s\" is no business_id: 1 to %d "
                                  "decimal digits",
                              reading->path, shown, MPS_BUSINESS_ID_MAX);
    }
    if (!json_object_is_type(json, json_type_object)) {
        return wrong(reading, business_id,
                     "must be {\"access_token\": \"...\", \"expires_at\": "
                     "...}");
    }
    code = read_members(reading, business_id, json, &value, &expires_at);
    if (code != MPS_OK) {
        return code;
    }
    mpsc_lifetime_begin(&record, &no_rules, expires_at, 0, &reading->now,
                        reading->boot_id);
    if (expires_at <= 0) {
        record.expires_at = MPSC_UTC_MAX;
    }
    if (mpsc_secret_set(&record.token, json_object_get_string(value),
                        (size_t)json_object_get_string_len(value)) == 0) {
        token->credential = mpsc_credential_new(
            &record, MPS_SOURCE_FILE, &reading->now, reading->boot_id);
    }
    mpsc_record_free(&record);
    if (token->credential == NULL) {
        return no_memory(reading->error);
    }
    snprintf(token->business_id, sizeof(token->business_id), "%s",
             business_id);
    return MPS_OK;
}

static int
compare(const void *left, const void *right)
{
    const struct mpsc_static_token *a = left;
    const struct mpsc_static_token *b = right;

    return strcmp(a->business_id, b->business_id);
}

/* All members of the document. */
static int
read_tokens(const struct reading *reading, struct json_object *json,
            struct mpsc_static_tokens *tokens)
{
    struct json_object_iterator at = json_object_iter_begin(json);
    struct json_object_iterator end = json_object_iter_end(json);
    size_t most = (size_t)json_object_object_length(json);
    int code = MPS_OK;

    tokens->token = calloc(most + 1, sizeof(*tokens->token));
    if (tokens->token == NULL) {
        return no_memory(reading->error);
    }
    for (; code == MPS_OK && !json_object_iter_equal(&at, &end);
         json_object_iter_next(&at)) {
        code = read_token(reading, json_object_iter_peek_name(&at),
                          json_object_iter_peek_value(&at),
                          &tokens->token[tokens->count]);
        tokens->count += code == MPS_OK;
    }
    qsort(tokens->token, tokens->count, sizeof(*tokens->token), compare);
    return code;
}

int
mpsc_static_tokens_read(const char *path, struct mpsc_static_tokens *tokens,
                        struct mps_error *error)
{
    struct reading reading = {.path = path, .error = error};
    struct mpsc_secret text = MPSC_SECRET_EMPTY;
    struct json_object *json = NULL;
    size_t line;
    int parsed;
    int code;

    memset(tokens, 0, sizeof(*tokens));
    code = mpsc_secret_file_read_document(path, KEY, &text, error);
    if (code != MPS_OK) {
        goto out;
    }
    parsed =
        mpsc_secret_json_parse_lines(text.data, text.len, DEPTH, &json, &line);
    if (parsed > 0) {
        code = mpsc_error_set(error, MPS_E_CONFIG,
                              KEY
                              " %s: line %zu, or the one before it, isn't "
                              "JSON: look for a comma, quote or brace that is "
                              "missing or too many",
                              path, line);
    } else if (parsed < 0) {
        code = no_memory(error);
    } else if (!mpsc_secret_json_is_unique(json, text.data, text.len)) {
        code = mpsc_error_set(error, MPS_E_CONFIG,
                              KEY " %s: a business, or a member of one, comes "
                                  "twice: take one of the two out",
                              path);
    } else {
        mpsc_clock_system(&reading.now);
        mpsc_clock_boot_id(reading.boot_id);
        code = read_tokens(&reading, json, tokens);
    }
    if (code != MPS_OK) {
        mpsc_static_tokens_free(tokens);
    }
out:
    mpsc_secret_json_free(json);
    mpsc_secret_free(&text);
    return code;
}

static int
compare_id(const void *business_id, const void *token)
{
    return strcmp(business_id,
                  ((const struct mpsc_static_token *)token)->business_id);
}

struct mpsc_static_token *
mpsc_static_tokens_find(const struct mpsc_static_tokens *tokens,
                        const char *business_id)
{
    if (tokens->count == 0) {
        return NULL;
    }
    return bsearch(business_id, tokens->token, tokens->count,
                   sizeof(*tokens->token), compare_id);
}

void
mpsc_static_tokens_inherit(struct mpsc_static_tokens *tokens,
                           const struct mpsc_static_tokens *former)
{
    for (size_t i = 0; i < tokens->count; i++) {
        struct mpsc_static_token *token = &tokens->token[i];
        struct mpsc_static_token *old =
            mpsc_static_tokens_find(former, token->business_id);

        if (old == NULL ||
            strcmp(old->credential->token, token->credential->token) != 0) {
            continue;
        }
        token->is_refused = old->is_refused;
        if (old->credential->public.endpoint_expires_at ==
            token->credential->public.endpoint_expires_at) {
            mpsc_credential_release(token->credential);
            token->credential = mpsc_credential_hold(old->credential);
        }
    }
}

void
mpsc_static_tokens_free(struct mpsc_static_tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        mpsc_credential_release(tokens->token[i].credential);
    }
    free(tokens->token);
    memset(tokens, 0, sizeof(*tokens));
}
