/* SPDX-License-Identifier: MIT */
/*
 * prefetch_host: a host that prefetches the businesses of a list, one a line,
 * and ends: what bench/prefetch.sh measures against curl. Unlike the command
 * it doesn't wait until the keyring's helper has written what it was given.
 *
 *     prefetch_host MODULE LIST
 */
#include <mps/loader.h>
#include <stdlib.h>
#include <string.h>

#define IDS 1000

int
main(int argc, char **argv)
{
    static char lines[IDS][32];
    static const char *ids[IDS];
    struct mps_api mps;
    size_t count = 0;
    FILE *list;

    if (argc != 3 || mps_load(&mps, argv[1]) != 0) {
        fprintf(stderr, "%s\n", argc != 3 ? "MODULE LIST" : mps.load_error);
        return 2;
    }
    list = fopen(argv[2], "re");
    if (list == NULL) {
        perror(argv[2]);
        return 2;
    }
    while (count < IDS && fgets(lines[count], sizeof(lines[0]), list)) {
        lines[count][strcspn(lines[count], "\n")] = '\0';
        ids[count] = lines[count];
        count++;
    }
    fclose(list);
    return mps.prefetch_credentials(NULL, ids, count, NULL, NULL);
}
