/* SPDX-License-Identifier: MIT */
/*
 * lifetime: from what the endpoint said, and the clocks at that moment, to
 * when a token ends and whether it may be handed out. Pure.
 *
 * Lifetimes run on CLOCK_BOOTTIME from the moment of receipt, so that a step
 * of the wall clock neither ends nor prolongs them; a record of another boot
 * falls back to the wall clock.
 */
#ifndef MPSC_LIFETIME_H
#define MPSC_LIFETIME_H

#include "clock.h"
#include "record.h"

/*
 * The Date header counts whole seconds and was written before it arrived: a
 * smaller difference between the clocks than this says nothing.
 */
#define MPSC_LIFETIME_SKEW_S 5

/*
 * A token that was fetched less than this ago is handed out though it is
 * asked to be newer or to live longer: the first step of the back-off.
 */
#define MPSC_LIFETIME_BACKOFF_MS 30000

/* What to assume where the endpoint gives no usable expiry. */
struct mpsc_lifetime_rules {
    unsigned assume_lifetime_s; /* it gave none */
    unsigned max_age_s;         /* it gave 0: never expires */
};

/*
 * Fills all of `record` but the token. endpoint_expires_at: as in struct
 * mpsc_graph_answer. date: the response's Date, 0 = none.
 */
void mpsc_lifetime_begin(struct mpsc_record *record,
                         const struct mpsc_lifetime_rules *rules,
                         int64_t endpoint_expires_at, int64_t date,
                         const struct mpsc_time *now,
                         const char boot_id[MPSC_BOOT_ID_SIZE]);

/* When the token ends, in this boot's CLOCK_BOOTTIME milliseconds. */
int64_t mpsc_lifetime_end_ms(const struct mpsc_record *record,
                             const struct mpsc_time *now,
                             const char boot_id[MPSC_BOOT_ID_SIZE]);

/* When it was received, likewise; never after now. A receipt in the future
 * counts as one before the back-off. */
int64_t mpsc_lifetime_received_ms(const struct mpsc_record *record,
                                  const struct mpsc_time *now,
                                  const char boot_id[MPSC_BOOT_ID_SIZE]);

/* What a caller asks of a token. */
struct mpsc_lifetime_wish {
    unsigned min_validity_s;
    int force_refresh;
};

/*
 * True where a token that was received at received_ms and ends at end_ms
 * fulfils the wish, or would not be fetched anew because of the back-off.
 */
int mpsc_lifetime_serves(int64_t received_ms, int64_t end_ms, int64_t boot_ms,
                         const struct mpsc_lifetime_wish *wish);

#endif
