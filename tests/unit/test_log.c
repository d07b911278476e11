/* SPDX-License-Identifier: MIT */
/* Lines to the host's function and to syslog. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "run_suites.h"

#define LINE_MAX_BYTES 1000

static struct mpsc_log host_log;

/* What the host's function got last. */
static int priority;
static char line[2048];
static unsigned lines;

static void
note(void *arg, int how, const char *text)
{
    unsigned *count = arg;

    priority = how;
    snprintf(line, sizeof(line), "%s", text);
    lines++;
    (*count)++;
    errno = E2BIG; /* a function that doesn't mind its manners */
}

/* Where datagrams to /dev/log go in these tests: to our socket. */
static int syslogd = -1;
static char directory[] = "/tmp/mps-test-log-XXXXXX";
static char socket_path[64];
static char asked_path[128];

ssize_t
sendto(int fd, const void *bytes, size_t len, int flags,
       __CONST_SOCKADDR_ARG address, socklen_t address_len)
{
    static ssize_t (*real)(int, const void *, size_t, int,
                           const struct sockaddr *, socklen_t);
    struct sockaddr_un ours = {.sun_family = AF_UNIX};

    (void)address_len;
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "sendto");
    }
    snprintf(asked_path, sizeof(asked_path), "%s",
             address.__sockaddr_un__->sun_path);
    snprintf(ours.sun_path, sizeof(ours.sun_path), "%s", socket_path);
    return real(fd, bytes, len, flags,
                (const struct sockaddr *)(const void *)&ours, sizeof(ours));
}

static int
open_syslogd(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(socket_path, sizeof(socket_path), "%s/log", directory);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
    syslogd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return bind(syslogd, (const struct sockaddr *)(const void *)&address,
                sizeof(address));
}

static int
close_syslogd(void)
{
    close(syslogd);
    unlink(socket_path);
    return rmdir(directory);
}

/* The next datagram, or "". */
static const char *
datagram(void)
{
    static char text[4096];
    ssize_t got = recv(syslogd, text, sizeof(text) - 1, 0);

    text[got > 0 ? got : 0] = '\0';
    return text;
}

static void
begin(void)
{
    CU_ASSERT_EQUAL_FATAL(mpsc_log_init(&host_log, NULL), 0);
    lines = 0;
    line[0] = '\0';
}

static void
end(void)
{
    mpsc_log_destroy(&host_log);
}

static void
test_host(void)
{
    unsigned count = 0;
    unsigned other = 0;

    mpsc_log_redirect(&host_log, note, &count);
    errno = ENOENT;
    mpsc_log_line(&host_log, LOG_USER | LOG_INFO, "%s %d", "hello", 5);
    CU_ASSERT_EQUAL(errno, ENOENT);
    CU_ASSERT_EQUAL(count, 1);
    /* The priority alone: a facility means nothing to a host. */
    CU_ASSERT_EQUAL(priority, LOG_INFO);
    CU_ASSERT_STRING_EQUAL(line, "hello 5");
    CU_ASSERT_STRING_EQUAL(datagram(), "");
    /* The security log is not the host's. */
    mpsc_log_line(&host_log, LOG_AUTHPRIV | LOG_INFO, "event=fetch");
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(datagram(), "event=fetch"));
    mpsc_log_redirect(&host_log, note, &other);
    mpsc_log_line(&host_log, LOG_ERR, "x");
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_EQUAL(other, 1);
    mpsc_log_redirect(&host_log, NULL, NULL);
    mpsc_log_line(&host_log, LOG_ERR, "y");
    CU_ASSERT_EQUAL(other, 1);
    CU_ASSERT_STRING_NOT_EQUAL(datagram(), "");
}

static void
test_syslog(void)
{
    static const struct {
        int priority;
        int number;
        const char *program; /* an audit line has it in a field */
    } rows[] = {
        {LOG_ERR, LOG_DAEMON | LOG_ERR, "test_log: "},
        {LOG_DEBUG, LOG_DAEMON | LOG_DEBUG, "test_log: "},
        {LOG_AUTHPRIV | LOG_INFO, LOG_AUTHPRIV | LOG_INFO, ""},
        {LOG_USER | LOG_NOTICE, LOG_USER | LOG_NOTICE, "test_log: "},
    };
    char expected[128];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        errno = ENOENT;
        mpsc_log_line(&host_log, rows[i].priority, "event=%s", "fetch");
        CU_ASSERT_EQUAL(errno, ENOENT);
        snprintf(expected, sizeof(expected),
                 "<%d>mps-credential[%d]: %sevent=fetch", rows[i].number,
                 (int)getpid(), rows[i].program);
        CU_ASSERT_STRING_EQUAL(datagram(), expected);
        CU_ASSERT_STRING_EQUAL(asked_path, "/dev/log");
    }
}

static void
test_long(void)
{
    static char text[5000];
    unsigned count = 0;

    memset(text, 'a', sizeof(text) - 1);
    mpsc_log_line(&host_log, LOG_ERR, "%s", text);
    CU_ASSERT_EQUAL(strlen(strstr(datagram(), "]: ")),
                    LINE_MAX_BYTES + strlen("]: test_log: "));
    mpsc_log_redirect(&host_log, note, &count);
    mpsc_log_line(&host_log, LOG_ERR, "%s", text);
    CU_ASSERT_EQUAL(strlen(line), LINE_MAX_BYTES);
    mpsc_log_line(&host_log, LOG_ERR, "%.*s", LINE_MAX_BYTES, text);
    CU_ASSERT_EQUAL(strlen(line), LINE_MAX_BYTES);
    mpsc_log_line(&host_log, LOG_ERR, "%s", "");
    CU_ASSERT_STRING_EQUAL(line, "");
}

