/* SPDX-License-Identifier: MIT */
/*
 * say: the answers that are made ready before they are needed, for deadlines
 * to send (deadline.h).
 */
#ifndef MPSK_SAY_H
#define MPSK_SAY_H

#include "deadline.h"

/* For an answer that fits any socket's buffer, milliseconds. */
#define MPSK_SAY_ANSWER_MS 1000

extern const struct mpsk_deadline_frame mpsk_say_nothing;
extern struct mpsk_deadline_frame mpsk_say_loaded_busy;
extern struct mpsk_deadline_frame mpsk_say_loaded_silent;
extern struct mpsk_deadline_frame mpsk_say_changed_busy;
extern struct mpsk_deadline_frame mpsk_say_changed_silent;

/* Makes them; once. 0, or -1 without memory. */
int mpsk_say_init(void);

/* Answers STORE, ERASE or CHANGE now, bounded by a deadline of its own. */
void mpsk_say_changed(enum mpsc_keyring_state state);

#endif
