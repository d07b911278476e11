/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "deadline.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_SIGNAL SIGUSR1
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/*
 * Shared with the handler, which may run in any thread (GLib has its own):
 * whoever takes `due` away decides whether the deadline passed or was met.
 */
static _Atomic(const struct mpsk_deadline_frame *) due;
static _Atomic int64_t due_at_ns;
static timer_t timer;

static int64_t
now_ns(void)
{
    struct timespec now = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void
pass(int number)
{
    const struct mpsk_deadline_frame *frame;

    (void)number;
    /* A signal of an earlier deadline may come late. */
    if (now_ns() < atomic_load(&due_at_ns)) {
        return;
    }
    frame = atomic_exchange(&due, NULL);
    if (frame == NULL) {
        return;
    }
    if (frame->len > 0) {
        (void)send(STDIN_FILENO, frame->bytes, frame->len,
                   MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    _exit(0);
}

int
mpsk_deadline_init(void)
{
    struct sigaction action = {.sa_handler = pass, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = DEADLINE_SIGNAL};

    sigemptyset(&action.sa_mask);
    if (!atomic_is_lock_free(&due) || !atomic_is_lock_free(&due_at_ns)) {
        return -1;
    }
    return sigaction(DEADLINE_SIGNAL, &action, NULL) == 0 &&
                   timer_create(CLOCK_MONOTONIC, &event, &timer) == 0
               ? 0
               : -1;
}

void
mpsk_deadline_arm(unsigned ms, const struct mpsk_deadline_frame *frame)
{
    /* An absolute time: relative 0 would mean never. */
    int64_t at = now_ns() + (int64_t)ms * NS_PER_MS;
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at / NS_PER_S),
                                           .tv_nsec = (long)(at % NS_PER_S)}};

    atomic_store(&due_at_ns, at);
    atomic_store(&due, frame);
    timer_settime(timer, TIMER_ABSTIME, &when, NULL);
}

/* The handler has the word, and is about to end the process. */
static _Noreturn void
wait_for_end(void)
{
    for (;;) {
        pause();
    }
}

void
mpsk_deadline_say(const struct mpsk_deadline_frame *frame)
{
    const struct mpsk_deadline_frame *old = atomic_load(&due);

    if (old == NULL || !atomic_compare_exchange_strong(&due, &old, frame)) {
        wait_for_end();
    }
}

void
mpsk_deadline_disarm(void)
{
    static const struct itimerspec never;

    if (atomic_exchange(&due, NULL) == NULL) {
        wait_for_end();
    }
    timer_settime(timer, 0, &never, NULL);
}
