/* SPDX-License-Identifier: MIT */
/*
 * process: the module's two globals: the provider of this process, and each
 * thread's last error. Of layer 0, exiting and vault have one more each.
 */
#ifndef MPSC_PROCESS_H
#define MPSC_PROCESS_H

#include "backend.h"

/*
 * The provider, made at first need and again after fork(2): the parent's is
 * abandoned then, with no lock, handle or descriptor of it touched, since
 * another thread may have been in the middle of anything. NULL without
 * resources. Any thread, any time.
 */
struct mpsc_provider *mpsc_process_provider(void);

/* The provider, or NULL where none was needed yet in this process. */
struct mpsc_provider *mpsc_process_provider_if_any(void);

/* Remembers the calling thread's last error; without memory it is lost. */
void mpsc_process_set_error(const struct mps_error *error);

/* The calling thread's last error, or NULL where nothing has failed yet. */
const struct mps_error *mpsc_process_error(void);

#endif
