/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "keyring_protocol.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "secret_json.h"

/* The payload, in it changes, a change, its record, and that one's members. */
#define DEPTH_MAX 5

static const char magic[4] = {'M', 'P', 'S', 'K'};

static void
put_be(unsigned char *to, size_t bytes, uint32_t number)
{
    while (bytes-- > 0) {
        to[bytes] = (unsigned char)(number & 0xff);
        number >>= 8;
    }
}

static uint32_t
get_be(const char *from, size_t bytes)
{
    uint32_t number = 0;

    for (size_t i = 0; i < bytes; i++) {
        number = number << 8 | (unsigned char)from[i];
    }
    return number;
}

/* Appends a frame and frees the payload, which may be NULL for want of
 * memory. */
static int
encode(enum mpsc_keyring_type type, struct json_object *payload,
       struct mpsc_secret *out)
{
    unsigned char header[MPSC_KEYRING_HEADER_SIZE] = {0};
    size_t start = out->len;
    size_t len;
    int ok = -1;

    if (payload == NULL ||
        mpsc_secret_append(out, header, sizeof(header)) != 0 ||
        mpsc_secret_json_write(payload, out) != 0) {
        goto out;
    }
    len = out->len - start - sizeof(header);
    if (len > MPSC_KEYRING_PAYLOAD_MAX) {
        goto out;
    }
    memcpy(header, magic, sizeof(magic));
    put_be(header + 4, 2, MPSC_KEYRING_PROTOCOL);
    put_be(header + 6, 2, (uint32_t)type);
    put_be(header + 8, 4, (uint32_t)len);
    memcpy(out->data + start, header, sizeof(header));
    ok = 0;
out:
    mpsc_secret_json_free(payload);
    if (ok != 0) {
        mpsc_secret_free(out);
    }
    return ok;
}

static int
add(struct json_object *json, const char *name, struct json_object *value)
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
append(struct json_object *list, struct json_object *value)
{
    if (value == NULL) {
        return -1;
    }
    if (json_object_array_add(list, value) != 0) {
        mpsc_secret_json_free(value);
        return -1;
    }
    return 0;
}

static int
add_string(struct json_object *json, const char *name, const char *text)
{
    return add(json, name, json_object_new_string(text));
}

static int
add_number(struct json_object *json, const char *name, unsigned number)
{
    return add(json, name, json_object_new_int64(number));
}

int
mpsc_keyring_encode_open(const struct mpsc_keyring_query *query,
                         struct mpsc_secret *out)
{
    struct json_object *json = json_object_new_object();

    if (json != NULL &&
        (add_string(json, "bus", query->bus) != 0 ||
         add_string(json, "runtime_dir", query->runtime_dir) != 0 ||
         add_string(json, "endpoint", query->endpoint) != 0 ||
         add_string(json, "solution_id", query->solution_id) != 0 ||
         (query->business_id != NULL &&
          add_string(json, "business_id", query->business_id) != 0) ||
         add(json, "epoch", json_object_new_uint64(query->epoch)) != 0 ||
         add_number(json, "keyring_deadline_ms", query->keyring_deadline_ms) !=
             0 ||
         add_number(json, "lock_wait_ms", query->lock_wait_ms) != 0 ||
         add_number(json, "flight_ms", query->flight_ms) != 0)) {
        json_object_put(json);
        json = NULL;
    }
    return encode(MPSC_KEYRING_MSG_OPEN, json, out);
}

/* A payload with whatever of state and record there is; NULL without
 * memory. */
static struct json_object *
answer_json(const enum mpsc_keyring_state *state,
            const struct mpsc_record *record)
{
    struct json_object *json = json_object_new_object();

    if (json != NULL &&
        ((state != NULL && add_number(json, "state", (unsigned)*state) != 0) ||
         (record != NULL &&
          add(json, "record", mpsc_record_to_json(record)) != 0))) {
        mpsc_secret_json_free(json);
        json = NULL;
    }
    return json;
}

int
mpsc_keyring_encode_store(const struct mpsc_record *record,
                          struct mpsc_secret *out)
{
    return encode(MPSC_KEYRING_MSG_STORE, answer_json(NULL, record), out);
}

