/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "record.h"
#include "secret_json.h"

#include <json-c/json.h>
#include <string.h>

/* No time or offset of ours is larger; so sums of a few can't overflow. */
#define NUMBER_MAX ((int64_t)1 << 53)

void
mpsc_record_free(struct mpsc_record *record)
{
    mpsc_secret_free(&record->token);
    memset(record, 0, sizeof(*record));
}

/* Adds a member and takes over `value`; 0, or -1 without memory. */
static int
add_member(struct json_object *json, const char *name,
           struct json_object *value)
{
    if (value == NULL) {
        return -1;
    }
    if (json_object_object_add(json, name, value) != 0) {
        mpsc_secret_json_free(value);
        return -1;
    }
    return 0;
}

static int
add_number(struct json_object *json, const char *name, int64_t number)
{
    return add_member(json, name, json_object_new_int64(number));
}

struct json_object *
mpsc_record_to_json(const struct mpsc_record *record)
{
    struct json_object *json = json_object_new_object();

    if (json == NULL ||
        add_member(json, "token",
                   json_object_new_string_len(record->token.data,
                                              (int)record->token.len)) != 0 ||
        add_number(json, "expires_at", record->expires_at) != 0 ||
        add_number(json, "endpoint_expires_at", record->endpoint_expires_at) !=
            0 ||
        add_number(json, "received_at", record->received_at) != 0 ||
        add_number(json, "received_boot_ms", record->received_boot_ms) != 0 ||
        add_member(json, "boot_id", json_object_new_string(record->boot_id)) !=
            0 ||
        add_number(json, "clock_offset_s", record->clock_offset_s) != 0) {
        mpsc_secret_json_free(json);
        return NULL;
    }
    return json;
}

/* An integer from `min` to NUMBER_MAX; 0 or -1. */
static int
read_number(struct json_object *json, const char *name, int64_t min,
            int64_t *number)
{
    struct json_object *member;

    if (!json_object_object_get_ex(json, name, &member) ||
        !json_object_is_type(member, json_type_int)) {
        return -1;
    }
    *number = json_object_get_int64(member);
    return *number >= min && *number <= NUMBER_MAX ? 0 : -1;
}

/* "" or a boot id's full length; 0 or -1. */
static int
read_boot_id(struct json_object *json, char id[MPSC_BOOT_ID_SIZE])
{
    struct json_object *member;
    const char *text;
    size_t len;

    if (!json_object_object_get_ex(json, "boot_id", &member) ||
        !json_object_is_type(member, json_type_string)) {
        return -1;
    }
    text = json_object_get_string(member);
    len = (size_t)json_object_get_string_len(member);
    if ((len != 0 && len != MPSC_BOOT_ID_SIZE - 1) ||
        strspn(text, "0123456789abcdef-") != len) {
        return -1;
    }
    memcpy(id, text, len + 1);
    return 0;
}

/* Replaces what `token` holds, in the same memory where it is large enough. */
static int
read_token(struct json_object *json, struct mpsc_secret *token)
{
    struct json_object *member;
    const char *text;
    size_t len;

    if (!json_object_object_get_ex(json, "token", &member) ||
        !json_object_is_type(member, json_type_string)) {
        return -1;
    }
    text = json_object_get_string(member);
    len = (size_t)json_object_get_string_len(member);
    if (!mpsc_record_token_ok(text, len)) {
        return -1;
    }
    token->len = 0;
    return mpsc_secret_append(token, text, len);
}

int
mpsc_record_read(struct json_object *json, struct mpsc_record *record)
{
    return json_object_is_type(json, json_type_object) &&
                   read_number(json, "expires_at", 1, &record->expires_at) ==
                       0 &&
                   read_number(json, "endpoint_expires_at", -1,
                               &record->endpoint_expires_at) == 0 &&
                   read_number(json, "received_at", 0, &record->received_at) ==
                       0 &&
                   read_number(json, "received_boot_ms", 0,
                               &record->received_boot_ms) == 0 &&
                   read_number(json, "clock_offset_s", -NUMBER_MAX,
                               &record->clock_offset_s) == 0 &&
                   read_boot_id(json, record->boot_id) == 0 &&
                   read_token(json, &record->token) == 0
               ? 0
               : -1;
}

int
mpsc_record_from_json(struct json_object *json, struct mpsc_record *record)
{
    memset(record, 0, sizeof(*record));
    if (mpsc_record_read(json, record) != 0) {
        mpsc_record_free(record);
        return -1;
    }
    return 0;
}

int
mpsc_record_token_ok(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] <= ' ' || bytes[i] > '~') {
            return 0;
        }
    }
    return len > 0;
}
