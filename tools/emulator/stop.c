/* SPDX-License-Identifier: MIT */
/* The end of the program, and waits that it ends. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "stop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int
emu_stop_open(struct emu_stop *stop)
{
    stop->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return stop->fd < 0 ? -1 : 0;
}

void
emu_stop_raise(struct emu_stop *stop)
{
    (void)eventfd_write(stop->fd, 1);
}

void
emu_stop_close(struct emu_stop *stop)
{
    (void)close(stop->fd);
    stop->fd = -1;
}

static int64_t
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum emu_wait
wait_for(const struct emu_stop *stop, int socket, short events,
         int64_t milliseconds)
{
    const int64_t end = now_ms() + milliseconds;
    struct pollfd fds[2] = {
        {.fd = stop->fd, .events = POLLIN},
        {.fd = socket, .events = (short)(events | POLLRDHUP)},
    };

    for (;;) {
        int64_t left = milliseconds < 0 ? -1 : end - now_ms();
        int n;

        if (milliseconds >= 0 && left <= 0) {
            return EMU_WAIT_PASSED;
        }
        n = poll(fds, 2, left > INT_MAX ? INT_MAX : (int)left);
        if (n < 0 && errno != EINTR) {
            return EMU_WAIT_STOP;
        }
        if (n <= 0) {
            continue;
        }
        if (fds[0].revents) {
            return EMU_WAIT_STOP;
        }
        if (fds[1].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) {
            return EMU_WAIT_GONE;
        }
        return EMU_WAIT_READY;
    }
}

enum emu_wait
emu_stop_wait(const struct emu_stop *stop, int socket, int64_t milliseconds)
{
    return wait_for(stop, socket, 0, milliseconds);
}

enum emu_wait
emu_stop_wait_writable(const struct emu_stop *stop, int socket)
{
    return wait_for(stop, socket, POLLOUT, -1);
}
