/* SPDX-License-Identifier: MIT */
/*
 * repeat: how long something takes, over and over, for the small programs that
 * bench/peers.sh measures.
 */
#ifndef BENCH_REPEAT_H
#define BENCH_REPEAT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Asks once for a token; 0, or -1 where none came, which it tells. */
typedef int repeat_fn(void *arg);

static inline int64_t
repeat_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Asks once, to be warm, then `count` times, and prints the nanoseconds that
 * each took on average. Returns the program's exit status. */
static inline int
repeat(repeat_fn *ask, void *arg, const char *count)
{
    long times = strtol(count, NULL, 10);
    int64_t begin_ns;

    if (ask(arg) != 0) {
        return 1;
    }
    begin_ns = repeat_now_ns();
    for (long i = 0; i < times; i++) {
        if (ask(arg) != 0) {
            return 1;
        }
    }
    printf("%.1f\n", (double)(repeat_now_ns() - begin_ns) / (double)times);
    return 0;
}

#endif
