/* SPDX-License-Identifier: MIT */
/*
 * event: the eventfd(2) that a host polls.
 *
 * It is known to the host by its number, and lives as long as the module: a
 * host that closes what it doesn't know, and opens files of its own, must not
 * find our 8 bytes in one of them, nor have it closed. So it is looked at
 * before each use. All eventfds, and timers, epolls and the like, share one
 * inode; the kernel's number of each eventfd (Linux 5.2, /proc) tells it from
 * the others, where it can be read.
 */
#ifndef MPSC_EVENT_H
#define MPSC_EVENT_H

#include <sys/types.h>

struct mpsc_event {
    int fd; /* -1 = none */
    dev_t dev;
    ino_t ino;
    long id; /* negative = not known */
};

#define MPSC_EVENT_NONE                                                       \
    {                                                                         \
        -1, 0, 0, -1                                                          \
    }

/* Opens it, readable at once where `ready`. 0 or -1. */
int mpsc_event_open(struct mpsc_event *event, int ready);

/* False where there is none, or where its number means something else. */
int mpsc_event_is(const struct mpsc_event *event);

/* Makes it readable; -1 where it is not there (any more). errno stays. */
int mpsc_event_notify(const struct mpsc_event *event);

/* Closes it, where it is still ours; it is none from then on. */
void mpsc_event_close(struct mpsc_event *event);

#endif
