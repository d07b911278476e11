/* SPDX-License-Identifier: MIT */
/*
 * event_loop MARGIN_MS BUSINESS...: a server with one thread and an epoll
 * loop, which takes all signals from a signalfd and must never wait for
 * anything else: it calls the module with MPS_NO_WAIT alone.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "house.h"

#define BUSINESSES_MAX 32
#define TICK_MS 10
#define PATIENCE_MS 60000

static struct {
    int epoll;
    int signals;
    int timer;
    int event;
    int client[2]; /* a connection of its own, which echoes */
    char **ids;
    int count;
    int done[BUSINESSES_MAX];
    int pending;
    long ticks;
    long events;
    long echoes;
    int64_t longest_ms; /* away from the loop */
} loop;

static void
watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    house_expect(fd >= 0 &&
                     epoll_ctl(loop.epoll, EPOLL_CTL_ADD, fd, &event) == 0,
                 "descriptor %d can't be watched", fd);
}

static void
set_up(void)
{
    const struct itimerspec often = {{0, TICK_MS * 1000000L},
                                     {0, TICK_MS * 1000000L}};
    sigset_t all;

    sigfillset(&all);
    loop.epoll = epoll_create1(EPOLL_CLOEXEC);
    loop.signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    loop.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    timerfd_settime(loop.timer, 0, &often, NULL);
    house_expect(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, loop.client) == 0,
        "no socket pair");
    loop.event = mps.event_fd();
    watch(loop.signals);
    watch(loop.timer);
    watch(loop.client[0]);
    watch(loop.event);
}

static void
tear_down(void)
{
    close(loop.epoll);
    close(loop.signals);
    close(loop.timer);
    close(loop.client[0]);
    close(loop.client[1]);
}

static int
ask(const char *business_id, unsigned more)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = business_id,
                                        .flags = MPS_NO_WAIT | more};
    const struct mps_credential *credential = NULL;
    int code;

    errno = EXDEV;
    code = mps.get_credential_with(&request, &credential);
    house_expect(errno == EXDEV, "errno is %d", errno);
    mps.release_credential(credential);
    return code;
}

static void
ask_pending(void)
{
    for (int i = 0; i < loop.count; i++) {
        if (!loop.done[i]) {
            int code = ask(loop.ids[i], 0);

            house_expect(code == MPS_OK || code == MPS_E_AGAIN,
                         "business %s: code %d", loop.ids[i], code);
            loop.done[i] = code != MPS_E_AGAIN;
            loop.pending -= loop.done[i];
        }
    }
}

/* The host's own work goes on. */
static void
tick(void)
{
    uint64_t count = 0;

    if (read(loop.timer, &count, sizeof(count)) == sizeof(count)) {
        loop.ticks++;
        (void)!write(loop.client[1], "x", 1);
    }
}

static void
serve(int fd)
{
    uint64_t count;
    char byte = '\0';

    if (fd == loop.timer) {
        tick();
    } else if (fd == loop.client[0]) {
        loop.echoes += read(fd, &byte, 1) == 1 && byte == 'x';
    } else if (fd == loop.event) {
        house_expect(read(fd, &count, sizeof(count)) == sizeof(count),
                     "the event is none");
        loop.events++;
        ask_pending();
    }
}

/* Signals that came: -1 where there are none. */
static int
next_signal(void)
{
    struct signalfd_siginfo info;

    return read(loop.signals, &info, sizeof(info)) == sizeof(info)
               ? (int)info.ssi_signo
               : -1;
}

/* Until all have their credentials. */
static void
run(void)
{
    int64_t end = house_ms() + PATIENCE_MS;

    while (loop.pending > 0 && house_ms() < end) {
        struct epoll_event event;
        int64_t begin;

        if (epoll_wait(loop.epoll, &event, 1, 1000) != 1) {
            continue;
        }
        begin = house_ms();
        if (event.data.fd == loop.signals) {
            house_expect(0, "signal %d", next_signal());
        } else {
            serve(event.data.fd);
        }
        begin = house_ms() - begin;
        loop.longest_ms = begin > loop.longest_ms ? begin : loop.longest_ms;
    }
    house_expect(loop.pending == 0, "%d are still pending", loop.pending);
}

static void
ask_for_all(void)
{
    loop.pending = loop.count;
    for (int i = 0; i < loop.count; i++) {
        loop.done[i] = 0;
    }
    ask_pending();
}

/* A child of the host's own is told, and is its own to reap. */
static void
have_child(void)
{
    int64_t end = house_ms() + 20000;
    int status = -1;
    int number = -1;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(7);
    }
    while ((number = next_signal()) < 0 && house_ms() < end) {
        house_nap(5);
    }
    house_expect(number == SIGCHLD, "signal %d for a child", number);
    house_expect(next_signal() < 0, "another signal");
    house_expect(waitpid(-1, &status, 0) == pid && WEXITSTATUS(status) == 7,
                 "another child, or status %#x", (unsigned)status);
}

static void
invalidate_all(void)
{
    for (int i = 0; i < loop.count; i++) {
        const struct mps_request request = {.size = sizeof(request),
                                            .business_id = loop.ids[i],
                                            .flags = MPS_NO_WAIT};

        house_expect(mps.invalidate_credential_with(&request, NULL) == MPS_OK,
                     "can't be invalidated");
    }
}

int
main(int argc, char **argv)
{
    sigset_t all;
    int64_t margin;

    if (argc < 3 || argc - 2 > BUSINESSES_MAX) {
        return 98;
    }
    margin = strtol(argv[1], NULL, 10);
    loop.ids = argv + 2;
    loop.count = argc - 2;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    house_open();
    house_before();
    house_expect(mps.prepare(NULL) == MPS_OK, "not prepared");
    set_up();
    ask_for_all();
    run();
    house_expect(ask(loop.ids[0], MPS_FORCE_REFRESH) == MPS_OK,
                 "nothing at hand");
    invalidate_all();
    ask_for_all();
    run();
    house_expect(loop.longest_ms <= margin, "away for %lld ms",
                 (long long)loop.longest_ms);
    house_expect(loop.events > 0 && loop.ticks > 20 && loop.echoes > 20,
                 "%ld events, %ld ticks, %ld echoes", loop.events, loop.ticks,
                 loop.echoes);
    house_tell("longest=%lld ticks=%ld events=%ld", (long long)loop.longest_ms,
               loop.ticks, loop.events);
    have_child();
    mps.shutdown();
    tear_down();
    house_after();
    return house_end();
}
