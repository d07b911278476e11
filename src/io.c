/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "io.h"

#include <errno.h>
#include <mps/credential.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "sigpipe.h"

/* A thread without work ends after this. */
#define IDLE_MS 10000

/* More tasks than this wait for their turn: each may have a helper process
 * and a connection of its own. */
#define ACTIVE_MAX 64

/* Of these as many at most may be in the background: where the endpoint
 * stalls them all, there is room for those that somebody waits for. */
#define BACKGROUND_MAX 16

/* libcurl, OpenSSL and json-c stay well below it. */
#define STACK_SIZE ((size_t)512 * 1024)

/* Where waiting fails the loop goes on this often, so that deadlines hold. */
#define STARVED_MS 20

/* No wait is longer: a client whose pair for wakeups was closed by the host,
 * while a forked child keeps a copy, can't be woken. */
#define WAIT_MS 500

/* The HTTP client reuses no connection that was idle for longer. */
#define PARKED_MS 60000

/* How long the keyring's part may hold up the end of the runner. */
#define STOP_MS 3000

/* First in, first out. */
struct queue {
    struct mpsc_task *first;
    struct mpsc_task **end;
};

/* One loop's tasks; it belongs to the thread that runs it. */
struct mpsc_loop {
    const struct mpsc_http_port *port;
    struct mpsc_http *http;
    struct mpsc_task *tasks;
    unsigned count;
    struct queue added; /* by tasks: to be begun in this turn */
};

struct mpsc_io {
    const struct mpsc_http_port *port;
    mpsc_clock_fn *clock;

    pthread_mutex_t lock; /* guards the rest; held for moments only */
    struct queue foreground;
    struct queue background;
    struct mpsc_task *leftover; /* of mpsc_io_run() */
    struct mpsc_http *http;     /* the thread's; NULL while it has none */
    struct mpsc_http *parked;   /* nobody's, with connections; or NULL */
    int64_t parked_ms;          /* since when */
    int running;                /* the thread is there, or on its way */
    int joinable; /* `thread` is to be joined: it runs or has ended */
    int stopping;
    pthread_t thread;
};

static void
queue_init(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void
queue_push(struct queue *queue, struct mpsc_task *task)
{
    task->next = NULL;
    *queue->end = task;
    queue->end = &task->next;
}

/* The first one, or NULL. */
static struct mpsc_task *
queue_pop(struct queue *queue)
{
    struct mpsc_task *task = queue->first;

    if (task != NULL) {
        queue->first = task->next;
        if (queue->first == NULL) {
            queue->end = &queue->first;
        }
        task->next = NULL;
    }
    return task;
}

/* True where the task was there. */
static int
queue_remove(struct queue *queue, const struct mpsc_task *task)
{
    struct mpsc_task **link = &queue->first;

    while (*link != NULL && *link != task) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        return 0;
    }
    *link = task->next;
    if (*link == NULL) {
        queue->end = link;
    }
    return 1;
}

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
    queue_init(&io->foreground);
    queue_init(&io->background);
    return io;
}

static int64_t
mono_ms(const struct mpsc_io *io)
{
    struct mpsc_time now;

    io->clock(&now);
    return now.mono_ms;
}

/* A client that was parked, or a new one; NULL where none can be had. */
static struct mpsc_http *
take_client(struct mpsc_io *io)
{
    struct mpsc_http *http;

    pthread_mutex_lock(&io->lock);
    http = io->parked;
    io->parked = NULL;
    pthread_mutex_unlock(&io->lock);
    if (http != NULL && !io->port->usable(http)) {
        io->port->abandon(&http);
    }
    return http != NULL ? http : io->port->open();
}

/* Parks a client that has no call under way, with its connections, where none
 * is parked yet. Called with the lock; what is left in *http is to be closed
 * without it. */
static void
park_client_unlocked(struct mpsc_io *io, struct mpsc_http **http)
{
    if (io->parked == NULL) {
        io->parked = *http;
        io->parked_ms = mono_ms(io);
        *http = NULL;
    }
}

