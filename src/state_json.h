/* SPDX-License-Identifier: MIT */
/*
 * state_json: what the processes of a user share about a profile, as the JSON
 * that is in its file. Pure.
 */
#ifndef MPSC_STATE_JSON_H
#define MPSC_STATE_JSON_H

#include <json-c/json_types.h>
#include <stddef.h>
#include <stdint.h>

#include "limit.h"
#include "trouble.h"

/* A time that is farther ahead than this is no time of ours. */
#define MPSC_STATE_AHEAD_MS (INT64_C(25) * 3600 * 1000)

/* Holds no secret. Zeroed: nothing is known. */
struct mpsc_shared {
    struct mpsc_limits limits;
    struct mpsc_trouble_view trouble;
};

/* A new tree, which the caller drops with json_object_put(); NULL without
 * memory. boot_id: of this boot, to which the times belong. */
struct json_object *mpsc_state_to_json(const struct mpsc_shared *shared,
                                       const char *boot_id);

/*
 * Reads the file's `len` bytes, which may be anything. 0 with *shared filled,
 * its numbers within their bounds, its texts valid UTF-8 without control
 * bytes, its times at most MPSC_STATE_AHEAD_MS after now_ms (CLOCK_BOOTTIME).
 * -1 with *shared zeroed, where that is no such file, a part of one, or one
 * of another boot (or version: none says more than the other can forget).
 */
int mpsc_state_from_json(const char *bytes, size_t len, const char *boot_id,
                         int64_t now_ms, struct mpsc_shared *shared);

#endif
