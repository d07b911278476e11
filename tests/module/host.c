/* SPDX-License-Identifier: MIT */
/*
 * host: a program that knows nothing but the ABI, run by the module tests
 * where a test needs a process of its own. It prints lines of KEY=VALUE.
 *
 *     host [--go] [--deadline=MS] COMMAND [ARGUMENT...]
 *
 * --go: print ".", then begin at the end of standard input.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <mps/loader.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* See world.h. */
#define CANNOT 77

#define FDS 256

extern char **environ;

static struct mps_api mps;
static unsigned deadline_ms;

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
nap(long ms)
{
    const struct timespec tick = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&tick, NULL);
}

static int
fetch(const char *business_id, const struct mps_credential **credential)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = business_id,
                                        .deadline_ms = deadline_ms};

    return mps.get_credential_with(&request, credential);
}

/* Gets one credential and prints all that is known of it. */
static int
tell(const char *business_id)
{
    const struct mps_credential *credential = NULL;
    struct mps_error error = {.size = sizeof(error)};
    int64_t begin = now_ms();
    int code = fetch(business_id, &credential);
    long took = (long)(now_ms() - begin);

    if (code == MPS_OK) {
        printf("id=%s code=0 source=%d token_id=%s expires=%lld endpoint=%lld "
               "ms=%ld\n",
               business_id, credential->source, credential->token_id,
               (long long)credential->expires_at,
               (long long)credential->endpoint_expires_at, took);
        mps.release_credential(credential);
    } else {
        mps.error(&error);
        printf("id=%s code=%d http=%d ms=%ld message=%s\n", business_id, code,
               error.http_status, took, error.message);
    }
    fflush(stdout);
    return code;
}

static int
do_get(char **argv)
{
    int worst = 0;

    for (; *argv != NULL; argv++) {
        int code = tell(*argv);

        worst = code != 0 ? code : worst;
    }
    return worst;
}

/* get BUSINESS in this many threads at once. */
struct racer {
    pthread_t thread;
    pthread_barrier_t *barrier;
    const char *business_id;
    int code;
    char token_id[16];
};

static void *
race(void *arg)
{
    struct racer *racer = arg;
    const struct mps_credential *credential = NULL;

    pthread_barrier_wait(racer->barrier);
    racer->code = fetch(racer->business_id, &credential);
    if (racer->code == MPS_OK) {
        snprintf(racer->token_id, sizeof(racer->token_id), "%s",
                 credential->token_id);
    }
    mps.release_credential(credential);
    return NULL;
}

static int
do_race(char **argv)
{
    struct racer racers[64];
    pthread_barrier_t barrier;
    unsigned count = (unsigned)strtoul(argv[0], NULL, 10);
    unsigned ok = 0;
    unsigned same = 0;

    pthread_barrier_init(&barrier, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        racers[i] =
            (struct racer){.barrier = &barrier, .business_id = argv[1]};
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(racers[i].thread, NULL);
        ok += racers[i].code == MPS_OK;
        same += strcmp(racers[i].token_id, racers[0].token_id) == 0;
    }
    pthread_barrier_destroy(&barrier);
    printf("ok=%u same=%u token_id=%s\n", ok, same, racers[0].token_id);
    return 0;
}

/* --- guest: what a host finds changed ------------------------------------ */

struct house {
    struct stat fds[FDS];
    struct sigaction actions[65];
    sigset_t mask;
    char cwd[PATH_MAX];
    char locale[256];
    char **environ;
    char environment[16384];
    mode_t umask;
};

static volatile sig_atomic_t children_ended;

static void
count_child(int number)
{
    (void)number;
    children_ended++;
}

static void
inspect(struct house *house)
{
    size_t used = 0;

    memset(house, 0, sizeof(*house));
    for (int fd = 0; fd < FDS; fd++) {
        if (fstat(fd, &house->fds[fd]) != 0) {
            memset(&house->fds[fd], 0, sizeof(house->fds[fd]));
        }
    }
    for (int number = 1; number <= 64; number++) {
        (void)sigaction(number, NULL, &house->actions[number]);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &house->mask);
    if (getcwd(house->cwd, sizeof(house->cwd)) == NULL) {
        exit(98);
    }
    snprintf(house->locale, sizeof(house->locale), "%s",
             setlocale(LC_ALL, NULL));
    house->environ = environ;
    for (char **line = environ;
         *line != NULL && used < sizeof(house->environment) - 1; line++) {
        used +=
            (size_t)snprintf(house->environment + used,
                             sizeof(house->environment) - used, "%s\n", *line);
    }
    house->umask = umask(077);
    umask(house->umask);
}

static int
same_fds(const struct house *a, const struct house *b)
{
    for (int fd = 0; fd < FDS; fd++) {
        if (a->fds[fd].st_ino != b->fds[fd].st_ino ||
            a->fds[fd].st_dev != b->fds[fd].st_dev) {
            return 0;
        }
    }
    return 1;
}

