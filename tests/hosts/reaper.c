/* SPDX-License-Identifier: MIT */
/*
 * reaper KIND BUSINESS: a program with children of its own, which it waits for
 * in one of the ways there are: a process manager, a shell, an init.
 *
 *     handler     SIGCHLD has a handler, a thread asks wait(-1) all the time
 *     ignore      SIGCHLD is ignored: the kernel reaps
 *     nocldwait   the same by SA_NOCLDWAIT, with a handler
 *     subreaper   orphans below it become its children
 *     init        it is PID 1 of its namespace
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "house.h"

#define OWN_CHILDREN 5
#define OWN_STATUS 42

static atomic_int signalled;

/* What the reaping thread has met. */
static struct {
    pthread_t thread;
    atomic_int stop;
    atomic_int own;
    atomic_int foreign;
    atomic_long looks;
} reaper;

static int kernel_reaps;

static void
count_child(int number)
{
    (void)number;
    atomic_fetch_add(&signalled, 1);
}

static int
become(const char *kind)
{
    struct sigaction action = {.sa_handler = count_child};

    if (strcmp(kind, "ignore") == 0) {
        action.sa_handler = SIG_IGN;
        kernel_reaps = 1;
    } else if (strcmp(kind, "nocldwait") == 0) {
        action.sa_flags = SA_NOCLDWAIT;
        kernel_reaps = 1;
    } else if (strcmp(kind, "subreaper") == 0) {
        if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
            return -1;
        }
    } else if (strcmp(kind, "init") == 0) {
        if (getpid() != 1) {
            return -1;
        }
    }
    return sigaction(SIGCHLD, &action, NULL);
}

static void *
reap(void *arg)
{
    while (!atomic_load(&reaper.stop)) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, WNOHANG);

        if (pid > 0 && WIFEXITED(status) &&
            WEXITSTATUS(status) == OWN_STATUS) {
            atomic_fetch_add(&reaper.own, 1);
        } else if (pid > 0) {
            atomic_fetch_add(&reaper.foreign, 1);
        }
        atomic_fetch_add(&reaper.looks, 1);
        house_nap(1);
    }
    return arg;
}

/* Children that end while the module works, one after the other. */
static void
have_children(void)
{
    for (int i = 0; i < OWN_CHILDREN; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            house_nap(50);
            _exit(OWN_STATUS);
        }
        house_nap(20);
    }
}

/* Each of its own is found, whoever else reaps in this process. */
static void
await_own(void)
{
    int64_t end = house_ms() + 20000;

    while (atomic_load(&reaper.own) < OWN_CHILDREN && house_ms() < end) {
        house_nap(5);
    }
    house_expect(atomic_load(&reaper.own) == OWN_CHILDREN,
                 "%d of %d children were found", atomic_load(&reaper.own),
                 OWN_CHILDREN);
}

static void
live(const char *business_id)
{
    house_live(business_id);
    house_expect(atomic_load(&signalled) == 0,
                 "SIGCHLD %d times without a child of the host's",
                 atomic_load(&signalled));
    house_expect(atomic_load(&reaper.foreign) == 0, "a child of the module's");
    have_children();
    (void)house_get(business_id, MPS_OK, 0);
    (void)mps.invalidate_credential(business_id, NULL);
    (void)house_get(business_id, MPS_OK, 0);
    mps.shutdown();
    if (!kernel_reaps) {
        await_own();
        house_expect(atomic_load(&signalled) > 0, "no SIGCHLD at all");
    }
    house_expect(atomic_load(&signalled) <= OWN_CHILDREN,
                 "SIGCHLD %d times for %d children", atomic_load(&signalled),
                 OWN_CHILDREN);
}

int
main(int argc, char **argv)
{
    if (argc != 3) {
        return 98;
    }
    if (become(argv[1]) != 0) {
        return HOUSE_CANNOT;
    }
    house_open();
    house_before();
    pthread_create(&reaper.thread, NULL, reap, NULL);
    live(argv[2]);
    /* Whatever of ours may still end, ends now. */
    house_nap(300);
    atomic_store(&reaper.stop, 1);
    pthread_join(reaper.thread, NULL);
    house_expect(atomic_load(&reaper.foreign) == 0, "%d children of others",
                 atomic_load(&reaper.foreign));
    house_expect(atomic_load(&reaper.looks) > 20, "the reaper hardly ran");
    house_after();
    return house_end();
}
