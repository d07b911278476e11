/* SPDX-License-Identifier: MIT */
/*
 * json: building and writing JSON objects that hold no secret.
 *
 * Functions that return int return 0, or -1: without memory, or, where they
 * write, with errno set.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <json-c/json.h>
#include <mps/credential.h>
#include <stdint.h>
#include <stdio.h>

#define CLI_JSON_FLAGS                                                        \
    (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

/* Adds a member or an element, which is taken over in any case; NULL stands
 * for one that could not be made. */
int cli_json_add(struct json_object *object, const char *key,
                 struct json_object *value);
int cli_json_append(struct json_object *array, struct json_object *value);

int cli_json_add_text(struct json_object *object, const char *key,
                      const char *text);
int cli_json_add_number(struct json_object *object, const char *key,
                        int64_t number);

/* What the caller typed, which may be no UTF-8, as JSON has to be. */
int cli_json_add_typed(struct json_object *object, const char *key,
                       const char *typed);

/* "code" and "code_number", which any answer begins with. */
int cli_json_add_code(struct json_object *object, int code);

/* All of an error but its code, and its classes. */
int cli_json_add_error(struct json_object *object,
                       const struct mps_error *error, unsigned classes);

/* Writes the object as one line. */
int cli_json_put(FILE *out, struct json_object *object);

#endif
