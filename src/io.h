/* SPDX-License-Identifier: MIT */
/*
 * io: runs tasks: on the module's one thread, which starts on demand and ends
 * when it is idle, or on the caller's.
 *
 * One loop serves all tasks at once, so a stalled one holds up no other. At
 * most 64 whose result isn't known yet have their turn, of which at most 16
 * are in the background; the foreground goes first. The HTTP client with its
 * connections is kept from one thread or caller for the next.
 */
#ifndef MPSC_IO_H
#define MPSC_IO_H

#include "clock.h"
#include "task.h"

struct mpsc_io;

/* A runner without thread as yet, or NULL without resources. */
struct mpsc_io *mpsc_io_new(const struct mpsc_http_port *http,
                            mpsc_clock_fn *clock);

/*
 * Hands a task to the thread, which is started where none runs. 0, or -1
 * where no thread can be had; the task is untouched then. Any thread; takes
 * the runner's own lock for a moment.
 */
int mpsc_io_submit(struct mpsc_io *io, struct mpsc_task *task);

/* Somebody has come to wait for a task that was submitted in the background
 * and isn't over: it waits for its turn among the others from now on. Any
 * thread, likewise. */
void mpsc_io_promote(struct mpsc_io *io, struct mpsc_task *task);

typedef void mpsc_io_tick_fn(void *arg);

/*
 * Runs a task on the calling thread until its result is known and stored.
 * What the keyring's helper still has to do after a failure is left to the
 * next call of this function, or to mpsc_io_stop(). tick (NULL = none) is
 * called in each turn of the loop, without a lock and with the caller's
 * signal mask; it may give up the task. 0, or -1 where it can't be run (no
 * memory, no descriptors); the task is untouched then.
 */
int mpsc_io_run(struct mpsc_io *io, struct mpsc_task *task,
                mpsc_io_tick_fn *tick, void *arg);

/*
 * Gives up every task that isn't known yet, waits until all are over (no
 * longer than the keyring's deadline), ends the thread and closes the
 * connections. New tasks must not come meanwhile.
 */
void mpsc_io_stop(struct mpsc_io *io);

/* Closes connections that are kept without a thread and won't be used again,
 * since they have been idle for a minute. From time to time; any thread. */
void mpsc_io_tidy(struct mpsc_io *io);

/* Frees a stopped runner; *io becomes NULL. */
void mpsc_io_free(struct mpsc_io **io);

#endif
