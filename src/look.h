/* SPDX-License-Identifier: MIT */
/*
 * look: what a process looks at once a second, at its next call: the effective
 * user, the configuration's files, where bus and runtime directory are, and
 * what the user's other processes have written there: the purge epoch and the
 * endpoint's condition.
 */
#ifndef MPSC_LOOK_H
#define MPSC_LOOK_H

#include "provider.h"

/* True where a look is due at now_ms (CLOCK_MONOTONIC), and then this call's
 * to make. Called with the lock. */
int mpsc_look_is_due_unlocked(struct mpsc_profile *profile, int64_t now_ms);

/*
 * Looks. Takes the caller's reference to `profile` and gives back one to the
 * profile to go on with: the same, or the one that has taken its place. A
 * configuration that can't be loaded is told in the log, and the former one
 * stays. Without the lock.
 */
struct mpsc_profile *mpsc_look(struct mpsc_provider *provider,
                               struct mpsc_profile *profile);

#endif
