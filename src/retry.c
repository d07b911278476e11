/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "retry.h"

/* The bound of the first delay; it doubles up to the last. */
#define FIRST_BOUND_MS 250
#define LAST_BOUND_MS 8000

/* An attempt with less time than this would only end in MPS_E_TIMEOUT and
 * hide what the attempt before it was told. */
#define ATTEMPT_MS 100

/* Meta: may be a bad request, so it is given one more chance alone. */
#define GRAPH_CODE_UNKNOWN 1

static int
worth_retrying(const struct mps_error *error, unsigned attempt)
{
    switch (error->code) {
    case MPS_E_NETWORK:
        return 1;
    case MPS_E_SERVER:
        return error->graph_code != GRAPH_CODE_UNKNOWN || attempt == 1;
    case MPS_E_BAD_REQUEST:
    case MPS_E_NOT_FOUND:
    case MPS_E_UNPROCESSABLE:
        return error->is_transient;
    default:
        return 0;
    }
}

static int64_t
delay_bound(unsigned attempt)
{
    int64_t bound = FIRST_BOUND_MS;

    while (attempt > 1 && bound < LAST_BOUND_MS) {
        bound *= 2;
        attempt--;
    }
    return bound;
}

int
mpsc_retry_delay(const struct mps_error *error, unsigned attempt,
                 unsigned attempts, uint32_t random, int64_t now,
                 int64_t left_ms)
{
    int64_t bound = delay_bound(attempt);
    /* The high bits of the product: no modulo, no bias to speak of. */
    int64_t delay =
        (int64_t)(((uint64_t)random * (uint64_t)(bound + 1)) >> 32);

    if (attempt >= attempts || !worth_retrying(error, attempt)) {
        return -1;
    }
    if (error->retry_at > now) {
        int64_t wait_s = error->retry_at - now;

        if (wait_s > bound / 1000) {
            return -1;
        }
        delay = wait_s * 1000;
    }
    if (left_ms - delay < ATTEMPT_MS) {
        return -1;
    }
    return (int)delay;
}
