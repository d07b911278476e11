/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "state_json.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "secret_json.h"
#include "utc.h"
#include "utf8.h"

/* The file is an object with an object in it that has arrays. */
#define DEPTH 4

enum type {
    TYPE_INT,
    TYPE_UNSIGNED,
    TYPE_BOOT_MS, /* int64_t, CLOCK_BOOTTIME: cut where it is far ahead */
    TYPE_WALL_S,  /* int64_t, Unix seconds */
    TYPE_TEXT     /* char[], `most` is its size */
};

/* A member of a struct, and of the JSON object that stands for it. */
struct member {
    const char *name;
    enum type type;
    size_t count; /* an array's; 0 = a single value */
    size_t offset;
    int64_t least, most;
};

#define MEMBER(struct_type, name, type, count, least, most)                   \
    {                                                                         \
#name, type, count, offsetof(struct_type, name), least, most          \
    }
#define ONE(struct_type, name, type, most)                                    \
    MEMBER(struct_type, name, type, 0, 0, most)
#define EACH(name, type, most)                                                \
    MEMBER(struct mpsc_trouble_view, name, type, MPSC_TROUBLE_COUNT, 0, most)
#define ANY(struct_type, name)                                                \
    MEMBER(struct_type, name, TYPE_INT, 0, INT_MIN, INT_MAX)
#define TEXT(struct_type, name)                                               \
    ONE(struct_type, name, TYPE_TEXT, sizeof(((struct_type *)0)->name))

static const struct member limit_members[] = {
    ONE(struct mpsc_limit, code, TYPE_INT, INT_MAX),
    ONE(struct mpsc_limit, until_ms, TYPE_BOOT_MS, INT64_MAX),
    ONE(struct mpsc_limit, step, TYPE_UNSIGNED, MPSC_LIMITS_COUNT_MAX),
    ONE(struct mpsc_limit, http_status, TYPE_INT, 999),
    ANY(struct mpsc_limit, graph_code),
    ANY(struct mpsc_limit, graph_subcode),
    ONE(struct mpsc_limit, is_transient, TYPE_INT, 1),
    TEXT(struct mpsc_limit, type),
    TEXT(struct mpsc_limit, fbtrace_id),
    TEXT(struct mpsc_limit, message),
};

static const struct member limits_members[] = {
    ONE(struct mpsc_limits, failures, TYPE_UNSIGNED, MPSC_LIMITS_COUNT_MAX),
    ONE(struct mpsc_limits, probe_until_ms, TYPE_BOOT_MS, INT64_MAX),
    ONE(struct mpsc_limits, usage_until_ms, TYPE_BOOT_MS, INT64_MAX),
};

static const struct member trouble_members[] = {
    EACH(since_s, TYPE_WALL_S, MPSC_UTC_MAX),
    EACH(last_line_s, TYPE_WALL_S, MPSC_UTC_MAX),
    EACH(repeats, TYPE_UNSIGNED, UINT_MAX),
    ONE(struct mpsc_trouble_view, earliest_expiry_s, TYPE_WALL_S,
        MPSC_UTC_MAX),
};

/* The objects of the file, and the struct that each stands for. */
static const struct object {
    const char *name;
    size_t offset;
    const struct member *members;
    size_t count;
} objects[] = {
#define OBJECT(name, offset, members)                                         \
    {                                                                         \
        name, offset, members, sizeof(members) / sizeof((members)[0])         \
    }
    OBJECT("rate", offsetof(struct mpsc_shared, limits.rate), limit_members),
    OBJECT("auth", offsetof(struct mpsc_shared, limits.auth), limit_members),
    OBJECT("breaker", offsetof(struct mpsc_shared, limits.breaker),
           limit_members),
    OBJECT("limits", offsetof(struct mpsc_shared, limits), limits_members),
    OBJECT("trouble", offsetof(struct mpsc_shared, trouble), trouble_members),
};

#define OBJECTS (sizeof(objects) / sizeof(objects[0]))

static size_t
size_of(enum type type)
{
    return type == TYPE_INT        ? sizeof(int)
           : type == TYPE_UNSIGNED ? sizeof(unsigned)
                                   : sizeof(int64_t);
}

static struct json_object *
value_to_json(enum type type, const void *value)
{
    switch (type) {
    case TYPE_INT:
        return json_object_new_int64(*(const int *)value);
    case TYPE_UNSIGNED:
        return json_object_new_int64(*(const unsigned *)value);
    case TYPE_TEXT:
        return json_object_new_string(value);
    default:
        return json_object_new_int64(*(const int64_t *)value);
    }
}

static struct json_object *
array_to_json(const struct member *member, const char *values)
{
    struct json_object *array = json_object_new_array();

    for (size_t i = 0; array != NULL && i < member->count; i++) {
        struct json_object *value =
            value_to_json(member->type, values + i * size_of(member->type));

        if (mpsc_secret_json_append(array, value) != 0) {
            json_object_put(array);
            return NULL;
        }
    }
    return array;
}

