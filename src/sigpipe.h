/* SPDX-License-Identifier: MIT */
/*
 * sigpipe: keeps a broken connection from signalling a host in whose thread
 * the network is used. No disposition is changed.
 */
#ifndef MPSC_SIGPIPE_H
#define MPSC_SIGPIPE_H

#include <signal.h>

struct mpsc_sigpipe {
    sigset_t before;
    int was_pending;
};

/* Blocks SIGPIPE in the calling thread. */
void mpsc_sigpipe_block(struct mpsc_sigpipe *state);

/* Takes back one that has come meanwhile, and the mask as it was. */
void mpsc_sigpipe_restore(const struct mpsc_sigpipe *state);

#endif
