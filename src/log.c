/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "log.h"

#include <errno.h>
#include <paths.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "descriptor.h"
#include "utf8.h"

#define LINE_SIZE 1001

/* What is shown of the host's name. */
#define PROGRAM_SIZE 64

/* The header "<PRI>mps-credential[PID]: PROGRAM: " before the line; an audit
 * line has the program in a field. */
#define DATAGRAM_SIZE (LINE_SIZE + 64 + PROGRAM_SIZE)

int
mpsc_log_init(struct mpsc_log *log, struct mpsc_log *former)
{
    memset(log, 0, sizeof(*log));
    if (pthread_mutex_init(&log->lock, NULL) != 0) {
        return -1;
    }
    if (pthread_cond_init(&log->returned, NULL) != 0) {
        pthread_mutex_destroy(&log->lock);
        return -1;
    }
    if (former != NULL) {
        log->function = atomic_load(&former->function);
        log->arg = atomic_load(&former->arg);
    }
    return 0;
}

void
mpsc_log_destroy(struct mpsc_log *log)
{
    pthread_cond_destroy(&log->returned);
    pthread_mutex_destroy(&log->lock);
}

void
mpsc_log_redirect(struct mpsc_log *log, mps_log_fn *function, void *arg)
{
    unsigned epoch;

    pthread_mutex_lock(&log->lock);
    /* In this order, and with nothing in between, so that whenever a fork
     * copies the two, they belong together. */
    log->function = (mps_log_fn *)0;
    log->arg = arg;
    log->function = function;
    epoch = log->epoch;
    log->epoch = !epoch;
    while (log->running[epoch] > 0) {
        pthread_cond_wait(&log->returned, &log->lock);
    }
    pthread_mutex_unlock(&log->lock);
}

/* The time stamp is left out: syslogd and journald set their own, and to
 * format one takes the C library's time-zone lock, which a forked child may
 * find held for ever. */
static void
send_to_syslog(int priority, const char *line)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int names_itself = (priority & LOG_FACMASK) == LOG_AUTHPRIV;
    char datagram[DATAGRAM_SIZE];
    char program[PROGRAM_SIZE];
    int length;
    int fd;

    if ((priority & LOG_FACMASK) == 0) {
        priority |= LOG_DAEMON;
    }
    mpsc_utf8_copy(program, sizeof(program), program_invocation_short_name);
    length =
        snprintf(datagram, sizeof(datagram), "<%d>mps-credential[%d]: %s%s%s",
                 priority, (int)getpid(), names_itself ? "" : program,
                 names_itself ? "" : ": ", line);
    if (length < 0 || (size_t)length >= sizeof(datagram)) {
        return;
    }
    memcpy(address.sun_path, _PATH_LOG, sizeof(_PATH_LOG));
    fd = mpsc_descriptor_lift(
        socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd < 0) {
        return;
    }
    (void)sendto(fd, datagram, (size_t)length, MSG_NOSIGNAL,
                 (const struct sockaddr *)&address, sizeof(address));
    close(fd);
}

void
mpsc_log_line(struct mpsc_log *log, int priority, const char *format, ...)
{
    int saved = errno;
    char raw[LINE_SIZE];
    char line[LINE_SIZE];
    mps_log_fn *function = NULL;
    unsigned epoch;
    void *arg;
    va_list args;

    va_start(args, format);
    vsnprintf(raw, sizeof(raw), format, args);
    va_end(args);
    mpsc_utf8_copy(line, sizeof(line), raw);

    pthread_mutex_lock(&log->lock);
    epoch = log->epoch;
    arg = log->arg;
    if ((priority & LOG_FACMASK) != LOG_AUTHPRIV) {
        function = log->function;
    }
    if (function != NULL) {
        log->running[epoch]++;
    }
    pthread_mutex_unlock(&log->lock);

    if (function != NULL) {
        function(arg, priority & LOG_PRIMASK, line);
        pthread_mutex_lock(&log->lock);
        log->running[epoch]--;
        pthread_cond_broadcast(&log->returned);
        pthread_mutex_unlock(&log->lock);
    } else {
        send_to_syslog(priority, line);
    }
    errno = saved;
}
