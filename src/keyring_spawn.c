/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "keyring_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptor.h"

#ifdef SYS_setresuid32 /* where the plain one takes 16 bits */
#define SET_UIDS SYS_setresuid32
#define SET_GIDS SYS_setresgid32
#else
#define SET_UIDS SYS_setresuid
#define SET_GIDS SYS_setresgid
#endif

#define STATUS_KILLED 128

/* Beyond it a fallback loop over descriptors would cost the host time. */
#define FALLBACK_FD_MAX 65536u

/* What is handed over while the helper writes waits in the socket; the kernel
 * gives less where the administrator's limit (wmem_max) is lower. */
#define SEND_ROOM (1024 * 1024)

/*
 * clone(2) as fork(2) does it, without fork's handlers. The arguments that
 * architectures order differently (tls, child's tid) are all 0.
 */
static pid_t
raw_clone(unsigned long flags, int *pidfd)
{
#if defined(__s390__)
    return (pid_t)syscall(SYS_clone, 0UL, flags, pidfd, 0UL, 0UL);
#else
    return (pid_t)syscall(SYS_clone, flags, 0UL, pidfd, 0UL, 0UL);
#endif
}

/*
 * Between clone and execve: only system calls, and those that are
 * cancellation points by syscall(2), since a cancellation of the calling
 * thread that is still pending would otherwise act in the child.
 */

/*
 * _exit() is a system call, too, but not where it has been replaced, as
 * ThreadSanitizer does: its own takes a lock that another thread of the host
 * may have held at clone.
 */
static _Noreturn void
leave(int status)
{
    for (;;) {
        syscall(SYS_exit_group, status);
    }
}

static void
close_from(unsigned first)
{
    struct rlimit limit = {FALLBACK_FD_MAX, FALLBACK_FD_MAX};
    unsigned end = FALLBACK_FD_MAX;

    if (syscall(SYS_close_range, first, ~0U, 0U) == 0) {
        return;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < end) {
        end = (unsigned)limit.rlim_cur;
    }
    for (unsigned fd = first; fd < end; fd++) {
        syscall(SYS_close, fd);
    }
}

/* dup2(2) without a library that watches it, and its locks. */
static int
put(int fd, int place)
{
    return fd == place ? 0 : (int)syscall(SYS_dup3, fd, place, 0);
}

/* Ignored signals stay ignored over execve: undo what the host chose. */
static void
reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    for (int number = 1; number < NSIG; number++) {
        sigaction(number, &action, NULL);
    }
    /* The service manager ends a host's orphans with these; a store in
     * progress goes on. The alarm bounds it. */
    action.sa_handler = SIG_IGN;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGPIPE, &action, NULL);
}

/* In a setuid host the helper is the effective user's alone: with two users
 * GLib would take it for a setuid program and refuse the bus address. */
static int
be_effective_user(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (getgid() != gid && syscall(SET_GIDS, gid, gid, gid) != 0) {
        return -1;
    }
    return getuid() != uid && syscall(SET_UIDS, uid, uid, uid) != 0 ? -1 : 0;
}

static _Noreturn void
run_helper(const char *helper, unsigned alarm_s, int socket)
{
    static char name[] = "mps-credential-keyring-helper";
    char *argv[] = {name, NULL};
    char *envp[] = {NULL};
    sigset_t none;
    int null = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);

    if (null >= 0 && put(null, STDOUT_FILENO) >= 0 &&
        put(null, STDERR_FILENO) >= 0 && put(socket, STDIN_FILENO) >= 0 &&
        be_effective_user() == 0) {
        close_from(STDERR_FILENO + 1);
        reset_signals();
        sigemptyset(&none);
        alarm(alarm_s);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(helper, argv, envp);
    }
    leave(MPSC_KEYRING_NOT_RUN);
}

#if defined(SYS_pidfd_open) && defined(SYS_ppoll)
/*
 * Waits until the helper or the host has ended. The host's end of the socket
 * doesn't tell: a child that the host forks at the wrong moment has a copy of
 * it, and with a killed host the helper would keep its lock. So its socket is
 * shut down for it; what is in it already can still be read.
 */
