/* SPDX-License-Identifier: MIT */
/*
 * prefetch: what prefetch_credentials() does: many businesses over one session
 * with the keyring (see sweep.h), each in a flight of its own that others can
 * join.
 */
#ifndef MPSC_PREFETCH_H
#define MPSC_PREFETCH_H

#include "call.h"

/*
 * Returns the worst code; *error is that item's. request may be NULL. What
 * memory holds is answered at once. `done` (may be NULL) is called on this
 * thread without a lock.
 */
int mpsc_prefetch(struct mpsc_provider *provider,
                  const struct mps_request *request,
                  const char *const *business_ids, size_t count,
                  mps_prefetch_fn *done, void *arg, struct mps_error *error);

/*
 * Reads all that the keyring has under the call's endpoint and solution into
 * memory; of calls that come at once one does. Waits as long as the call has
 * patience. True where this process has all that the keyring has now: for a
 * call that must not ask the endpoint. Without the lock.
 */
int mpsc_prefetch_load(struct mpsc_call *call);

/* How bad a code is for an administrator: a larger one is heard first. */
unsigned mpsc_prefetch_severity(int code);

#endif
