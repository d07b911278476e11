/* SPDX-License-Identifier: MIT */
/*
 * dlopen: opens a library and prints what that took: microseconds, and by how
 * many kilobytes the process grew: resident, and its share of that (Pss: what
 * others have in memory, too, is counted in parts).
 *
 *     dlopen LIBRARY
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct size {
    long rss_kb;
    long pss_kb;
};

static int64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct size
measure(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    struct size size = {0, 0};
    char line[256];

    if (file == NULL) {
        perror("/proc/self/smaps_rollup");
        exit(2);
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "Rss:", 4) == 0) {
            size.rss_kb = strtol(line + 4, NULL, 10);
        } else if (strncmp(line, "Pss:", 4) == 0) {
            size.pss_kb = strtol(line + 4, NULL, 10);
        }
    }
    fclose(file);
    return size;
}

int
main(int argc, char **argv)
{
    struct size before;
    struct size after;
    int64_t begin_ns;
    int64_t end_ns;

    if (argc != 2) {
        fprintf(stderr, "usage: dlopen LIBRARY\n");
        return 2;
    }
    measure(); /* what reading it needs itself */
    before = measure();
    begin_ns = now_ns();
    if (dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    end_ns = now_ns();
    after = measure();
    printf("%.1f %ld %ld\n", (double)(end_ns - begin_ns) / 1e3,
           after.rss_kb - before.rss_kb, after.pss_kb - before.pss_kb);
    return 0;
}