static struct json_object *
members_to_json(const struct object *object, const char *from)
{
    struct json_object *json = json_object_new_object();

    for (size_t i = 0; json != NULL && i < object->count; i++) {
        const struct member *member = &object->members[i];
        const char *at = from + member->offset;

        if (mpsc_secret_json_add(json, member->name,
                                 member->count > 0
                                     ? array_to_json(member, at)
                                     : value_to_json(member->type, at)) != 0) {
            json_object_put(json);
            return NULL;
        }
    }
    return json;
}

struct json_object *
mpsc_state_to_json(const struct mpsc_shared *shared, const char *boot_id)
{
    struct json_object *json = json_object_new_object();

    if (json == NULL) {
        return NULL;
    }
    if (mpsc_secret_json_add(json, "boot_id",
                             json_object_new_string(boot_id)) != 0) {
        json_object_put(json);
        return NULL;
    }
    for (size_t i = 0; i < OBJECTS; i++) {
        const char *from = (const char *)shared + objects[i].offset;

        if (mpsc_secret_json_add(json, objects[i].name,
                                 members_to_json(&objects[i], from)) != 0) {
            json_object_put(json);
            return NULL;
        }
    }
    return json;
}

/* 0, or -1 where the value is of another type or out of its bounds. last_ms:
 * where a time is cut. */
static int
value_from_json(int64_t last_ms, const struct member *member,
                struct json_object *json, void *value)
{
    int64_t number;

    if (member->type == TYPE_TEXT) {
        if (!json_object_is_type(json, json_type_string)) {
            return -1;
        }
        mpsc_utf8_copy(value, (size_t)member->most,
                       json_object_get_string(json));
        return 0;
    }
    if (!json_object_is_type(json, json_type_int)) {
        return -1;
    }
    number = json_object_get_int64(json);
    if (number < member->least || number > member->most) {
        return -1;
    }
    switch (member->type) {
    case TYPE_INT:
        *(int *)value = (int)number;
        break;
    case TYPE_UNSIGNED:
        *(unsigned *)value = (unsigned)number;
        break;
    case TYPE_BOOT_MS:
        *(int64_t *)value = number < last_ms ? number : last_ms;
        break;
    default:
        *(int64_t *)value = number;
    }
    return 0;
}

static int
member_from_json(int64_t last_ms, const struct member *member,
                 struct json_object *json, char *to)
{
    if (member->count == 0) {
        return value_from_json(last_ms, member, json, to);
    }
    if (!json_object_is_type(json, json_type_array) ||
        json_object_array_length(json) != member->count) {
        return -1;
    }
    for (size_t i = 0; i < member->count; i++) {
        if (value_from_json(last_ms, member,
                            json_object_array_get_idx(json, i),
                            to + i * size_of(member->type)) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
object_from_json(int64_t last_ms, const struct object *object,
                 struct json_object *json, char *to)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct member *member = &object->members[i];
        struct json_object *value;

        if (!json_object_object_get_ex(json, member->name, &value) ||
            member_from_json(last_ms, member, value, to + member->offset) !=
                0) {
            return -1;
        }
    }
    return 0;
}

/* Each limit has a code of its own kind, or is none. */
static int
check_codes(const struct mpsc_limits *limits)
{
    switch (limits->breaker.code) {
    case 0:
    case MPS_E_NETWORK:
    case MPS_E_TLS:
    case MPS_E_TIMEOUT:
    case MPS_E_SERVER:
        break;
    default:
        return -1;
    }
    return (limits->rate.code == 0 ||
            limits->rate.code == MPS_E_RATE_LIMITED) &&
                   (limits->auth.code == 0 || limits->auth.code == MPS_E_AUTH)
               ? 0
               : -1;
}

static int
read_tree(struct json_object *json, const char *boot_id, int64_t now_ms,
          struct mpsc_shared *shared)
{
    struct json_object *value;

    if (!json_object_object_get_ex(json, "boot_id", &value) ||
        !json_object_is_type(value, json_type_string) ||
        strcmp(json_object_get_string(value), boot_id) != 0) {
        return -1;
    }
    for (size_t i = 0; i < OBJECTS; i++) {
        if (!json_object_object_get_ex(json, objects[i].name, &value) ||
            object_from_json(now_ms + MPSC_STATE_AHEAD_MS, &objects[i], value,
                             (char *)shared + objects[i].offset) != 0) {
            return -1;
        }
    }
    return check_codes(&shared->limits);
}

int
mpsc_state_from_json(const char *bytes, size_t len, const char *boot_id,
                     int64_t now_ms, struct mpsc_shared *shared)
{
    struct json_object *json = NULL;
    int result = -1;

    memset(shared, 0, sizeof(*shared));
    if (mpsc_secret_json_parse(bytes, len, DEPTH, &json) == 0) {
        result = read_tree(json, boot_id, now_ms, shared);
        json_object_put(json);
    }
    if (result != 0) {
        memset(shared, 0, sizeof(*shared));
    }
    return result;
}
