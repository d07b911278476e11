/* SPDX-License-Identifier: MIT */
/*
 * What module and keyring helper say to each other, as the one reads what the
 * other may have written. An input that begins with the magic is a stream of
 * frames as it is; else its first byte is a frame's type, and the rest that
 * frame's payload. What is decoded can be encoded again and says the same.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdlib.h>
#include <string.h>

#include "keyring_protocol.h"
#include "target.h"

static void
must_be_id(const char *business_id)
{
    MUST(business_id != NULL);
    MUST(business_id[0] != '\0');
    MUST(strlen(business_id) <= MPS_BUSINESS_ID_MAX);
}

static void
must_be_query(const struct mpsc_keyring_query *query)
{
    MUST(query->helper == NULL);
    MUST(query->bus != NULL && query->runtime_dir != NULL);
    MUST(query->endpoint != NULL && query->solution_id != NULL);
    if (query->business_id != NULL) {
        must_be_id(query->business_id);
    }
    MUST(query->keyring_deadline_ms <= MPSC_KEYRING_MS_MAX);
    MUST(query->lock_wait_ms <= MPSC_KEYRING_MS_MAX);
    MUST(query->flight_ms <= MPSC_KEYRING_MS_MAX);
}

static void
must_be_changes(const struct mpsc_keyring_message *message)
{
    MUST(message->count > 0 && message->count <= MPSC_KEYRING_BATCH_MAX);
    for (size_t i = 0; i < message->count; i++) {
        const struct mpsc_keyring_change *change = &message->changes[i];

        must_be_id(change->business_id);
        MUST(change->what <= MPSC_KEYRING_ERASE);
        if (change->what == MPSC_KEYRING_STORE) {
            fuzz_must_be_record(change->record);
        }
    }
}

static void
must_be_message(const struct mpsc_keyring_message *message)
{
    MUST(message->state <= MPSC_KEYRING_PURGED);
    switch (message->type) {
    case MPSC_KEYRING_MSG_OPEN:
        must_be_query(&message->query);
        break;
    case MPSC_KEYRING_MSG_STORE:
        fuzz_must_be_record(&message->record);
        break;
    case MPSC_KEYRING_MSG_RECORD:
        must_be_id(message->business_id);
        /* fall through */
    case MPSC_KEYRING_MSG_LOADED:
        if (message->found) {
            fuzz_must_be_record(&message->record);
        }
        break;
    case MPSC_KEYRING_MSG_CLAIM:
        MUST(message->count > 0 && message->count <= MPSC_KEYRING_BATCH_MAX);
        for (size_t i = 0; i < message->count; i++) {
            must_be_id(message->ids[i]);
        }
        break;
    case MPSC_KEYRING_MSG_CHANGE:
        must_be_changes(message);
        break;
    case MPSC_KEYRING_MSG_CLAIMED:
        must_be_id(message->business_id);
        MUST(message->found == 0 || message->found == 1);
        break;
    case MPSC_KEYRING_MSG_CHANGED:
    case MPSC_KEYRING_MSG_ERASE:
    case MPSC_KEYRING_MSG_VERSION:
        break;
    default:
        fuzz_broken("a known type", __FILE__, __LINE__);
    }
}

static int
encode(const struct mpsc_keyring_message *message, struct mpsc_secret *out)
{
    const struct mpsc_record *record =
        message->found ? &message->record : NULL;

    switch (message->type) {
    case MPSC_KEYRING_MSG_OPEN:
        return mpsc_keyring_encode_open(&message->query, out);
    case MPSC_KEYRING_MSG_STORE:
        return mpsc_keyring_encode_store(&message->record, out);
    case MPSC_KEYRING_MSG_LOADED:
        return mpsc_keyring_encode_loaded(message->state, record, out);
    case MPSC_KEYRING_MSG_CHANGED:
        return mpsc_keyring_encode_changed(message->state, out);
    case MPSC_KEYRING_MSG_CLAIM:
        return mpsc_keyring_encode_claim(message->ids, message->count, out);
    case MPSC_KEYRING_MSG_CHANGE:
        return mpsc_keyring_encode_change(message->changes, message->count,
                                          out);
    case MPSC_KEYRING_MSG_RECORD:
        return mpsc_keyring_encode_record(message->business_id, record, out);
    case MPSC_KEYRING_MSG_CLAIMED:
        return mpsc_keyring_encode_claimed(message->business_id,
                                           message->found, out);
    default:
        return mpsc_keyring_encode_bare(message->type, out);
    }
}

