/* SPDX-License-Identifier: MIT */
/*
 * restart: a host that has been started again and serves the businesses of a
 * list, one a line, in an order of its own; all are in the keyring. Prints in
 * milliseconds how long the first call took, when the last call ended that
 * took more than 1 ms (then all is hot), and how many took so long.
 *
 *     restart MODULE LIST
 */
#include <mps/loader.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDS_MAX 20000
#define HOT_MS 1.0

static char ids[IDS_MAX][24];

static double
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static size_t
read_list(const char *path)
{
    FILE *list = fopen(path, "re");
    size_t count = 0;

    if (list == NULL) {
        perror(path);
        exit(2);
    }
    while (count < IDS_MAX && fgets(ids[count], sizeof(ids[0]), list)) {
        ids[count][strcspn(ids[count], "\n")] = '\0';
        count++;
    }
    fclose(list);
    return count;
}

static void
shuffle(size_t count)
{
    srandom(1);
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)random() % i;
        char id[24];

        memcpy(id, ids[i - 1], sizeof(id));
        memcpy(ids[i - 1], ids[other], sizeof(id));
        memcpy(ids[other], id, sizeof(id));
    }
}

int
main(int argc, char **argv)
{
    double begin = now_ms();
    double first = 0;
    double hot = 0;
    size_t slow = 0;
    struct mps_api mps;
    size_t count;

    if (argc != 3 || mps_load(&mps, argv[1]) != 0) {
        fprintf(stderr, "%s\n", argc != 3 ? "MODULE LIST" : mps.load_error);
        return 2;
    }
    count = read_list(argv[2]);
    shuffle(count);
    for (size_t i = 0; i < count; i++) {
        const struct mps_credential *credential;
        double from = now_ms();
        int code = mps.get_credential(ids[i], &credential);
        double until = now_ms();

        if (code != MPS_OK || credential->source != MPS_SOURCE_KEYRING) {
            fprintf(stderr, "restart: %s: %s\n", ids[i],
                    code != MPS_OK ? mps.strerror(code)
                                   : "not from the keyring");
            return 1;
        }
        mps.release_credential(credential);
        if (i == 0) {
            first = until - begin;
        }
        if (until - from > HOT_MS) {
            hot = until - begin;
            slow++;
        }
    }
    printf("%.1f %.1f %zu\n", first, hot, slow);
    return 0;
}
