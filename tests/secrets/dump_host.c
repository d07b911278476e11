/* SPDX-License-Identifier: MIT */
/*
 * dump_host: a host that leaves a core dump behind in the directory DIR when
 * it has got the businesses' credentials and, by STAGE,
 *
 *     held       holds one of them
 *     released   has released all of them
 *     shutdown   has shut the module down as well
 *     quiet      likewise; it ends without a dump
 *
 *     dump_host DIR STAGE BUSINESS...
 */
#include <mps/loader.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static struct mps_api mps;

static int
fetch(char **businesses, const struct mps_credential **last)
{
    for (; *businesses != NULL; businesses++) {
        const struct mps_request request = {.size = sizeof(request),
                                            .business_id = *businesses,
                                            .deadline_ms = 30000};

        mps.release_credential(*last);
        if (mps.get_credential_with(&request, last) != MPS_OK) {
            return -1;
        }
    }
    return 0;
}

int
main(int argc, char **argv)
{
    const char *path = getenv("MPS_TEST_MODULE");
    const struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};
    const struct mps_credential *credential = NULL;

    alarm(120);
    if (argc < 4 || path == NULL || mps_load(&mps, path) != 0) {
        return 99;
    }
    if (fetch(argv + 3, &credential) != 0) {
        return 98;
    }
    if (strcmp(argv[2], "held") != 0) {
        mps.release_credential(credential);
    }
    if (strcmp(argv[2], "shutdown") == 0 || strcmp(argv[2], "quiet") == 0) {
        mps.shutdown();
    }
    if (strcmp(argv[2], "quiet") == 0) {
        return 0;
    }
    prctl(PR_SET_DUMPABLE, 1);
    if (chdir(argv[1]) != 0 || setrlimit(RLIMIT_CORE, &no_limit) != 0) {
        return 97;
    }
    signal(SIGABRT, SIG_DFL);
    raise(SIGABRT);
    return 96;
}
