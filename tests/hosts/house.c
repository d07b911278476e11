/* SPDX-License-Identifier: MIT */
#include "house.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FDS 1024
#define SIGNALS 64

/* An errno that nothing sets. */
#define UNTOUCHED 1234

extern char **environ;

struct mps_api mps;

struct descriptor {
    dev_t dev;
    ino_t ino;
    off_t offset;
    int flags;
    int status_flags;
};

struct stock {
    struct descriptor fds[FDS];
    struct sigaction actions[SIGNALS + 1];
    sigset_t mask;
    struct rlimit limits[RLIM_NLIMITS];
    struct itimerval timers[3];
    char cwd[PATH_MAX];
    char locale[256];
    locale_t thread_locale;
    char **environ;
    char environment[65536];
    mode_t umask;
    int dumpable;
    int subreaper;
    int has_children;
    long threads;
};

static struct stock before;
static struct stock after;

/* Where standard output and error go meanwhile, and what they were. */
static int quiet = -1;
static int own_output;
static int own_error;

static struct {
    pthread_mutex_t lock;
    char text[16384];
    size_t used;
    int broken;
} notes = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* What the module logged. */
static struct {
    pthread_mutex_t lock;
    char text[32768];
    size_t used;
} lines = {.lock = PTHREAD_MUTEX_INITIALIZER};

__attribute__((format(printf, 2, 0))) static void
note(const char *prefix, const char *format, va_list list)
{
    char line[512];
    int len;

    vsnprintf(line, sizeof(line), format, list);
    pthread_mutex_lock(&notes.lock);
    len = snprintf(notes.text + notes.used, sizeof(notes.text) - notes.used,
                   "%s%s\n", prefix, line);
    if (len > 0 && (size_t)len < sizeof(notes.text) - notes.used) {
        notes.used += (size_t)len;
    }
    pthread_mutex_unlock(&notes.lock);
}

int
house_expect(int holds, const char *format, ...)
{
    va_list list;

    if (!holds) {
        va_start(list, format);
        note("broken: ", format, list);
        va_end(list);
        pthread_mutex_lock(&notes.lock);
        notes.broken = 1;
        pthread_mutex_unlock(&notes.lock);
    }
    return holds;
}

void
house_tell(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    note("", format, list);
    va_end(list);
}

int
house_is_whole(void)
{
    int whole;

    pthread_mutex_lock(&notes.lock);
    whole = !notes.broken;
    pthread_mutex_unlock(&notes.lock);
    return whole;
}

int64_t
house_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
house_nap(long ms)
{
    const struct timespec while_ms = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&while_ms, NULL);
}

int
house_child_did_well(int status)
{
#ifdef __SANITIZE_ADDRESS__
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        return 1;
    }
#endif
    return status == 0;
}

int64_t
house_margin(void)
{
    const char *preload = getenv("LD_PRELOAD");

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 2500;
#endif
    return preload != NULL && strstr(preload, "vgpreload") != NULL ? 5000
                                                                   : 700;
}

void
house_open(void)
{
    const char *path = getenv("MPS_TEST_MODULE");

    alarm(240);
    if (path == NULL || mps_load(&mps, path) != 0) {
        printf("broken: %s\n",
               path != NULL ? mps.load_error : "MPS_TEST_MODULE is not set");
        exit(99);
    }
}

/* --- taking stock ---------------------------------------------------------
 */

static void
list_fds(struct descriptor *fds)
{
    for (int fd = 0; fd < FDS; fd++) {
        struct stat status;

        if (fstat(fd, &status) == 0) {
            fds[fd].dev = status.st_dev;
            fds[fd].ino = status.st_ino;
            fds[fd].offset = lseek(fd, 0, SEEK_CUR);
            fds[fd].flags = fcntl(fd, F_GETFD);
            fds[fd].status_flags = fcntl(fd, F_GETFL);
        }
    }
}

static void
list_environment(struct stock *stock)
{
    size_t used = 0;

    stock->environ = environ;
    for (char **line = environ; line != NULL && *line != NULL; line++) {
        size_t left = sizeof(stock->environment) - used;
        int len = snprintf(stock->environment + used, left, "%p %s\n",
                           (void *)*line, *line);

        if (len < 0 || (size_t)len >= left) {
            break;
        }
        used += (size_t)len;
    }
}

static long
count_threads(void)
{
    struct stat status;
    long count =
        stat("/proc/self/task", &status) == 0 ? (long)status.st_nlink - 2 : 1;

#ifdef __SANITIZE_THREAD__
    count -= count > 1; /* it starts one of its own beside the first */
#endif
    return count;
}

