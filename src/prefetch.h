/* SPDX-License-Identifier: MIT */
/*
 * prefetch: what prefetch_credentials() does (mpsc_prefetch() of backend.h):
 * many businesses over one session with the keyring (see sweep.h), each in a
 * flight of its own that others can join. What memory holds is answered at
 * once.
 */
#ifndef MPSC_PREFETCH_H
#define MPSC_PREFETCH_H

#include "call.h"

/*
 * Reads all that the keyring has under the call's endpoint and solution into
 * memory; of calls that come at once one does. Waits as long as the call has
 * patience. True where this process has all that the keyring has now: for a
 * call that must not ask the endpoint. Without the lock.
 */
int mpsc_prefetch_load(struct mpsc_call *call);

/* Begins to do so on the thread, for the calls to come, and doesn't wait.
 * Without the lock. */
void mpsc_prefetch_load_ahead(const struct mpsc_call *call);

#endif
