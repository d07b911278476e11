/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "exiting.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A handshake's longest computation takes some milliseconds. */
#define TICK_MS 1
#define TICKS_MAX 500

/* For how long a fork waits for those inside, and others for a fork: on a busy
 * machine a thread may be away for long in the middle of its milliseconds. */
#define FORK_MAX_MS 1000

static struct {
    atomic_uint inside;
    pthread_t exiter; /* set before the door is closed */
    atomic_int closed;
    atomic_uint forks;                   /* under way */
    atomic_int_least64_t forks_since_ms; /* there was none before */
} door;

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
tick(void)
{
    const struct timespec moment = {0, TICK_MS * 1000000L};
    int state;

    /* fork(2) and exit(3) must not become cancellation points by us: the
     * count would never be taken back. */
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    nanosleep(&moment, NULL);
    (void)pthread_setcancelstate(state, NULL);
}

static void
close_door(void)
{
    int saved = errno;

    /* Of two handlers the later has nothing left to do. */
    if (mpsc_exiting()) {
        return;
    }
    door.exiter = pthread_self();
    atomic_store(&door.closed, 1);
    for (int i = 0; i < TICKS_MAX && atomic_load(&door.inside) > 0; i++) {
        tick();
    }
    errno = saved;
}

/* A host's first call may come from another of its threads while its exit
 * handlers run already: too late for one that comes before OpenSSL's. */
__attribute__((constructor)) static void
init_at_load(void)
{
    (void)atexit(close_door);
}

void
mpsc_exiting_init(void)
{
    /* OpenSSL may have been initialised since we were loaded. Where it fails,
     * exit is as dangerous as without us. */
    (void)atexit(close_door);
}

void
mpsc_exiting_before_fork(void)
{
    int64_t begin_ms = now_ms();
    int saved = errno;

    /* Before the count: who sees the fork knows since when it lasts. */
    if (atomic_load(&door.forks) == 0) {
        atomic_store(&door.forks_since_ms, begin_ms);
    }
    atomic_fetch_add(&door.forks, 1);
    while (atomic_load(&door.inside) > 0 &&
           now_ms() - begin_ms < FORK_MAX_MS) {
        tick();
    }
    errno = saved;
}

void
mpsc_exiting_after_fork(void)
{
    atomic_fetch_sub(&door.forks, 1);
}

void
mpsc_exiting_forked(void)
{
    atomic_store(&door.inside, 0);
    atomic_store(&door.forks, 0);
}

/*
 * Counts out, never below 0: in the child of a fork in a signal handler
 * whoever was inside goes on, and isn't counted any more. Where another of the
 * child's threads is inside when it leaves, that one isn't waited for. A count
 * of each thread's own would tell, but the C library ends a process that has
 * no memory for it.
 */
static void
step_out(void)
{
    unsigned inside = atomic_load(&door.inside);

    while (inside > 0 &&
           !atomic_compare_exchange_weak(&door.inside, &inside, inside - 1)) {
        continue;
    }
}

/*
 * Counts in, behind a fork that is under way. Once the forks have lasted for
 * too long no one waits for them any more, so that a call is held up by a
 * second in all, and not at each of its steps.
 */
static void
step_in(void)
{
    int saved = errno;

    atomic_fetch_add(&door.inside, 1);
    /* After the count: either the fork sees it, or we see the fork. */
    while (atomic_load(&door.forks) > 0 &&
           now_ms() - atomic_load(&door.forks_since_ms) < FORK_MAX_MS) {
        step_out();
        tick();
        atomic_fetch_add(&door.inside, 1);
    }
    errno = saved;
}

int
mpsc_exiting(void)
{
    return atomic_load(&door.closed);
}

void
mpsc_exiting_enter(void)
{
    step_in();
    /* After the count: either the handler sees it, or we see the handler. */
    if (atomic_load(&door.closed) &&
        !pthread_equal(door.exiter, pthread_self())) {
        step_out();
        for (;;) {
            pause();
        }
    }
}

int
mpsc_exiting_try_enter(void)
{
    step_in();
    if (atomic_load(&door.closed)) {
        step_out();
        return 0;
    }
    return 1;
}

void
mpsc_exiting_leave(void)
{
    step_out();
}
