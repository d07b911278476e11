/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "crowd.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "progress.h"

/* Between two drawings of the progress. */
#define TICK_MS 100

/* How long the module has to bring to the keyring what it has, after an
 * interrupt. It needs 3 s at most, but where `threads = no` makes it wait for
 * a fetch. */
#define WIND_UP_MS 5000

/* What counts of the items' results: all, those that the module was not told
 * to give up, none any more. */
enum stage { COUNTING, STOPPING, CLOSED };

/*
 * The call has a thread of its own: its function is heard of each answer, but
 * while the endpoint stalls there is none, and a signal must not wait for one.
 * Static, since that thread may outlive cli_crowd_run().
 */
static struct {
    const struct mps_api *api;
    struct mps_request request;
    const struct cli_ids *ids;
    struct mps_error error;
    int code;
    int ended_fd; /* eventfd: the call has ended */

    pthread_mutex_t lock; /* guards the rest */
    struct cli_tally *tally;
    enum stage stage;
} crowd = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int64_t
mono_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
set_event(int fd)
{
    const uint64_t one = 1;

    /* It can't fail: nobody adds up to the counter's end. */
    (void)!write(fd, &one, sizeof(one));
}

/* An item's result. MPS_E_TIMEOUT is what the module ends fetches with that
 * it gives up, or doesn't begin, in a shutdown. */
static void
count(void *arg, const char *business_id, int code)
{
    (void)arg;
    pthread_mutex_lock(&crowd.lock);
    if (crowd.stage == COUNTING ||
        (crowd.stage == STOPPING && code != MPS_E_TIMEOUT)) {
        cli_tally_add(crowd.tally, business_id, code);
    }
    pthread_mutex_unlock(&crowd.lock);
}

static void *
call(void *arg)
{
    crowd.code = crowd.api->prefetch_credentials(
        &crowd.request, (const char *const *)crowd.ids->ids, crowd.ids->count,
        count, NULL);
    set_event(crowd.ended_fd);
    return arg;
}

static void *
stop(void *arg)
{
    const int *stopped_fd = arg;

    crowd.api->shutdown();
    set_event(*stopped_fd);
    return NULL;
}

static void
set_stage(enum stage stage)
{
    pthread_mutex_lock(&crowd.lock);
    crowd.stage = stage;
    pthread_mutex_unlock(&crowd.lock);
}

static void
draw(struct cli_progress *progress)
{
    size_t done;
    size_t failed;

    pthread_mutex_lock(&crowd.lock);
    done = crowd.tally->ok + crowd.tally->failed;
    failed = crowd.tally->failed;
    pthread_mutex_unlock(&crowd.lock);
    cli_progress_note(progress, done, failed, mono_ms());
    cli_progress_draw(progress, stderr);
}

/* Until event_fd is readable: 0; a signal comes: its number; or end_ms (0 =
 * never) has passed: -1. */
static int
await(int event_fd, int signal_fd, struct cli_progress *progress,
      int64_t end_ms)
{
    struct pollfd fds[] = {{event_fd, POLLIN, 0}, {signal_fd, POLLIN, 0}};
    int number;

    for (;;) {
        if (progress != NULL) {
            draw(progress);
        }
        fds[0].revents = fds[1].revents = 0;
        (void)poll(fds, 2, progress != NULL || end_ms != 0 ? TICK_MS : -1);
        if (fds[0].revents != 0) {
            return 0;
        }
        if (fds[1].revents != 0 &&
            (number = cli_interrupt_take(signal_fd)) != 0) {
            return number;
        }
        if (end_ms != 0 && mono_ms() >= end_ms) {
            return -1;
        }
    }
}

/* Lets the module bring to an end what it has begun, until that is done or
 * takes too long, or somebody insists. */
static void
wind_up(int signal_fd, struct cli_progress *progress)
{
    static int stopped_fd; /* the thread may outlive this function */
    pthread_t thread;

    set_stage(STOPPING);
    stopped_fd = eventfd(0, EFD_CLOEXEC);
    if (stopped_fd >= 0 &&
        pthread_create(&thread, NULL, stop, &stopped_fd) == 0) {
        pthread_detach(thread);
        (void)await(stopped_fd, signal_fd, progress, mono_ms() + WIND_UP_MS);
    }
    set_stage(CLOSED);
}

/* The call's own result, or what stands for it after an interrupt. */
static void
conclude(struct cli_crowd_outcome *outcome)
{
    struct mps_error *error = &outcome->error;

    if (outcome->interrupted == 0) {
        *error = crowd.error;
        error->code = crowd.code;
    } else {
        error->code = MPS_E_TIMEOUT;
        snprintf(error->message, sizeof(error->message),
                 "interrupted (%s): %zu of %zu businesses are not done",
                 strsignal(outcome->interrupted),
                 cli_tally_not_done(crowd.tally), crowd.tally->total);
    }
    outcome->classes = crowd.api->classify(error->code);
}

/* Runs the call in its thread and looks after it; 0, or an errno. */
static int
look_after(struct cli_progress *progress, struct cli_crowd_outcome *outcome)
{
    struct cli_progress *shown = isatty(STDERR_FILENO) ? progress : NULL;
    int signal_fd = cli_interrupt_open();
    pthread_t thread;
    int failure;

    if (signal_fd < 0) {
        return errno;
    }
    failure = pthread_create(&thread, NULL, call, NULL);
    if (failure == 0) {
        outcome->interrupted = await(crowd.ended_fd, signal_fd, shown, 0);
        if (outcome->interrupted != 0) {
            pthread_detach(thread);
            wind_up(signal_fd, shown);
        } else {
            pthread_join(thread, NULL);
        }
        cli_progress_clear(progress, stderr);
        conclude(outcome);
    }
    cli_interrupt_close(signal_fd);
    return failure;
}

int
cli_crowd_run(const struct mps_api *api, const struct mps_request *request,
              const struct cli_ids *ids, struct cli_tally *tally,
              struct cli_crowd_outcome *outcome)
{
    struct cli_progress progress;
    int failure;

    memset(outcome, 0, sizeof(*outcome));
    outcome->error.size = sizeof(outcome->error);
    crowd.api = api;
    crowd.request = *request;
    crowd.error.size = sizeof(crowd.error);
    crowd.request.error = &crowd.error;
    crowd.ids = ids;
    crowd.tally = tally;
    crowd.ended_fd = eventfd(0, EFD_CLOEXEC);
    if (crowd.ended_fd < 0) {
        return -1;
    }
    cli_progress_begin(&progress, tally->total, mono_ms());
    failure = look_after(&progress, outcome);
    if (outcome->interrupted == 0) {
        close(crowd.ended_fd);
    }
    errno = failure;
    return failure == 0 ? 0 : -1;
}
