/* SPDX-License-Identifier: MIT */
/*
 * flight: sessions of the keyring client, driven to their ends for tests.
 */
#ifndef TEST_FLIGHT_H
#define TEST_FLIGHT_H

#include <stdint.h>
#include <sys/types.h>

#include "keyring.h"

struct flight {
    struct mpsc_keyring_query query;
    struct mpsc_keyring_session *session;
    enum mpsc_keyring_progress progress; /* the last one that came */
    enum mpsc_keyring_state state;       /* with it */
    struct mpsc_record record;
    int found;
    int64_t took_ms; /* the last wait */
};

/* A query on the desk's bus with the helper under test; deadlines generous. */
void flight_plan(struct flight *flight, const char *business_id);

/* Opens; 0, or -1 with the state set. */
int flight_open(struct flight *flight);

/* Steps until something comes or `ms` have passed (PENDING then). */
enum mpsc_keyring_progress flight_wait(struct flight *flight, int ms);

/* open and wait for LOADED; the state. The session stays open. */
enum mpsc_keyring_state flight_load(struct flight *flight);

/* Stores `token`, or erases with NULL, and waits for CHANGED; the state. */
enum mpsc_keyring_state flight_change(struct flight *flight,
                                      const char *token);

/* Finishes, waits for ENDED and closes; 0, or -1 where that never came. */
int flight_end(struct flight *flight);

/* A whole one; with `token` it stores, with "" it erases, with NULL it only
 * loads. The state of the last step; flight->record is freed but
 * flight->found stays. */
enum mpsc_keyring_state flight_whole(struct flight *flight,
                                     const char *business_id,
                                     const char *token);

/* Loads; true where the record's token is this (NULL = none). */
int flight_holds(const char *business_id, const char *token);

int64_t flight_now_ms(void);

/* The running helper whose parent's parent is this process; 0 = none. */
pid_t flight_helper(void);

#endif
