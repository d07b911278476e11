/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "refresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t
min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Uniform in 0..bound: the high bits of the product, no modulo. It is taken in
 * two halves, since 32 bits times a long lifetime are more than 64. */
static int64_t
draw(int64_t bound, uint32_t random)
{
    uint64_t count = (uint64_t)bound + 1;
    uint64_t low = count & UINT32_MAX;

    return (int64_t)((count >> 32) * random + ((low * random) >> 32));
}

int64_t
mpsc_refresh_draw(int64_t received_ms, int64_t end_ms, uint32_t random)
{
    int64_t lifetime = max(end_ms - received_ms, 0);
    int64_t first = lifetime / 2;
    int64_t last = lifetime - lifetime / 10;

    return received_ms + first + draw(last - first, random);
}

/* 32 bits that look random, and are the same for the same texts. */
static uint32_t
drawn_from(const char *first, const char *second)
{
    char seed[MPSC_DIGEST_HEX_SIZE + MPSC_BOOT_ID_SIZE];
    char sum[MPSC_DIGEST_HEX_SIZE] = "80000000";
    char digits[9] = "";

    snprintf(seed, sizeof(seed), "%s%s", first, second);
    (void)mpsc_digest_sha256(seed, strlen(seed), sum);
    memcpy(digits, sum, sizeof(digits) - 1);
    return (uint32_t)strtoul(digits, NULL, 16);
}

int64_t
mpsc_refresh_moment(const char digest[MPSC_DIGEST_HEX_SIZE],
                    const char boot_id[MPSC_BOOT_ID_SIZE], int64_t received_ms,
                    int64_t end_ms)
{
    return mpsc_refresh_draw(received_ms, end_ms, drawn_from(digest, boot_id));
}

int64_t
mpsc_refresh_again(int64_t now_ms, int64_t end_ms)
{
    int64_t left = end_ms - now_ms;

    return min(now_ms + max(left / 2, MPSC_REFRESH_PAUSE_MS), end_ms);
}

int64_t
mpsc_refresh_mandatory(int64_t received_ms, int64_t end_ms)
{
    int64_t lifetime = max(end_ms - received_ms, 0);

    return end_ms - min(lifetime / 10, MPSC_REFRESH_MANDATORY_MS);
}

int64_t
mpsc_refresh_put_off(const char digest[MPSC_DIGEST_HEX_SIZE],
                     const char boot_id[MPSC_BOOT_ID_SIZE],
                     const struct mpsc_refresh_token *token, int64_t from_ms)
{
    /* The other way round: the draw of the moment says how much is left now,
     * and a draw that goes with that is none. */
    uint32_t random = drawn_from(boot_id, digest);
    int64_t half = max(token->end_ms - from_ms, 0) / 2;

    return min(from_ms + draw(half, random),
               mpsc_refresh_mandatory(token->received_ms, token->end_ms));
}

enum mpsc_refresh_state
mpsc_refresh_state(const struct mpsc_refresh_token *token, int64_t now_ms)
{
    if (now_ms >= token->end_ms) {
        return MPSC_REFRESH_EXPIRED;
    }
    if (now_ms < token->refresh_ms) {
        return MPSC_REFRESH_FRESH;
    }
    return now_ms < mpsc_refresh_mandatory(token->received_ms, token->end_ms)
               ? MPSC_REFRESH_ADVISORY
               : MPSC_REFRESH_MANDATORY;
}

enum mpsc_refresh_action
mpsc_refresh_decide(const struct mpsc_refresh_token *token,
                    const struct mpsc_lifetime_wish *wish,
                    int64_t not_before_ms, int64_t now_ms)
{
    enum mpsc_refresh_state state = mpsc_refresh_state(token, now_ms);

    if (!mpsc_lifetime_serves(token->received_ms, token->end_ms, now_ms,
                              wish)) {
        return MPSC_REFRESH_FETCH;
    }
    if (state == MPSC_REFRESH_FRESH || now_ms < not_before_ms) {
        return MPSC_REFRESH_SERVE;
    }
    return state == MPSC_REFRESH_ADVISORY ? MPSC_REFRESH_SERVE_AND_START
                                          : MPSC_REFRESH_FETCH_ELSE_SERVE;
}

int64_t
mpsc_refresh_served_until(const struct mpsc_refresh_token *token,
                          int64_t not_before_ms, int under_way)
{
    int64_t until = max(token->refresh_ms, not_before_ms);

    if (under_way) {
        until = max(until,
                    mpsc_refresh_mandatory(token->received_ms, token->end_ms));
    }
    return min(until, token->end_ms);
}

int64_t
mpsc_refresh_backoff(unsigned failures, int64_t left_ms, uint32_t random)
{
    int64_t bound = MPSC_REFRESH_BACKOFF_FIRST_MS;

    for (; failures > 1 && bound < MPSC_REFRESH_BACKOFF_LAST_MS; failures--) {
        bound *= 2;
    }
    bound = min(min(bound, MPSC_REFRESH_BACKOFF_LAST_MS), max(left_ms / 2, 0));
    return max(bound / 2 + draw(bound / 2, random), MPSC_REFRESH_PAUSE_MS);
}