static int
same_actions(const struct house *a, const struct house *b)
{
    for (int number = 1; number <= 64; number++) {
        if (a->actions[number].sa_handler != b->actions[number].sa_handler ||
            a->actions[number].sa_flags != b->actions[number].sa_flags) {
            return 0;
        }
    }
    return 1;
}

static int
tasks(void)
{
    struct stat status;
    int count = -1;

    if (stat("/proc/self/task", &status) == 0) {
        count = (int)status.st_nlink - 2;
    }
#ifdef __SANITIZE_THREAD__
    count -= count > 1; /* it starts one of its own beside the first */
#endif
    return count;
}

/* Asks for children all the time, as an init or a process manager does. */
struct reaper {
    pthread_t thread;
    atomic_int stop;
    int seen;
    long looks;
};

static void *
reap(void *arg)
{
    struct reaper *reaper = arg;
    int last;

    do {
        last = atomic_load(&reaper->stop);
        if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
            reaper->seen++;
        }
        reaper->looks++;
        nap(1);
    } while (!last);
    return NULL;
}

/* All that a host does with the module. Returns how often errno changed. */
static int
live(const char *business_id, int *worst)
{
    const struct mps_credential *credential = NULL;
    const char *const ids[] = {business_id, "no digits"};
    struct mps_error error = {.size = sizeof(error)};
    int changes = 0;
    int code;

#define KEEP(call)                                                            \
    do {                                                                      \
        errno = 1234;                                                         \
        (void)(call);                                                         \
        changes += errno != 1234;                                             \
    } while (0)
    KEEP(code = fetch(business_id, &credential));
    *worst = code;
    KEEP(mps.release_credential(credential));
    KEEP(code = fetch(business_id, &credential));
    *worst = code != 0 ? code : *worst;
    KEEP(mps.invalidate_credential(
        business_id, credential != NULL ? credential->access_token : NULL));
    KEEP(mps.release_credential(credential));
    KEEP(mps.get_credential("no digits", &credential));
    KEEP(mps.error(&error));
    KEEP(mps.prefetch_credentials(NULL, ids, 2, NULL, NULL));
    KEEP(mps.prepare(NULL));
    KEEP(mps.event_fd());
    KEEP(mps.strerror(99));
    KEEP(mps.classify(99));
    KEEP(mps.log_to(NULL, NULL));
    KEEP(mps.shutdown());
    /* and anew */
    KEEP(code = fetch(business_id, &credential));
    *worst = code != 0 ? code : *worst;
    KEEP(mps.release_credential(credential));
    KEEP(mps.shutdown());
#undef KEEP
    return changes;
}

/* Standard output and error go to a file of their own meanwhile. */
static long
live_mutely(const char *business_id, int *worst, int *changes)
{
    int quiet = memfd_create("output", MFD_CLOEXEC);
    int out = fcntl(1, F_DUPFD_CLOEXEC, 100);
    int err = fcntl(2, F_DUPFD_CLOEXEC, 100);
    struct stat status;

    fflush(NULL);
    dup2(quiet, 1);
    dup2(quiet, 2);
    *changes = live(business_id, worst);
    fflush(NULL);
    dup2(out, 1);
    dup2(err, 2);
    fstat(quiet, &status);
    close(out);
    close(err);
    close(quiet);
    return (long)status.st_size;
}

static int
become(const char *kind)
{
    struct sigaction action = {.sa_handler = count_child};

    if (strcmp(kind, "ignore") == 0) {
        action.sa_handler = SIG_IGN;
    }
    sigaction(SIGCHLD, &action, NULL);
    if (strcmp(kind, "subreaper") == 0) {
        return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    }
    if (strcmp(kind, "init") == 0) {
        return getpid() == 1 ? 0 : -1;
    }
    return 0;
}

/* guest KIND BUSINESS: plain, ignore, subreaper, init (as PID 1). */
static int
do_guest(char **argv)
{
    static struct house before;
    static struct house after;
    struct reaper reaper = {.seen = 0};
    int changes = 0;
    int worst = 0;
    long output;

    if (become(argv[0]) != 0) {
        return CANNOT;
    }
    umask(031);
    inspect(&before);
    pthread_create(&reaper.thread, NULL, reap, &reaper);
    output = live_mutely(argv[1], &worst, &changes);
    /* The last helper may still be about its work. */
    nap(300);
    atomic_store(&reaper.stop, 1);
    pthread_join(reaper.thread, NULL);
    inspect(&after);
    printf("code=%d sigchld=%d children=%d looked=%d fds=%d actions=%d "
           "mask=%d cwd=%d locale=%d environ=%d umask=%d errno=%d output=%ld "
           "tasks=%d\n",
           worst, (int)children_ended, reaper.seen, reaper.looks > 50,
           same_fds(&before, &after), same_actions(&before, &after),
           memcmp(&before.mask, &after.mask, sizeof(before.mask)) == 0,
           strcmp(before.cwd, after.cwd) == 0,
           strcmp(before.locale, after.locale) == 0,
           before.environ == after.environ &&
               strcmp(before.environment, after.environment) == 0,
           before.umask == after.umask, changes, output, tasks());
    return 0;
}