int
mpsc_keyring_encode_loaded(enum mpsc_keyring_state state,
                           const struct mpsc_record *record,
                           struct mpsc_secret *out)
{
    return encode(MPSC_KEYRING_MSG_LOADED, answer_json(&state, record), out);
}

int
mpsc_keyring_encode_changed(enum mpsc_keyring_state state,
                            struct mpsc_secret *out)
{
    return encode(MPSC_KEYRING_MSG_CHANGED, answer_json(&state, NULL), out);
}

/* An object whose only member is an empty array; NULL without memory. */
static struct json_object *
object_with_list(const char *name, struct json_object **list)
{
    struct json_object *json = json_object_new_object();

    if (json == NULL) {
        return NULL;
    }
    *list = json_object_new_array();
    if (add(json, name, *list) != 0) {
        json_object_put(json);
        return NULL;
    }
    return json;
}

int
mpsc_keyring_encode_claim(const char *const *ids, size_t count,
                          struct mpsc_secret *out)
{
    struct json_object *list;
    struct json_object *json = object_with_list("ids", &list);
    int ok = json != NULL;

    for (size_t i = 0; ok && i < count; i++) {
        ok = append(list, json_object_new_string(ids[i])) == 0;
    }
    if (!ok) {
        json_object_put(json);
        json = NULL;
    }
    return encode(MPSC_KEYRING_MSG_CLAIM, json, out);
}

/* NULL without memory. */
static struct json_object *
change_json(const struct mpsc_keyring_change *change)
{
    struct json_object *json = json_object_new_object();

    if (json != NULL &&
        (add_string(json, "business_id", change->business_id) != 0 ||
         add_number(json, "what", (unsigned)change->what) != 0 ||
         (change->what == MPSC_KEYRING_STORE &&
          add(json, "record", mpsc_record_to_json(change->record)) != 0))) {
        mpsc_secret_json_free(json);
        json = NULL;
    }
    return json;
}

int
mpsc_keyring_encode_change(const struct mpsc_keyring_change *changes,
                           size_t count, struct mpsc_secret *out)
{
    struct json_object *list;
    struct json_object *json = object_with_list("changes", &list);
    int ok = json != NULL;

    for (size_t i = 0; ok && i < count; i++) {
        ok = append(list, change_json(&changes[i])) == 0;
    }
    if (!ok) {
        mpsc_secret_json_free(json);
        json = NULL;
    }
    return encode(MPSC_KEYRING_MSG_CHANGE, json, out);
}

int
mpsc_keyring_encode_record(const char *business_id,
                           const struct mpsc_record *record,
                           struct mpsc_secret *out)
{
    struct json_object *json = answer_json(NULL, record);

    if (json != NULL && add_string(json, "business_id", business_id) != 0) {
        mpsc_secret_json_free(json);
        json = NULL;
    }
    return encode(MPSC_KEYRING_MSG_RECORD, json, out);
}

int
mpsc_keyring_encode_claimed(const char *business_id, int found,
                            struct mpsc_secret *out)
{
    struct json_object *json = json_object_new_object();

    if (json != NULL && (add_string(json, "business_id", business_id) != 0 ||
                         add_number(json, "found", found != 0) != 0)) {
        json_object_put(json);
        json = NULL;
    }
    return encode(MPSC_KEYRING_MSG_CLAIMED, json, out);
}

int
mpsc_keyring_encode_bare(enum mpsc_keyring_type type, struct mpsc_secret *out)
{
    return encode(type, json_object_new_object(), out);
}

/* The text of a string without a NUL in it, which stays the tree's; NULL
 * where it is none. */
static const char *
text_of(struct json_object *json)
{
    const char *text;

    if (!json_object_is_type(json, json_type_string)) {
        return NULL;
    }
    text = json_object_get_string(json);
    return strlen(text) == (size_t)json_object_get_string_len(json) ? text
                                                                    : NULL;
}

static int
get_string(struct json_object *json, const char *name, const char **text)
{
    struct json_object *member = NULL;

    json_object_object_get_ex(json, name, &member);
    *text = text_of(member);
    return *text != NULL ? 0 : -1;
}

