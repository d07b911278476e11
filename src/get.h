/* SPDX-License-Identifier: MIT */
/*
 * get: what get_credential_with() does (mpsc_get() of backend.h): from memory,
 * or by a flight.
 */
#ifndef MPSC_GET_H
#define MPSC_GET_H

#include "call.h"

/*
 * What memory says to a call that waits, for this business: MPS_OK, it holds a
 * token that is good enough; a code with the call's error, since a failure is
 * remembered; -1, neither. at_worst: also one that should be refreshed first
 * is good enough, and no failure counts. Starts nothing. Called with the lock.
 */
int mpsc_get_from_memory_unlocked(struct mpsc_call *call,
                                  struct mpsc_entry *entry, int at_worst);

#endif
