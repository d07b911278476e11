/* SPDX-License-Identifier: MIT */
/*
 * io: runs fetches: on the module's one thread, which starts on demand and
 * ends when it is idle, or on the caller's.
 *
 * One loop serves all fetches at once, so a stalled one holds up no other.
 */
#ifndef MPSC_IO_H
#define MPSC_IO_H

#include "fetch.h"

struct mpsc_io;

/* A runner without thread as yet, or NULL without resources. */
struct mpsc_io *mpsc_io_new(const struct mpsc_http_port *http,
                            mpsc_clock_fn *clock);

/*
 * Hands a fetch to the thread, which is started where none runs. 0, or -1
 * where no thread can be had; the fetch is untouched then. Any thread; takes
 * the runner's own lock for a moment.
 */
int mpsc_io_submit(struct mpsc_io *io, struct mpsc_fetch *fetch);

/*
 * Runs a fetch on the calling thread until its result is known and stored.
 * What the keyring's helper still has to do after a failure is left to the
 * next call of this function, or to mpsc_io_stop(). 0, or -1 where it can't
 * be run (no memory, no descriptors); the fetch is untouched then.
 */
int mpsc_io_run(struct mpsc_io *io, struct mpsc_fetch *fetch);

/*
 * Gives up every fetch that isn't known yet, waits until all are over (no
 * longer than the keyring's deadline) and ends the thread. New fetches must
 * not come meanwhile.
 */
void mpsc_io_stop(struct mpsc_io *io);

/* Frees a stopped runner; *io becomes NULL. */
void mpsc_io_free(struct mpsc_io **io);

#endif