static int
get_number(struct json_object *json, const char *name, unsigned max,
           unsigned *number)
{
    struct json_object *member;
    int64_t value;

    if (!json_object_object_get_ex(json, name, &member) ||
        !json_object_is_type(member, json_type_int)) {
        return -1;
    }
    value = json_object_get_int64(member);
    if (value < 0 || value > max) {
        return -1;
    }
    *number = (unsigned)value;
    return 0;
}

/* A business's number as far as its length goes; 0 or -1. */
static int
read_id(struct json_object *json, const char **business_id)
{
    *business_id = text_of(json);
    return *business_id != NULL && **business_id != '\0' &&
                   strlen(*business_id) <= MPS_BUSINESS_ID_MAX
               ? 0
               : -1;
}

static int
get_id(struct json_object *json, const char **business_id)
{
    struct json_object *member = NULL;

    json_object_object_get_ex(json, "business_id", &member);
    return read_id(member, business_id);
}

static int
get_epoch(struct json_object *json, uint64_t *epoch)
{
    struct json_object *member;

    if (!json_object_object_get_ex(json, "epoch", &member) ||
        !json_object_is_type(member, json_type_int) ||
        json_object_get_int64(member) < 0) {
        return -1;
    }
    *epoch = json_object_get_uint64(member);
    return 0;
}

static int
decode_open(struct json_object *json, struct mpsc_keyring_query *query)
{
    int sweep = !json_object_object_get_ex(json, "business_id", NULL);

    return get_string(json, "bus", &query->bus) == 0 &&
                   get_string(json, "runtime_dir", &query->runtime_dir) == 0 &&
                   get_string(json, "endpoint", &query->endpoint) == 0 &&
                   get_string(json, "solution_id", &query->solution_id) == 0 &&
                   (sweep || get_id(json, &query->business_id) == 0) &&
                   get_epoch(json, &query->epoch) == 0 &&
                   get_number(json, "keyring_deadline_ms", MPSC_KEYRING_MS_MAX,
                              &query->keyring_deadline_ms) == 0 &&
                   get_number(json, "lock_wait_ms", MPSC_KEYRING_MS_MAX,
                              &query->lock_wait_ms) == 0 &&
                   get_number(json, "flight_ms", MPSC_KEYRING_MS_MAX,
                              &query->flight_ms) == 0
               ? 0
               : -1;
}

static int
decode_state(struct json_object *json, enum mpsc_keyring_state *state)
{
    unsigned number;

    if (get_number(json, "state", MPSC_KEYRING_PURGED, &number) != 0) {
        return -1;
    }
    *state = (enum mpsc_keyring_state)number;
    return 0;
}

/* The array of that name, with 1 to MPSC_KEYRING_BATCH_MAX elements; NULL
 * where there is none. */
static struct json_object *
get_list(struct json_object *json, const char *name, size_t *count)
{
    struct json_object *list;

    if (!json_object_object_get_ex(json, name, &list) ||
        !json_object_is_type(list, json_type_array)) {
        return NULL;
    }
    *count = json_object_array_length(list);
    return *count > 0 && *count <= MPSC_KEYRING_BATCH_MAX ? list : NULL;
}

static int
decode_claim(struct mpsc_keyring_message *message)
{
    struct json_object *list = get_list(message->json, "ids", &message->count);

    if (list == NULL) {
        return -1;
    }
    message->ids = calloc(message->count, sizeof(*message->ids));
    for (size_t i = 0; message->ids != NULL && i < message->count; i++) {
        if (read_id(json_object_array_get_idx(list, i), &message->ids[i]) !=
            0) {
            return -1;
        }
    }
    return message->ids != NULL ? 0 : -1;
}

static int
decode_one_change(struct json_object *json, struct mpsc_keyring_change *change,
                  struct mpsc_record *record)
{
    struct json_object *member = NULL;
    unsigned what;

    if (get_id(json, &change->business_id) != 0 ||
        get_number(json, "what", MPSC_KEYRING_ERASE, &what) != 0) {
        return -1;
    }
    change->what = (enum mpsc_keyring_what)what;
    change->record = record;
    json_object_object_get_ex(json, "record", &member);
    if (change->what == MPSC_KEYRING_STORE &&
        mpsc_record_from_json(member, record) != 0) {
        change->what = MPSC_KEYRING_RELEASE;
    }
    return 0;
}

