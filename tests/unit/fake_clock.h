/* SPDX-License-Identifier: MIT */
/*
 * fake_clock: time that passes only when a test says so, and the one lock of
 * all fakes: whoever waits in a fake wakes up when the time moves on or
 * something else happens.
 */
#ifndef TEST_FAKE_CLOCK_H
#define TEST_FAKE_CLOCK_H

#include <pthread.h>

#include "clock.h"

/* Unix time and the other two clocks at fake_clock_start(); the latter ahead
 * of the real ones, so that no real wait for such a time ends by itself. */
#define FAKE_CLOCK_WALL_S INT64_C(1700000000)
#define FAKE_CLOCK_MS INT64_C(1000000000000)

/* Guards the fakes' variables. */
extern pthread_mutex_t fake_lock;

/* Back to the beginning. */
void fake_clock_start(void);

/* An mpsc_clock_fn. */
void fake_clock_now(struct mpsc_time *now);

int64_t fake_clock_mono_ms(void);

/* All clocks move on. */
void fake_clock_advance(int64_t ms);

/* The wall clock alone is set. */
void fake_clock_step_wall(int64_t seconds);

/* Something has happened. With and without fake_lock held. */
void fake_kick(void);
void fake_kick_unlocked(void);

/* The caller is about to wait: news for a test, which looks for that, but not
 * for the code under test. Called with fake_lock. */
void fake_rest_unlocked(void);

/* How often something has happened. Called with fake_lock. */
unsigned fake_kicks_unlocked(void);

/* Waits with fake_lock for the next kick or rest, at most ten seconds of real
 * time: 0 after these, since a test must end even where the code hangs. */
int fake_await_unlocked(void);

#endif
