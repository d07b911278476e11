/* SPDX-License-Identifier: MIT */
/*
 * state: what the processes of a user know together about an endpoint, a
 * solution and a partner's token: limit.h and trouble.h.
 *
 * It is one small file in the runtime directory, replaced as a whole, and of
 * it each process has a view. Where there is no usable directory, or the file
 * can't be written, the view is all there is: this process's memory.
 *
 * Threads: all but mpsc_state_free() from any at any time. A lock is held
 * while a file of some KiB is read, another while one is written and, for
 * MPSC_RUNTIME_LOCK_MS at most, while other processes write theirs;
 * mpsc_state_look() doesn't wait for the latter. A child of fork(2) makes a
 * state of its own and leaves the parent's alone. errno is kept.
 */
#ifndef MPSC_STATE_H
#define MPSC_STATE_H

#include "clock.h"
#include "state_json.h"

struct mpsc_state;

/*
 * A state that knows nothing, or NULL without memory. The texts are copied.
 * boot_id: from mpsc_clock_boot_id(); "" = memory only. clock: of the times in
 * struct mpsc_limits.
 */
struct mpsc_state *mpsc_state_new(const char *endpoint,
                                  const char *solution_id, const char *boot_id,
                                  mpsc_clock_fn *clock);

/* Frees and sets to NULL; NULL in it is fine. */
void mpsc_state_free(struct mpsc_state **state);

/*
 * Copies the present view to *shared, after reading what others have written
 * since; where they haven't, that costs a stat(2). runtime_dir: NULL = none.
 * token_digest: the SHA-256 of the partner's token in hex. With another
 * directory or digest than before the file is another one, and of what was in
 * memory alone nothing is known any more. A file that was taken away, is of
 * another boot, or makes no sense says that nothing is known.
 */
void mpsc_state_look(struct mpsc_state *state, const char *runtime_dir,
                     const char *token_digest, struct mpsc_shared *shared);

/* Works on *shared. Called once, with locks held: it is quick, and calls
 * nothing of this file. */
typedef void mpsc_state_change_fn(struct mpsc_shared *shared, void *arg);

/*
 * Lets `change` work on what is known by all at this moment, and writes what
 * it makes of that. *shared (may be NULL): the result. No process changes the
 * same at the same time, but where one keeps the lock for too long. Where
 * nothing is changed nothing is written.
 */
void mpsc_state_change(struct mpsc_state *state, const char *runtime_dir,
                       const char *token_digest, mpsc_state_change_fn *change,
                       void *arg, struct mpsc_shared *shared);

#endif
