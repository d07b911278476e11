/* SPDX-License-Identifier: MIT */
/*
 * call: one call of the host, checked, and its dealing with flights: joining
 * the one under way, starting one, waiting.
 *
 * The functions with _unlocked in their names take no lock: they are called
 * with the provider's.
 */
#ifndef MPSC_CALL_H
#define MPSC_CALL_H

#include "provider.h"
#include "request.h"

struct mpsc_call {
    struct mpsc_provider *provider;
    struct mps_request request;
    struct mpsc_profile *profile;   /* a reference */
    struct mpsc_holdings *holdings; /* likewise: the profile's at the start */
    struct mpsc_lifetime_wish wish;
    int64_t deadline_ms;  /* CLOCK_MONOTONIC */
    int64_t patience_ms;  /* likewise: when it leaves a flight, with a token to
                           * fall back on */
    int64_t slack_ms;     /* a flight of this call ends so much sooner */
    struct mpsc_time now; /* at the start, or later */
    int entered;
    int left_memory; /* what is held was not good enough */
    struct mps_error *error;
};

/* Enters the provider, checks the request and finds its profile. MPS_OK, or a
 * code with *error. mpsc_call_end() follows in any case. */
int mpsc_call_begin(struct mpsc_call *call, struct mpsc_provider *provider,
                    const struct mps_request *request,
                    const struct mpsc_request_rules *rules,
                    struct mps_error *error);

/* Leaves the provider. */
void mpsc_call_end(struct mpsc_call *call);

/* As mpsc_look(), but takes notice at once of another effective user, since
 * the keyring is found by it, and, where the partner's token was refused, of
 * another one of that; and where the first look isn't over yet, since the
 * purge epoch goes with each fetch. Without the lock. */
void mpsc_call_look(struct mpsc_call *call);

/* After a wait: takes the time, and looks where a look has become due. Called
 * with the lock, which is released meanwhile. */
void mpsc_call_look_again_unlocked(struct mpsc_call *call);

/* What a flight is started for. */
enum mpsc_call_errand {
    MPSC_CALL_FETCH, /* a caller's token; with MPS_NO_WAIT in the background */
    MPSC_CALL_REFRESH, /* a token that need not be refreshed yet: in the
                        * background, and only where the thread is */
    MPSC_CALL_PROBE,   /* an endpoint that has failed, in the background */
    MPSC_CALL_ERASE    /* the keyring's record */
};

/*
 * Starts a flight, with a reference for the caller. The lock is released
 * meanwhile where the flight runs on this thread; it is done then. target:
 * for an erasure, the digest of the token to erase; NULL = any. NULL with the
 * call's error.
 */
struct mpsc_flight *mpsc_call_launch_unlocked(struct mpsc_call *call,
                                              struct mpsc_entry *entry,
                                              enum mpsc_call_errand errand,
                                              const char *target);

/*
 * Starts a bare flight (see fetch.h) in the loop that runs the calling task,
 * for a business that has none. The follower hears of its end, in the loop's
 * thread and not before this has returned. 0, or -1 with the call's error.
 */
int mpsc_call_add_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
                           struct mpsc_loop *loop,
                           const struct mpsc_flight_follower *follower,
                           void *arg);

/* The runner, made at first need; NULL without resources. */
struct mpsc_io *mpsc_call_io_unlocked(const struct mpsc_call *call);

/* The business's flight, with a reference for the caller: the one under way,
 * or a new one. NULL with the call's error. */
struct mpsc_flight *mpsc_call_board_unlocked(struct mpsc_call *call,
                                             struct mpsc_entry *entry);

/* Whether the endpoint may be asked, as this process saw it last. *why as in
 * mpsc_limits_check(). */
enum mpsc_limits_verdict
mpsc_call_verdict_unlocked(const struct mpsc_call *call,
                           const struct mpsc_limit **why);

/* True where this process has all that the keyring has. */
int mpsc_call_keyring_known_unlocked(const struct mpsc_call *call);

/*
 * Waits for a flight, until deadline_ms (CLOCK_MONOTONIC), and drops the
 * caller's reference. Returns its code; with MPS_OK *credential is a
 * reference, or NULL after an erasure. The lock is released meanwhile.
 */
int mpsc_call_await_unlocked(struct mpsc_call *call,
                             struct mpsc_flight *flight, int64_t deadline_ms,
                             struct mpsc_credential **credential);

#endif
