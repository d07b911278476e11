/* SPDX-License-Identifier: MIT */
/*
 * clock: the time as the module sees it, injectable for tests.
 */
#ifndef MPSC_CLOCK_H
#define MPSC_CLOCK_H

#include <stdint.h>

/* One look at all clocks. */
struct mpsc_time {
    int64_t wall_s;  /* Unix time, may step */
    int64_t boot_ms; /* since boot, suspend included: for lifetimes */
    int64_t mono_ms; /* since boot, suspend excluded: for deadlines */
};

/* Reads the clocks. The system's is mpsc_clock_system(). */
typedef void mpsc_clock_fn(struct mpsc_time *now);

void mpsc_clock_system(struct mpsc_time *now);

/* Milliseconds of CLOCK_MONOTONIC, some behind: a tick of the kernel's, 10 at
 * the most. It costs a third of a full look. */
typedef int64_t mpsc_clock_coarse_fn(void);

int64_t mpsc_clock_coarse_ms(void);

/* The length of a boot id with its NUL. */
#define MPSC_BOOT_ID_SIZE 37

/*
 * Copies this boot's id (/proc/sys/kernel/random/boot_id) into `id`; "" where
 * it cannot be read, which equals no other boot's.
 */
void mpsc_clock_boot_id(char id[MPSC_BOOT_ID_SIZE]);

#endif
