/* SPDX-License-Identifier: MIT */
/*
 * fake_keyring: the keyring port without a keyring. A plan says what each
 * session does; without one it is a keyring that works and is empty. What a
 * sweep finds there: fake_sweep.h.
 */
#ifndef TEST_FAKE_KEYRING_H
#define TEST_FAKE_KEYRING_H

#include "keyring.h"

/* What a session does at each of its stages. */
enum fake_keyring_manner {
    FAKE_KEYRING_ANSWERS,
    FAKE_KEYRING_MUTE, /* nothing comes */
    FAKE_KEYRING_DIES  /* the helper ends */
};

struct fake_keyring_plan {
    enum mpsc_keyring_state open; /* not OK: open() gives no session */
    enum fake_keyring_manner load;
    enum mpsc_keyring_state load_state;
    const char *token;   /* the record that a flight finds; NULL = none */
    int64_t received_at; /* by the wall clock of another boot; 0 = 100 s ago */
    enum fake_keyring_manner hold;
    enum fake_keyring_manner claim;
    int refuses_change; /* store(), erase(), claim(), change() return -1 */
    enum fake_keyring_manner change;
    enum mpsc_keyring_state change_state;
    int unsent;     /* the helper doesn't take the whole record */
    int never_ends; /* ENDED never comes, after finish() too */
    int no_trace;   /* for tests with many fetches */
};

extern const struct mpsc_keyring fake_keyring;

/* The plan of all sessions, read at each step, and a clean slate. Sweeps find
 * nothing, until fake_sweep_plan() is called. */
void fake_keyring_plan(const struct fake_keyring_plan *plan);

/* Changes what is planned, while sessions run. */
void fake_keyring_load_manner(enum fake_keyring_manner manner);
void fake_keyring_claim_manner(enum fake_keyring_manner manner);
void fake_keyring_change_manner(enum fake_keyring_manner manner);
void fake_keyring_send(void);
void fake_keyring_end(void);

/* The last query; its strings are gone, but for the business (NULL: it was a
 * sweep's). */
struct mpsc_keyring_query fake_keyring_query(void);

/* Sessions that were opened and not closed; that were closed without having
 * been finished; calls that the contract forbids. */
unsigned fake_keyring_open_count(void);
unsigned fake_keyring_unfinished(void);
unsigned fake_keyring_mistakes(void);

/* The token that was stored last; "" = none. */
const char *fake_keyring_stored(void);

#endif