static int
has_children(void)
{
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void
take_stock(struct stock *stock)
{
    const char *locale = setlocale(LC_ALL, NULL);

    memset(stock, 0, sizeof(*stock));
    list_fds(stock->fds);
    for (int number = 1; number <= SIGNALS; number++) {
        (void)sigaction(number, NULL, &stock->actions[number]);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &stock->mask);
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        (void)getrlimit((__rlimit_resource_t)i, &stock->limits[i]);
    }
    (void)getitimer(ITIMER_VIRTUAL, &stock->timers[0]);
    (void)getitimer(ITIMER_PROF, &stock->timers[1]);
    if (getcwd(stock->cwd, sizeof(stock->cwd)) == NULL) {
        strcpy(stock->cwd, "?");
    }
    snprintf(stock->locale, sizeof(stock->locale), "%s",
             locale != NULL ? locale : "?");
    stock->thread_locale = uselocale((locale_t)0);
    list_environment(stock);
    stock->umask = umask(077);
    (void)umask(stock->umask);
    stock->dumpable = prctl(PR_GET_DUMPABLE);
    (void)prctl(PR_GET_CHILD_SUBREAPER, &stock->subreaper);
    stock->has_children = has_children();
    stock->threads = count_threads();
}

void
house_before(void)
{
    int output = memfd_create("output", MFD_CLOEXEC);

    quiet = fcntl(output, F_DUPFD_CLOEXEC, HOUSE_FDS);
    close(output);
    own_output = fcntl(1, F_DUPFD_CLOEXEC, HOUSE_FDS);
    own_error = fcntl(2, F_DUPFD_CLOEXEC, HOUSE_FDS);
    fflush(NULL);
    (void)dup2(quiet, 1);
    (void)dup2(quiet, 2);
    take_stock(&before);
}

static void
compare_fds(void)
{
    for (int fd = 0; fd < FDS; fd++) {
        const struct descriptor *a = &before.fds[fd];
        const struct descriptor *b = &after.fds[fd];

        if (fd != quiet && fd > 2) {
            house_expect(a->ino == b->ino && a->dev == b->dev,
                         "descriptor %d is %s", fd,
                         a->ino == 0   ? "new"
                         : b->ino == 0 ? "closed"
                                       : "another");
            house_expect(a->flags == b->flags &&
                             a->status_flags == b->status_flags &&
                             a->offset == b->offset,
                         "descriptor %d has other flags or offset", fd);
        }
    }
}

static int
same_action(const struct sigaction *a, const struct sigaction *b)
{
    int same = a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags;

    for (int number = 1; number <= SIGNALS; number++) {
        same = same && sigismember(&a->sa_mask, number) ==
                           sigismember(&b->sa_mask, number);
    }
    return same;
}

static void
compare_signals(void)
{
    for (int number = 1; number <= SIGNALS; number++) {
        house_expect(
            same_action(&before.actions[number], &after.actions[number]),
            "signal %d has another disposition", number);
        house_expect(sigismember(&before.mask, number) ==
                         sigismember(&after.mask, number),
                     "signal %d is masked otherwise", number);
    }
}

static void
compare(void)
{
    compare_fds();
    compare_signals();
    house_expect(memcmp(before.limits, after.limits, sizeof(before.limits)) ==
                     0,
                 "the limits changed");
    house_expect(memcmp(before.timers, after.timers, sizeof(before.timers)) ==
                     0,
                 "a timer changed");
    house_expect(strcmp(before.cwd, after.cwd) == 0, "the directory is %s",
                 after.cwd);
    house_expect(strcmp(before.locale, after.locale) == 0,
                 "the locale is %s, it was %s", after.locale, before.locale);
    house_expect(before.thread_locale == after.thread_locale,
                 "the thread's locale changed");
    house_expect(before.environ == after.environ &&
                     strcmp(before.environment, after.environment) == 0,
                 "the environment changed");
    house_expect(before.umask == after.umask, "the umask is %03o",
                 (unsigned)after.umask);
    house_expect(before.dumpable == after.dumpable &&
                     before.subreaper == after.subreaper,
                 "attributes of the process changed");
    house_expect(before.has_children == after.has_children,
                 "a child is there that was not, or the reverse");
    house_expect(before.threads == after.threads,
                 "%ld threads, there were %ld", after.threads, before.threads);
}

void
house_after(void)
{
    int64_t end = house_ms() + 10000;
    struct stat status;

    mps.shutdown();
    /* A thread that was joined may be in /proc for a moment yet. */
    while (count_threads() != before.threads && house_ms() < end) {
        house_nap(5);
    }
    take_stock(&after);
    fflush(NULL);
    if (fstat(quiet, &status) != 0) {
        status.st_size = -1;
    }
    house_expect(status.st_size == 0,
                 "%lld bytes were written to standard output or error",
                 (long long)status.st_size);
    (void)dup2(own_output, 1);
    (void)dup2(own_error, 2);
    compare();
    close(own_output);
    close(own_error);
    close(quiet);
}