static void
close_parked(struct mpsc_io *io)
{
    struct mpsc_sigpipe sigpipe;
    struct mpsc_http *http;

    pthread_mutex_lock(&io->lock);
    http = io->parked;
    io->parked = NULL;
    pthread_mutex_unlock(&io->lock);
    /* TLS says goodbye to a peer that may be gone. */
    mpsc_sigpipe_block(&sigpipe);
    io->port->close(&http);
    mpsc_sigpipe_restore(&sigpipe);
}

static void
loop_init(struct mpsc_loop *loop, const struct mpsc_io *io)
{
    loop->port = io->port;
    loop->http = NULL;
    loop->tasks = NULL;
    loop->count = 0;
    queue_init(&loop->added);
}

static void
loop_begin(struct mpsc_loop *loop, struct mpsc_task *task)
{
    task->next = loop->tasks;
    loop->tasks = task;
    loop->count++;
    task->ops->begin(task, loop, loop->http);
}

void
mpsc_loop_add(struct mpsc_loop *loop, struct mpsc_task *task)
{
    task->added = 1;
    queue_push(&loop->added, task);
}

/* True where any was added: it may be over already, with nothing that would
 * end a wait. */
static int
begin_added(struct mpsc_loop *loop)
{
    struct mpsc_task *task;
    int any = 0;

    while ((task = queue_pop(&loop->added)) != NULL) {
        loop_begin(loop, task);
        any = 1;
    }
    return any;
}

/* Steps all, lets go of those that are over, and begins those that were added
 * meanwhile. True where there is more to do at once. */
static int
loop_step(struct mpsc_loop *loop)
{
    struct mpsc_task **link = &loop->tasks;

    while (*link != NULL) {
        struct mpsc_task *task = *link;

        if (task->ops->step(task)) {
            *link = task->next;
            loop->count--;
            task->ops->over(task);
        } else {
            link = &task->next;
        }
    }
    return begin_added(loop);
}

/* Those whose result isn't known yet; the others only wait for the keyring
 * and take no turn, since a mute keyring would block all. */
struct busy {
    unsigned all;
    unsigned turns;      /* that came by a queue */
    unsigned background; /* of these */
};

static struct busy
loop_busy(const struct mpsc_loop *loop)
{
    struct busy busy = {0, 0, 0};

    for (const struct mpsc_task *task = loop->tasks; task != NULL;
         task = task->next) {
        if (task->ops->is_known(task)) {
            continue;
        }
        busy.all++;
        busy.turns += !task->added;
        busy.background += !task->added && task->background;
    }
    return busy;
}

static void
give_up_all(struct mpsc_loop *loop, int code, const char *why)
{
    for (struct mpsc_task *task = loop->tasks; task != NULL;
         task = task->next) {
        task->ops->give_up(task, code, why);
    }
}

/* Waiting isn't possible: for the moment, or with this client for ever. */
static void
starve(struct mpsc_loop *loop)
{
    const struct timespec starved = {0, STARVED_MS * 1000000L};

    nanosleep(&starved, NULL);
    if (loop->http != NULL && !loop->port->usable(loop->http)) {
        give_up_all(loop, MPS_E_NETWORK,
                    "the program has closed the module's connections");
    }
}

/* Waits until something happens, or until_ms. */
static void
loop_wait(struct mpsc_io *io, struct mpsc_loop *loop, int64_t until_ms)
{
    struct mpsc_http_watch *watches =
        loop->count > 0 ? calloc(loop->count, sizeof(*watches)) : NULL;
    unsigned count = 0;
    int64_t timeout;

    for (struct mpsc_task *task = loop->tasks; task != NULL;
         task = task->next) {
        int64_t due = task->ops->due(task);

        until_ms = due < until_ms ? due : until_ms;
        if (watches != NULL && task->ops->watch(task, &watches[count])) {
            count++;
        }
    }
    timeout = until_ms - mono_ms(io);
    if (timeout < 0) {
        timeout = 0;
    }
    if (timeout > WAIT_MS) {
        timeout = WAIT_MS;
    }
    if (watches == NULL && loop->count > 0 && timeout > STARVED_MS) {
        timeout = STARVED_MS;
    }
    if (loop->http == NULL ||
        loop->port->poll(loop->http, watches, count, (int)timeout) != 0) {
        starve(loop);
    }
    free(watches);
}

