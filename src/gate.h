/* SPDX-License-Identifier: MIT */
/*
 * gate: a lock for what is read all the time and changed hardly ever.
 *
 * It is a row of mutexes, one per processor, each in a cache line of its own.
 * A reader takes that of the processor it runs on, so readers on two
 * processors have nothing to do with one another; a writer takes them all.
 * With one mutex, or one pthread_rwlock_t, whose counter all readers change,
 * two threads get less done than one (bench/hot.sh).
 *
 * Writers exclude one another by a lock of their own. Not recursive; what is
 * done inside is short. A child of fork(2) must not touch its parent's.
 */
#ifndef MPSC_GATE_H
#define MPSC_GATE_H

#include <pthread.h>

struct mpsc_gate_lane;

struct mpsc_gate {
    struct mpsc_gate_lane *lanes;
    unsigned count; /* a power of two */
};

/* 0, or -1 without resources. */
int mpsc_gate_init(struct mpsc_gate *gate);

/* Nobody is inside, and nobody comes any more. */
void mpsc_gate_destroy(struct mpsc_gate *gate);

/* A reader goes in; returns the lane by which it leaves, on any processor. */
struct mpsc_gate_lane *mpsc_gate_enter(struct mpsc_gate *gate);
void mpsc_gate_leave(struct mpsc_gate_lane *lane);

/* A writer waits until no reader is inside, and keeps them out. */
void mpsc_gate_close(struct mpsc_gate *gate);
void mpsc_gate_open(struct mpsc_gate *gate);

#endif
