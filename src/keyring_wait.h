/* SPDX-License-Identifier: MIT */
/*
 * keyring_wait: a session with the keyring for who may block, which no thread
 * of a host may: the command.
 */
#ifndef MPSC_KEYRING_WAIT_H
#define MPSC_KEYRING_WAIT_H

#include "clock.h"
#include "keyring.h"

struct mpsc_keyring_wait {
    const struct mpsc_keyring *port; /* set by the caller */
    mpsc_clock_fn *clock;            /* likewise */
    struct mpsc_keyring_session *session;
    int ended; /* it has told all, and isn't stepped again */
};

/* Starts the session; OK, or why not, and there is nothing to end then. */
enum mpsc_keyring_state
mpsc_keyring_wait_open(struct mpsc_keyring_wait *wait,
                       const struct mpsc_keyring_query *query);

/* A record that comes before the answer or, in a flight, with it, where
 * business_id is ""; it is wiped when this returns. */
typedef void mpsc_keyring_wait_fn(void *arg, const char *business_id,
                                  const struct mpsc_record *record);

/*
 * Waits for the answer `due` (LOADED or CHANGED) for wait_ms, and a little
 * more since the helper keeps its own time and tells. Its state; SILENT where
 * it doesn't come, BAD_HELPER where another does. record: NULL = they are of
 * no interest.
 */
enum mpsc_keyring_state mpsc_keyring_wait_for(struct mpsc_keyring_wait *wait,
                                              enum mpsc_keyring_progress due,
                                              int64_t wait_ms,
                                              mpsc_keyring_wait_fn *record,
                                              void *arg);

/* Ends the session in good order, and closes it. */
void mpsc_keyring_wait_end(struct mpsc_keyring_wait *wait);

#endif
