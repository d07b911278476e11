/* SPDX-License-Identifier: MIT */
/* A fleet that starts at once comes to the endpoint evenly, and all have a
 * token; see bench/fleet_model.h. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdlib.h>

#include "fleet_model.h"
#include "run_suites.h"

#define MACHINES 200
#define BUSINESSES 500
#define TOKENS (MACHINES * BUSINESSES)

static struct fleet_result result;

static void
run(struct fleet_plan plan)
{
    plan.machines = MACHINES;
    plan.businesses = BUSINESSES;
    plan.seed = 1;
    CU_ASSERT_EQUAL_FATAL(fleet_run(&plan, &result), 0);
    printf("(peak %.2f at %u, lost %lld and %lld) ", result.peak / result.mean,
           result.peak_minute, (long long)result.lost,
           (long long)result.unavoidable);
    free(result.per_minute);
}

/* One request at the start and one for each drawn refresh, after 70 % of a
 * life on average: 9.09 in six of them, by the theory of renewals. */
static void
test_calm(void)
{
    run((struct fleet_plan){.lifetimes = 6});
    CU_ASSERT(result.peak <= 1.5 * result.mean);
    CU_ASSERT_EQUAL(result.lost, 0);
    CU_ASSERT_EQUAL(result.unavoidable, 0);
    CU_ASSERT(result.requests > TOKENS / 100 * 905L);
    CU_ASSERT(result.requests < TOKENS / 100 * 913L);
}

static void
test_early(void)
{
    run((struct fleet_plan){.lifetimes = 6,
                            .outage = {78, 88},
                            .usage = {101, 106},
                            .limit = {101, 106}});
    CU_ASSERT(result.peak <= 1.5 * result.mean);
    CU_ASSERT_EQUAL(result.lost, 0);
}

/* What was held up doesn't come back at once: that would be 5.8. */
static void
test_late(void)
{
    run((struct fleet_plan){.lifetimes = 6,
                            .outage = {198, 203},
                            .usage = {261, 266},
                            .limit = {261, 266}});
    CU_ASSERT(result.peak <= 3 * result.mean);
    CU_ASSERT_EQUAL(result.lost, 0);
    CU_ASSERT_EQUAL(result.unavoidable, 0);
}

/* An outage that outlasts tokens: they are counted. */
static void
test_long(void)
{
    run((struct fleet_plan){.lifetimes = 3, .outage = {60, 150}});
    CU_ASSERT(result.unavoidable > TOKENS * 9L / 10);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"calm", test_calm},
        {"outage and limit in the second lifetime", test_early},
        {"in the fourth and fifth", test_late},
        {"a long outage", test_long},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"fleet", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
