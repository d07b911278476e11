/* SPDX-License-Identifier: MIT */
/*
 * fleet: runs fleet_model with an outage and a limit, and prints what came of
 * it: peak to mean, lost, unavoidable, requests; and with a file name, lines
 * of minute and requests to the mean.
 *
 *     fleet MACHINES BUSINESSES early|late [FILE]
 *
 * early: ten minutes of outage, and five of a high use of the API and five of
 * a limit, in the second lifetime; late: the same in the fifth.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet_model.h"

static int
write_curve(const char *path, const struct fleet_result *result)
{
    FILE *file = fopen(path, "w");

    if (file == NULL) {
        return -1;
    }
    for (unsigned i = 0; i < result->minutes; i++) {
        fprintf(file, "%u %.4f\n", i,
                (double)result->per_minute[i] / result->mean);
    }
    return fclose(file);
}

int
main(int argc, char **argv)
{
    struct fleet_plan plan = {.lifetimes = 8, .seed = 1};
    struct fleet_result result;
    double from = FLEET_LIFETIME_MIN;

    if (argc < 4 || argc > 5) {
        fputs("fleet: MACHINES BUSINESSES early|late [FILE]\n", stderr);
        return 2;
    }
    plan.machines = (unsigned)strtoul(argv[1], NULL, 10);
    plan.businesses = (unsigned)strtoul(argv[2], NULL, 10);
    from *= strcmp(argv[3], "late") == 0 ? 4 : 1;
    plan.outage = (struct fleet_span){from + 18, from + 28};
    plan.usage = (struct fleet_span){from + 41, from + 46};
    plan.limit = (struct fleet_span){from + 41, from + 46};
    if (fleet_run(&plan, &result) != 0) {
        fputs("fleet: out of memory\n", stderr);
        return 1;
    }
    printf("%.3f %" PRId64 " %" PRId64 " %" PRId64 "\n",
           result.peak / result.mean, result.lost, result.unavoidable,
           result.requests);
    if (argc > 4 && write_curve(argv[4], &result) != 0) {
        perror(argv[4]);
        return 1;
    }
    free(result.per_minute);
    return 0;
}