static int
decode_change(struct mpsc_keyring_message *message)
{
    size_t count = 0;
    struct json_object *list = get_list(message->json, "changes", &count);

    if (list == NULL) {
        return -1;
    }
    message->changes = calloc(count, sizeof(*message->changes));
    message->records = calloc(count, sizeof(*message->records));
    if (message->changes == NULL || message->records == NULL) {
        return -1;
    }
    message->count = count;
    for (size_t i = 0; i < count; i++) {
        if (decode_one_change(json_object_array_get_idx(list, i),
                              &message->changes[i],
                              &message->records[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
decode_claimed(struct mpsc_keyring_message *message)
{
    unsigned found;

    if (get_id(message->json, &message->business_id) != 0 ||
        get_number(message->json, "found", 1, &found) != 0) {
        return -1;
    }
    message->found = (int)found;
    return 0;
}

static int
decode_payload(struct mpsc_keyring_message *message)
{
    struct json_object *record = NULL;

    json_object_object_get_ex(message->json, "record", &record);
    switch (message->type) {
    case MPSC_KEYRING_MSG_OPEN:
        return decode_open(message->json, &message->query);
    case MPSC_KEYRING_MSG_STORE:
        return mpsc_record_from_json(record, &message->record);
    case MPSC_KEYRING_MSG_LOADED:
        message->found = record != NULL;
        if (message->found &&
            mpsc_record_from_json(record, &message->record) != 0) {
            return -1;
        }
        return decode_state(message->json, &message->state);
    case MPSC_KEYRING_MSG_CHANGED:
        return decode_state(message->json, &message->state);
    case MPSC_KEYRING_MSG_CLAIM:
        return decode_claim(message);
    case MPSC_KEYRING_MSG_CHANGE:
        return decode_change(message);
    case MPSC_KEYRING_MSG_RECORD:
        message->found = mpsc_record_from_json(record, &message->record) == 0;
        return get_id(message->json, &message->business_id);
    case MPSC_KEYRING_MSG_CLAIMED:
        return decode_claimed(message);
    case MPSC_KEYRING_MSG_ERASE:
    case MPSC_KEYRING_MSG_VERSION:
        return 0;
    }
    return -1;
}

enum mpsc_keyring_decoded
mpsc_keyring_decode(const char *bytes, size_t len, size_t *need,
                    struct mpsc_keyring_message *message)
{
    uint32_t payload;

    memset(message, 0, sizeof(*message));
    *need = MPSC_KEYRING_HEADER_SIZE;
    if (len > 0 &&
        memcmp(bytes, magic, len < sizeof(magic) ? len : sizeof(magic)) != 0) {
        return MPSC_KEYRING_BAD;
    }
    if (len < *need) {
        return MPSC_KEYRING_MORE;
    }
    if (get_be(bytes + 4, 2) != MPSC_KEYRING_PROTOCOL) {
        return MPSC_KEYRING_OTHER_VERSION;
    }
    payload = get_be(bytes + 8, 4);
    if (payload > MPSC_KEYRING_PAYLOAD_MAX) {
        return MPSC_KEYRING_BAD;
    }
    *need += payload;
    if (len < *need) {
        return MPSC_KEYRING_MORE;
    }
    message->type = (enum mpsc_keyring_type)get_be(bytes + 6, 2);
    if (mpsc_secret_json_parse(bytes + MPSC_KEYRING_HEADER_SIZE, payload,
                               DEPTH_MAX, &message->json) != 0 ||
        decode_payload(message) != 0) {
        mpsc_keyring_message_free(message);
        return MPSC_KEYRING_BAD;
    }
    return MPSC_KEYRING_MESSAGE;
}

void
mpsc_keyring_message_free(struct mpsc_keyring_message *message)
{
    mpsc_record_free(&message->record);
    for (size_t i = 0; message->records != NULL && i < message->count; i++) {
        mpsc_record_free(&message->records[i]);
    }
    free(message->records);
    free(message->changes);
    free(message->ids);
    mpsc_secret_json_free(message->json);
    memset(message, 0, sizeof(*message));
}
