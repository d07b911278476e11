/* SPDX-License-Identifier: MIT */
/*
 * refresh: when a token that still lives is fetched anew, and what a caller
 * who asks for it meanwhile gets. Pure.
 *
 *     received                refresh            mandatory       end
 *        |--------- fresh --------|---- advisory ----|-- mandatory --| expired
 *
 * Times are milliseconds of CLOCK_BOOTTIME. Any between -INT64_MAX / 2 and
 * INT64_MAX / 2 will do: a record of an earlier boot was received before 0.
 */
#ifndef MPSC_REFRESH_H
#define MPSC_REFRESH_H

#include <stdint.h>

#include "digest.h"
#include "lifetime.h"

/* Mandatory is the last tenth of the lifetime, and never more than this. */
#define MPSC_REFRESH_MANDATORY_MS 60000

/* The back-off's first and last bound. */
#define MPSC_REFRESH_BACKOFF_FIRST_MS 30000
#define MPSC_REFRESH_BACKOFF_LAST_MS 900000

/* However little of a token is left, it is not tried more often than this. */
#define MPSC_REFRESH_PAUSE_MS 1000

enum mpsc_refresh_state {
    MPSC_REFRESH_FRESH,
    MPSC_REFRESH_ADVISORY,
    MPSC_REFRESH_MANDATORY,
    MPSC_REFRESH_EXPIRED
};

enum mpsc_refresh_action {
    MPSC_REFRESH_SERVE,           /* hand it out */
    MPSC_REFRESH_SERVE_AND_START, /* and start one refresh in the background */
    MPSC_REFRESH_FETCH_ELSE_SERVE, /* where the fetch fails, hand it out */
    MPSC_REFRESH_FETCH             /* where the fetch fails, say so */
};

struct mpsc_refresh_token {
    int64_t received_ms;
    int64_t refresh_ms; /* drawn, or put off by mpsc_refresh_again() */
    int64_t end_ms;
};

/*
 * When a token is to be refreshed: uniformly between 50 and 90 % of its
 * lifetime, so that a fleet that began at once does not come back at once.
 * random: 32 uniform bits. received_ms where there is no lifetime.
 */
int64_t mpsc_refresh_draw(int64_t received_ms, int64_t end_ms,
                          uint32_t random);

/*
 * The same, with what is drawn from the token's digest and the boot id: all
 * processes of a machine come to the same moment for a token, and two machines
 * with the same token don't.
 */
int64_t mpsc_refresh_moment(const char digest[MPSC_DIGEST_HEX_SIZE],
                            const char boot_id[MPSC_BOOT_ID_SIZE],
                            int64_t received_ms, int64_t end_ms);

/*
 * When a token in its advisory part is refreshed that may not be before
 * from_ms, since all refreshes are held up: uniformly in the first half of
 * what is left of it then, so that a fleet that was held up together does not
 * come back together; but when its mandatory part begins at the latest. Drawn
 * as its moment is.
 */
int64_t mpsc_refresh_put_off(const char digest[MPSC_DIGEST_HEX_SIZE],
                             const char boot_id[MPSC_BOOT_ID_SIZE],
                             const struct mpsc_refresh_token *token,
                             int64_t from_ms);

/*
 * When next, after a refresh that brought the same token: when half of what
 * remains is over, MPSC_REFRESH_PAUSE_MS at the least, but not after the end.
 */
int64_t mpsc_refresh_again(int64_t now_ms, int64_t end_ms);

/* When the mandatory part begins. No draw is later. */
int64_t mpsc_refresh_mandatory(int64_t received_ms, int64_t end_ms);

/*
 * The state; each begins with its boundary. A refresh_ms within the mandatory
 * part can only come from mpsc_refresh_again(): until then the token counts as
 * fresh, or each call would ask for the same token once more.
 */
enum mpsc_refresh_state
mpsc_refresh_state(const struct mpsc_refresh_token *token, int64_t now_ms);

/*
 * What to do for a caller with this wish. not_before_ms: the end of the
 * back-off after a failed refresh, 0 = none; it does not hold back a fetch
 * without which the caller would go away empty-handed. A wish that is not met
 * is a fetch, unless the token is younger than MPSC_LIFETIME_BACKOFF_MS.
 */
enum mpsc_refresh_action
mpsc_refresh_decide(const struct mpsc_refresh_token *token,
                    const struct mpsc_lifetime_wish *wish,
                    int64_t not_before_ms, int64_t now_ms);

/*
 * Until when that says, to a caller without a wish, to hand it out, and
 * nothing more is to be done than is done: under_way: a refresh is. In the
 * past where something is to be done now.
 */
int64_t mpsc_refresh_served_until(const struct mpsc_refresh_token *token,
                                  int64_t not_before_ms, int under_way);

/*
 * How many milliseconds to wait after a failed refresh. The bound is 30 s,
 * doubling to 15 min, but never more than half of what is left of the token,
 * so that its end is not slept through; the wait is drawn from the bound's
 * second half, and is MPSC_REFRESH_PAUSE_MS at the least. failures: in a row,
 * from 1. random: 32 uniform bits.
 */
int64_t mpsc_refresh_backoff(unsigned failures, int64_t left_ms,
                             uint32_t random);

#endif
