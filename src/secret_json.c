/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "secret_json.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "exiting.h"
#include "utf8.h"

/* One piece of JSON for the tokener; true where that may go on. */
static int
feed(struct json_tokener *tokener, const char *text, size_t len,
     enum json_tokener_error expected)
{
    json_object_put(json_tokener_parse_ex(tokener, text, (int)len));
    return json_tokener_get_error(tokener) == expected;
}

/*
 * Has the tokener read a JSON string of `len` fillers. Its string buffer is
 * as large as that afterwards, and overwritten: the public interface gives
 * no other way to either.
 */
static int
fill_tokener(struct json_tokener *tokener, size_t len)
{
    char filler[1024];
    int ok;

    memset(filler, 'x', sizeof(filler));
    json_tokener_reset(tokener);
    ok = feed(tokener, "\"", 1, json_tokener_continue);
    while (ok && len > 0) {
        size_t piece = len < sizeof(filler) ? len : sizeof(filler);

        ok = feed(tokener, filler, piece, json_tokener_continue);
        len -= piece;
    }
    ok = ok && feed(tokener, "\"", 1, json_tokener_success);
    json_tokener_reset(tokener);
    return ok ? 0 : -1;
}

/*
 * True where the tokener stopped for want of memory. json-c 0.16 has no error
 * for that: it stops half-way and calls it a success. A strict one has an
 * error for whatever else stops it, but for a NUL behind the text's end.
 */
static int
ran_out(struct json_tokener *tokener, const char *bytes, size_t len)
{
    size_t end = json_tokener_get_parse_end(tokener);

    return json_tokener_get_error(tokener) == json_tokener_success &&
           end < len && bytes[end] != '\0';
}

/* Appends "\\u00e9", or a surrogate pair. */
static int
append_escape(struct mpsc_secret *to, uint32_t point)
{
    char text[2 * sizeof("\\uffffffff")]; /* as far as gcc can tell */

    if (point < 0x10000) {
        snprintf(text, sizeof(text), "\\u%04x", (unsigned)point);
    } else {
        point -= 0x10000;
        snprintf(text, sizeof(text), "\\u%04x\\u%04x",
                 0xd800 + (unsigned)(point >> 10),
                 0xdc00 + (unsigned)(point & 0x3ff));
    }
    return mpsc_secret_append(to, text, strlen(text));
}

/*
 * Appends the text with escapes for what isn't ASCII: json-c 0.18, when it is
 * strict, takes all such bytes of a string for control characters
 * (json-c/json-c#875). 0; 1 where the text is no UTF-8, or has such a
 * character behind a backslash, where no escape may stand for it; -1 without
 * memory.
 */
static int
append_ascii(struct mpsc_secret *to, const char *bytes, size_t len)
{
    int is_escaped = 0; /* by a backslash before it */
    size_t length;

    for (size_t i = 0; i < len; i += length) {
        uint32_t point;
        int result;

        length = mpsc_utf8_decode(bytes + i, len - i, &point);
        if (length == 0 || (length > 1 && is_escaped)) {
            return 1;
        }
        is_escaped = bytes[i] == '\\' && !is_escaped;
        result = length > 1 ? append_escape(to, point)
                            : mpsc_secret_append(to, bytes + i, 1);
        if (result != 0) {
            return -1;
        }
    }
    return 0;
}

static int
is_ascii(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((bytes[i] & 0x80) != 0) {
            return 0;
        }
    }
    return 1;
}

/* *end: how far the tokener came. */
static int
parse(const char *bytes, size_t len, int depth, struct json_object **json,
      size_t *end)
{
    struct json_tokener *tokener = json_tokener_new_ex(depth);
    int result = -1;

    if (tokener == NULL) {
        return -1;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    if (fill_tokener(tokener, len) != 0) {
        goto out;
    }
    *json = json_tokener_parse_ex(tokener, bytes, (int)len);
    *end = json_tokener_get_parse_end(tokener);
    result = 0;
    if (ran_out(tokener, bytes, len)) {
        result = -1;
        mpsc_secret_json_free(*json);
        *json = NULL;
    } else if (json_tokener_get_error(tokener) != json_tokener_success ||
               *end != len || !json_object_is_type(*json, json_type_object)) {
        mpsc_secret_json_free(*json);
        *json = NULL;
        result = 1;
    }
    /* The buffer has its full size by now, so this can't fail half-way. */
    (void)fill_tokener(tokener, len);
out:
    json_tokener_free(tokener);
    return result;
}

static size_t
count_lines(const char *bytes, size_t len)
{
    size_t lines = 1;

    for (size_t i = 0; i < len; i++) {
        lines += bytes[i] == '\n';
    }
    return lines;
}

int
mpsc_secret_json_parse_lines(const char *bytes, size_t len, int depth,
                             struct json_object **json, size_t *line)
{
    struct mpsc_secret ascii = MPSC_SECRET_EMPTY;
    size_t end = 0;
    int counted;
    int result;

    *json = NULL;
    *line = 1;
    /* Escapes are up to thrice as long. */
    if (len > INT_MAX / 3 - 2) {
        return 1;
    }
    if (!is_ascii(bytes, len)) {
        result = append_ascii(&ascii, bytes, len);
        if (result != 0) {
            goto out;
        }
        bytes = ascii.data;
        len = ascii.len;
    }
    /* json-c makes a locale for each piece, by a lock of the C library's that
     * a child forked meanwhile would find locked for ever (glibc 2.36). */
    counted = mpsc_exiting_try_enter();
    result = parse(bytes, len, depth, json, &end);
    if (counted) {
        mpsc_exiting_leave();
    }
    *line = count_lines(bytes, end);
out:
    mpsc_secret_free(&ascii);
    return result;
}

int
mpsc_secret_json_parse(const char *bytes, size_t len, int depth,
                       struct json_object **json)
{
    size_t line;

    return mpsc_secret_json_parse_lines(bytes, len, depth, json, &line);
}

/* The members of a JSON tree's objects, all levels. */
static size_t
count_members(struct json_object *json)
{
    size_t count = 0;

    if (json_object_is_type(json, json_type_object)) {
        struct json_object_iterator end = json_object_iter_end(json);
        struct json_object_iterator at = json_object_iter_begin(json);

        for (; !json_object_iter_equal(&at, &end);
             json_object_iter_next(&at)) {
            count += 1 + count_members(json_object_iter_peek_value(&at));
        }
    } else if (json_object_is_type(json, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(json); i++) {
            count += count_members(json_object_array_get_idx(json, i));
        }
    }
    return count;
}

/* The colons outside strings: one for each member of valid JSON. json-c takes
 * strings in single quotes as well. */
static size_t
count_colons(const char *bytes, size_t len)
{
    size_t count = 0;
    char quote = '\0';

    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];

        if (quote != '\0') {
            if (c == '\\') {
                i++;
            } else if (c == quote) {
                quote = '\0';
            }
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == ':') {
            count++;
        }
    }
    return count;
}

