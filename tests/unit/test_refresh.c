/* SPDX-License-Identifier: MIT */
/* A token's states from receipt to end, what each means for a caller, and how
 * refreshes are spread over time. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

#include "refresh.h"
#include "run_suites.h"

#define S INT64_C(1000)
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define MOST (INT64_MAX / 2)
#define ALL_ONES UINT32_MAX
#define RECEIVED INT64_C(50000000)
#define NO_WISH ((struct mpsc_lifetime_wish){0, 0})

/* A fixed sequence (Marsaglia's xorshift32), so that a failure comes again. */
static uint32_t
next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* What a token of each lifetime goes through. */
static const struct {
    int64_t lifetime;
    int64_t first, last; /* of the draws, after receipt */
    int64_t mandatory;   /* after receipt */
} lives[] = {
    {1 * S, 500, 900, 900},
    {20 * S, 10 * S, 18 * S, 18 * S},
    {60 * S, 30 * S, 54 * S, 54 * S},
    /* Here a tenth is the minute. */
    {600 * S, 300 * S, 540 * S, 540 * S},
    {HOUR, HOUR / 2, 3240 * S, HOUR - 60 * S},
    {60 * DAY, 30 * DAY, 54 * DAY, 60 * DAY - 60 * S},
};

#define LIVES (sizeof(lives) / sizeof(lives[0]))

static void
test_boundaries(void)
{
    for (size_t i = 0; i < LIVES; i++) {
        int64_t end = RECEIVED + lives[i].lifetime;

        CU_ASSERT_EQUAL(mpsc_refresh_draw(RECEIVED, end, 0),
                        RECEIVED + lives[i].first);
        CU_ASSERT_EQUAL(mpsc_refresh_draw(RECEIVED, end, ALL_ONES),
                        RECEIVED + lives[i].last);
        CU_ASSERT_EQUAL(mpsc_refresh_mandatory(RECEIVED, end),
                        RECEIVED + lives[i].mandatory);
    }
}

/* The clock moves on and stops just before and at each boundary. */
static void
test_states(void)
{
    for (size_t i = 0; i < LIVES; i++) {
        int64_t end = RECEIVED + lives[i].lifetime;
        int64_t mandatory = RECEIVED + lives[i].mandatory;
        struct mpsc_refresh_token token = {RECEIVED, RECEIVED + lives[i].first,
                                           end};
        const struct {
            int64_t now;
            enum mpsc_refresh_state state;
            enum mpsc_refresh_action action;
        } steps[] = {
            {RECEIVED, MPSC_REFRESH_FRESH, MPSC_REFRESH_SERVE},
            {token.refresh_ms - 1, MPSC_REFRESH_FRESH, MPSC_REFRESH_SERVE},
            {token.refresh_ms, MPSC_REFRESH_ADVISORY,
             MPSC_REFRESH_SERVE_AND_START},
            {mandatory - 1, MPSC_REFRESH_ADVISORY,
             MPSC_REFRESH_SERVE_AND_START},
            {mandatory, MPSC_REFRESH_MANDATORY, MPSC_REFRESH_FETCH_ELSE_SERVE},
            {end - 1, MPSC_REFRESH_MANDATORY, MPSC_REFRESH_FETCH_ELSE_SERVE},
            {end, MPSC_REFRESH_EXPIRED, MPSC_REFRESH_FETCH},
            {end + 60 * DAY, MPSC_REFRESH_EXPIRED, MPSC_REFRESH_FETCH},
        };

        for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
            CU_ASSERT_EQUAL(mpsc_refresh_state(&token, steps[j].now),
                            steps[j].state);
            CU_ASSERT_EQUAL(
                mpsc_refresh_decide(&token, &NO_WISH, 0, steps[j].now),
                steps[j].action);
        }
        /* The latest draw of a short life leaves no advisory part. */
        token.refresh_ms = RECEIVED + lives[i].last;
        CU_ASSERT_EQUAL(mpsc_refresh_state(&token, token.refresh_ms - 1),
                        MPSC_REFRESH_FRESH);
        CU_ASSERT_EQUAL(mpsc_refresh_state(&token, token.refresh_ms),
                        lives[i].last < lives[i].mandatory
                            ? MPSC_REFRESH_ADVISORY
                            : MPSC_REFRESH_MANDATORY);
    }
}