/* No text can forge a second line, or a terminal's sequence. */
static void
test_control_bytes(void)
{
    unsigned count = 0;

    mpsc_log_redirect(&host_log, note, &count);
    mpsc_log_line(&host_log, LOG_ERR, "%s",
                  "a\nb\r\033[1m\tc\x7f\xff\xc2\x85");
    CU_ASSERT_STRING_EQUAL(line, "a?b??[1m?c????");
    mpsc_log_line(&host_log, LOG_ERR, "%s", "Z\xc3\xbcrich");
    CU_ASSERT_STRING_EQUAL(line, "Z\xc3\xbcrich");
}

/* Nobody listens, or the queue is full: no harm, no wait. */
static void
test_no_syslogd(void)
{
    char first = socket_path[0];

    /* A path that isn't there. */
    socket_path[0] = '?';
    errno = ENOENT;
    mpsc_log_line(&host_log, LOG_ERR, "lost");
    CU_ASSERT_EQUAL(errno, ENOENT);
    socket_path[0] = first;
    for (int i = 0; i < 3000; i++) {
        mpsc_log_line(&host_log, LOG_ERR, "too many");
    }
    CU_ASSERT_STRING_NOT_EQUAL(datagram(), "");
    while (datagram()[0] != '\0') {
    }
}

static void
test_descriptors(void)
{
    int before = dup(0);
    int after;

    close(before);
    mpsc_log_line(&host_log, LOG_ERR, "x");
    (void)datagram();
    after = dup(0);
    CU_ASSERT_EQUAL(before, after);
    close(after);
}

/* A callback that runs until it is told to end. */
struct slow {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int running;
    int may_end;
    int redirected;
};

static void
be_slow(void *arg, int how, const char *text)
{
    struct slow *slow = arg;

    (void)how;
    (void)text;
    pthread_mutex_lock(&slow->lock);
    slow->running = 1;
    pthread_cond_broadcast(&slow->changed);
    while (!slow->may_end) {
        pthread_cond_wait(&slow->changed, &slow->lock);
    }
    slow->running = 0;
    /* The wait for its end must still be on. */
    CU_ASSERT_FALSE(slow->redirected);
    pthread_mutex_unlock(&slow->lock);
}

static void *
write_line(void *arg)
{
    (void)arg;
    mpsc_log_line(&host_log, LOG_ERR, "x");
    return NULL;
}

static void *
redirect(void *arg)
{
    struct slow *slow = arg;

    mpsc_log_redirect(&host_log, NULL, NULL);
    pthread_mutex_lock(&slow->lock);
    slow->redirected = 1;
    CU_ASSERT_FALSE(slow->running);
    pthread_mutex_unlock(&slow->lock);
    return NULL;
}

static void
test_redirect_waits(void)
{
    struct slow slow = {.lock = PTHREAD_MUTEX_INITIALIZER,
                        .changed = PTHREAD_COND_INITIALIZER};
    const struct timespec moment = {0, 20000000};
    pthread_t writer;
    pthread_t redirector;

    mpsc_log_redirect(&host_log, be_slow, &slow);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&writer, NULL, write_line, NULL), 0);
    pthread_mutex_lock(&slow.lock);
    while (!slow.running) {
        pthread_cond_wait(&slow.changed, &slow.lock);
    }
    pthread_mutex_unlock(&slow.lock);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&redirector, NULL, redirect, &slow),
                          0);
    /* Only gives a wrong one the time to show: a right one waits for ever. */
    nanosleep(&moment, NULL);
    pthread_mutex_lock(&slow.lock);
    CU_ASSERT_FALSE(slow.redirected);
    slow.may_end = 1;
    pthread_cond_broadcast(&slow.changed);
    pthread_mutex_unlock(&slow.lock);
    pthread_join(redirector, NULL);
    pthread_join(writer, NULL);
    CU_ASSERT(slow.redirected);
    pthread_cond_destroy(&slow.changed);
}

/* A forked child's log takes over where the parent's goes, and nothing else:
 * its lock may be held for ever. */
static void
test_former(void)
{
    struct mpsc_log child;
    unsigned count = 0;

    mpsc_log_redirect(&host_log, note, &count);
    pthread_mutex_lock(&host_log.lock);
    CU_ASSERT_EQUAL_FATAL(mpsc_log_init(&child, &host_log), 0);
    mpsc_log_line(&child, LOG_ERR, "from the child");
    pthread_mutex_unlock(&host_log.lock);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_STRING_EQUAL(line, "from the child");
    mpsc_log_destroy(&child);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"host's function", test_host},
        {"syslog", test_syslog},
        {"long lines", test_long},
        {"control bytes", test_control_bytes},
        {"no syslogd", test_no_syslogd},
        {"descriptors", test_descriptors},
        {"redirect waits", test_redirect_waits},
        {"former log", test_former},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"log", open_syslogd, close_syslogd, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
