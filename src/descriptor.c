/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

int
mpsc_descriptor_lift(int fd)
{
    int lifted;
    int why;

    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    lifted = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    why = errno;
    close(fd);
    errno = why;
    return lifted;
}

int
mpsc_descriptor_lift_pair(int fds[2])
{
    int why;

    for (int i = 0; i < 2; i++) {
        fds[i] = mpsc_descriptor_lift(fds[i]);
    }
    if (fds[0] >= 0 && fds[1] >= 0) {
        return 0;
    }
    why = errno;
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    errno = why;
    return -1;
}

void
mpsc_descriptor_hold(struct mpsc_descriptor_places *places)
{
    struct stat status;
    int saved = errno;
    int fd = -1;

    for (int i = 0; i < 3; i++) {
        places->fds[i] = -1;
    }
    /* The lowest free number comes first, as POSIX has it. An eventfd needs
     * no file system, and nobody who meets it there blocks. */
    for (int i = 0; i < 3 && fd <= STDERR_FILENO; i++) {
        fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0) {
            break;
        }
        if (fd <= STDERR_FILENO && fstat(fd, &status) == 0) {
            places->fds[i] = fd;
            places->dev = status.st_dev;
            places->ino = status.st_ino;
        } else {
            close(fd);
        }
    }
    errno = saved;
}

void
mpsc_descriptor_let_go(const struct mpsc_descriptor_places *places)
{
    struct stat status;
    int saved = errno;

    /* A thread of the host's may have put its own there meanwhile. */
    for (int i = 0; i < 3; i++) {
        if (places->fds[i] >= 0 && fstat(places->fds[i], &status) == 0 &&
            status.st_dev == places->dev && status.st_ino == places->ino) {
            close(places->fds[i]);
        }
    }
    errno = saved;
}