static void
test_decide(void)
{
    enum { END = 3600, YOUNG = MPSC_LIFETIME_BACKOFF_MS / 1000 };
    /* In seconds: an hour's token that is to be refreshed after half. */
    static const struct {
        int64_t now, not_before;
        struct mpsc_lifetime_wish wish;
        enum mpsc_refresh_action action;
    } rows[] = {
        /* The back-off holds until its end, whatever the state. */
        {1800, 1801, {0, 0}, MPSC_REFRESH_SERVE},
        {1801, 1801, {0, 0}, MPSC_REFRESH_SERVE_AND_START},
        {3540, 3541, {0, 0}, MPSC_REFRESH_SERVE},
        {3541, 3541, {0, 0}, MPSC_REFRESH_FETCH_ELSE_SERVE},
        /* But it keeps nobody from a token where there is none. */
        {END, END + 100, {0, 0}, MPSC_REFRESH_FETCH},
        /* A wish that is met changes nothing. */
        {1799, 0, {1801, 0}, MPSC_REFRESH_SERVE},
        {1800, 0, {1800, 0}, MPSC_REFRESH_SERVE_AND_START},
        {3540, 0, {60, 0}, MPSC_REFRESH_FETCH_ELSE_SERVE},
        /* One that isn't does, in each state, back-off or not. */
        {1799, 0, {1802, 0}, MPSC_REFRESH_FETCH},
        {1800, 0, {1801, 0}, MPSC_REFRESH_FETCH},
        {3540, 0, {61, 0}, MPSC_REFRESH_FETCH},
        {3540, 3600, {61, 0}, MPSC_REFRESH_FETCH},
        {1799, 0, {0, 1}, MPSC_REFRESH_FETCH},
        {1800, 1900, {0, 1}, MPSC_REFRESH_FETCH},
        {1800, 0, {UINT32_MAX, 0}, MPSC_REFRESH_FETCH},
        /* Just fetched: there is no better one to be had. */
        {YOUNG - 1, 0, {UINT32_MAX, 1}, MPSC_REFRESH_SERVE},
        {YOUNG, 0, {0, 1}, MPSC_REFRESH_FETCH},
        {YOUNG, 0, {END - YOUNG + 1, 0}, MPSC_REFRESH_FETCH},
        {YOUNG, 0, {END - YOUNG, 0}, MPSC_REFRESH_SERVE},
    };
    struct mpsc_refresh_token token = {RECEIVED, RECEIVED + 1800 * S,
                                       RECEIVED + END * S};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t not_before =
            rows[i].not_before > 0 ? RECEIVED + rows[i].not_before * S : 0;

        CU_ASSERT_EQUAL(mpsc_refresh_decide(&token, &rows[i].wish, not_before,
                                            RECEIVED + rows[i].now * S),
                        rows[i].action);
    }
    /* A wish can't be met by a token of 20 s: as without one, while young. */
    token = (struct mpsc_refresh_token){RECEIVED, RECEIVED + 10 * S,
                                        RECEIVED + 20 * S};
    for (int64_t second = 0; second <= 20; second++) {
        struct mpsc_lifetime_wish wish = {60, 1};
        int64_t now = RECEIVED + second * S;

        CU_ASSERT_EQUAL(mpsc_refresh_decide(&token, &wish, 0, now),
                        mpsc_refresh_decide(&token, &NO_WISH, 0, now));
    }
}

/*
 * 10,000 draws over an hour: all within 50 to 90 %, each tenth of that range
 * as full as the others (chi-square, 9 degrees of freedom, below the 99.9 %
 * quantile), and the mean at 70 %.
 */
static void
test_uniform(void)
{
    enum { DRAWS = 10000, PARTS = 10 };
    const int64_t first = HOUR / 2;
    const int64_t width = HOUR * 2 / 5;
    const double expected = (double)DRAWS / PARTS;
    unsigned parts[PARTS + 1] = {0};
    uint32_t state = 2463534242;
    double chi_square = 0;
    int64_t sum = 0;

    for (int i = 0; i < DRAWS; i++) {
        int64_t drawn =
            mpsc_refresh_draw(0, HOUR, next_random(&state)) - first;

        CU_ASSERT_FATAL(drawn >= 0 && drawn <= width);
        parts[drawn * PARTS / width]++;
        sum += drawn;
    }
    parts[PARTS - 1] += parts[PARTS];
    for (int i = 0; i < PARTS; i++) {
        double off = (double)parts[i] - expected;

        chi_square += off * off / expected;
    }
    CU_ASSERT(chi_square < 27.88);
    /* Three standard deviations of the mean: width / sqrt(12 * DRAWS). */
    CU_ASSERT(llabs(sum / DRAWS - width / 2) < width * 3 / 346);
}

/*
 * What is put off comes in the first half of what is left, as uniformly as
 * above; not by the draw of the token's moment, which says how much is left:
 * of those with a late moment as many come in the first part as of all.
 */
