/* SPDX-License-Identifier: MIT */
/*
 * flight: what the helper does for one OPEN: lock, load, answer, and then
 * what the client wants.
 */
#ifndef MPSK_FLIGHT_H
#define MPSK_FLIGHT_H

#include "keyring.h"

/*
 * Serves the client at descriptor 0; mpsk_deadline_init() came before. Ends
 * when nothing more is to be said, or ends the process where a deadline
 * passes. The lock is held until the process ends. 0, or -1 without memory
 * for a start.
 */
int mpsk_flight(const struct mpsc_keyring_query *query);

#endif