/* Whose turn it is, or NULL. */
static struct mpsc_task *
pop_queued(struct mpsc_io *io, const struct busy *busy)
{
    struct mpsc_task *task = NULL;

    if (busy->turns >= ACTIVE_MAX) {
        return NULL;
    }
    pthread_mutex_lock(&io->lock);
    task = queue_pop(&io->foreground);
    if (task == NULL && busy->background < BACKGROUND_MAX) {
        task = queue_pop(&io->background);
    }
    pthread_mutex_unlock(&io->lock);
    return task;
}

/* Sees to the thread's client while it has no call under way: another where
 * the host has meddled with its descriptors. 0 where none can be had. */
static int
renew_client(struct mpsc_io *io, struct mpsc_loop *loop)
{
    struct mpsc_http *former = loop->http;

    if (former != NULL && io->port->usable(former)) {
        return 1;
    }
    loop->http = take_client(io);
    pthread_mutex_lock(&io->lock);
    io->http = loop->http;
    pthread_mutex_unlock(&io->lock);
    if (former != NULL) {
        io->port->abandon(&former);
    }
    return loop->http != NULL;
}

/* Begins what is queued, as far as there is room; what can't have a client is
 * refused. True where there was any: it may be over already. */
static int
take_queued(struct mpsc_io *io, struct mpsc_loop *loop)
{
    struct busy busy = loop_busy(loop);
    struct mpsc_task *task;
    int any = 0;

    while ((task = pop_queued(io, &busy)) != NULL) {
        any = 1;
        if (busy.all == 0 && !renew_client(io, loop)) {
            task->ops->give_up(task, MPS_E_NO_MEMORY,
                               "the HTTP library can't be initialised");
            task->ops->over(task);
            continue;
        }
        loop_begin(loop, task);
        busy.all++;
        busy.turns++;
        busy.background += (unsigned)(task->background != 0);
    }
    return any;
}