/* --- fork -----------------------------------------------------------------
 */

/* In a child: gets one, and ends. A hang becomes SIGALRM. */
static _Noreturn void
be_child(const char *business_id, const struct mps_credential *inherited)
{
    const struct mps_credential *credential = NULL;
    int ok;

    alarm(20);
    mps.release_credential(inherited);
    ok = fetch(business_id, &credential) == MPS_OK &&
         credential->source == MPS_SOURCE_KEYRING;
    mps.release_credential(credential);
    mps.shutdown();
    _exit(ok ? 0 : 1);
}

/* fork BUSINESS: a child of a parent that has used the module. */
static int
do_fork(char **argv)
{
    const struct mps_credential *credential = NULL;
    int code = fetch(argv[0], &credential);
    int status = -1;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        be_child(argv[0], credential);
    }
    waitpid(pid, &status, 0);
    mps.release_credential(credential);
    printf("code=%d child=%d\n", code, status);
    return tell(argv[0]);
}

static atomic_int busy_stop;
static atomic_long busy_calls;

static void *
be_busy(void *arg)
{
    unsigned long base = (unsigned long)(uintptr_t)arg;
    char id[24];

    for (unsigned i = 0; !atomic_load(&busy_stop) && i < 100000; i++) {
        const struct mps_credential *credential = NULL;

        snprintf(id, sizeof(id), "%lu%03u", base, i);
        (void)fetch(id, &credential);
        mps.release_credential(credential);
        atomic_fetch_add(&busy_calls, 1);
    }
    return NULL;
}

/*
 * Whether a child did its part. AddressSanitizer's allocator is not fork-safe
 * (before LLVM 18): where another thread held its lock, the child hangs in its
 * first malloc(), the module's or not, until its alarm. Only there is that
 * forgiven; the other builds run the same children.
 */
static int
child_did_well(int status)
{
#ifdef __SANITIZE_ADDRESS__
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        return 1;
    }
#endif
    return status == 0;
}

/* fork-busy BUSINESS: children of a parent whose threads are inside calls. */
static int
do_fork_busy(char **argv)
{
    enum { THREADS = 6, CHILDREN = 12 };
    pthread_t threads[THREADS];
    pid_t pids[CHILDREN];
    int ok = 0;

    (void)tell(argv[0]);
    for (uintptr_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, be_busy, (void *)(9100000 + i));
    }
    fflush(NULL);
    for (int i = 0; i < CHILDREN; i++) {
        nap(23);
        pids[i] = fork();
        if (pids[i] == 0) {
            be_child(argv[0], NULL);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;

        waitpid(pids[i], &status, 0);
        ok += child_did_well(status);
    }
    atomic_store(&busy_stop, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("children=%d of=%d busy=%d\n", ok, CHILDREN,
           atomic_load(&busy_calls) > 0);
    mps.shutdown();
    return 0;
}

/* --- other scenes ---------------------------------------------------------
 */

static void *
get_and_wait(void *arg)
{
    const struct mps_credential *credential = NULL;

    (void)fetch(arg, &credential);
    mps.release_credential(credential);
    for (;;) {
        pthread_testcancel();
        nap(5);
    }
    return NULL;
}

/* cancel BUSINESS OTHER: a thread inside a call is cancelled. */
static int
do_cancel(char **argv)
{
    pthread_t thread;
    void *result = NULL;
    int code;

    pthread_create(&thread, NULL, get_and_wait, argv[0]);
    nap(100);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    printf("cancelled=%d\n", result == PTHREAD_CANCELED);
    code = tell(argv[0]);
    code |= tell(argv[1]);
    mps.shutdown();
    return code | tell(argv[1]);
}

static int
raise_loopback(void)
{
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result;

    strcpy(request.ifr_name, "lo");
    result = ioctl(fd, SIOCSIFFLAGS, &request);
    close(fd);
    return result;
}

static int
write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int result = fd >= 0 && write(fd, text, strlen(text)) > 0 ? 0 : -1;

    if (fd >= 0) {
        close(fd);
    }
    return result;
}

