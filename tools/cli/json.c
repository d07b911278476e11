/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "json.h"

#include <errno.h>

#include "output.h"
#include "text.h"

int
cli_json_add(struct json_object *object, const char *key,
             struct json_object *value)
{
    if (value == NULL || json_object_object_add(object, key, value) != 0) {
        json_object_put(value);
        return -1;
    }
    return 0;
}

int
cli_json_append(struct json_object *array, struct json_object *value)
{
    if (value == NULL || json_object_array_add(array, value) != 0) {
        json_object_put(value);
        return -1;
    }
    return 0;
}

int
cli_json_add_text(struct json_object *object, const char *key,
                  const char *text)
{
    return cli_json_add(object, key, json_object_new_string(text));
}

int
cli_json_add_number(struct json_object *object, const char *key,
                    int64_t number)
{
    return cli_json_add(object, key, json_object_new_int64(number));
}

int
cli_json_add_typed(struct json_object *object, const char *key,
                   const char *typed)
{
    char text[64];
    size_t len = 0;

    for (; len < sizeof(text) - 1 && typed[len] != '\0'; len++) {
        text[len] = typed[len];
        if (text[len] < ' ' || text[len] > '~') {
            text[len] = '?';
        }
    }
    text[len] = '\0';
    return cli_json_add_text(object, key, text);
}

int
cli_json_add_code(struct json_object *object, int code)
{
    if (cli_json_add_text(object, "code", cli_text_code(code)) != 0) {
        return -1;
    }
    return cli_json_add_number(object, "code_number", code);
}

static int
add_classes(struct json_object *object, unsigned classes)
{
    struct json_object *list = json_object_new_array();
    const char *name;

    if (cli_json_add(object, "class", list) != 0) {
        return -1;
    }
    while ((name = cli_text_take_class(&classes)) != NULL) {
        if (cli_json_append(list, json_object_new_string(name)) != 0) {
            return -1;
        }
    }
    return 0;
}

int
cli_json_add_error(struct json_object *object, const struct mps_error *error,
                   unsigned classes)
{
    if (add_classes(object, classes) != 0 ||
        cli_json_add_text(object, "message", error->message) != 0 ||
        cli_json_add_number(object, "retry_at", error->retry_at) != 0 ||
        cli_json_add_number(object, "http_status", error->http_status) != 0 ||
        cli_json_add_number(object, "graph_code", error->graph_code) != 0 ||
        cli_json_add_number(object, "graph_subcode", error->graph_subcode) !=
            0 ||
        cli_json_add(object, "is_transient",
                     json_object_new_boolean(error->is_transient)) != 0 ||
        cli_json_add_text(object, "type", error->type) != 0 ||
        cli_json_add_text(object, "fbtrace_id", error->fbtrace_id) != 0 ||
        cli_json_add_text(object, "user_title", error->user_title) != 0) {
        return -1;
    }
    return cli_json_add_text(object, "user_message", error->user_message);
}

int
cli_json_put(FILE *out, struct json_object *object)
{
    const char *text = json_object_to_json_string_ext(object, CLI_JSON_FLAGS);

    if (text == NULL) {
        errno = ENOMEM;
        return -1;
    }
    return fputs(text, out) == EOF || cli_output_text(out, "\n") != 0 ? -1 : 0;
}