/* True where the thread is to end; it is unknown to others from then on. */
static int
thread_ends(struct mpsc_io *io, struct mpsc_loop *loop, int64_t idle_until_ms)
{
    int ends = 0;

    pthread_mutex_lock(&io->lock);
    if (loop->count == 0 && io->foreground.first == NULL &&
        io->background.first == NULL &&
        (io->stopping || mono_ms(io) >= idle_until_ms)) {
        ends = 1;
        io->running = 0;
        io->http = NULL;
        park_client_unlocked(io, &loop->http);
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
wind_up(struct mpsc_io *io, struct mpsc_loop *loop, int64_t stop_until_ms)
{
    give_up_all(loop, MPS_E_TIMEOUT, "the module was shut down");
    if (mono_ms(io) >= stop_until_ms) {
        for (struct mpsc_task *task = loop->tasks; task != NULL;
             task = task->next) {
            task->ops->drop(task);
        }
    }
}

static void *
thread_main(void *arg)
{
    struct mpsc_io *io = arg;
    struct mpsc_loop loop;
    int64_t idle_until_ms = mono_ms(io) + IDLE_MS;
    int64_t stop_until_ms = 0;

    /* What top(1) and a debugger show. */
    (void)pthread_setname_np(pthread_self(), "mps-credential");
    loop_init(&loop, io);
    while (!thread_ends(io, &loop, idle_until_ms)) {
        int64_t until_ms;
        int more;

        if (is_stopping(io)) {
            if (stop_until_ms == 0) {
                stop_until_ms = mono_ms(io) + STOP_MS;
            }
            wind_up(io, &loop, stop_until_ms);
        }
        more = loop_step(&loop);
        if (loop.count > 0) {
            idle_until_ms = mono_ms(io) + IDLE_MS;
        }
        until_ms = stop_until_ms != 0 ? stop_until_ms : idle_until_ms;
        /* After the step, which has made room. */
        if (take_queued(io, &loop) || more) {
            until_ms = 0;
        }
        if (loop.http == NULL) {
            idle_until_ms = 0;
        }
        if (loop.count > 0 || (loop.http != NULL && stop_until_ms == 0)) {
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
mpsc_io_submit(struct mpsc_io *io, struct mpsc_task *task)
{
    int result = 0;

    pthread_mutex_lock(&io->lock);
    if (!io->running) {
        result = start_thread_unlocked(io);
    }
    if (result == 0) {
        task->added = 0;
        queue_push(task->background ? &io->background : &io->foreground, task);
        if (io->http != NULL) {
            io->port->wakeup(io->http);
        }
    }
    pthread_mutex_unlock(&io->lock);
    return result;
}

void
mpsc_io_promote(struct mpsc_io *io, struct mpsc_task *task)
{
    pthread_mutex_lock(&io->lock);
    if (queue_remove(&io->background, task)) {
        task->background = 0;
        queue_push(&io->foreground, task);
        if (io->http != NULL) {
            io->port->wakeup(io->http);
        }
    }
    pthread_mutex_unlock(&io->lock);
}

/* Takes over what former calls left. */
static void
take_leftovers(struct mpsc_io *io, struct mpsc_loop *loop)
{
    pthread_mutex_lock(&io->lock);
    loop->tasks = io->leftover;
    io->leftover = NULL;
    pthread_mutex_unlock(&io->lock);
    for (struct mpsc_task *task = loop->tasks; task != NULL;
         task = task->next) {
        loop->count++;
    }
}

/* Leaves what is left, and the client, to the next call. */
static void
leave(struct mpsc_io *io, struct mpsc_loop *loop)
{
    struct mpsc_task **end = &loop->tasks;

    while (*end != NULL) {
        end = &(*end)->next;
    }
    pthread_mutex_lock(&io->lock);
    *end = io->leftover;
    io->leftover = loop->tasks;
    park_client_unlocked(io, &loop->http);
    pthread_mutex_unlock(&io->lock);
    io->port->close(&loop->http);
}

int
mpsc_io_run(struct mpsc_io *io, struct mpsc_task *task, mpsc_io_tick_fn *tick,
            void *arg)
{
    struct mpsc_loop loop;
    struct mpsc_sigpipe sigpipe;
    int more;

    loop_init(&loop, io);
    loop.http = take_client(io);
    if (loop.http == NULL) {
        return -1;
    }
    mpsc_sigpipe_block(&sigpipe);
    take_leftovers(io, &loop);
    task->added = 0;
    loop_begin(&loop, task);
    for (;;) {
        more = loop_step(&loop);
        if (tick != NULL) {
            /* It may call the host, whose mask is its own. */
            mpsc_sigpipe_restore(&sigpipe);
            tick(arg);
            mpsc_sigpipe_block(&sigpipe);
        }
        if (task->ops->is_settled(task)) {
            break;
        }
        loop_wait(io, &loop, more ? 0 : mono_ms(io) + IDLE_MS);
    }
    mpsc_sigpipe_restore(&sigpipe);
    leave(io, &loop);
    return 0;
}

/* Brings to an end what mpsc_io_run() has left. */
static void
stop_leftovers(struct mpsc_io *io)
{
    struct mpsc_loop loop;
    int64_t until_ms = mono_ms(io) + STOP_MS;

    loop_init(&loop, io);
    take_leftovers(io, &loop);
    if (loop.count > 0) {
        loop.http = take_client(io);
    }
    while (loop.count > 0) {
        wind_up(io, &loop, loop.http != NULL ? until_ms : 0);
        (void)loop_step(&loop);
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
    close_parked(io);
}

void
mpsc_io_tidy(struct mpsc_io *io)
{
    int due;

    pthread_mutex_lock(&io->lock);
    due = io->parked != NULL && mono_ms(io) - io->parked_ms >= PARKED_MS;
    pthread_mutex_unlock(&io->lock);
    if (due) {
        close_parked(io);
    }
}

void
mpsc_io_free(struct mpsc_io **io)
{
    if (*io != NULL) {
        close_parked(*io);
        pthread_mutex_destroy(&(*io)->lock);
        free(*io);
        *io = NULL;
    }
}
