/* SPDX-License-Identifier: MIT */
/*
 * task: something that goes on in the runner's loop (see io.h) without ever
 * blocking: it says which descriptor and until when it waits. A fetch is one.
 *
 * A task begins with its struct mpsc_task, so that its functions can get at
 * the rest. They are called on the thread that runs the loop, without a lock.
 */
#ifndef MPSC_TASK_H
#define MPSC_TASK_H

#include "http.h"

struct mpsc_loop;
struct mpsc_task;

struct mpsc_task_ops {
    /* Its turn has come. `http` is the loop's client; it and the loop stay
     * until the task is over. */
    void (*begin)(struct mpsc_task *task, struct mpsc_loop *loop,
                  struct mpsc_http *http);

    /* Moves on as far as possible. True when the task is over. */
    int (*step)(struct mpsc_task *task);

    /* Fills `watch` with the descriptor to poll; 0 where there is none. */
    int (*watch)(const struct mpsc_task *task, struct mpsc_http_watch *watch);

    /* When step() is wanted at the latest, CLOCK_MONOTONIC milliseconds;
     * INT64_MAX = only when something happens. */
    int64_t (*due)(const struct mpsc_task *task);

    /* True once the result is known: what remains is the keyring's part. */
    int (*is_known)(const struct mpsc_task *task);

    /* True once nothing that the caller wants is left: the result is known
     * and stored, or known and the deadline has passed. */
    int (*is_settled)(const struct mpsc_task *task);

    /* Makes an end of what isn't known yet, with this MPS_E_ code and text.
     * Also for a task that was never begun; twice is fine. */
    void (*give_up)(struct mpsc_task *task, int code, const char *why);

    /* Lets go of the keyring without waiting for the helper's end: the next
     * step() finds the task over, once its result is known. */
    void (*drop)(struct mpsc_task *task);

    /* The loop has let go of the task, which is not touched again. */
    void (*over)(struct mpsc_task *task);
};

struct mpsc_task {
    /* The loop's. */
    struct mpsc_task *next;
    int added; /* by mpsc_loop_add() */

    /* Set by the owner before the task is handed in. */
    const struct mpsc_task_ops *ops;
    int background; /* nobody waits for it: the others come first */
};

/*
 * One more task for the same loop, from begin(), step(), give_up() or a
 * callback under them. It begins within this turn of the loop, and takes
 * nobody's turn: whoever adds tasks limits their number.
 */
void mpsc_loop_add(struct mpsc_loop *loop, struct mpsc_task *task);

#endif