int
house_end(void)
{
    int whole = house_is_whole();

    fputs(lines.text, stdout);
    fputs(notes.text, stdout);
    puts(whole ? "house=ok" : "house=broken");
    fflush(stdout);
    return whole ? 0 : 1;
}

_Noreturn void
house_leave(void)
{
    int status = house_end();

    _exit(status);
}

/* --- the module's log -----------------------------------------------------
 */

static void
take_line(void *arg, int priority, const char *line)
{
    size_t left;
    int len;

    (void)arg;
    pthread_mutex_lock(&lines.lock);
    left = sizeof(lines.text) - lines.used;
    len = snprintf(lines.text + lines.used, left, "<%d> %s\n", priority, line);
    if (house_expect(len > 0 && (size_t)len < left, "too many log lines")) {
        lines.used += (size_t)len;
    }
    pthread_mutex_unlock(&lines.lock);
}

void
house_log_take(void)
{
    mps.log_to(take_line, NULL);
}

unsigned
house_log_count(const char *text)
{
    unsigned count = 0;

    pthread_mutex_lock(&lines.lock);
    for (const char *line = lines.text; *line != '\0';
         line = strchr(line, '\n') + 1) {
        const char *found = strstr(line, text);

        count += found != NULL && found < strchr(line, '\n');
    }
    pthread_mutex_unlock(&lines.lock);
    return count;
}

void
house_forget_locpath(void)
{
    (void)unsetenv("LOCPATH");
}

/* --- living with the module -----------------------------------------------
 */

int
house_get(const char *business_id, int code, unsigned deadline_ms)
{
    struct mps_error error = {.size = sizeof(error)};
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = business_id,
                                        .deadline_ms = deadline_ms,
                                        .error = &error};
    const struct mps_credential *credential = NULL;
    int64_t begin = house_ms();
    int64_t took;
    int source = 0;
    int got;

    errno = UNTOUCHED;
    got = mps.get_credential_with(&request, &credential);
    house_expect(errno == UNTOUCHED, "business %s: errno is %d", business_id,
                 errno);
    took = house_ms() - begin;
    house_expect(got == code, "business %s: code %d instead of %d: %s",
                 business_id, got, code, error.message);
    house_expect(deadline_ms == 0 || took <= deadline_ms + house_margin(),
                 "business %s: took %lld ms of %u", business_id,
                 (long long)took, deadline_ms);
    house_expect((got == MPS_OK) == (credential != NULL),
                 "business %s: code %d %s a credential", business_id, got,
                 credential != NULL ? "with" : "without");
    if (credential != NULL) {
        source = credential->source;
        house_expect(credential->access_token[0] != '\0',
                     "business %s: an empty token", business_id);
    }
    mps.release_credential(credential);
    return source;
}

#define KEEPS_ERRNO(call)                                                     \
    do {                                                                      \
        errno = UNTOUCHED;                                                    \
        (void)(call);                                                         \
        house_expect(errno == UNTOUCHED, "errno is %d after %s", errno,       \
                     #call);                                                  \
    } while (0)

void
house_live(const char *business_id)
{
    const struct mps_credential *credential = NULL;
    const char *const ids[] = {business_id, "no digits"};
    struct mps_error error = {.size = sizeof(error)};

    (void)house_get(business_id, MPS_OK, 0);
    (void)house_get(business_id, MPS_OK, 0);
    (void)house_get("no digits", MPS_E_INVALID, 0);
    KEEPS_ERRNO(mps.get_credential(business_id, &credential));
    KEEPS_ERRNO(mps.invalidate_credential(
        business_id, credential != NULL ? credential->access_token : "none"));
    KEEPS_ERRNO(mps.release_credential(credential));
    KEEPS_ERRNO(mps.error(&error));
    KEEPS_ERRNO(mps.prefetch_credentials(NULL, ids, 2, NULL, NULL));
    KEEPS_ERRNO(mps.prepare(NULL));
    KEEPS_ERRNO(mps.event_fd());
    KEEPS_ERRNO(mps.strerror(99));
    KEEPS_ERRNO(mps.classify(99));
    KEEPS_ERRNO(mps.log_to(NULL, NULL));
    KEEPS_ERRNO(mps.shutdown());
    (void)house_get(business_id, MPS_OK, 0);
    KEEPS_ERRNO(mps.shutdown());
}
