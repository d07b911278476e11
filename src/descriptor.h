/* SPDX-License-Identifier: MIT */
/*
 * descriptor: keeps ours off 0, 1 and 2.
 *
 * A daemon may have closed them. What the kernel gives the next who opens a
 * file is one of these numbers then, and a library of the host's that writes
 * to "standard error", or a thread that reads "standard input", would meet
 * our connection or file.
 */
#ifndef MPSC_DESCRIPTOR_H
#define MPSC_DESCRIPTOR_H

#include <sys/types.h>

/*
 * Takes over what open(2) or its like returned: another number for the same
 * file where it was 0, 1 or 2. Close-on-exec. -1 where it was -1, or where
 * there is none (errno says why; it is closed then).
 */
int mpsc_descriptor_lift(int fd);

/* The same for a pair; 0, or -1 with both closed. */
int mpsc_descriptor_lift_pair(int fds[2]);

/* For a library that opens descriptors itself: while the places are held what
 * it opens lies above them. Moments only. */
struct mpsc_descriptor_places {
    int fds[3]; /* -1 = not held: it was open */
    dev_t dev;  /* of all eventfds */
    ino_t ino;
};
void mpsc_descriptor_hold(struct mpsc_descriptor_places *places);
void mpsc_descriptor_let_go(const struct mpsc_descriptor_places *places);

#endif
