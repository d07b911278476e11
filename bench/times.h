/* SPDX-License-Identifier: MIT */
/*
 * times: a clock, and the order of what it measured, for programs that print
 * medians.
 */
#ifndef BENCH_TIMES_H
#define BENCH_TIMES_H

#include <time.h>

static inline double
times_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Of two doubles, for qsort(3). */
static inline int
times_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

#endif
