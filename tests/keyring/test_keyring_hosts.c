/* SPDX-License-Identifier: MIT */
/*
 * Hosts that wait for children of their own must not see the helper's: each
 * kind runs a whole session and asks for any child at every step.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "desk.h"
#include "flight.h"
#include "run_suites.h"

/* What a host may see; its exit status. */
enum { SAW_NOTHING, SAW_CHILD = 10, SAW_SIGNAL, SAW_FORK, NO_SESSION = 20 };

/* The status of a host that can't be made here (no privileges). */
#define CANNOT 77

/* Of all threads of a host. */
static atomic_int signals;
static atomic_int forks;

static void
count_signal(int number)
{
    (void)number;
    signals++;
}

static void
count_fork(void)
{
    forks++;
}

/* One session with a store; what the host saw of it. */
static int
live(void)
{
    struct flight flight;
    sigset_t before;
    sigset_t after;

    forks = 0;
    signals = 0;
    sigprocmask(SIG_BLOCK, NULL, &before);
    flight_plan(&flight, "4711");
    if (flight_open(&flight) != 0) {
        return NO_SESSION;
    }
    do {
        flight_wait(&flight, 1);
        if (flight.progress == MPSC_KEYRING_LOADED) {
            flight_change(&flight, "seen");
        }
        /* anything at all, ended or running */
        if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
            return SAW_CHILD;
        }
    } while (flight.progress != MPSC_KEYRING_ENDED);
    if (flight_end(&flight) != 0 || flight.state != MPSC_KEYRING_OK) {
        return NO_SESSION;
    }
    sigprocmask(SIG_BLOCK, NULL, &after);
    for (int number = 1; number < NSIG; number++) {
        if (sigismember(&before, number) != sigismember(&after, number)) {
            return SAW_SIGNAL;
        }
    }
    if (signals != 0) {
        return SAW_SIGNAL;
    }
    return forks != 0 ? SAW_FORK : SAW_NOTHING;
}

/* Runs a host in a process of its own; its status. */
static int
run(int (*host)(void))
{
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        _exit(host());
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void
catch_children(void)
{
    struct sigaction action = {.sa_handler = count_signal};

    sigaction(SIGCHLD, &action, NULL);
}

static int
plain_host(void)
{
    catch_children();
    return live();
}

static int
reaping_host(void)
{
    catch_children();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
        return CANNOT;
    }
    return live();
}

static int
ignoring_host(void)
{
    signal(SIGCHLD, SIG_IGN);
    return live();
}

/* PID 1 of a namespace inherits every orphan in it. */
static int
first_host(void)
{
    int status = 0;
    pid_t pid;

    if (unshare(CLONE_NEWPID) != 0) {
        return CANNOT;
    }
    pid = fork();
    if (pid == 0) {
        catch_children();
        _exit(getpid() == 1 ? live() : CANNOT);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int
blocking_host(void)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    return live();
}

/* Without standard descriptors ours must not become them. */
static int
closed_host(void)
{
    int result;

    close(0);
    close(1);
    close(2);
    catch_children();
    result = live();
    for (int fd = 0; fd < 3; fd++) {
        if (close(fd) == 0) {
            return NO_SESSION;
        }
    }
    return result;
}

/* Not as root, for whom there is no such limit. */
static int
limited_host(void)
{
    const struct rlimit none = {0, 0};
    struct flight flight;

    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) {
        return CANNOT;
    }
    setrlimit(RLIMIT_NPROC, &none);
    flight_plan(&flight, "4711");
    flight.query.bus = "unix:abstract=none";
    return flight_open(&flight) != 0 && flight.state == MPSC_KEYRING_NO_HELPER
               ? SAW_NOTHING
               : NO_SESSION;
}

static void *
live_in_thread(void *result)
{
    *(int *)result = live();
    return NULL;
}

/* Several sessions at once, on threads. */
static int
threaded_host(void)
{
    pthread_t threads[8];
    int results[8];
    int result = SAW_NOTHING;

    catch_children();
    for (int i = 0; i < 8; i++) {
        pthread_create(&threads[i], NULL, live_in_thread, &results[i]);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        result = results[i] > result ? results[i] : result;
    }
    return result;
}

/* A setuid program, as far as user numbers go. */
static int
setuid_host(void)
{
    return setresuid(65534, (uid_t)-1, (uid_t)-1) == 0 ? live() : CANNOT;
}

/* The host's own children are its own. */
static int
parent_host(void)
{
    struct flight flight;
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        _exit(42);
    }
    flight_whole(&flight, "4711", "x");
    return wait(&status) == child && WEXITSTATUS(status) == 42 ? SAW_NOTHING
                                                               : SAW_CHILD;
}

static void
test_hosts(void)
{
    static const struct {
        const char *name;
        int (*host)(void);
    } hosts[] = {
        {"plain", plain_host},
        {"sub-reaper", reaping_host},
        {"SIGCHLD ignored", ignoring_host},
        {"PID 1", first_host},
        {"signals blocked", blocking_host},
        {"0, 1, 2 closed", closed_host},
        {"no processes", limited_host},
        {"threads", threaded_host},
        {"setuid", setuid_host},
        {"parent", parent_host},
    };

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        int status = run(hosts[i].host);

        if (status == CANNOT) {
            printf("\n    %s: not possible here", hosts[i].name);
            continue;
        }
        if (status != SAW_NOTHING) {
            printf("\n    %s: %d", hosts[i].name, status);
        }
        CU_ASSERT_EQUAL(status, SAW_NOTHING);
    }
}

static CU_TestInfo tests[] = {
    {"hosts see nothing", test_hosts},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"keyring_hosts", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    int failed;

    pthread_atfork(count_fork, count_fork, count_fork);
    desk_open();
    desk_start_keyring();
    failed = run_suites(suites);
    desk_close();
    return failed;
}
