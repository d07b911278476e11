/* SPDX-License-Identifier: MIT */
#include "clock_shift.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The rest of these programs is hidden, as the module is. */
#define VISIBLE __attribute__((visibility("default")))

/* On a 32-bit machine struct timespec is of 64 bits, as all of the build. */
#ifndef SYS_clock_gettime64
#define SYS_clock_gettime64 SYS_clock_gettime
#endif

/* Called from any thread at any time: takes no lock, keeps errno. */
static int64_t
shift_s(void)
{
    int saved = errno;
    const char *path = getenv("MPS_TEST_CLOCK_SHIFT");
    char target[24];
    ssize_t len = -1;

    if (path != NULL) {
        len = readlink(path, target, sizeof(target) - 1);
        errno = saved;
    }
    if (len < 0) {
        return 0;
    }
    target[len] = '\0';
    return strtoll(target, NULL, 10);
}

VISIBLE int
clock_gettime(clockid_t id, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime64, id, now);

    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += shift_s();
    }
    return result;
}

VISIBLE time_t
time(time_t *to)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (to != NULL) {
        *to = now.tv_sec;
    }
    return now.tv_sec;
}

VISIBLE int
gettimeofday(struct timeval *to, void *zone)
{
    struct timespec now;

    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    to->tv_sec = now.tv_sec;
    to->tv_usec = now.tv_nsec / 1000;
    return 0;
}

void
clock_shift_set(int64_t seconds)
{
    const char *path = getenv("MPS_TEST_CLOCK_SHIFT");
    char target[24];
    char draft[4096];

    snprintf(target, sizeof(target), "%lld", (long long)seconds);
    snprintf(draft, sizeof(draft), "%s.new", path != NULL ? path : "");
    if (path == NULL || symlink(target, draft) != 0 ||
        rename(draft, path) != 0) {
        perror("clock_shift");
        exit(99);
    }
}

int64_t
clock_shift_real_s(void)
{
    struct timespec now = {0, 0};

    (void)syscall(SYS_clock_gettime64, CLOCK_REALTIME, &now);
    return now.tv_sec;
}
