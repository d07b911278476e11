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
 * the other is of another one. The talk:
 *
 *     client OPEN -> helper LOADED -> client STORE or ERASE, or the end
 *                                  -> helper CHANGED
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

#define MPSC_KEYRING_PROTOCOL 1
#define MPSC_KEYRING_HEADER_SIZE 12

/* A token of 1 MiB whose every byte needs an escape, and the rest. */
#define MPSC_KEYRING_PAYLOAD_MAX (2u * 1024 * 1024 + 64 * 1024)

/* The longest lock wait, deadline and flight that may be asked for. */
#define MPSC_KEYRING_MS_MAX (24u * 60 * 60 * 1000)

enum mpsc_keyring_type {
    MPSC_KEYRING_MSG_OPEN = 1,
    MPSC_KEYRING_MSG_STORE = 2,
    MPSC_KEYRING_MSG_ERASE = 3,
    MPSC_KEYRING_MSG_LOADED = 4,
    MPSC_KEYRING_MSG_CHANGED = 5,
    MPSC_KEYRING_MSG_VERSION = 6
};

/* A decoded frame. Which members count depends on the type. */
struct mpsc_keyring_message {
    enum mpsc_keyring_type type;
    struct mpsc_keyring_query query; /* OPEN; strings live in `json`; helper
                                      * is NULL */
    enum mpsc_keyring_state state;   /* LOADED, CHANGED */
    int found;                       /* LOADED: there is a record */
    struct mpsc_record record;       /* LOADED with found; STORE */
    struct json_object *json;        /* the payload */
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
