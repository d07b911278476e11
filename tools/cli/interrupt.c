/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "interrupt.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void
collect(sigset_t *set)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action;

    sigemptyset(set);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        /* One that is blocked would arrive though it is ignored. */
        if (sigaction(numbers[i], NULL, &action) == 0 &&
            action.sa_handler != SIG_IGN) {
            sigaddset(set, numbers[i]);
        }
    }
}

int
cli_interrupt_open(void)
{
    sigset_t set;
    int fd;

    collect(&set);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd >= 0) {
        (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    }
    return fd;
}

int
cli_interrupt_take(int fd)
{
    struct signalfd_siginfo info;

    return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo
                                                         : 0;
}

void
cli_interrupt_close(int fd)
{
    sigset_t set;

    collect(&set);
    close(fd);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
