/* SPDX-License-Identifier: MIT */
/*
 * A host that forks its workers first, as many servers do.
 *
 *     cc prefork.c -o prefork $(pkg-config --cflags mps-credential)
 *     ./prefork [-m MODULE] BUSINESS_ID...
 *
 * The parent loads the module, and may use it; each worker starts with an
 * empty memory and takes nothing from the parent: no lock, no descriptor. What
 * one worker has fetched the others find in the keyring.
 */
#include <mps/loader.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 3

static struct mps_api mps;

/* Every WORKERSth business; the worker's exit status. */
static int
work(int worker, char **businesses, int count)
{
    int failures = 0;

    for (int i = worker; i < count; i += WORKERS) {
        const struct mps_credential *credential;
        struct mps_error error = {.size = sizeof(error)};

        if (mps.get_credential(businesses[i], &credential) != MPS_OK) {
            mps.error(&error);
            fprintf(stderr, "worker %d: %s\n", worker, error.message);
            failures++;
            continue;
        }
        printf("%s: token %s, worker %d\n", businesses[i],
               credential->token_id, worker);
        mps.release_credential(credential);
    }
    return failures != 0;
}

int
main(int argc, char **argv)
{
    const char *module = NULL; /* where the administrator has it */
    struct mps_error error = {.size = sizeof(error)};
    int failures = 0;
    int status;
    int option;

    while ((option = getopt(argc, argv, "m:")) != -1) {
        if (option != 'm') {
            return 2;
        }
        module = optarg;
    }
    if (mps_load(&mps, module) != 0) {
        fprintf(stderr, "%s\n", mps.load_error);
        return 2;
    }
    /* A wrong configuration is told now, once, and not by each worker. */
    if (mps.prepare(NULL) != MPS_OK) {
        mps.error(&error);
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    for (int i = 0; i < WORKERS; i++) {
        pid_t child = fork();

        if (child == 0) {
            return work(i, argv + optind, argc - optind);
        }
        failures += child < 0;
    }
    /* The module's own processes are never seen here. */
    while (wait(&status) > 0) {
        failures += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    return failures != 0;
}
