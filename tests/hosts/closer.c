/* SPDX-License-Identifier: MIT */
/*
 * closer: a program that closes descriptors that it doesn't know, as daemons
 * do, and opens its own in their place.
 *
 *     closer standard BUSINESS: 0, 1 and 2 are closed before the module is
 *         loaded. Another thread writes and reads there all the time.
 *     closer idle BUSINESS OTHER: all above 2, between two calls; the numbers
 *         are those of its own socket pairs then.
 *     closer busy BUSINESS OTHER: the same in the middle of a fetch.
 *     closer forked BUSINESS OTHER: as idle, with a child that keeps copies.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "house.h"

#define DEADLINE_MS 30000u

static int
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* --- 0, 1 and 2 -----------------------------------------------------------
 */

static atomic_int over;

static atomic_uint looks;
static atomic_uint open_ones;

/* Not write(2): ThreadSanitizer holds a number that two threads use for a race
 * of theirs, and here one of the two writes wherever the number leads. */
static int
scribble(int fd)
{
    return syscall(SYS_write, fd, "noise\n", (size_t)6) == 6;
}

/* What a library of the host's does that takes 1 and 2 for what they were:
 * none of it may get into anything of the module's. */
static void *
use_standard(void *arg)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    while (!atomic_load(&over)) {
        for (int fd = 0; fd < 3; fd++) {
            atomic_fetch_add(&open_ones, is_open(fd));
        }
        atomic_fetch_add(&open_ones, scribble(1));
        atomic_fetch_add(&open_ones, scribble(2));
        atomic_fetch_add(&looks, 3);
        house_nap(1);
    }
    return arg;
}

static void
expect_closed(const char *when)
{
    for (int fd = 0; fd < 3; fd++) {
        house_expect(!is_open(fd), "%d is open %s", fd, when);
    }
}

static void
close_standard(const char *business_id)
{
    pthread_t user;
    int input = fcntl(0, F_DUPFD_CLOEXEC, HOUSE_FDS);

    for (int fd = 0; fd < 3; fd++) {
        close(fd);
    }
    house_open();
    pthread_create(&user, NULL, use_standard, NULL);
    house_expect(mps.event_fd() > 2, "the event is %d", mps.event_fd());
    for (int i = 0; i < 3; i++) {
        (void)house_get(business_id, MPS_OK, DEADLINE_MS);
        expect_closed("after a call");
        (void)mps.invalidate_credential(business_id, NULL);
        expect_closed("after an invalidation");
    }
    (void)house_get(business_id, MPS_OK, DEADLINE_MS);
    mps.shutdown();
    atomic_store(&over, 1);
    pthread_join(user, NULL);
    /* An open(2) is no dup(2): for a moment each has the lowest number, and
     * longer where the thread loses its processor just then. */
    house_expect(atomic_load(&open_ones) <= 3 + atomic_load(&looks) / 4,
                 "open %u times of %u", atomic_load(&open_ones),
                 atomic_load(&looks));
    house_tell("open=%u of=%u", atomic_load(&open_ones), atomic_load(&looks));
    expect_closed("in the end");
    (void)dup2(input, 0);
    close(input);
}

/* --- all above ------------------------------------------------------------
 */

/* As many of the numbers as the host takes for itself: both ends are its. */
static struct {
    struct stat status[HOUSE_FDS];
    int inherited[HOUSE_FDS]; /* from whoever started the host: stays */
    int own[HOUSE_FDS];
} taken;

static void
note_inherited(void)
{
    for (int fd = 0; fd < HOUSE_FDS; fd++) {
        taken.inherited[fd] = is_open(fd);
    }
}

static void
take_all(void)
{
    int pair[2] = {-1, -1};

    for (int fd = 3; fd < HOUSE_FDS; fd++) {
        if (!taken.inherited[fd]) {
            close(fd);
        }
    }
    while (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                      pair) == 0 &&
           pair[0] < HOUSE_FDS && pair[1] < HOUSE_FDS) {
        for (int i = 0; i < 2; i++) {
            taken.own[pair[i]] = 1;
            (void)fstat(pair[i], &taken.status[pair[i]]);
        }
    }
    close(pair[0]);
    close(pair[1]);
}

