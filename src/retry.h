/* SPDX-License-Identifier: MIT */
/*
 * retry: whether a failed attempt is tried again within the same call, and
 * after what delay. Pure.
 */
#ifndef MPSC_RETRY_H
#define MPSC_RETRY_H

#include <mps/credential.h>
#include <stdint.h>

/*
 * The delay in milliseconds before the next attempt, or -1: no more.
 *
 * attempt: how many were made (from 1); attempts: how many may be made.
 * Tried again are network errors, 5xx, Graph code 1 (once) and 2, and what
 * says is_transient; never rate limits, auth, permission, TLS. The delay is
 * drawn with full jitter (AWS's name for: uniformly from 0 to the bound) from
 * 250 ms, doubling; a longer Retry-After is not waited for: then -1.
 * random: 32 uniform bits. now: Unix seconds. left_ms: what is left of the
 * deadline; a delay that would not leave time for an attempt is -1.
 */
int mpsc_retry_delay(const struct mps_error *error, unsigned attempt,
                     unsigned attempts, uint32_t random, int64_t now,
                     int64_t left_ms);

#endif
