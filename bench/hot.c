/* SPDX-License-Identifier: MIT */
/*
 * hot: a host whose businesses are all in memory: what bench/hot.sh and
 * bench/instructions.sh measure.
 *
 *     hot MODULE LIST time SAMPLES PAIRS
 *     hot MODULE LIST threads SAMPLES PAIRS
 *     hot MODULE LIST count PAIRS
 *
 * time: nanoseconds of processor time a pair, on one thread: module, floor; a
 * line a sample. threads: pairs a microsecond: the module's with one thread,
 * with two on different businesses, one and two on the same one; then four of
 * threads that share nothing, what the machine can do just then; then the
 * floor's four. count: PAIRS pairs of each, for a program that counts
 * instructions.
 */
#include <stdlib.h>
#include <string.h>

#include "floor.h"
#include "host.h"
#include "pairs.h"

/* The same order in each run. */
static void
shuffle(const char **ids, size_t count)
{
    srandom(1);
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)random() % i;
        const char *id = ids[i - 1];

        ids[i - 1] = ids[other];
        ids[other] = id;
    }
}

static void
sample_time(size_t pairs)
{
    const struct pairs_share all = {host_ids, host_count};

    printf("%.2f ", pairs_cost(module_pairs, &all, pairs));
    printf("%.2f\n", pairs_cost(floor_pairs, &all, pairs));
}

static void
sample_threads(size_t pairs)
{
    const size_t half = host_count / 2;
    const struct pairs_share apart[] = {{host_ids, half},
                                        {host_ids + half, half}};
    const struct pairs_share same[] = {{host_ids, 1}, {host_ids, 1}};
    pairs_fn *const loops[] = {module_pairs, alone_pairs, floor_pairs};

    for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
        printf("%.3f ", pairs_rate(loops[i], apart, 1, pairs));
        printf("%.3f ", pairs_rate(loops[i], apart, 2, pairs));
        printf("%.3f ", pairs_rate(loops[i], same, 1, pairs));
        printf("%.3f ", pairs_rate(loops[i], same, 2, pairs));
    }
    printf("\n");
}

static int
usage(void)
{
    fprintf(stderr, "usage: hot MODULE LIST time|threads SAMPLES PAIRS\n"
                    "       hot MODULE LIST count PAIRS\n");
    return 2;
}

int
main(int argc, char **argv)
{
    void (*sample)(size_t pairs) = NULL;
    size_t samples = 1;
    size_t pairs;

    if (argc == 6) {
        samples = strtoul(argv[4], NULL, 10);
        sample = strcmp(argv[3], "time") == 0      ? sample_time
                 : strcmp(argv[3], "threads") == 0 ? sample_threads
                                                   : NULL;
    }
    if (sample == NULL && (argc != 5 || strcmp(argv[3], "count") != 0)) {
        return usage();
    }
    pairs = strtoul(argv[argc - 1], NULL, 10);
    host_open(argv[1], argv[2]);
    if (host_prefetch() != MPS_OK) {
        return 1;
    }
    shuffle(host_ids, host_count);
    floor_fill(host_ids, host_count);
    if (sample == NULL) {
        module_pairs(host_ids, host_count, pairs);
        floor_pairs(host_ids, host_count, pairs);
    }
    for (; sample != NULL && samples > 0; samples--) {
        sample(pairs);
    }
    return 0;
}
