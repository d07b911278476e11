/* SPDX-License-Identifier: MIT */
/*
 * provider: all that graph.so knows in one process and fork generation (see
 * process.h): profiles, the runner, the log. What the module calls of it is in
 * backend.h.
 *
 * The hub's lock guards what is not constant; it is never held over I/O or a
 * callback. All functions are for any thread.
 */
#ifndef MPSC_PROVIDER_H
#define MPSC_PROVIDER_H

#include "backend.h"
#include "flight.h"
#include "io.h"

struct mpsc_provider {
    struct mpsc_hub hub;
    pthread_cond_t left;     /* a call has left, or a shutdown has ended */
    pthread_mutex_t loading; /* one at a time reads the configuration; guards
                              * the next two */
    char load_error[256];    /* why that failed last, as logged */
    int64_t load_error_ms;   /* CLOCK_MONOTONIC */
    struct mpsc_profile *profiles; /* changed with the gate closed */
    struct mpsc_io *io;            /* NULL until it is needed */
    unsigned calls;                /* how many are inside */
    int stopping;                  /* a shutdown is under way */
    _Atomic int64_t boot_ahead_ms; /* CLOCK_BOOTTIME less hub.coarse, as at the
                                    * last look */

    /* Constant. */
    struct mpsc_provider *former; /* the parent's, abandoned; or NULL */
};

void mpsc_provider_lock(struct mpsc_provider *provider);
void mpsc_provider_unlock(struct mpsc_provider *provider);

/* Every call that touches a profile goes between these two; one that comes
 * during a shutdown waits for its end. */
void mpsc_provider_enter(struct mpsc_provider *provider);
void mpsc_provider_leave(struct mpsc_provider *provider);

/* The same with the lock, which enter() releases while it waits. */
void mpsc_provider_enter_unlocked(struct mpsc_provider *provider);
void mpsc_provider_leave_unlocked(struct mpsc_provider *provider);

/* The profile, loaded where it is not yet (files are read without the lock),
 * with a reference for the caller. NULL with *error. */
struct mpsc_profile *mpsc_provider_profile(struct mpsc_provider *provider,
                                           const char *name,
                                           struct mps_error *error);

/* The profile where it is loaded, or NULL; no reference. Called with the
 * lock, or within the gate. */
struct mpsc_profile *
mpsc_provider_find_unlocked(struct mpsc_provider *provider, const char *name);

/*
 * Puts `fresh` in the place of `old`, unless another has taken it. Takes the
 * caller's references to both; returns the profile to go on with, with a
 * reference: `old` where memory is short. Called with the loading lock.
 */
struct mpsc_profile *mpsc_provider_replace(struct mpsc_provider *provider,
                                           struct mpsc_profile *old,
                                           struct mpsc_profile *fresh);

/* True where a failure to load the configuration is to be told in the log: not
 * the same one within a minute. Called with the loading lock. */
int mpsc_provider_is_news(struct mpsc_provider *provider,
                          const struct mps_error *error);

/* Tells in the log where distrust_before is still to come. Without a lock. */
void mpsc_provider_tell_clamped(struct mpsc_provider *provider,
                                const struct mpsc_profile *profile);

/* Drops a reference. */
void mpsc_provider_drop(struct mpsc_provider *provider,
                        struct mpsc_profile *profile);

#endif
