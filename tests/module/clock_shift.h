/* SPDX-License-Identifier: MIT */
/*
 * clock_shift: a wall clock for a host under test that can be stepped.
 *
 * A program that is linked with this has its own time(), gettimeofday() and
 * clock_gettime(). It is before all libraries in the order in which symbols
 * are looked up, so the module that it loads, libcurl and OpenSSL get these,
 * too. No preloading is needed, which would reach the programs that the host
 * starts: endpoint and keyring helper keep the real clock.
 *
 * $MPS_TEST_CLOCK_SHIFT names a symbolic link whose target is the number of
 * seconds that the wall clock is ahead; without it the clock is the real one.
 * A link, because it is read and replaced at once, and without a descriptor.
 */
#ifndef TEST_CLOCK_SHIFT_H
#define TEST_CLOCK_SHIFT_H

#include <stdint.h>

/* Steps the wall clock of all processes with this variable. Ends the program
 * where it can't. */
void clock_shift_set(int64_t seconds);

/* The real time, in Unix seconds. */
int64_t clock_shift_real_s(void);

#endif
