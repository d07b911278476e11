/* SPDX-License-Identifier: MIT */
/*
 * exiting: keeps our threads out of OpenSSL and libcurl while the process
 * exits, or forks.
 *
 * A host that has initialised OpenSSL itself has OpenSSL's exit handler, which
 * frees its tables under the feet of a thread in the middle of a handshake.
 * What uses those libraries does so between enter and leave. Our exit handler
 * comes before OpenSSL's, since it is registered later, when we are loaded and
 * again at the first use: it closes the door and waits a moment until nobody
 * is inside. Whoever comes then waits for the process's end, but for the
 * thread that exits, whose handlers may call us. Without locks: exit(3) may be
 * called at any point.
 *
 * A child that is forked while a thread of ours holds a lock of OpenSSL's (its
 * random generator's, for one) or of the C library's (its locales', in json-c)
 * finds it locked for ever, and hangs in its first handshake or document. So a
 * fork waits a moment, too, until nobody is inside, and who comes meanwhile
 * waits for it. Both waits end a second after the fork began, since a handler
 * of the host's may make it wait for one of our callers. What the host's own
 * threads do in those libraries is out of reach.
 */
#ifndef MPSC_EXITING_H
#define MPSC_EXITING_H

/* At the first use: registers the exit handler once more. Once a process. */
void mpsc_exiting_init(void);

/* Before a fork, and behind it in the parent. errno stays. */
void mpsc_exiting_before_fork(void);
void mpsc_exiting_after_fork(void);

/* In a forked child: whoever was inside is not there. Async-signal-safe. */
void mpsc_exiting_forked(void);

/* True once the process exits: our thread may never do anything again. */
int mpsc_exiting(void);

/* Begins and ends the use of a library. Not nested; no lock, no callback of
 * the host and no long wait in between or around. */
void mpsc_exiting_enter(void);
void mpsc_exiting_leave(void);

/* The same for who may hold a lock, which the thread that exits must not wait
 * for: 0 where the process exits, and the library can't be used. */
int mpsc_exiting_try_enter(void);

#endif
