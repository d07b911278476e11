/* SPDX-License-Identifier: MIT */
/*
 * prefetch_host: a host that prefetches the businesses of a list, one a line,
 * and ends: what bench/prefetch.sh measures against curl. Unlike the command
 * it doesn't wait until the keyring's helper has written what it was given.
 *
 *     prefetch_host MODULE LIST
 */
#include "host.h"

int
main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: prefetch_host MODULE LIST\n");
        return 2;
    }
    host_open(argv[1], argv[2]);
    return host_prefetch();
}
