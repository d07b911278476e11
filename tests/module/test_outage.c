/* SPDX-License-Identifier: MIT */
/*
 * An outage from a token's receipt to beyond its end: the old one is served to
 * its last second, then the right code comes; and the endpoint is treated
 * gently.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <time.h>

#include "world.h"

#define LIFETIME_S 14
#define BEYOND_S 4

/*
 * The bound. One attempt for each try (attempts = 1), and:
 *
 *   1  the token itself.
 *   5  refreshes. The first one is at half of the lifetime at the earliest,
 *      with 7 s left. A failed one backs off by half of what remains (which is
 *      less than the 15 s that the back-off has at least), but by no less than
 *      1 s: 7 s, 3.5 s, 1.75 s and 0.75 s left, and one more for the rounding
 *      of the times to seconds.
 *   3  after the end, until the breaker opens at the third failure in a row.
 *   3  probes in the 4 s (BEYOND_S) and the second of rounding behind it: the
 *      breaker's pauses are 1 s, 2 s, 4 s, each shortened by at most a
 *      quarter: 0.75 s, 2.25 s, 5.25 s.
 */
#define BOUND (1 + 5 + 3 + 3)

/* One business of one profile, watched for its token's life and beyond. */
struct watch {
    const char *profile; /* NULL = the host's */
    char business_id[24];
    int code; /* what is right after the end */
    struct world_got first;
    struct world_got last;
    long live;         /* calls before the end */
    long live_failed;  /* of these */
    long dead;         /* calls after the end */
    long dead_served;  /* of these: a token came */
    long dead_strange; /* of these: another code */
};

static int64_t
wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
ask(const struct watch *watch, struct world_got *got)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = watch->business_id,
                                        .profile = watch->profile};

    return world_get_with(&request, got);
}

/* The second around the end is nobody's: the endpoint's times have no
 * fractions. */
static void
look(struct watch *watch)
{
    int64_t begun = wall_ms();
    int code = ask(watch, &watch->last);

    if (wall_ms() < watch->first.expires_at * 1000) {
        watch->live++;
        watch->live_failed += code != MPS_OK;
    } else if (begun > (watch->first.expires_at + 1) * 1000) {
        watch->dead++;
        watch->dead_served += code == MPS_OK;
        watch->dead_strange += code != MPS_OK && code != watch->code;
    }
}

static void
check(const struct watch *watch)
{
    CU_ASSERT(watch->live > 100);
    CU_ASSERT_EQUAL(watch->live_failed, 0);
    CU_ASSERT(watch->dead > 10);
    CU_ASSERT_EQUAL(watch->dead_served, 0);
    CU_ASSERT_EQUAL(watch->dead_strange, 0);
    CU_ASSERT_EQUAL(watch->last.code, watch->code);
    CU_ASSERT(watch->last.error.retry_at > 0);
    CU_ASSERT(watch->last.error.retry_at <= time(NULL) + 90);
    if (watch->live_failed + watch->dead_served + watch->dead_strange > 0) {
        printf("\n    live %ld/%ld dead %ld/%ld/%ld last %d: %s\n",
               watch->live_failed, watch->live, watch->dead_served,
               watch->dead_strange, watch->dead, watch->last.code,
               watch->last.error.message);
    }
}

/* Both at once: an endpoint that answers 500, and one that is gone. */
static void
test_outage(void)
{
    struct watch failing = {.code = MPS_E_SERVER};
    struct watch gone = {.profile = "gone", .code = MPS_E_NETWORK};
    char url[64];
    char query[64];
    int64_t until;

    snprintf(query, sizeof(query), "lifetime_s=%d", LIFETIME_S);
    snprintf(url, sizeof(url), "%s",
             world_second_emulator("second", "--log=/dev/null"));
    snprintf(failing.business_id, sizeof(failing.business_id), "%s",
             world_business());
    snprintf(gone.business_id, sizeof(gone.business_id), "%s",
             world_business());
    world_emulate("", query);
    world_speak_to(url);
    world_emulate("", query);
    world_speak_to(NULL);
    world_configure("attempts = 1\nkeyring_deadline_ms = 8000\n"
                    "deadline_ms = 20000\n"
                    "[gone]\nbase_url = %s\ntoken_file = %s\nca_file = %s\n",
                    url, world_path("second/partner_token"),
                    world_path("second/ca.pem"));
    CU_ASSERT_EQUAL(ask(&failing, &failing.first), MPS_OK);
    CU_ASSERT_EQUAL(ask(&gone, &gone.first), MPS_OK);
    world_emulate("", "status=500");
    world_stop_emulator(url);
    until = wall_ms() + (LIFETIME_S + 1 + BEYOND_S) * 1000L;
    while (wall_ms() < until) {
        look(&failing);
        look(&gone);
        world_nap(10);
    }
    check(&failing);
    check(&gone);
    CU_ASSERT(world_requests("") <= BOUND);
    /* it did try */
    CU_ASSERT(world_requests("") >= 3);
    printf("(%ld requests, bound %d) ", world_requests(""), BOUND);
    world_reset();
}

static CU_TestInfo tests[] = {
    {"served to the end, then the right code; gently", test_outage},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"outage", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
