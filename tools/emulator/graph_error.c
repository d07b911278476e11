/* SPDX-License-Identifier: MIT */
/* The errors of the Graph API, as its specification documents them. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "graph_error.h"

#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OAUTH "OAuthException"
#define METHOD "GraphMethodException"
#define TRACE "AXsgnV2Cm3ZMGF3dF_cfYIn"

static const struct emu_graph_error documented[] = {
    {400, "Invalid parameter: business_id must be a valid numeric string",
     OAUTH, 100, 0, false, NULL, NULL},
    {401, "Invalid OAuth access token", OAUTH, 190, 463, false, NULL, NULL},
    {403,
     "Your app doesn't have permission to access this Multi-Partner Solution "
     "or the specified business",
     OAUTH, 200, 1349174, false, "Permission Denied",
     "Your app doesn't have permission to access this resource"},
    {404, "Multi-Partner Solution or specified business not found", METHOD,
     803, 0, false, NULL, NULL},
    {422,
     "The specified business has not shared a WABA with this Multi-Partner "
     "Solution",
     METHOD, 100, 0, false, NULL, NULL},
    {429, "Application request limit reached", OAUTH, 4, 2446079, true, NULL,
     NULL},
    {500, "An unexpected error occurred. Please retry your request", METHOD, 2,
     0, true, NULL, NULL},
};

static const struct emu_graph_error undocumented = {
    0, "An unknown error occurred", OAUTH, 1, 0, false, NULL, NULL};

static const struct emu_graph_error bad_path = {
    400, "Unknown path components: ", OAUTH, 2500, 0, false, NULL, NULL};
static const struct emu_graph_error bad_method = {
    400, "Unsupported request method: ", METHOD, 100, 33, false, NULL, NULL};
static const struct emu_graph_error no_token = {
    401,   "Invalid OAuth access token - Cannot parse access token",
    OAUTH, 190,
    0,     false,
    NULL,  NULL};
static const struct emu_graph_error bad_proof = {
    400,    "Invalid appsecret_proof provided in the API argument",
    METHOD, 100,
    0,      false,
    NULL,   NULL};
static const struct emu_graph_error bad_solution = {
    400,   "Invalid parameter: Solution-ID must be a valid numeric string",
    OAUTH, 100,
    0,     false,
    NULL,  NULL};

const struct emu_graph_error *
emu_graph_error_of_status(unsigned status)
{
    for (size_t i = 0; i < sizeof documented / sizeof documented[0]; i++) {
        if (documented[i].status == status) {
            return &documented[i];
        }
    }
    return &undocumented;
}

const struct emu_graph_error *
emu_graph_error_of(enum emu_verdict verdict)
{
    switch (verdict) {
    case EMU_BAD_PATH:
        return &bad_path;
    case EMU_BAD_METHOD:
        return &bad_method;
    case EMU_NO_TOKEN:
        return &no_token;
    case EMU_WRONG_TOKEN:
        return emu_graph_error_of_status(401);
    case EMU_BAD_PROOF:
        return &bad_proof;
    case EMU_BAD_SOLUTION:
        return &bad_solution;
    case EMU_BAD_BUSINESS:
        return emu_graph_error_of_status(400);
    case EMU_UNKNOWN_SOLUTION:
        return emu_graph_error_of_status(404);
    case EMU_GOOD:
    case EMU_FOLLOWED:
        break;
    }
    return &undocumented;
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

static int
put_members(struct json_object *inner, const struct emu_graph_error *error,
            const char *message)
{
    if (put(inner, "message", json_object_new_string(message)) ||
        put(inner, "type", json_object_new_string(error->type)) ||
        put(inner, "code", json_object_new_int(error->code))) {
        return -1;
    }
    if (error->subcode &&
        put(inner, "error_subcode", json_object_new_int(error->subcode))) {
        return -1;
    }
    if (put(inner, "fbtrace_id", json_object_new_string(TRACE))) {
        return -1;
    }
    if (error->transient &&
        put(inner, "is_transient", json_object_new_boolean(1))) {
        return -1;
    }
    if (error->user_title && (put(inner, "error_user_title",
                                  json_object_new_string(error->user_title)) ||
                              put(inner, "error_user_msg",
                                  json_object_new_string(error->user_msg)))) {
        return -1;
    }
    return 0;
}

char *
emu_graph_error_body(const struct emu_graph_error *error, const char *detail)
{
    struct json_object *outer = json_object_new_object();
    struct json_object *inner = json_object_new_object();
    char message[512];
    const char *text;
    char *body = NULL;

    (void)snprintf(message, sizeof message, "%s%s", error->message,
                   detail ? detail : "");
    if (!outer || !inner || put_members(inner, error, message)) {
        goto out;
    }
    if (json_object_object_add(outer, "error", json_object_get(inner))) {
        json_object_put(inner);
        goto out;
    }
    text = json_object_to_json_string_ext(outer, JSON_C_TO_STRING_PLAIN);
    body = text ? strdup(text) : NULL;
out:
    json_object_put(inner);
    json_object_put(outer);
    return body;
}
