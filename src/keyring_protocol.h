/* SPDX-License-Identifier: MIT */
/*
 * keyring_protocol: what keyring_client.c and the helper say to each other.
 *
 * A frame is a header of MPSC_KEYRING_HEADER_SIZE bytes and a payload:
 *
 *     0  4  magic "MPSK"
 *     4  2  protocol version, big endian
 *     6  2  type, big endian
 *     8  4  length of the payload, big endian
 *     12    payload: one JSON object
 *
 * The header stays the same in all versions, so that each end can tell that
 * the other is of another one. The talk of a flight:
 *
 *     client OPEN -> helper LOADED -> client STORE or ERASE, or the end
 *                                  -> helper CHANGED
 *
 * and of a sweep, whose OPEN names no business:
 *
 *     client OPEN   -> helper RECORD ... LOADED, then any number of times
 *     client CLAIM  -> helper RECORD ... CLAIMED, one per business
 *     client CHANGE -> helper CHANGED
 *     client ERASE  -> helper CHANGED
 *
 * A helper that gets another version answers with VERSION, whose header
 * tells its own. Pure: no descriptor, no clock.
 */
#ifndef MPSC_KEYRING_PROTOCOL_H
#define MPSC_KEYRING_PROTOCOL_H

#include <json-c/json_types.h>
#include <stddef.h>

#include "keyring.h"
#include "record.h"
#include "secret.h"

#define MPSC_KEYRING_PROTOCOL 2
#define MPSC_KEYRING_HEADER_SIZE 12

/* 1 MiB of tokens whose every byte needs an escape, and what else there is
 * to MPSC_KEYRING_BATCH_MAX records. */
#define MPSC_KEYRING_PAYLOAD_MAX (2u * 1024 * 1024 + 512 * 1024)

/* The longest lock wait, deadline and flight that may be asked for. */
#define MPSC_KEYRING_MS_MAX (24u * 60 * 60 * 1000)

enum mpsc_keyring_type {
    MPSC_KEYRING_MSG_OPEN = 1,
    MPSC_KEYRING_MSG_STORE = 2,
    MPSC_KEYRING_MSG_ERASE = 3,
    MPSC_KEYRING_MSG_LOADED = 4,
    MPSC_KEYRING_MSG_CHANGED = 5,
    MPSC_KEYRING_MSG_VERSION = 6,
    MPSC_KEYRING_MSG_CLAIM = 7,
    MPSC_KEYRING_MSG_CHANGE = 8,
    MPSC_KEYRING_MSG_RECORD = 9,
    MPSC_KEYRING_MSG_CLAIMED = 10
};

/* A decoded frame. Which members count depends on the type. Strings live in
 * `json`. */
struct mpsc_keyring_message {
    enum mpsc_keyring_type type;
    struct mpsc_keyring_query query; /* OPEN; helper is NULL */
    enum mpsc_keyring_state state;   /* LOADED, CHANGED */
    int found; /* LOADED: there is a record. RECORD: it makes sense. CLAIMED:
                * the lock could be had */
    struct mpsc_record record; /* LOADED and RECORD with found; STORE */
    const char *business_id;   /* RECORD, CLAIMED */
    const char **ids;          /* CLAIM: `count` of them */
    struct mpsc_keyring_change *changes; /* CHANGE: `count`; a STORE whose
                                          * record makes no sense is a RELEASE
                                          * here */
    struct mpsc_record *records;         /* theirs */
    size_t count;
    struct json_object *json; /* the payload */
};

enum mpsc_keyring_decoded {
    MPSC_KEYRING_MESSAGE, /* the message is filled, the caller frees it */
    MPSC_KEYRING_MORE,    /* *need bytes in all are wanted */
    MPSC_KEYRING_BAD,     /* not this protocol */
    MPSC_KEYRING_OTHER_VERSION
};

/*
 * Each encoder appends one frame to `out`. 0, or -1 without memory or where
 * the frame would be too large; `out` is emptied then.
 */
int mpsc_keyring_encode_open(const struct mpsc_keyring_query *query,
                             struct mpsc_secret *out);
int mpsc_keyring_encode_store(const struct mpsc_record *record,
                              struct mpsc_secret *out);
/* record NULL = there is none. */
int mpsc_keyring_encode_loaded(enum mpsc_keyring_state state,
                               const struct mpsc_record *record,
                               struct mpsc_secret *out);
int mpsc_keyring_encode_changed(enum mpsc_keyring_state state,
                                struct mpsc_secret *out);
int mpsc_keyring_encode_claim(const char *const *ids, size_t count,
                              struct mpsc_secret *out);
int mpsc_keyring_encode_change(const struct mpsc_keyring_change *changes,
                               size_t count, struct mpsc_secret *out);
int mpsc_keyring_encode_record(const char *business_id,
                               const struct mpsc_record *record,
                               struct mpsc_secret *out);
int mpsc_keyring_encode_claimed(const char *business_id, int found,
                                struct mpsc_secret *out);
/* ERASE and VERSION, which have nothing to say. */
int mpsc_keyring_encode_bare(enum mpsc_keyring_type type,
                             struct mpsc_secret *out);

/*
 * Decodes the frame at the start of `bytes`; *need is the number of bytes
 * that it has or, as far as is known yet, needs. Without memory for its
 * parts a good frame counts as BAD.
 */
enum mpsc_keyring_decoded
mpsc_keyring_decode(const char *bytes, size_t len, size_t *need,
                    struct mpsc_keyring_message *message);

/* Wipes and empties. Fine on one that is all zero. */
void mpsc_keyring_message_free(struct mpsc_keyring_message *message);

#endif