static void
watch_host(pid_t host, int helper, int socket)
{
    struct pollfd ends[2] = {{.fd = -1, .events = POLLIN},
                             {.fd = helper, .events = POLLIN}};

    ends[0].fd = (int)syscall(SYS_pidfd_open, host, 0);
    if (ends[0].fd < 0 && errno != ESRCH) {
        return; /* an old kernel */
    }
    /* Looked at again: before, the number may have become another's. */
    while (ends[0].fd >= 0 && getppid() == host &&
           syscall(SYS_ppoll, ends, 2, NULL, NULL, 0) < 0) {
    }
    if (getppid() != host) {
        syscall(SYS_shutdown, socket, SHUT_RDWR);
    }
}
#else
static void
watch_host(pid_t host, int helper, int socket)
{
    (void)host;
    (void)helper;
    (void)socket;
}
#endif

/* All signals stay blocked here, so nothing but SIGKILL comes between. */
static _Noreturn void
run_intermediate(const char *helper, unsigned alarm_s, int socket, pid_t host)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    int pidfd = -1;
    siginfo_t info;
    pid_t pid;

    /* It holds a copy of the host's memory. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setsid();
    /* With SIGCHLD ignored the helper's status would be lost. */
    sigaction(SIGCHLD, &action, NULL);
    /* It may outlive the host's interest in its sockets and files. */
    (void)put(socket, 0);
    close_from(1);
    pid = raw_clone(CLONE_PIDFD | SIGCHLD, &pidfd);
    if (pid == 0) {
        run_helper(helper, alarm_s, 0);
    }
    info.si_code = 0;
    info.si_status = 0;
    if (pid < 0) {
        leave(MPSC_KEYRING_NOT_RUN);
    }
    if (pidfd >= 0) {
        watch_host(host, pidfd, 0);
    }
    close_from(0);
    if (syscall(SYS_waitid, P_PID, pid, &info, WEXITED, NULL) != 0 ||
        info.si_code != CLD_EXITED) {
        leave(STATUS_KILLED);
    }
    leave(info.si_status);
}

/* A pair of stream sockets of which only ours never blocks; 0 or -1. */
static int
open_pair(int pair[2])
{
    const int room = SEND_ROOM;
    int types = SOCK_STREAM | SOCK_CLOEXEC;

    if (socketpair(AF_UNIX, types, 0, pair) != 0 ||
        mpsc_descriptor_lift_pair(pair) != 0) {
        return -1;
    }
    if (fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
        close(pair[0]);
        close(pair[1]);
        return -1;
    }
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    return 0;
}

int
mpsc_keyring_spawn(const char *helper, unsigned alarm_s,
                   struct mpsc_keyring_child *child)
{
    sigset_t all;
    sigset_t old;
    pid_t host = getpid();
    int pair[2];
    int why;

    if (open_pair(pair) != 0) {
        return -1;
    }
    child->pidfd = -1;
    sigfillset(&all);
    /* The host's handlers must not run in the child. */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    child->pid = raw_clone(CLONE_PIDFD, &child->pidfd);
    if (child->pid == 0) {
        run_intermediate(helper, alarm_s, pair[1], host);
    }
    why = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    close(pair[1]);
    if (child->pid < 0) {
        close(pair[0]);
        errno = why;
        return -1;
    }
    child->socket = pair[0];
    /* Where it fails, the number and the socket's end still tell. */
    child->pidfd = mpsc_descriptor_lift(child->pidfd);
    return 0;
}

int
mpsc_keyring_reap(const struct mpsc_keyring_child *child, int *status)
{
    /* __WCLONE: only children whose end is not told by SIGCHLD. */
    const unsigned options = (unsigned)(WEXITED | WNOHANG) | __WCLONE;
    siginfo_t info;
    long result = -1;

    info.si_pid = 0;
    errno = EBADF;
    if (child->pidfd >= 0) {
        result =
            syscall(SYS_waitid, P_PIDFD, child->pidfd, &info, options, NULL);
    }
    if (result != 0 && errno != ECHILD) {
        result = syscall(SYS_waitid, P_PID, child->pid, &info, options, NULL);
    }
    if (result == 0 && info.si_pid == 0) {
        return 0;
    }
    *status = result == 0 && info.si_code == CLD_EXITED ? info.si_status
                                                        : STATUS_KILLED;
    return 1;
}
