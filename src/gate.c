/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gate.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Beyond it processors share lanes. */
#define LANES_MAX 64

/* A reader is inside for some ten nanoseconds, unless it has lost its
 * processor. */
#define LOOKS 200

/* Between two looks whether a reader has left. Asleep, since it may need this
 * very processor; and short of what anyone would notice. */
#define NAP_NS 20000

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
    gate->lanes = aligned_alloc(MPSC_GATE_LINE,
                                gate->count * sizeof(struct mpsc_gate_lane));
    if (gate->lanes == NULL) {
        return -1;
    }
    for (unsigned i = 0; i < gate->count; i++) {
        atomic_init(&gate->lanes[i].taken, 0);
    }
    return 0;
}

void
mpsc_gate_destroy(struct mpsc_gate *gate)
{
    free(gate->lanes);
    gate->lanes = NULL;
}

static void
nap(void)
{
    const struct timespec time = {.tv_nsec = NAP_NS};
    int saved = errno;

    (void)nanosleep(&time, NULL);
    errno = saved;
}

void
mpsc_gate_close(struct mpsc_gate *gate)
{
    for (unsigned i = 0; i < gate->count; i++) {
        unsigned looks = gate->count > 1 ? LOOKS : 0;

        while (!mpsc_gate_take(&gate->lanes[i])) {
            if (looks > 0) {
                looks--;
            } else {
                nap();
            }
        }
    }
}

void
mpsc_gate_open(struct mpsc_gate *gate)
{
    for (unsigned i = 0; i < gate->count; i++) {
        mpsc_gate_leave(&gate->lanes[i]);
    }
}
