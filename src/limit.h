/* SPDX-License-Identifier: MIT */
/*
 * limit: when the endpoint is not asked, because of what it answered: a rate
 * limit, a refused token of the partner, a breaker for an endpoint that fails.
 * Pure; all processes of a user share one struct per profile (state.h). (Not
 * limits.h, which is a header of the C library.)
 *
 * Many requests are under way at once, so a result may come from one that
 * began before the last change. While something is closed nobody asks: what
 * comes then is such a late result. It may prolong a pause that the endpoint
 * itself demands, but neither doubles nor ends one.
 */
#ifndef MPSC_LIMIT_H
#define MPSC_LIMIT_H

#include <mps/credential.h>
#include <stdint.h>

#include "clock.h"

/* A time that the endpoint demands is believed up to here. */
#define MPSC_LIMITS_RATE_MAX_MS (INT64_C(24) * 3600 * 1000)

/* What steps and failures are counted up to. */
#define MPSC_LIMITS_COUNT_MAX 1000000u

/* The least per cent of X-App-Usage that delays advisory refreshes, and for
 * how long. */
#define MPSC_LIMITS_USAGE_PERCENT 95
#define MPSC_LIMITS_USAGE_MS 300000

enum mpsc_limits_verdict {
    MPSC_LIMITS_OPEN,
    MPSC_LIMITS_CLOSED,
    MPSC_LIMITS_PROBE /* the breaker's pause is over: one may ask, and must
                       * claim that first */
};

/* A reason not to ask, with the facts of the error that gave it. */
struct mpsc_limit {
    int code;         /* MPS_E_..., 0 = none */
    int64_t until_ms; /* CLOCK_BOOTTIME */
    unsigned step;    /* how many pauses of our own choice came in a row: the
                       * next one is twice as long */
    int http_status, graph_code, graph_subcode, is_transient;
    char type[64], fbtrace_id[64], message[256]; /* as in struct mps_error */
};

/* Zeroed: nothing is known, all is open. */
struct mpsc_limits {
    struct mpsc_limit rate;    /* MPS_E_RATE_LIMITED */
    struct mpsc_limit auth;    /* MPS_E_AUTH */
    struct mpsc_limit breaker; /* MPS_E_NETWORK, _TLS, _TIMEOUT or _SERVER:
                                * the last one, once the breaker is open */
    unsigned failures;         /* how many of these came in a row */
    int64_t probe_until_ms;    /* somebody probes until then; 0 = nobody */
    int64_t usage_until_ms;    /* no advisory refresh before; 0 = none */
};

/*
 * Whether the endpoint may be asked for a token that is needed now. now_ms:
 * CLOCK_BOOTTIME. *why: NULL for OPEN, else the reason that lasts longest, in
 * *limits. PROBE: call mpsc_limits_claim() on the same struct before another
 * process sees it, that is inside one mpsc_state_change().
 */
enum mpsc_limits_verdict mpsc_limits_check(const struct mpsc_limits *limits,
                                           int64_t now_ms,
                                           const struct mpsc_limit **why);

/*
 * True where a token that still lives may be refreshed ahead of time: nothing
 * is closed, nobody probes, and the app's use of the API is not near its
 * limit. Where mpsc_limits_check() says PROBE, such a refresh is the probe
 * and must claim.
 */
int mpsc_limits_allow_advisory(const struct mpsc_limits *limits,
                               int64_t now_ms);

/* When such a refresh may be made at the earliest, as far as it is known at
 * now_ms; now_ms where it may be now. */
int64_t mpsc_limits_advisory_from(const struct mpsc_limits *limits,
                                  int64_t now_ms);

/* This process probes, until until_ms (CLOCK_BOOTTIME) at the latest: then
 * another one may, should it have died. Only after the verdict PROBE. */
void mpsc_limits_claim(struct mpsc_limits *limits, int64_t until_ms);

/*
 * Counts a result of a request. error: NULL = success. app_usage: the
 * greatest per cent of X-App-Usage, -1 = it was not sent. now: all clocks
 * now; its wall_s turns error->retry_at into CLOCK_BOOTTIME. random: 32
 * uniform bits.
 *
 * MPS_E_RATE_LIMITED: closed until retry_at (at most 24 h ahead); where the
 * error gives none that is yet to come, for 30 s, doubling to 1 h, of which
 * half is drawn at random. MPS_E_AUTH: for a minute. The breaker opens at the
 * third MPS_E_NETWORK, _TLS, _TIMEOUT or _SERVER in a row, for 1 s; each
 * probe that fails doubles that, up to 60 s (75 to 125 % of it, drawn at
 * random); any other answer of the endpoint closes it, at once. A success
 * after the pause of a rate limit or refused token makes it forgotten.
 * Codes that are not the endpoint's doing (MPS_E_CONFIG, _KEYRING, _NO_MEMORY
 * and such) count for nothing.
 */
void mpsc_limits_count(struct mpsc_limits *limits,
                       const struct mps_error *error, int app_usage,
                       const struct mpsc_time *now, uint32_t random);

/*
 * Fills *error for a call that did not ask because of `why`: code and facts
 * as they were, retry_at (Unix seconds, rounded up, always in the future; by
 * less than a second too early, since now->wall_s has no fraction) and the
 * message "not asked, since <what>: <message of then>". Business and endpoint
 * are put before it by the caller.
 */
void mpsc_limits_explain(const struct mpsc_limit *why,
                         const struct mpsc_time *now, struct mps_error *error);

#endif
