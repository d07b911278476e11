/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "io.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "sigpipe.h"

/* A thread without work ends after this. */
#define IDLE_MS 10000

/* More fetches than this wait for their turn: each may have a helper process
 * and a connection of its own. */
#define ACTIVE_MAX 32

/* libcurl, OpenSSL and json-c stay well below it. */
#define STACK_SIZE ((size_t)512 * 1024)

/* Where waiting fails the loop goes on this often, so that deadlines hold. */
#define STARVED_MS 20

/* How long the keyring's part may hold up the end of the runner. */
#define STOP_MS 3000

/* One loop's fetches; it belongs to the thread that runs it. */
struct loop {
    const struct mpsc_http_port *port;
    struct mpsc_http *http;
    struct mpsc_fetch *fetches;
    unsigned count;
};

struct mpsc_io {
    const struct mpsc_http_port *port;
    mpsc_clock_fn *clock;

    pthread_mutex_t lock; /* guards the rest; held for moments only */
    struct mpsc_fetch *queue;
    struct mpsc_fetch **queue_end;
    struct mpsc_fetch *leftover; /* of mpsc_io_run() */
    struct mpsc_http *http;      /* the thread's; NULL while it has none */
    int running;                 /* the thread is there, or on its way */
    int joinable; /* `thread` is to be joined: it runs or has ended */
    int stopping;
    pthread_t thread;
};

struct mpsc_io *
mpsc_io_new(const struct mpsc_http_port *http, mpsc_clock_fn *clock)
{
    struct mpsc_io *io = calloc(1, sizeof(*io));

    if (io == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&io->lock, NULL) != 0) {
        free(io);
        return NULL;
    }
    io->port = http;
    io->clock = clock;
    io->queue_end = &io->queue;
    return io;
}

static int64_t
mono_ms(const struct mpsc_io *io)
{
    struct mpsc_time now;

    io->clock(&now);
    return now.mono_ms;
}

static void
loop_add(struct loop *loop, struct mpsc_fetch *fetch)
{
    fetch->next = loop->fetches;
    loop->fetches = fetch;
    loop->count++;
    mpsc_fetch_begin(fetch, loop->http);
}

/* Steps all, and lets go of those that are over. */
static void
loop_step(struct loop *loop)
{
    struct mpsc_fetch **link = &loop->fetches;

    while (*link != NULL) {
        struct mpsc_fetch *fetch = *link;

        if (mpsc_fetch_step(fetch)) {
            *link = fetch->next;
            loop->count--;
            fetch->events->over(fetch->arg);
        } else {
            link = &fetch->next;
        }
    }
}

/* How many are known and only wait for the keyring; they don't count against
 * ACTIVE_MAX, since a mute keyring would block all others. */
static unsigned
loop_busy(const struct loop *loop)
{
    unsigned busy = 0;

    for (const struct mpsc_fetch *fetch = loop->fetches; fetch != NULL;
         fetch = fetch->next) {
        busy += !mpsc_fetch_is_known(fetch);
    }
    return busy;
}

/* Waits until something happens, or until_ms. */
static void
loop_wait(struct mpsc_io *io, struct loop *loop, int64_t until_ms)
{
    struct mpsc_http_watch *watches =
        loop->count > 0 ? calloc(loop->count, sizeof(*watches)) : NULL;
    const struct timespec starved = {0, STARVED_MS * 1000000L};
    unsigned count = 0;
    int64_t timeout;

    for (struct mpsc_fetch *fetch = loop->fetches; fetch != NULL;
         fetch = fetch->next) {
        int64_t due = mpsc_fetch_due(fetch);

        until_ms = due < until_ms ? due : until_ms;
        if (watches != NULL && mpsc_fetch_watch(fetch, &watches[count])) {
            count++;
        }
    }
    timeout = until_ms - mono_ms(io);
    if (timeout < 0) {
        timeout = 0;
    }
    if (watches == NULL && loop->count > 0 && timeout > STARVED_MS) {
        timeout = STARVED_MS;
    }
    if (loop->port->poll(loop->http, watches, count, (int)timeout) != 0) {
        nanosleep(&starved, NULL);
    }
    free(watches);
}

