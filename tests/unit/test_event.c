/* SPDX-License-Identifier: MIT */
/* The host's event, and a host that has given its number away. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "event.h"
#include "run_suites.h"

static int
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static uint64_t
count_of(int fd)
{
    uint64_t count = 0;

    return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void
test_event(void)
{
    struct mpsc_event event = MPSC_EVENT_NONE;

    CU_ASSERT_FALSE(mpsc_event_is(&event));
    CU_ASSERT_EQUAL(mpsc_event_notify(&event), -1);
    CU_ASSERT_EQUAL(mpsc_event_open(&event, 1), 0);
    CU_ASSERT(mpsc_event_is(&event));
    CU_ASSERT_EQUAL(count_of(event.fd), 1);
    errno = EXDEV;
    CU_ASSERT_EQUAL(mpsc_event_notify(&event), 0);
    CU_ASSERT_EQUAL(mpsc_event_notify(&event), 0);
    CU_ASSERT_EQUAL(errno, EXDEV);
    CU_ASSERT_EQUAL(count_of(event.fd), 2);
    CU_ASSERT_EQUAL(fcntl(event.fd, F_GETFD), FD_CLOEXEC);
    CU_ASSERT_EQUAL(count_of(event.fd), 0); /* it doesn't block */
    mpsc_event_close(&event);
    CU_ASSERT_FALSE(mpsc_event_is(&event));
}

/* The number means another file by now: nothing is written, nor closed. */
static void
check_taken(int theirs)
{
    struct mpsc_event event = MPSC_EVENT_NONE;
    int number;

    CU_ASSERT_EQUAL_FATAL(mpsc_event_open(&event, 0), 0);
    number = event.fd;
    CU_ASSERT_EQUAL(dup2(theirs, number), number);
    CU_ASSERT_FALSE(mpsc_event_is(&event));
    CU_ASSERT_EQUAL(mpsc_event_notify(&event), -1);
    mpsc_event_close(&event);
    CU_ASSERT(is_open(number));
    close(number);
}

static void
test_taken(void)
{
    int pair[2];
    int theirs = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    char byte;

    CU_ASSERT_EQUAL_FATAL(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    check_taken(pair[0]);
    CU_ASSERT_EQUAL(read(pair[1], &byte, 1), -1);
    close(pair[0]);
    close(pair[1]);
    /* All eventfds have one inode. */
    check_taken(theirs);
    CU_ASSERT_EQUAL(count_of(theirs), 0);
    close(theirs);
    /* So have these, which have no number of their own. */
    theirs = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    check_taken(theirs);
    close(theirs);
    theirs = epoll_create1(EPOLL_CLOEXEC);
    check_taken(theirs);
    close(theirs);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"event", test_event},
        {"a number that was taken", test_taken},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"event", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