static void
test_put_off(void)
{
    enum { DRAWS = 10000, PARTS = 10 };
    const char boot[MPSC_BOOT_ID_SIZE] = "b31415";
    const char other_boot[MPSC_BOOT_ID_SIZE] = "b27182";
    char digest[MPSC_DIGEST_HEX_SIZE] = "";
    const struct mpsc_refresh_token token = {RECEIVED, 0, RECEIVED + 2 * HOUR};
    const int64_t from = RECEIVED + HOUR;
    const int64_t mandatory = token.end_ms - 60 * S;
    const double expected = (double)DRAWS / PARTS;
    unsigned parts[PARTS + 1] = {0};
    double chi_square = 0;
    unsigned late = 0;
    unsigned late_first = 0;

    for (int i = 0; i < DRAWS; i++) {
        int64_t moment;
        int64_t drawn;

        snprintf(digest, sizeof(digest), "%064d", i);
        moment = mpsc_refresh_moment(digest, boot, 0, HOUR);
        drawn = mpsc_refresh_put_off(digest, boot, &token, from) - from;
        CU_ASSERT_FATAL(drawn >= 0 && drawn <= HOUR / 2);
        parts[drawn * PARTS / (HOUR / 2)]++;
        if (moment >= HOUR * 7 / 10) {
            late++;
            late_first += drawn < HOUR / 4;
        }
    }
    parts[PARTS - 1] += parts[PARTS];
    for (int i = 0; i < PARTS; i++) {
        double off = (double)parts[i] - expected;

        chi_square += off * off / expected;
    }
    CU_ASSERT(chi_square < 27.88);
    /* Three standard deviations of a half of some 5,000. */
    CU_ASSERT(abs((int)(2 * late_first) - (int)late) < 2 * 107);
    CU_ASSERT_EQUAL(mpsc_refresh_put_off(digest, boot, &token, from),
                    mpsc_refresh_put_off(digest, boot, &token, from));
    CU_ASSERT_NOT_EQUAL(
        mpsc_refresh_put_off(digest, boot, &token, from),
        mpsc_refresh_put_off(digest, other_boot, &token, from));
    /* The last minute is for whoever needs it. */
    CU_ASSERT_EQUAL(mpsc_refresh_put_off(digest, boot, &token, mandatory),
                    mandatory);
    CU_ASSERT_EQUAL(
        mpsc_refresh_put_off(digest, boot, &token, token.end_ms + HOUR),
        mandatory);
}

/* Half of what remains, and in the last seconds no endless halving. */
static void
test_again(void)
{
    static const struct {
        int64_t left, wait;
    } rows[] = {
        {60 * DAY, 30 * DAY},
        {HOUR, HOUR / 2},
        {60 * S, 30 * S},
        {2 * S, 1 * S},
        {1999, 1 * S},
        {1001, 1 * S},
        {1 * S, 1 * S},
        {999, 999},
        {1, 1},
        {0, 0},
        {-5 * S, -5 * S},
    };
    struct mpsc_refresh_token token = {RECEIVED, 0, RECEIVED + HOUR};
    int64_t now = RECEIVED + HOUR / 2;
    int times = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(mpsc_refresh_again(RECEIVED, RECEIVED + rows[i].left),
                        RECEIVED + rows[i].wait);
    }
    /* An endpoint that gives one token for all of its hour is asked again and
     * again, but not by each call, the last minute included. */
    while (now < token.end_ms) {
        token.refresh_ms = mpsc_refresh_again(now, token.end_ms);
        CU_ASSERT_EQUAL(
            mpsc_refresh_decide(&token, &NO_WISH, 0, token.refresh_ms - 1),
            MPSC_REFRESH_SERVE);
        CU_ASSERT_NOT_EQUAL(
            mpsc_refresh_decide(&token, &NO_WISH, 0, token.refresh_ms),
            MPSC_REFRESH_SERVE);
        CU_ASSERT_FATAL(token.refresh_ms > now);
        now = token.refresh_ms;
        times++;
    }
    /* 1800 s halve to 2 s in ten steps, and the end is reached in two. */
    CU_ASSERT_EQUAL(times, 12);
}