/* A user namespace in which we are who we were, but with privileges. */
static int
gain_privileges(int spaces)
{
    char uids[64];
    char gids[64];

    snprintf(uids, sizeof(uids), "%u %u 1", (unsigned)geteuid(),
             (unsigned)geteuid());
    snprintf(gids, sizeof(gids), "%u %u 1", (unsigned)getegid(),
             (unsigned)getegid());
    if (unshare(CLONE_NEWUSER | spaces) != 0 ||
        write_to("/proc/self/setgroups", "deny") != 0 ||
        write_to("/proc/self/uid_map", uids) != 0) {
        return -1;
    }
    return write_to("/proc/self/gid_map", gids);
}

static int
private_mounts(int more)
{
    if (unshare(CLONE_NEWNS | more) != 0 &&
        gain_privileges(CLONE_NEWNS | more) != 0) {
        return -1;
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* mute-dns FILE BUSINESS: the name server of resolv.conf FILE is a socket
 * that takes questions and never answers. */
static int
do_mute_dns(char **argv)
{
    const struct sockaddr_in name = {
        .sin_family = AF_INET,
        .sin_port = htons(53),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    char question[512];
    int code;
    int fd;

    if (private_mounts(CLONE_NEWNET) != 0 || raise_loopback() != 0 ||
        mount(argv[0], "/etc/resolv.conf", NULL, MS_BIND, NULL) != 0) {
        return CANNOT;
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (const struct sockaddr *)&name, sizeof(name)) != 0) {
        return CANNOT;
    }
    code = do_get(argv + 1);
    printf("asked=%d\n",
           recv(fd, question, sizeof(question), MSG_DONTWAIT) > 0);
    return code;
}

/* A /dev of our own at `dir`, with what the helper needs of the real one. */
static int
replace_dev(const char *dir)
{
    static const char *const nodes[] = {"null", "zero", "random", "urandom"};
    char from[PATH_MAX];
    char to[PATH_MAX];

    if (private_mounts(0) != 0 || mount("tmpfs", dir, "tmpfs", 0, NULL) != 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        int fd;

        snprintf(from, sizeof(from), "/dev/%s", nodes[i]);
        snprintf(to, sizeof(to), "%s/%s", dir, nodes[i]);
        fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        if (fd < 0 || close(fd) != 0 ||
            mount(from, to, NULL, MS_BIND, NULL) != 0) {
            return -1;
        }
    }
    return mount(dir, "/dev", NULL, MS_BIND | MS_REC, NULL);
}

/* syslog DIRECTORY BUSINESS...: what came to /dev/log is printed. */
static int
do_syslog(char **argv)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char line[2048];
    ssize_t len;
    int fd;

    if (replace_dev(argv[0]) != 0) {
        return CANNOT;
    }
    strcpy(name.sun_path, "/dev/log");
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (const struct sockaddr *)&name, sizeof(name)) != 0) {
        return CANNOT;
    }
    (void)do_get(argv + 1);
    mps.shutdown();
    while ((len = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT)) > 0) {
        printf("log %.*s\n", (int)len, line);
    }
    return 0;
}

/* reload BUSINESS: dlclose and dlopen, twice. */
static int
do_reload(char **argv)
{
    const char *path = getenv("MPS_TEST_MODULE");
    int code = 0;

    for (int i = 0; i < 2; i++) {
        code |= tell(argv[0]);
        mps.shutdown();
        dlclose(mps.handle);
        if (mps_load(&mps, path) != 0) {
            printf("error=%s\n", mps.load_error);
            return 1;
        }
    }
    return code | tell(argv[0]);
}

static int
await_go(void)
{
    char byte;

    if (write(1, ".", 1) != 1) {
        return -1;
    }
    while (read(0, &byte, 1) > 0) {
        continue;
    }
    return 0;
}

static const struct {
    const char *name;
    int (*run)(char **argv);
    int least;
} commands[] = {
    {"get", do_get, 1},
    {"race", do_race, 2},
    {"guest", do_guest, 2},
    {"fork", do_fork, 1},
    {"fork-busy", do_fork_busy, 1},
    {"cancel", do_cancel, 2},
    {"mute-dns", do_mute_dns, 2},
    {"syslog", do_syslog, 2},
    {"reload", do_reload, 1},
};

int
main(int argc, char **argv)
{
    const char *path = getenv("MPS_TEST_MODULE");
    int at = 1;

    /* Whatever happens, no test leaves a host behind. */
    alarm(120);
    if (path == NULL || mps_load(&mps, path) != 0) {
        printf("error=%s\n", path != NULL ? mps.load_error : "no module");
        return 99;
    }
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--go") == 0 && await_go() != 0) {
            return 99;
        }
        if (strncmp(argv[at], "--deadline=", 11) == 0) {
            deadline_ms = (unsigned)strtoul(argv[at] + 11, NULL, 10);
        }
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (at < argc && strcmp(argv[at], commands[i].name) == 0 &&
            argc - at - 1 >= commands[i].least) {
            return commands[i].run(argv + at + 1);
        }
    }
    fputs("host: wrong command line\n", stderr);
    return 98;
}
