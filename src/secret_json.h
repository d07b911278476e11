/* SPDX-License-Identifier: MIT */
/*
 * secret_json: JSON in and out of a secret buffer.
 *
 * json-c prints and parses through growing heap buffers of its own, which it
 * frees without wiping: every step of the growth would leave a copy of a
 * token behind. These two leave none, but where a member comes twice: json-c
 * frees the former of its values as it is. A tree with a token in it is freed
 * with mpsc_secret_json_free().
 */
#ifndef MPSC_SECRET_JSON_H
#define MPSC_SECRET_JSON_H

#include <json-c/json_types.h>
#include <stddef.h>

#include "secret.h"

/*
 * Parses exactly one JSON object that fills all `len` bytes, in valid UTF-8
 * and nested no deeper than `depth`. (json-c's strict mode, which is still
 * lenient about quotes, NaN and white space.) 0 with *json set, which the
 * caller owns; 1 where the bytes are no such object; -1 without memory.
 */
int mpsc_secret_json_parse(const char *bytes, size_t len, int depth,
                           struct json_object **json);

/*
 * The same, and *line is the line where the parser stopped, from 1: of bytes
 * that are no such object, near what is wrong. For a document that people
 * write.
 */
int mpsc_secret_json_parse_lines(const char *bytes, size_t len, int depth,
                                 struct json_object **json, size_t *line);

/*
 * False where an object of the text has a member twice, of which json-c keeps
 * the last without a word: the tree that was parsed from it has fewer members
 * than the text has colons.
 */
int mpsc_secret_json_is_unique(struct json_object *json, const char *bytes,
                               size_t len);

/*
 * Adds a member to an object, or an element to an array, and takes over
 * `value`, which may be NULL for want of memory; where it can't be added it is
 * wiped and dropped. 0, or -1 without memory.
 */
int mpsc_secret_json_add(struct json_object *object, const char *name,
                         struct json_object *value);
int mpsc_secret_json_append(struct json_object *array,
                            struct json_object *value);

/*
 * Appends the tree as one line of plain JSON. 0, or -1 without memory; the
 * buffer may then hold a part of it.
 */
int mpsc_secret_json_write(struct json_object *json, struct mpsc_secret *out);

/*
 * Overwrites every string in the tree, then drops the reference. For trees
 * that hold a token and that nobody else holds. NULL is fine.
 */
void mpsc_secret_json_free(struct json_object *json);

#endif
