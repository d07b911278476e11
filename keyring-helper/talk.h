/* SPDX-License-Identifier: MIT */
/*
 * talk: the helper's end of the socket, descriptor 0. Blocking: bound it with
 * a deadline.
 */
#ifndef MPSK_TALK_H
#define MPSK_TALK_H

#include "keyring_protocol.h"
#include "secret.h"

/* True where descriptor 0 is a stream socket of this machine. */
int mpsk_talk_ready(void);

/* The next message. MPSC_KEYRING_MORE: the client has hung up. */
enum mpsc_keyring_decoded
mpsk_talk_receive(struct mpsc_keyring_message *message);

/* Sends one frame or several. 0, or -1 where the client has gone. */
int mpsk_talk_send(const struct mpsc_secret *frame);

/* True where the client has hung up. */
int mpsk_talk_over(void);

#endif
