/* SPDX-License-Identifier: MIT */
/*
 * setbacks: what has gone wrong with one business. Most have nothing of it,
 * and then there is nothing: a pointer to it is NULL. Not locked.
 */
#ifndef MPSC_SETBACKS_H
#define MPSC_SETBACKS_H

#include <mps/credential.h>

#include "rejected.h"

struct mpsc_flight;

struct mpsc_setbacks {
    struct mpsc_flight *erasure;    /* the last that nobody waits for; NULL =
                                     * none */
    struct mpsc_rejected *rejected; /* tokens that were reported dead */
    struct mps_error *failure;      /* remembered; NULL = none */
    int failure_binds; /* also a caller who could wait isn't let ask again */
    unsigned refresh_failures; /* in a row */

    /* CLOCK_BOOTTIME, 0 = none. */
    int64_t distrust_until_ms; /* what was received up to then was
                                * invalidated, whatever its token */
    int64_t failure_since_ms;
    int64_t failure_until_ms;
    int64_t refresh_not_before_ms; /* the back-off after failed refreshes, or
                                    * the endpoint is closed to all */
};

/* To be read: never NULL. */
const struct mpsc_setbacks *
mpsc_setbacks_recall(const struct mpsc_setbacks *setbacks);

/* To be changed: made where there are none. NULL without memory. */
struct mpsc_setbacks *mpsc_setbacks_note(struct mpsc_setbacks **setbacks);

/* Remembers a failure; without memory it is not remembered. */
void mpsc_setbacks_fail(struct mpsc_setbacks **setbacks,
                        const struct mps_error *failure, int64_t since_ms,
                        int64_t until_ms, int binds);

/* Forgets the failure. */
void mpsc_setbacks_forgive(struct mpsc_setbacks **setbacks);

/* A token came: the failure and the back-off are over. */
void mpsc_setbacks_recover(struct mpsc_setbacks **setbacks);

/* Forgets all; *setbacks becomes NULL. */
void mpsc_setbacks_free(struct mpsc_setbacks **setbacks);

#endif
