/* SPDX-License-Identifier: MIT */
/* The control plane: the paths that begin with /__. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "control.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct command {
    struct emu_endpoint *endpoint;
    const char *business_id; /* NULL: the path names none */
    const struct emu_pair *pairs;
    size_t count;
    struct emu_answer *answer;
};

typedef int command_fn(const struct command *command);

static const char paths[] =
    "GET /__health, GET /__stats, POST /__reset, "
    "PUT /__business/{id}?key=value&..., DELETE /__business/{id}, "
    "PUT /__endpoint?key=value&..., DELETE /__endpoint";

/* {"key":"text"} as the body. */
static int
reply(struct emu_answer *answer, unsigned status, const char *key,
      const char *text)
{
    struct json_object *object = json_object_new_object();
    struct json_object *value = json_object_new_string(text);
    const char *json;
    char *body = NULL;

    if (!object || !value || json_object_object_add(object, key, value)) {
        json_object_put(value);
        json_object_put(object);
        return -1;
    }
    json = json_object_to_json_string_ext(
        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    body = json ? strdup(json) : NULL;
    json_object_put(object);
    answer->status = status;
    if (emu_answer_header(answer, "Content-Type",
                          "application/json; charset=UTF-8")) {
        free(body);
        return -1;
    }
    return emu_answer_body(answer, body, body ? strlen(body) : 0);
}

static int
health(const struct command *command)
{
    return reply(command->answer, 200, "status", "ok");
}

static int
stats(const struct command *command)
{
    char *body = emu_endpoint_stats(command->endpoint);

    command->answer->status = 200;
    if (emu_answer_body(command->answer, body, body ? strlen(body) : 0)) {
        return -1;
    }
    return emu_answer_header(command->answer, "Content-Type",
                             "application/json; charset=UTF-8");
}

static int
reset(const struct command *command)
{
    if (emu_endpoint_reset(command->endpoint)) {
        return -1;
    }
    return reply(command->answer, 200, "status", "reset");
}

static int
set(const struct command *command)
{
    struct emu_error error;

    if (command->count == 0) {
        return reply(command->answer, 400, "error",
                     "nothing to set: give ?key=value&...; "
                     "mps-graph-emulator --list-keys prints all keys");
    }
    if (emu_endpoint_set(command->endpoint, command->business_id,
                         command->pairs, command->count, &error)) {
        return reply(command->answer, 400, "error", error.text);
    }
    return reply(command->answer, 200, "status", "set");
}

static int
undo(const struct command *command)
{
    if (emu_endpoint_undo(command->endpoint, command->business_id)) {
        return -1;
    }
    return reply(command->answer, 200, "status", "undone");
}

static const struct {
    const char *method;
    const char *path; /* one that ends in "/" is followed by a business_id */
    command_fn *run;
} commands[] = {
    {"GET", "/__health", health},     {"GET", "/__stats", stats},
    {"POST", "/__reset", reset},      {"PUT", "/__business/", set},
    {"DELETE", "/__business/", undo}, {"PUT", "/__endpoint", set},
    {"DELETE", "/__endpoint", undo},
};

bool
emu_control_is(const char *path)
{
    return strncmp(path, "/__", 3) == 0;
}

static bool
path_matches(const char *path, const char *pattern, const char **business_id)
{
    size_t length = strlen(pattern);

    *business_id = NULL;
    if (pattern[length - 1] != '/') {
        return strcmp(path, pattern) == 0;
    }
    if (strncmp(path, pattern, length) != 0) {
        return false;
    }
    *business_id = path + length;
    return emu_is_digits(*business_id);
}

int
emu_control(struct emu_endpoint *endpoint, const char *method,
            const char *path, const struct emu_pair *pairs, size_t count,
            struct emu_answer *answer)
{
    char text[512];
    bool known = false;

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct command command = {endpoint, NULL, pairs, count, answer};

        if (!path_matches(path, commands[i].path, &command.business_id)) {
            continue;
        }
        if (strcmp(method, commands[i].method) == 0) {
            return commands[i].run(&command);
        }
        known = true;
    }
    (void)snprintf(text, sizeof text, "no such control path%s; there are: %s",
                   known ? " with this method" : "", paths);
    return reply(answer, known ? 405 : 404, "error", text);
}
