/* SPDX-License-Identifier: MIT */
/*
 * daemon [-r DIRECTORY -u UID] FILE: a service as there are many, for
 * tests/system/run. Once a second it gets the credential of each business
 * that FILE lists and prints a line: the business, code=N, then source= and
 * token=, or the error's message. It ends by SIGTERM.
 *
 * -r and -u: it is one that prepares the module as root, then goes into
 * DIRECTORY for good and becomes that user.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <grp.h>
#include <mps/loader.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct mps_api mps;

static void
get(const char *business)
{
    const struct mps_credential *credential = NULL;
    struct mps_error error = {.size = sizeof(error)};
    int code = mps.get_credential(business, &credential);

    if (code == MPS_OK) {
        printf("%s code=0 source=%s token=%s\n", business,
               credential->source == MPS_SOURCE_KEYRING ? "keyring"
                                                        : "endpoint",
               credential->token_id);
        mps.release_credential(credential);
    } else {
        mps.error(&error);
        printf("%s code=%d %s\n", business, code, error.message);
    }
    fflush(stdout);
}

static void
get_all(FILE *list)
{
    char line[64];

    rewind(list);
    while (fgets(line, sizeof(line), list) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        get(line);
    }
}

static int
shut_in(const char *directory, uid_t user)
{
    if (mps.prepare(NULL) != MPS_OK || chroot(directory) != 0 ||
        chdir("/") != 0 || setgroups(0, NULL) != 0 || setgid(user) != 0 ||
        setuid(user) != 0) {
        perror(directory);
        return -1;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    const struct timespec second = {.tv_sec = 1};
    const char *directory = NULL;
    uid_t user = 0;
    FILE *list;
    int option;

    while ((option = getopt(argc, argv, "r:u:")) != -1) {
        switch (option) {
        case 'r':
            directory = optarg;
            break;
        case 'u':
            user = (uid_t)strtoul(optarg, NULL, 10);
            break;
        default:
            return 2;
        }
    }
    list = optind + 1 == argc ? fopen(argv[optind], "re") : NULL;
    if (list == NULL) {
        fputs("usage: daemon [-r DIRECTORY -u UID] FILE\n", stderr);
        return 2;
    }
    if (mps_load(&mps, NULL) != 0) {
        fprintf(stderr, "%s\n", mps.load_error);
        return 1;
    }
    if (directory != NULL && shut_in(directory, user) != 0) {
        return 1;
    }
    for (;;) {
        get_all(list);
        nanosleep(&second, NULL);
    }
}
