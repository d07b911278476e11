/* SPDX-License-Identifier: MIT */
/*
 * keyring_spawn: the helper's process, started so that the host never sees
 * it.
 *
 * The host's direct child is an intermediate: a clone(2) of the host with
 * exit signal 0, so that its end raises no SIGCHLD and wait(2) without
 * __WALL or __WCLONE passes over it. It is the parent of the helper, waits
 * for it, and hands its exit status on; should the host die first, it shuts
 * down the helper's socket, whose other end a forked child may have, too. A
 * double fork would show the helper to a host that is a child sub-reaper or
 * PID 1; a clone that executes the helper itself would get back its SIGCHLD by
 * execve(2). All is done with system calls alone: the host may have threads,
 * whose locks nobody would release in the child, and pthread_atfork handlers,
 * which must not run.
 *
 * Any thread may start and reap; errno may change. Of no use in a child of
 * fork(2), which is not the intermediate's parent.
 */
#ifndef MPSC_KEYRING_SPAWN_H
#define MPSC_KEYRING_SPAWN_H

#include <sys/types.h>

/* The status of a helper that was never executed, by shells' convention; the
 * dynamic loader uses it too, for a library that isn't there. */
#define MPSC_KEYRING_NOT_RUN 127

struct mpsc_keyring_child {
    pid_t pid;  /* the intermediate's; never signalled */
    int pidfd;  /* readable when it has ended; -1 on an old kernel */
    int socket; /* our end: stream, non-blocking */
};

/*
 * Runs `helper` with no arguments, an empty environment, the socket as
 * descriptor 0, /dev/null as 1 and 2 and nothing else open, as the effective
 * user, ended by SIGALRM after alarm_s seconds. 0, or -1 with errno. A
 * program that can't be executed shows in mpsc_keyring_reap().
 */
int mpsc_keyring_spawn(const char *helper, unsigned alarm_s,
                       struct mpsc_keyring_child *child);

/*
 * Reaps the intermediate if it has ended; never blocks. 1 with the helper's
 * exit status (128 where a signal ended it or somebody else reaped it), or 0
 * while it runs. Only an invisible child can be met, even where the host
 * has closed pidfd and the number now means something else.
 */
int mpsc_keyring_reap(const struct mpsc_keyring_child *child, int *status);

#endif
