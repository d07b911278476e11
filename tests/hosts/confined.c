/* SPDX-License-Identifier: MIT */
/*
 * confined KIND CODE BUSINESS...: a daemon that its administrator or it itself
 * has shut in before it calls the module: what it may still do is less than
 * the module would like to. Each business's get is to end with CODE, and with
 * code 0 the token comes from the endpoint, kept in memory alone.
 *
 *     chroot=DIR  prepared, then in a directory with nothing in it
 *     processes   a seccomp filter that refuses fork and exec
 *     clone       the same, and that refuses threads
 *     nproc       RLIMIT_NPROC
 */
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#include "house.h"

/* A user that has nothing. */
#define NOBODY 65534

static void
prepare(void)
{
    house_expect(mps.prepare(NULL) == MPS_OK, "prepare failed");
}

static int
enter(const char *dir)
{
    prepare();
    return chroot(dir) == 0 && chdir("/") == 0 ? 0 : -1;
}

static void *
do_nothing(void *arg)
{
    return arg;
}

/* That the confinement holds: else the test would show nothing. */
static void
try_fork(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        _exit(0);
    }
    if (!house_expect(pid < 0, "it could fork")) {
        (void)waitpid(pid, NULL, 0);
    }
}

static void
try_thread(void)
{
    pthread_t thread;

    if (!house_expect(pthread_create(&thread, NULL, do_nothing, NULL) != 0,
                      "it could start a thread")) {
        (void)pthread_join(thread, NULL);
    }
}

#ifdef HAVE_SECCOMP
/* clone3's flags are in memory, where no filter sees them: without it the C
 * library takes clone. */
static int
forbid(int threads)
{
    static const int calls[] = {SCMP_SYS(fork), SCMP_SYS(vfork),
                                SCMP_SYS(execve), SCMP_SYS(execveat)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int result = filter != NULL ? 0 : -1;

    for (size_t i = 0; result == 0 && i < sizeof(calls) / sizeof(*calls);
         i++) {
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
    }
    if (result == 0) {
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
                                  SCMP_SYS(clone3), 0);
    }
    if (result == 0 && threads) {
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
                                  SCMP_SYS(clone), 0);
    } else if (result == 0) {
        result =
            seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    }
    if (result == 0) {
        result = seccomp_load(filter);
    }
    seccomp_release(filter);
    return result;
}
#else
static int
forbid(int threads)
{
    (void)threads;
    return -1;
}
#endif

/* root is never refused for their number: it becomes another user. */
static int
count_processes(void)
{
    const struct rlimit none = {0, 0};

    prepare();
    if (geteuid() == 0 &&
        (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
         setresuid(NOBODY, NOBODY, NOBODY) != 0)) {
        return -1;
    }
    return setrlimit(RLIMIT_NPROC, &none);
}

static int
confine(const char *kind)
{
    if (strncmp(kind, "chroot=", 7) == 0) {
        return enter(kind + 7);
    }
    if (strcmp(kind, "processes") == 0 || strcmp(kind, "clone") == 0) {
        return forbid(strcmp(kind, "clone") == 0);
    }
    return strcmp(kind, "nproc") == 0 ? count_processes() : -1;
}

static void
live(int code, char **ids)
{
    for (int round = 0; round < 2; round++) {
        for (char **id = ids; *id != NULL; id++) {
            int source = house_get(*id, code, 0);

            house_expect(code != MPS_OK || source == MPS_SOURCE_ENDPOINT,
                         "business %s: from source %d", *id, source);
        }
    }
}

int
main(int argc, char **argv)
{
    const char *kind = argc > 3 ? argv[1] : "";
    int code = argc > 3 ? (int)strtol(argv[2], NULL, 10) : 0;

    if (argc < 4) {
        return 98;
    }
    house_open();
    if (confine(kind) != 0) {
        _exit(HOUSE_CANNOT);
    }
    house_before();
    house_log_take();
    if (strncmp(kind, "chroot=", 7) != 0) {
        try_fork();
    }
    if (strcmp(kind, "clone") == 0 || strcmp(kind, "nproc") == 0) {
        try_thread();
    }
    live(code, argv + 3);
    house_after();
    house_leave();
}
