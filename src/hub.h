/* SPDX-License-Identifier: MIT */
/*
 * hub: what all flights of a process share. Its lock guards every flight, the
 * holdings and the profiles' changing part; it is never held over I/O
 * (but for a look at the host's event in /proc) or a callback. What hot.c
 * reads is changed with the lock and the gate closed.
 */
#ifndef MPSC_HUB_H
#define MPSC_HUB_H

#include <pthread.h>

#include "clock.h"
#include "event.h"
#include "gate.h"
#include "log.h"

struct mpsc_hub {
    pthread_mutex_t lock;
    struct mpsc_log log;
    struct mpsc_gate gate;
    mpsc_clock_fn *clock;
    mpsc_clock_coarse_fn *coarse;
    struct mpsc_event event; /* none = nobody has asked for it yet */
    int missed;              /* a background fetch has ended meanwhile */
};

#endif