/* The next queued fetch, or NULL. Called with the lock. */
static struct mpsc_fetch *
pop_unlocked(struct mpsc_io *io)
{
    struct mpsc_fetch *fetch = io->queue;

    if (fetch != NULL) {
        io->queue = fetch->next;
        if (io->queue == NULL) {
            io->queue_end = &io->queue;
        }
        fetch->next = NULL;
    }
    return fetch;
}

/* Begins what is queued, as far as there is room. How many it was. */
static unsigned
take_queued(struct mpsc_io *io, struct loop *loop)
{
    unsigned busy = loop_busy(loop);
    unsigned taken = 0;

    while (busy < ACTIVE_MAX) {
        struct mpsc_fetch *fetch;

        pthread_mutex_lock(&io->lock);
        fetch = pop_unlocked(io);
        pthread_mutex_unlock(&io->lock);
        if (fetch == NULL) {
            break;
        }
        loop_add(loop, fetch);
        busy++;
        taken++;
    }
    return taken;
}

/* No client can be had: nothing that is queued can be run. */
static void
refuse_queued(struct mpsc_io *io)
{
    struct mpsc_fetch *fetch;

    do {
        pthread_mutex_lock(&io->lock);
        fetch = pop_unlocked(io);
        if (fetch == NULL) {
            io->running = 0;
        }
        pthread_mutex_unlock(&io->lock);
        if (fetch != NULL) {
            mpsc_fetch_give_up(fetch, MPS_E_NO_MEMORY,
                               "the HTTP library can't be initialised");
            fetch->events->over(fetch->arg);
        }
    } while (fetch != NULL);
}

/* True where the thread is to end; it is unknown to others from then on. */
static int
thread_ends(struct mpsc_io *io, const struct loop *loop, int64_t idle_until_ms)
{
    int ends = 0;

    pthread_mutex_lock(&io->lock);
    if (loop->count == 0 && io->queue == NULL &&
        (io->stopping || mono_ms(io) >= idle_until_ms)) {
        ends = 1;
        io->running = 0;
        io->http = NULL;
    }
    pthread_mutex_unlock(&io->lock);
    return ends;
}

static int
is_stopping(struct mpsc_io *io)
{
    int stopping;

    pthread_mutex_lock(&io->lock);
    stopping = io->stopping;
    pthread_mutex_unlock(&io->lock);
    return stopping;
}

/* The runner is told to stop: results at once, and the keyring's part as
 * long as stop_until_ms allows. */
static void
wind_up(struct mpsc_io *io, struct loop *loop, int64_t stop_until_ms)
{
    for (struct mpsc_fetch *fetch = loop->fetches; fetch != NULL;
         fetch = fetch->next) {
        mpsc_fetch_give_up(fetch, MPS_E_TIMEOUT, "the module was shut down");
        if (mono_ms(io) >= stop_until_ms) {
            mpsc_fetch_drop(fetch);
        }
    }
}

static void *
thread_main(void *arg)
{
    struct mpsc_io *io = arg;
    struct loop loop = {io->port, io->port->open(), NULL, 0};
    int64_t idle_until_ms = mono_ms(io) + IDLE_MS;
    int64_t stop_until_ms = 0;

    /* What top(1) and a debugger show. */
    (void)pthread_setname_np(pthread_self(), "mps-credential");
    if (loop.http == NULL) {
        refuse_queued(io);
        return NULL;
    }
    pthread_mutex_lock(&io->lock);
    io->http = loop.http;
    pthread_mutex_unlock(&io->lock);
    while (!thread_ends(io, &loop, idle_until_ms)) {
        int64_t until_ms;

        if (is_stopping(io)) {
            if (stop_until_ms == 0) {
                stop_until_ms = mono_ms(io) + STOP_MS;
            }
            wind_up(io, &loop, stop_until_ms);
        }
        loop_step(&loop);
        if (loop.count > 0) {
            idle_until_ms = mono_ms(io) + IDLE_MS;
        }
        until_ms = stop_until_ms != 0 ? stop_until_ms : idle_until_ms;
        /* After the step, which has made room; and what has begun may be
         * over already, with nothing that would end the wait. */
        if (take_queued(io, &loop) > 0) {
            until_ms = 0;
        }
        if (loop.count > 0 || stop_until_ms == 0) {
            loop_wait(io, &loop, until_ms);
        }
    }
    io->port->close(&loop.http);
    return NULL;
}