/* Theirs are as they were: open, whole, and not a byte at any end; what they
 * have sent themselves is still there. */
static void
expect_own(const char *when)
{
    for (int fd = 3; fd < HOUSE_FDS; fd++) {
        struct stat status;
        char bytes[64];
        ssize_t got;

        if (!taken.own[fd]) {
            continue;
        }
        house_expect(fstat(fd, &status) == 0 &&
                         status.st_ino == taken.status[fd].st_ino,
                     "descriptor %d was closed %s", fd, when);
        got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        house_expect(got == 4 && memcmp(bytes, "mine", 4) == 0,
                     "descriptor %d: %zd bytes %s (%s)", fd, got, when,
                     strerror(errno));
        house_expect(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) < 0 &&
                         errno == EAGAIN,
                     "descriptor %d: more, or its end, %s", fd, when);
    }
}

/* What a reader of ours would take away. */
static void
send_own(void)
{
    for (int fd = 3; fd < HOUSE_FDS; fd++) {
        if (taken.own[fd]) {
            house_expect(send(fd, "mine", 4, MSG_NOSIGNAL) == 4,
                         "descriptor %d takes nothing", fd);
        }
    }
}

static void
give_all(void)
{
    for (int fd = 3; fd < HOUSE_FDS; fd++) {
        if (taken.own[fd]) {
            close(fd);
        }
    }
}

static void *
fetch(void *arg)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = arg,
                                        .deadline_ms = DEADLINE_MS};
    const struct mps_credential *credential = NULL;
    int64_t begin = house_ms();
    int code = mps.get_credential_with(&request, &credential);

    /* Its connection is gone: it may come to its end over another one. */
    house_expect(code == MPS_OK || code == MPS_E_NETWORK,
                 "the fetch under way: code %d", code);
    house_expect(house_ms() - begin <= DEADLINE_MS + house_margin(),
                 "the fetch under way took %lld ms",
                 (long long)(house_ms() - begin));
    house_tell("busy=%d", code);
    mps.release_credential(credential);
    return NULL;
}

static void
fetch_behind(const char *business_id)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = business_id,
                                        .flags = MPS_NO_WAIT};
    int64_t end = house_ms() + DEADLINE_MS;
    const struct mps_credential *credential = NULL;
    int code;

    while ((code = mps.get_credential_with(&request, &credential)) ==
               MPS_E_AGAIN &&
           house_ms() < end) {
        house_nap(5);
    }
    mps.release_credential(credential);
    /* threads = no: there is no background */
    house_expect(code == MPS_OK || code == MPS_E_CONFIG, "background: code %d",
                 code);
    house_expect(mps.event_fd() > 2, "no event");
}

static pid_t
keep_copies(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    return pid;
}

static void
close_above(const char *kind, char *business_id, const char *other)
{
    pthread_t fetcher;
    pid_t child = -1;
    int busy = strcmp(kind, "busy") == 0;
    int64_t begin;

    house_expect(mps.event_fd() > 2, "no event");
    (void)house_get(other, MPS_OK, DEADLINE_MS);
    if (strcmp(kind, "forked") == 0) {
        child = keep_copies();
    }
    if (busy) {
        pthread_create(&fetcher, NULL, fetch, business_id);
        house_nap(300); /* the endpoint takes a second */
    }
    take_all();
    send_own();
    begin = house_ms();
    (void)mps.invalidate_credential(other, NULL);
    (void)house_get(other, MPS_OK, DEADLINE_MS);
    house_tell("took=%lld", (long long)(house_ms() - begin));
    if (busy) {
        pthread_join(fetcher, NULL);
    }
    expect_own("after a call");
    send_own();
    (void)mps.invalidate_credential(business_id, NULL);
    fetch_behind(business_id);
    mps.shutdown();
    expect_own("in the end");
    give_all();
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "standard") == 0) {
        house_before();
        close_standard(argv[2]);
        house_after();
        return house_end();
    }
    if (argc != 4) {
        return 98;
    }
    house_open();
    note_inherited();
    house_before();
    close_above(argv[1], argv[2], argv[3]);
    house_after();
    return house_end();
}
