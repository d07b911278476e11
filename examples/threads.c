/* SPDX-License-Identifier: MIT */
/*
 * A host with threads: each asks for what it needs, whenever it needs it.
 *
 *     cc threads.c -o threads -pthread $(pkg-config --cflags mps-credential)
 *     ./threads [-m MODULE] BUSINESS_ID...
 *
 * One thread for each business here; threads that ask for the same business at
 * once share one fetch.
 */
#include <mps/loader.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* Filled before the first thread starts, and only read from then on. */
static struct mps_api mps;

/* A thread's work for one business; returns its argument where that failed. */
static void *
work(void *business)
{
    const struct mps_credential *credential;
    struct mps_error error = {.size = sizeof(error)};

    if (mps.get_credential(business, &credential) != MPS_OK) {
        mps.error(&error); /* this thread's own last failure */
        fprintf(stderr, "%s: %s\n", (const char *)business, error.message);
        return business;
    }
    /* Held while it is used and no longer: the next call has it from memory,
     * or a newer one. */
    printf("%s: token %s\n", (const char *)business, credential->token_id);
    mps.release_credential(credential);
    return NULL;
}

int
main(int argc, char **argv)
{
    const char *module = NULL; /* where the administrator has it */
    pthread_t *threads;
    int failures = 0;
    int started = 0;
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
    threads = calloc((size_t)argc, sizeof(*threads));
    if (threads == NULL) {
        return 2;
    }
    for (int i = optind; i < argc; i++) {
        if (pthread_create(&threads[started], NULL, work, argv[i]) != 0) {
            fprintf(stderr, "%s: no thread\n", argv[i]);
            failures++;
            continue;
        }
        started++;
    }
    for (int i = 0; i < started; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        failures += failed != NULL;
    }
    free(threads);
    mps.shutdown(); /* before exit() it may be left out */
    return failures != 0;
}
