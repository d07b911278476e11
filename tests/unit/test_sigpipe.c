/* SPDX-License-Identifier: MIT */
/* The host's SIGPIPE is the host's: one of ours is swallowed, one of its own
 * stays, and the mask is as it was. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run_suites.h"
#include "sigpipe.h"

static volatile sig_atomic_t caught;

static void
on_sigpipe(int number)
{
    (void)number;
    caught++;
}

static struct sigaction before;

static void
begin(void)
{
    struct sigaction action = {.sa_handler = on_sigpipe};
    sigset_t none;

    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    sigaction(SIGPIPE, &action, &before);
    caught = 0;
}

static void
end(void)
{
    sigset_t none;

    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    sigaction(SIGPIPE, &before, NULL);
}

/* Writes to a connection whose other end is gone. */
static void
break_pipe(void)
{
    int ends[2];

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    close(ends[1]);
    CU_ASSERT_EQUAL(write(ends[0], "x", 1), -1);
    CU_ASSERT_EQUAL(errno, EPIPE);
    close(ends[0]);
}

static int
is_blocked(int number)
{
    sigset_t mask;

    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return sigismember(&mask, number);
}

static int
is_pending(void)
{
    sigset_t pending;

    sigpending(&pending);
    return sigismember(&pending, SIGPIPE);
}

static void
block(int number)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void
test_swallowed(void)
{
    struct mpsc_sigpipe state;

    block(SIGUSR1);
    mpsc_sigpipe_block(&state);
    CU_ASSERT(is_blocked(SIGPIPE));
    break_pipe();
    break_pipe();
    CU_ASSERT(is_pending());
    errno = E2BIG;
    mpsc_sigpipe_restore(&state);
    CU_ASSERT_EQUAL(errno, E2BIG);
    CU_ASSERT_EQUAL(caught, 0);
    CU_ASSERT_FALSE(is_pending());
    CU_ASSERT_FALSE(is_blocked(SIGPIPE));
    CU_ASSERT(is_blocked(SIGUSR1));
    /* And then it is the host's again. */
    break_pipe();
    CU_ASSERT_EQUAL(caught, 1);
}

static void
test_nothing_came(void)
{
    struct mpsc_sigpipe state;

    mpsc_sigpipe_block(&state);
    mpsc_sigpipe_restore(&state);
    CU_ASSERT_EQUAL(caught, 0);
    CU_ASSERT_FALSE(is_blocked(SIGPIPE));
}

/* A host that has it blocked, with one of its own that it has yet to see. */
static void
test_pending_before(void)
{
    struct mpsc_sigpipe state;

    block(SIGPIPE);
    break_pipe();
    CU_ASSERT(is_pending());
    mpsc_sigpipe_block(&state);
    break_pipe();
    mpsc_sigpipe_restore(&state);
    CU_ASSERT(is_pending());
    CU_ASSERT(is_blocked(SIGPIPE));
    CU_ASSERT_EQUAL(caught, 0);
}

static void
test_blocked_before(void)
{
    struct mpsc_sigpipe state;

    block(SIGPIPE);
    mpsc_sigpipe_block(&state);
    break_pipe();
    mpsc_sigpipe_restore(&state);
    CU_ASSERT_FALSE(is_pending());
    CU_ASSERT(is_blocked(SIGPIPE));
}

static void
test_nested(void)
{
    struct mpsc_sigpipe outer;
    struct mpsc_sigpipe inner;

    mpsc_sigpipe_block(&outer);
    mpsc_sigpipe_block(&inner);
    break_pipe();
    mpsc_sigpipe_restore(&inner);
    CU_ASSERT(is_blocked(SIGPIPE));
    break_pipe();
    mpsc_sigpipe_restore(&outer);
    CU_ASSERT_EQUAL(caught, 0);
    CU_ASSERT_FALSE(is_blocked(SIGPIPE));
}

/* The host's disposition is left alone. */
static void
test_disposition(void)
{
    struct mpsc_sigpipe state;
    struct sigaction action;

    mpsc_sigpipe_block(&state);
    break_pipe();
    sigaction(SIGPIPE, NULL, &action);
    CU_ASSERT_PTR_EQUAL(action.sa_handler, on_sigpipe);
    mpsc_sigpipe_restore(&state);
    sigaction(SIGPIPE, NULL, &action);
    CU_ASSERT_PTR_EQUAL(action.sa_handler, on_sigpipe);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"swallowed", test_swallowed},
        {"nothing came", test_nothing_came},
        {"pending before", test_pending_before},
        {"blocked before", test_blocked_before},
        {"nested", test_nested},
        {"disposition", test_disposition},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"sigpipe", NULL, NULL, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