static void
test_backoff(void)
{
    static const struct {
        unsigned failures;
        int64_t left;
        int64_t least, most;
    } rows[] = {
        /* 0 doesn't happen; it must not be undefined all the same. */
        {0, DAY, 15 * S, 30 * S},
        {1, DAY, 15 * S, 30 * S},
        {2, DAY, 30 * S, 60 * S},
        {3, DAY, 60 * S, 120 * S},
        {4, DAY, 120 * S, 240 * S},
        {5, DAY, 240 * S, 480 * S},
        {6, DAY, 450 * S, 900 * S},
        {7, DAY, 450 * S, 900 * S},
        {UINT32_MAX, DAY, 450 * S, 900 * S},
        {UINT32_MAX, MOST, 450 * S, 900 * S},
        /* Half of what is left. */
        {1, 60 * S, 15 * S, 30 * S},
        {1, 59 * S, 14750, 29500},
        {9, 60 * S, 15 * S, 30 * S},
        {9, 1799 * S, 449750, 899500},
        {3, 8 * S, 2 * S, 4 * S},
        /* A second. */
        {3, 3 * S, 1 * S, 1500},
        {3, 2 * S, 1 * S, 1 * S},
        {1, 1, 1 * S, 1 * S},
        {1, 0, 1 * S, 1 * S},
        {1, -MOST, 1 * S, 1 * S},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(
            mpsc_refresh_backoff(rows[i].failures, rows[i].left, 0),
            rows[i].least);
        CU_ASSERT_EQUAL(
            mpsc_refresh_backoff(rows[i].failures, rows[i].left, ALL_ONES),
            rows[i].most);
    }
    CU_ASSERT_EQUAL(mpsc_refresh_backoff(1, DAY, ALL_ONES / 2), 22500);
    CU_ASSERT_EQUAL(mpsc_refresh_backoff(1, -8 * S, ALL_ONES / 2), 1 * S);
}

/*
 * The endpoint is down from the earliest draw to the end: how often it is
 * asked by a host that asks us all the time, at the worst, that is with each
 * back-off at its shortest. Sixty days are 30 days / 450 s, and a few.
 */
static void
test_down(void)
{
    static const unsigned requests[LIVES] = {1, 8, 12, 21, 30, 5786};

    for (size_t i = 0; i < LIVES; i++) {
        int64_t end = RECEIVED + lives[i].lifetime;
        struct mpsc_refresh_token token = {RECEIVED, RECEIVED + lives[i].first,
                                           end};
        int64_t now = token.refresh_ms;
        unsigned failures = 0;

        while (now < end) {
            int64_t again;

            CU_ASSERT_NOT_EQUAL(
                mpsc_refresh_decide(&token, &NO_WISH, now, now),
                MPSC_REFRESH_SERVE);
            failures++;
            again = now + mpsc_refresh_backoff(failures, end - now, 0);
            CU_ASSERT_EQUAL(mpsc_refresh_decide(&token, &NO_WISH, again, now),
                            MPSC_REFRESH_SERVE);
            now = again;
        }
        CU_ASSERT_EQUAL(failures, requests[i]);
    }
}

/* Beyond any lifetime that there is: sanitizers look on. */
static void
test_extremes(void)
{
    static const int64_t received[] = {-MOST, -1, 0, 1, RECEIVED, MOST - 1};
    uint32_t state = 88675123;

    for (size_t i = 0; i < sizeof(received) / sizeof(received[0]); i++) {
        int64_t lifetime = MOST - received[i];
        struct mpsc_refresh_token token = {received[i], 0, MOST};

        for (int j = 0; j < 1000; j++) {
            token.refresh_ms =
                mpsc_refresh_draw(received[i], MOST, next_random(&state));
            CU_ASSERT_FATAL(token.refresh_ms - received[i] >= lifetime / 2);
            CU_ASSERT_FATAL(MOST - token.refresh_ms >= lifetime / 10);
            CU_ASSERT_FATAL(token.refresh_ms <=
                            mpsc_refresh_mandatory(received[i], MOST));
        }
        CU_ASSERT(mpsc_refresh_draw(received[i], MOST, ALL_ONES) -
                      received[i] >=
                  lifetime / 100 * 89);
        CU_ASSERT_EQUAL(mpsc_refresh_state(&token, MOST),
                        MPSC_REFRESH_EXPIRED);
        CU_ASSERT_EQUAL(mpsc_refresh_state(&token, -MOST), MPSC_REFRESH_FRESH);
        CU_ASSERT_EQUAL(mpsc_refresh_again(received[i], MOST),
                        lifetime > 1 ? received[i] + lifetime / 2 : MOST);
    }
    /* Dead on arrival. */
    CU_ASSERT_EQUAL(mpsc_refresh_draw(MOST, -MOST, ALL_ONES), MOST);
    CU_ASSERT_EQUAL(mpsc_refresh_mandatory(MOST, -MOST), -MOST);
    CU_ASSERT_EQUAL(mpsc_refresh_draw(5, 5, ALL_ONES), 5);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"boundaries", test_boundaries},
        {"states", test_states},
        {"decisions", test_decide},
        {"uniform draws", test_uniform},
        {"put off", test_put_off},
        {"the same token again", test_again},
        {"back-off", test_backoff},
        {"an endpoint that is down", test_down},
        {"extremes", test_extremes},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"refresh", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
