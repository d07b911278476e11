/* SPDX-License-Identifier: MIT */
/*
 * relay: passes TCP connections on to a server of this machine, until it is
 * told to treat those that it has otherwise. It runs on a thread of its own.
 * A command holds for the connections of its time, not for later ones, and is
 * in force when the function returns.
 */
#ifndef TEST_RELAY_H
#define TEST_RELAY_H

struct relay;

/* A relay to 127.0.0.1:`target`; NULL where it can't be had. */
struct relay *relay_start(unsigned target);

unsigned relay_port(const struct relay *relay);

/* Closes them, as a server does with idle ones. */
void relay_cut(struct relay *relay);

/* Resets them. */
void relay_reset(struct relay *relay);

/* Resets each when its client sends something, which isn't passed on. */
void relay_reset_next(struct relay *relay);

/* Closes each when its client sends something, which isn't passed on. */
void relay_cut_next(struct relay *relay);

/* Passes nothing on any more, and closes nothing. */
void relay_mute(struct relay *relay);

/* How many connections there have been. */
unsigned relay_connections(struct relay *relay);

void relay_stop(struct relay **relay);

#endif
