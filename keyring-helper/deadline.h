/* SPDX-License-Identifier: MIT */
/*
 * deadline: the bound on whatever may block in the helper: another's lock,
 * the Secret Service, the client.
 *
 * When it passes, a signal handler sends a frame that was made ready before
 * and ends the process. Nothing needs to be interruptible for that: neither
 * fcntl(2) nor libsecret's calls have a time limit that can be relied on.
 * One deadline at a time, set by the main thread.
 */
#ifndef MPSK_DEADLINE_H
#define MPSK_DEADLINE_H

#include <stddef.h>

#include "keyring.h"

#define MPSK_DEADLINE_FRAME_MAX 64

/* What to say at the end; len 0 = nothing. Must live as long as the
 * process. */
struct mpsk_deadline_frame {
    char bytes[MPSK_DEADLINE_FRAME_MAX];
    size_t len;
};

/* Makes the timer; once. 0 or -1. */
int mpsk_deadline_init(void);

/* Sends `frame` to descriptor 0 and exits, `ms` milliseconds from now. */
void mpsk_deadline_arm(unsigned ms, const struct mpsk_deadline_frame *frame);

/* Changes what an armed deadline will say. */
void mpsk_deadline_say(const struct mpsk_deadline_frame *frame);

/* Ends the deadline. When it has just passed, this doesn't return. */
void mpsk_deadline_disarm(void);

#endif
