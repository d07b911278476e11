/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"

/* It is no eventfd, or the kernel is an old one. */
#define NO_ID (-2L)

/* The kernel's number of an eventfd, or NO_ID; -1 where it can't be read. */
static long
id_of(int event)
{
    static const char key[] = "eventfd-id:";
    char path[64];
    char text[512];
    const char *found;
    ssize_t len;
    int fd;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", event);
    fd = mpsc_descriptor_lift(open(path, O_RDONLY | O_CLOEXEC));
    if (fd < 0) {
        return -1;
    }
    len = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (len <= 0) {
        return -1;
    }
    text[len] = '\0';
    found = strstr(text, key);
    return found != NULL ? strtol(found + sizeof(key) - 1, NULL, 10) : NO_ID;
}

int
mpsc_event_open(struct mpsc_event *event, int ready)
{
    struct stat status;
    int fd = mpsc_descriptor_lift(
        eventfd(ready ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK));

    event->fd = -1;
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &status) != 0) {
        close(fd);
        return -1;
    }
    event->fd = fd;
    event->dev = status.st_dev;
    event->ino = status.st_ino;
    event->id = id_of(fd);
    return 0;
}

/* An id that can't be read (any more: chroot, no descriptor left) decides
 * nothing. */
int
mpsc_event_is(const struct mpsc_event *event)
{
    struct stat status;
    int saved = errno;
    int is = 0;
    long id;

    if (event->fd >= 0 && fstat(event->fd, &status) == 0 &&
        status.st_dev == event->dev && status.st_ino == event->ino) {
        id = event->id >= 0 ? id_of(event->fd) : -1;
        is = id == -1 || id == event->id;
    }
    errno = saved;
    return is;
}

int
mpsc_event_notify(const struct mpsc_event *event)
{
    const uint64_t one = 1;
    int saved = errno;

    if (!mpsc_event_is(event)) {
        return -1;
    }
    /* A full counter is readable already. */
    (void)!write(event->fd, &one, sizeof(one));
    errno = saved;
    return 0;
}

void
mpsc_event_close(struct mpsc_event *event)
{
    if (mpsc_event_is(event)) {
        close(event->fd);
    }
    event->fd = -1;
}
