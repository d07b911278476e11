/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gate.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* Two lines, since processors fetch them in pairs. */
#define LINE 128

/* Beyond it processors share lanes. */
#define LANES_MAX 64

struct mpsc_gate_lane {
    _Alignas(LINE) pthread_mutex_t lock;
};

static unsigned
lanes_wanted(void)
{
    long processors = sysconf(_SC_NPROCESSORS_CONF);
    unsigned count = 1;

    while (count < LANES_MAX && (long)count < processors) {
        count *= 2;
    }
    return count;
}

int
mpsc_gate_init(struct mpsc_gate *gate)
{
    gate->count = lanes_wanted();
    gate->lanes =
        aligned_alloc(LINE, gate->count * sizeof(struct mpsc_gate_lane));
    if (gate->lanes == NULL) {
        return -1;
    }
    for (unsigned i = 0; i < gate->count; i++) {
        if (pthread_mutex_init(&gate->lanes[i].lock, NULL) != 0) {
            gate->count = i;
            mpsc_gate_destroy(gate);
            return -1;
        }
    }
    return 0;
}

void
mpsc_gate_destroy(struct mpsc_gate *gate)
{
    for (unsigned i = 0; i < gate->count; i++) {
        pthread_mutex_destroy(&gate->lanes[i].lock);
    }
    free(gate->lanes);
    gate->lanes = NULL;
}

struct mpsc_gate_lane *
mpsc_gate_enter(struct mpsc_gate *gate)
{
    int saved = errno;
    /* -1, where the kernel can't say, is the last lane. */
    unsigned processor = (unsigned)sched_getcpu();
    struct mpsc_gate_lane *lane = &gate->lanes[processor & (gate->count - 1)];

    errno = saved;
    pthread_mutex_lock(&lane->lock);
    return lane;
}

void
mpsc_gate_leave(struct mpsc_gate_lane *lane)
{
    pthread_mutex_unlock(&lane->lock);
}

void
mpsc_gate_close(struct mpsc_gate *gate)
{
    for (unsigned i = 0; i < gate->count; i++) {
        pthread_mutex_lock(&gate->lanes[i].lock);
    }
}

void
mpsc_gate_open(struct mpsc_gate *gate)
{
    for (unsigned i = 0; i < gate->count; i++) {
        pthread_mutex_unlock(&gate->lanes[i].lock);
    }
}
