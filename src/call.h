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
    struct mpsc_profile *profile;
    struct mpsc_lifetime_wish wish;
    int64_t deadline_ms; /* CLOCK_MONOTONIC */
    struct mps_error *error;
};

/* Checks the request and finds its profile. MPS_OK, or a code with *error.
 * Inside mpsc_provider_enter(). */
int mpsc_call_begin(struct mpsc_call *call, struct mpsc_provider *provider,
                    const struct mps_request *request,
                    const struct mpsc_request_rules *rules,
                    struct mps_error *error);

/*
 * Starts a flight, with a reference for the caller. The lock is released
 * meanwhile where the flight runs on this thread; it is done then. target:
 * for an erasure, the digest of the token to erase; NULL = any. NULL with the
 * call's error.
 */
struct mpsc_flight *mpsc_call_launch_unlocked(struct mpsc_call *call,
                                              struct mpsc_entry *entry,
                                              enum mpsc_fetch_purpose purpose,
                                              const char *target);

/* The business's flight, with a reference for the caller: the one under way,
 * or a new one. NULL with the call's error. */
struct mpsc_flight *mpsc_call_board_unlocked(struct mpsc_call *call,
                                             struct mpsc_entry *entry);

/*
 * Waits for a flight and drops the caller's reference. Returns its code; with
 * MPS_OK *credential is a reference, or NULL after an erasure. The lock is
 * released meanwhile.
 */
int mpsc_call_await_unlocked(struct mpsc_call *call,
                             struct mpsc_flight *flight,
                             struct mpsc_credential **credential);

#endif
