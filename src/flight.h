/* SPDX-License-Identifier: MIT */
/*
 * flight: one fetch per business among the threads of a process (a single
 * flight): the first one starts it, the others wait for its result.
 *
 * The hub's lock guards every flight and the cache entries; it is never held
 * over I/O or a callback.
 */
#ifndef MPSC_FLIGHT_H
#define MPSC_FLIGHT_H

#include <pthread.h>

#include "fetch.h"
#include "lifetime.h"
#include "log.h"
#include "profile.h"

/* What all flights of a process share. */
struct mpsc_flight_hub {
    pthread_mutex_t lock;
    struct mpsc_log log;
    mpsc_clock_fn *clock;
    int event_fd; /* -1 = nobody has asked for it yet */
    int missed;   /* a background fetch has ended meanwhile */
};

struct mpsc_flight {
    struct mpsc_fetch fetch; /* the runner's, but for deadline_ms */
    struct mpsc_flight_hub *hub;
    struct mpsc_profile *profile;
    struct mpsc_entry *entry;

    /* Guarded by the hub's lock. */
    unsigned references;
    pthread_cond_t ended; /* CLOCK_MONOTONIC */
    int done;
    int here;       /* it runs on the thread of the call that started it */
    int background; /* somebody may wait for the event_fd */
    struct mpsc_lifetime_wish wish;    /* all that the waiters ask, together */
    char target[MPSC_DIGEST_HEX_SIZE]; /* an erasure's token; "" = any */
    struct mpsc_credential *credential; /* the result, a reference; or NULL */
    struct mps_error error;             /* where that is NULL */
};

/* A flight of one reference, not yet started, or NULL without resources.
 * Called with the lock. */
struct mpsc_flight *mpsc_flight_new(struct mpsc_flight_hub *hub,
                                    struct mpsc_profile *profile,
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

/* Drops a reference. Called with the lock. */
void mpsc_flight_release_unlocked(struct mpsc_flight *flight);

#endif
