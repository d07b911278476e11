/* SPDX-License-Identifier: MIT */
/*
 * record: a token as the keyring keeps it, with all that another process
 * needs to know about its life, and its JSON form.
 *
 * The JSON form is part of the keyring's page format and of the helper
 * protocol:
 *
 *     {"token": "...", "expires_at": 1735689600, "endpoint_expires_at": ...,
 *      "received_at": ..., "received_boot_ms": ..., "boot_id": "...",
 *      "clock_offset_s": ...}
 */
#ifndef MPSC_RECORD_H
#define MPSC_RECORD_H

#include <json-c/json_types.h>
#include <stdint.h>

#include "clock.h"
#include "secret.h"

struct mpsc_record {
    struct mpsc_secret token;
    int64_t expires_at;          /* local wall clock: drop it from then on */
    int64_t endpoint_expires_at; /* as the endpoint gave it; 0, -1 as in
                                  * struct mps_credential */
    int64_t received_at;         /* local wall clock at receipt */
    int64_t received_boot_ms;    /* CLOCK_BOOTTIME at receipt */
    char boot_id[MPSC_BOOT_ID_SIZE]; /* of which boot that is */
    int64_t clock_offset_s; /* the endpoint's clock minus the local one */
};

/* Wipes the token and empties the record. */
void mpsc_record_free(struct mpsc_record *record);

/* A new JSON object, or NULL without memory. The caller wipes it with
 * mpsc_secret_json_free(). */
struct json_object *mpsc_record_to_json(const struct mpsc_record *record);

/*
 * Reads a record. 0, or -1 where a member is missing, of another type or out
 * of range, or the token has a byte that none may have; the record is empty
 * then.
 */
int mpsc_record_from_json(struct json_object *json,
                          struct mpsc_record *record);

/*
 * Reads a record in the same way into one that is all zero or held another
 * before: reading many costs one mapping. Free it after failure, too; it then
 * holds a mixture.
 */
int mpsc_record_read(struct json_object *json, struct mpsc_record *record);

/* True where bytes can be a token: not empty, printable ASCII, no space. */
int mpsc_record_token_ok(const char *bytes, size_t len);

#endif
