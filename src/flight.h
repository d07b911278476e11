/* SPDX-License-Identifier: MIT */
/*
 * flight: one fetch per business among the threads of a process (a single
 * flight): the first one starts it, the others wait for its result.
 *
 * The hub's lock guards every flight, see hub.h.
 */
#ifndef MPSC_FLIGHT_H
#define MPSC_FLIGHT_H

#include <pthread.h>

#include "fetch.h"
#include "hub.h"
#include "lifetime.h"
#include "profile.h"
#include "standing.h"

/* Somebody who follows a flight on its way. Called on the thread that runs
 * it, without the lock. */
struct mpsc_flight_follower {
    /* The endpoint gave this token, which nobody knows yet. */
    void (*token)(void *arg, const char *business_id,
                  const struct mpsc_record *record);

    /* Its result is known; error NULL = a token. */
    void (*landed)(void *arg, const char *business_id,
                   const struct mps_error *error);
};

struct mpsc_flight {
    struct mpsc_fetch fetch; /* first; the runner's, but for deadline_ms */
    struct mpsc_hub *hub;
    struct mpsc_profile *profile;                /* a reference */
    struct mpsc_holdings *holdings;              /* likewise */
    struct mpsc_entry *entry;                    /* of the holdings' cache */
    const struct mpsc_flight_follower *follower; /* set before the start; NULL
                                                  * = none */
    void *follower_arg;

    /* The runner's. */
    int probing; /* it asks an endpoint that has failed, for all */
    int allowed; /* the endpoint was asked */
    int counted; /* that it is asked, whatever came after */
    int refused; /* its token is known to be dead */

    /* Guarded by the hub's lock. */
    unsigned references;
    pthread_cond_t ended; /* CLOCK_MONOTONIC */
    int done;
    int here;       /* it runs on the thread of the call that started it */
    int background; /* somebody may wait for the event_fd */
    int advisory;   /* a refresh that could wait; nobody waits for it */
    int probe;      /* the process's one that may become the probe */
    int64_t newer_than_ms; /* the keyring's record must be; CLOCK_BOOTTIME */
    struct mpsc_lifetime_wish wish;    /* all that the waiters ask, together */
    char target[MPSC_DIGEST_HEX_SIZE]; /* an erasure's token; "" = any */
    struct mpsc_credential *credential; /* the result, a reference; or NULL */
    struct mps_error error;             /* where that is NULL */
};

/* A flight of one reference for an entry of these holdings, not yet started,
 * or NULL without resources. Called with the lock. */
struct mpsc_flight *mpsc_flight_new(struct mpsc_hub *hub,
                                    struct mpsc_profile *profile,
                                    struct mpsc_holdings *holdings,
                                    struct mpsc_entry *entry,
                                    enum mpsc_fetch_purpose purpose);

/* One more waiter: joins its wish and puts off the deadline where its own is
 * later, unless that would keep the first caller on its thread beyond its
 * own. Called with the lock. */
void mpsc_flight_join_unlocked(struct mpsc_flight *flight,
                               const struct mpsc_lifetime_wish *wish,
                               int64_t deadline_ms);

/* Waits for the end, or until deadline_ms (CLOCK_MONOTONIC). True when done.
 * Called with the lock, which is released meanwhile. */
int mpsc_flight_wait_unlocked(struct mpsc_flight *flight, int64_t deadline_ms);

/*
 * A flight that has not been started is over at once: it takes a record from
 * the keyring into memory, where it is believed and meets the wish; the
 * record's token is taken then. True where it was. Without the lock.
 */
int mpsc_flight_land(struct mpsc_flight *flight, struct mpsc_record *record);

/* Whether what became of a session says something of the keyring: another's
 * lock or a purge doesn't, nor that there was no answer for who is in a
 * hurry. */
int mpsc_flight_tells_keyring(enum mpsc_keyring_state state, int hurried);

/*
 * Takes notice of how the keyring was met: one that was mute when it was
 * asked isn't asked again for a while, and the log hears of a change. For the
 * thread that runs a fetch or sweep; without the lock.
 */
void mpsc_flight_met_keyring(const struct mpsc_standing *standing,
                             const struct mpsc_place *place,
                             enum mpsc_keyring_state state, int asked);

/* Drops a reference. Called with the lock. */
void mpsc_flight_release_unlocked(struct mpsc_flight *flight);

#endif
