/* SPDX-License-Identifier: MIT */
/* Ours are never 0, 1 or 2. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "run_suites.h"

static int own[3];

/* As a daemon does that has no use for them. */
static void
close_standard(void)
{
    fflush(NULL);
    for (int fd = 0; fd < 3; fd++) {
        own[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
        close(fd);
    }
}

static void
reopen_standard(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (own[fd] >= 0) {
            (void)dup2(own[fd], fd);
            close(own[fd]);
        }
    }
}

static int
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void
test_lift(void)
{
    struct stat status;
    int pair[2];
    int free_ones;
    int low;
    int fd;

    close_standard();
    low = open("/dev/null", O_RDWR | O_CLOEXEC);
    fd = mpsc_descriptor_lift(low);
    free_ones = !is_open(0) && !is_open(1) && !is_open(2);
    low = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 ? pair[1] : -1;
    (void)mpsc_descriptor_lift_pair(pair);
    free_ones = free_ones && !is_open(0) && !is_open(1) && !is_open(2);
    reopen_standard();
    CU_ASSERT_EQUAL(low, 1);
    CU_ASSERT(free_ones);
    CU_ASSERT(fd > 2 && fstat(fd, &status) == 0 && S_ISCHR(status.st_mode));
    CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CU_ASSERT(pair[0] > 2 && pair[1] > 2);
    CU_ASSERT_EQUAL(write(pair[0], "x", 1), 1);
    /* what is high enough stays */
    CU_ASSERT_EQUAL(mpsc_descriptor_lift(fd), fd);
    close(pair[0]);
    close(pair[1]);
    close(fd);
    errno = EMFILE;
    CU_ASSERT_EQUAL(mpsc_descriptor_lift(-1), -1);
    CU_ASSERT_EQUAL(errno, EMFILE);
}

static void
test_places(void)
{
    struct mpsc_descriptor_places places;
    int held;
    int free_ones;
    int fd;

    close_standard();
    (void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
    mpsc_descriptor_hold(&places);
    held = is_open(1) && is_open(2);
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    mpsc_descriptor_let_go(&places);
    free_ones = is_open(0) && !is_open(1) && !is_open(2);
    reopen_standard();
    CU_ASSERT(held);
    CU_ASSERT(free_ones);
    CU_ASSERT(fd > 2);
    close(fd);
    /* where all are open nothing is held */
    mpsc_descriptor_hold(&places);
    CU_ASSERT(places.fds[0] < 0 && places.fds[1] < 0 && places.fds[2] < 0);
    mpsc_descriptor_let_go(&places);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"lift", test_lift},
        {"places", test_places},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"descriptor", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