/* Every part of a frame but the whole asks for more, and for no more than
 * there is. */
static void
must_be_incremental(const struct mpsc_secret *frame)
{
    struct mpsc_keyring_message message;
    size_t need;

    for (size_t len = 0; len < frame->len; len += len < 16 ? 1 : 97) {
        MUST(mpsc_keyring_decode(frame->data, len, &need, &message) ==
             MPSC_KEYRING_MORE);
        MUST(need > len && need <= frame->len);
        MUST(message.json == NULL);
    }
}

static void
must_survive(const struct mpsc_keyring_message *message)
{
    struct mpsc_secret out = MPSC_SECRET_EMPTY;
    struct mpsc_secret out2 = MPSC_SECRET_EMPTY;
    struct mpsc_keyring_message again;
    size_t need;

    MUST(encode(message, &out) == 0);
    MUST(mpsc_keyring_decode(out.data, out.len, &need, &again) ==
         MPSC_KEYRING_MESSAGE);
    MUST(need == out.len);
    MUST(again.type == message->type);
    MUST(again.found == message->found);
    MUST(again.state == message->state);
    MUST(again.count == message->count);
    must_be_message(&again);
    if (message->record.token.data != NULL) {
        fuzz_must_equal(&again.record, &message->record);
    }
    MUST(encode(&again, &out2) == 0);
    MUST(out.len == out2.len);
    MUST(memcmp(out.data, out2.data, out.len) == 0);
    must_be_incremental(&out);
    mpsc_keyring_message_free(&again);
    mpsc_secret_free(&out);
    mpsc_secret_free(&out2);
}

static void
read_stream(const char *bytes, size_t len)
{
    struct mpsc_keyring_message message;
    enum mpsc_keyring_decoded decoded;
    size_t need;

    do {
        decoded = mpsc_keyring_decode(bytes, len, &need, &message);
        MUST(need >= MPSC_KEYRING_HEADER_SIZE);
        MUST(need <= MPSC_KEYRING_HEADER_SIZE + MPSC_KEYRING_PAYLOAD_MAX);
        if (decoded != MPSC_KEYRING_MESSAGE) {
            MUST(decoded != MPSC_KEYRING_MORE || need > len);
            /* Nothing is left that would have to be freed. */
            MUST(message.json == NULL && message.records == NULL);
            MUST(message.ids == NULL && message.changes == NULL);
            MUST(message.record.token.data == NULL);
            break;
        }
        MUST(need <= len);
        must_be_message(&message);
        must_survive(&message);
        mpsc_keyring_message_free(&message);
        bytes += need;
        len -= need;
    } while (len > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t payload = size > 0 ? size - 1 : 0;
    char *frame;

    if (size == 0 || data[0] == 'M') {
        frame = fuzz_string(data, size);
        read_stream(frame, size);
    } else {
        frame = malloc(MPSC_KEYRING_HEADER_SIZE + payload);
        MUST(frame != NULL);
        memcpy(frame, "MPSK\0\2\0", 7);
        /* '1' is the first type, so that an input can be typed. */
        frame[7] = (char)(data[0] - '0');
        for (size_t i = 0; i < 4; i++) {
            frame[8 + i] = (char)(payload >> (24 - 8 * i) & 0xff);
        }
        memcpy(frame + MPSC_KEYRING_HEADER_SIZE, data + 1, payload);
        read_stream(frame, MPSC_KEYRING_HEADER_SIZE + payload);
    }
    free(frame);
    return 0;
}