int
mpsc_secret_json_is_unique(struct json_object *json, const char *bytes,
                           size_t len)
{
    return count_members(json) == count_colons(bytes, len);
}

/* The strings of a tree; the depth is what the parser allowed. */
static void
wipe_strings(struct json_object *json)
{
    struct json_object_iterator at;
    struct json_object_iterator end;

    switch (json_object_get_type(json)) {
    case json_type_string:
        /* The text lies in the object itself, which is ours alone. */
        explicit_bzero((char *)json_object_get_string(json),
                       (size_t)json_object_get_string_len(json));
        break;
    case json_type_object:
        at = json_object_iter_begin(json);
        end = json_object_iter_end(json);
        for (; !json_object_iter_equal(&at, &end);
             json_object_iter_next(&at)) {
            wipe_strings(json_object_iter_peek_value(&at));
        }
        break;
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(json); i++) {
            wipe_strings(json_object_array_get_idx(json, i));
        }
        break;
    case json_type_null:
    case json_type_boolean:
    case json_type_double:
    case json_type_int:
        break;
    }
}

void
mpsc_secret_json_free(struct json_object *json)
{
    wipe_strings(json);
    json_object_put(json);
}

int
mpsc_secret_json_add(struct json_object *object, const char *name,
                     struct json_object *value)
{
    if (value != NULL && json_object_object_add(object, name, value) == 0) {
        return 0;
    }
    mpsc_secret_json_free(value);
    return -1;
}

int
mpsc_secret_json_append(struct json_object *array, struct json_object *value)
{
    if (value != NULL && json_object_array_add(array, value) == 0) {
        return 0;
    }
    mpsc_secret_json_free(value);
    return -1;
}

static int
append_text(struct mpsc_secret *out, const char *text)
{
    return mpsc_secret_append(out, text, strlen(text));
}

/* A string in quotes; runs that need no escape are copied as they are. */
static int
write_string(const char *bytes, size_t len, struct mpsc_secret *out)
{
    size_t done = 0;

    if (append_text(out, "\"") != 0) {
        return -1;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        char escape[8];

        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            continue;
        }
        snprintf(escape, sizeof(escape), byte < 0x20 ? "\\u%04x" : "\\%c",
                 byte);
        if (mpsc_secret_append(out, bytes + done, i - done) != 0 ||
            append_text(out, escape) != 0) {
            return -1;
        }
        done = i + 1;
    }
    if (mpsc_secret_append(out, bytes + done, len - done) != 0) {
        return -1;
    }
    return append_text(out, "\"");
}

static int
write_object(struct json_object *json, struct mpsc_secret *out)
{
    const char *separator = "{";
    struct json_object_iterator at = json_object_iter_begin(json);
    struct json_object_iterator end = json_object_iter_end(json);

    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        const char *key = json_object_iter_peek_name(&at);

        if (append_text(out, separator) != 0 ||
            write_string(key, strlen(key), out) != 0 ||
            append_text(out, ":") != 0 ||
            mpsc_secret_json_write(json_object_iter_peek_value(&at), out) !=
                0) {
            return -1;
        }
        separator = ",";
    }
    return append_text(out, *separator == '{' ? "{}" : "}");
}

static int
write_array(struct json_object *json, struct mpsc_secret *out)
{
    size_t count = json_object_array_length(json);

    if (append_text(out, "[") != 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if ((i > 0 && append_text(out, ",") != 0) ||
            mpsc_secret_json_write(json_object_array_get_idx(json, i), out) !=
                0) {
            return -1;
        }
    }
    return append_text(out, "]");
}

int
mpsc_secret_json_write(struct json_object *json, struct mpsc_secret *out)
{
    const char *text;

    switch (json_object_get_type(json)) {
    case json_type_object:
        return write_object(json, out);
    case json_type_array:
        return write_array(json, out);
    case json_type_string:
        return write_string(json_object_get_string(json),
                            (size_t)json_object_get_string_len(json), out);
    case json_type_null:
    case json_type_boolean:
    case json_type_double:
    case json_type_int:
        break;
    }
    /* No secret in a number: json-c's own printing will do. */
    text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);
    return text == NULL ? -1 : append_text(out, text);
}
