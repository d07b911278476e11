/* SPDX-License-Identifier: MIT */
/*
 * gate: a lock for what is read all the time and changed hardly ever.
 *
 * It is a row of lanes, one per processor, each in a cache line of its own. A
 * reader takes that of the processor it runs on, so readers on two processors
 * have nothing to do with one another; a writer takes them all. With one
 * mutex, or one pthread_rwlock_t, whose counter all readers change, two
 * threads get less done than one (bench/hot.sh).
 *
 * A reader never waits: it gets another lane where its own is taken, and none
 * where a writer has them; then it goes the writer's way, by the lock with
 * which writers exclude one another. A writer waits, asleep, for readers that
 * lost their processor inside. Not recursive; what is done inside is short. A
 * child of fork(2) must not touch its parent's.
 */
#ifndef MPSC_GATE_H
#define MPSC_GATE_H

#include <stdatomic.h>
#include <stdint.h>
#ifdef HAVE_RSEQ_AREA
#include <sys/rseq.h>
#else
#include <errno.h>
#include <sched.h>
#endif

/* Two lines, since processors fetch them in pairs. */
#define MPSC_GATE_LINE 128

struct mpsc_gate_lane {
    _Alignas(MPSC_GATE_LINE) atomic_bool taken;
};

struct mpsc_gate {
    struct mpsc_gate_lane *lanes;
    unsigned count; /* a power of two */
};

/* 0, or -1 without memory. */
int mpsc_gate_init(struct mpsc_gate *gate);

/* Nobody is inside, and nobody comes any more. */
void mpsc_gate_destroy(struct mpsc_gate *gate);

/*
 * The processor that the thread runs on, from what the kernel keeps up to date
 * in the thread's own memory; where it doesn't, a number that threads hardly
 * share; without such memory from the kernel itself, whose -1 for "unknown" is
 * as good as any. errno is kept.
 */
static inline unsigned
mpsc_gate_processor(void)
{
#ifdef HAVE_RSEQ_AREA
    const char *thread = (const char *)__builtin_thread_pointer();

    if (__rseq_size == 0) {
        return (unsigned)((uintptr_t)thread >> 12);
    }
    return ((const volatile struct rseq *)(thread + __rseq_offset))
        ->cpu_id_start;
#else
    int saved = errno;
    unsigned processor = (unsigned)sched_getcpu();

    errno = saved;
    return processor;
#endif
}

/* One lane; whether it was free. */
static inline int
mpsc_gate_take(struct mpsc_gate_lane *lane)
{
    /* To look first leaves the line where it is. */
    return !atomic_load_explicit(&lane->taken, memory_order_relaxed) &&
           !atomic_exchange_explicit(&lane->taken, 1, memory_order_acquire);
}

/* A reader goes in, and leaves on any processor; NULL where it can't. errno is
 * kept; no cancellation point. */
static inline struct mpsc_gate_lane *
mpsc_gate_enter(struct mpsc_gate *gate)
{
    unsigned first = mpsc_gate_processor();

    for (unsigned i = 0; i < gate->count; i++) {
        struct mpsc_gate_lane *lane =
            &gate->lanes[(first + i) & (gate->count - 1)];

        if (mpsc_gate_take(lane)) {
            return lane;
        }
    }
    return NULL;
}

/* A plain store on most machines; a mutex takes an atomic change. */
static inline void
mpsc_gate_leave(struct mpsc_gate_lane *lane)
{
    atomic_store_explicit(&lane->taken, 0, memory_order_release);
}

/* A writer waits until no reader is inside, and keeps them out. errno is
 * kept; a cancellation point, so it is off there. */
void mpsc_gate_close(struct mpsc_gate *gate);
void mpsc_gate_open(struct mpsc_gate *gate);

#endif
