/* SPDX-License-Identifier: MIT */
/*
 * sweep: what the helper does for an OPEN that names no business: load all
 * pages, then claim and change businesses in batches, as the client wishes.
 */
#ifndef MPSK_SWEEP_H
#define MPSK_SWEEP_H

#include "keyring.h"

/* As mpsk_flight(); the locks of all claimed businesses that were not given
 * back are held until the process ends. */
int mpsk_sweep(const struct mpsc_keyring_query *query);

#endif