/* Joins a thread that has ended, or is about to: it takes the lock no more.
 * Called with the lock. */
static void
join_ended_unlocked(struct mpsc_io *io)
{
    if (io->joinable) {
        pthread_join(io->thread, NULL);
        io->joinable = 0;
    }
}

/* Creates the thread with all signals blocked. Called with the lock. */
static int
start_thread_unlocked(struct mpsc_io *io)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    int failed;

    join_ended_unlocked(io);
    if (pthread_attr_init(&attributes) != 0) {
        return -1;
    }
    (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&io->thread, &attributes, thread_main, io);
    if (failed == EINVAL) {
        /* The host's thread-local variables alone need more than that. */
        failed = pthread_create(&io->thread, NULL, thread_main, io);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    io->running = !failed;
    io->joinable = !failed;
    return failed ? -1 : 0;
}

int
mpsc_io_submit(struct mpsc_io *io, struct mpsc_fetch *fetch)
{
    int result = 0;

    pthread_mutex_lock(&io->lock);
    if (!io->running) {
        result = start_thread_unlocked(io);
    }
    if (result == 0) {
        fetch->next = NULL;
        *io->queue_end = fetch;
        io->queue_end = &fetch->next;
        if (io->http != NULL) {
            io->port->wakeup(io->http);
        }
    }
    pthread_mutex_unlock(&io->lock);
    return result;
}

/* Takes over what former calls left, and leaves what is left now. */
static void
swap_leftovers(struct mpsc_io *io, struct loop *loop, int leave)
{
    struct mpsc_fetch **end = leave ? &loop->fetches : &io->leftover;

    pthread_mutex_lock(&io->lock);
    if (leave) {
        while (*end != NULL) {
            end = &(*end)->next;
        }
        *end = io->leftover;
        io->leftover = loop->fetches;
        loop->fetches = NULL;
        loop->count = 0;
    } else {
        loop->fetches = io->leftover;
        io->leftover = NULL;
        for (struct mpsc_fetch *fetch = loop->fetches; fetch != NULL;
             fetch = fetch->next) {
            loop->count++;
        }
    }
    pthread_mutex_unlock(&io->lock);
}

int
mpsc_io_run(struct mpsc_io *io, struct mpsc_fetch *fetch)
{
    struct loop loop = {io->port, io->port->open(), NULL, 0};
    struct mpsc_sigpipe sigpipe;

    if (loop.http == NULL) {
        return -1;
    }
    mpsc_sigpipe_block(&sigpipe);
    swap_leftovers(io, &loop, 0);
    loop_add(&loop, fetch);
    loop_step(&loop);
    while (!mpsc_fetch_is_settled(fetch)) {
        loop_wait(io, &loop, mono_ms(io) + IDLE_MS);
        loop_step(&loop);
    }
    swap_leftovers(io, &loop, 1);
    mpsc_sigpipe_restore(&sigpipe);
    io->port->close(&loop.http);
    return 0;
}

/* Brings to an end what mpsc_io_run() has left. */
static void
stop_leftovers(struct mpsc_io *io)
{
    struct loop loop = {io->port, NULL, NULL, 0};
    int64_t until_ms = mono_ms(io) + STOP_MS;

    swap_leftovers(io, &loop, 0);
    if (loop.count > 0) {
        loop.http = io->port->open();
    }
    while (loop.count > 0) {
        wind_up(io, &loop, loop.http != NULL ? until_ms : 0);
        loop_step(&loop);
        if (loop.count > 0) {
            loop_wait(io, &loop, until_ms);
        }
    }
    io->port->close(&loop.http);
}

void
mpsc_io_stop(struct mpsc_io *io)
{
    pthread_t thread;
    int joinable;

    pthread_mutex_lock(&io->lock);
    io->stopping = 1;
    joinable = io->joinable;
    io->joinable = 0;
    thread = io->thread;
    if (io->http != NULL) {
        io->port->wakeup(io->http);
    }
    pthread_mutex_unlock(&io->lock);
    if (joinable) {
        pthread_join(thread, NULL);
    }
    stop_leftovers(io);
}

void
mpsc_io_free(struct mpsc_io **io)
{
    if (*io != NULL) {
        pthread_mutex_destroy(&(*io)->lock);
        free(*io);
        *io = NULL;
    }
}
