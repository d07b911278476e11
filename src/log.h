/* SPDX-License-Identifier: MIT */
/*
 * log: lines to the host's own log function or to syslog.
 *
 * syslog(3) is not used: it keeps a descriptor, and a host that closes all
 * descriptors and reuses the number would get our lines into its own socket.
 * Each line goes by a datagram socket of its own to /dev/log.
 *
 * Nothing here redacts: a secret must not be handed to a log function in the
 * first place, and texts from outside pass redact.h before.
 */
#ifndef MPSC_LOG_H
#define MPSC_LOG_H

#include <mps/credential.h>
#include <pthread.h>
#include <stdatomic.h>

struct mpsc_log {
    pthread_mutex_t lock;    /* guards the rest; never held in a callback */
    pthread_cond_t returned; /* a callback has returned */
    unsigned epoch;          /* 0 or 1; changes with the function */
    unsigned running[2];     /* callbacks running now */
    _Atomic(mps_log_fn *) function; /* NULL = syslog */
    void *_Atomic arg;              /* set before the function */
};

/*
 * A log that goes where `former` goes (NULL: to syslog). former may be the
 * log of a forked child's parent: its lock is not touched. 0, or -1 without
 * resources.
 */
int mpsc_log_init(struct mpsc_log *log, struct mpsc_log *former);

/* Undoes mpsc_log_init(); nobody uses the log any more. */
void mpsc_log_destroy(struct mpsc_log *log);

/* Changes the function; waits until the former one runs no more. */
void mpsc_log_redirect(struct mpsc_log *log, mps_log_fn *function, void *arg);

/*
 * Writes one line, cut at 1,000 bytes. priority: as in syslog, with or
 * without facility (none = LOG_DAEMON). What is for LOG_AUTHPRIV goes to
 * syslog in any case: the security log is the administrator's. Failures are
 * ignored: a host must not suffer from a missing syslogd. Never blocks. errno
 * is kept.
 */
void mpsc_log_line(struct mpsc_log *log, int priority, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
