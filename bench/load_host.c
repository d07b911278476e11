/* SPDX-License-Identifier: MIT */
/*
 * load_host: one of the processes under load of bench/load.sh. Prefetches the
 * list; then each of its threads asks for every business once a second. Prints
 * a line for each token when it is first seen: business, token_id, when it
 * ends, and how many milliseconds after its receipt its refresh is drawn; and
 * at last "calls" and "failed" with their numbers.
 *
 *     load_host MODULE LIST THREADS SECONDS LIFETIME_S
 *
 * It is linked with the module's refresh.c, which says when that is.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "digest.h"
#include "host.h"
#include "refresh.h"

#define THREADS_MAX 64

/* What was seen of each business last. */
struct seen {
    pthread_mutex_t lock;
    char token_id[16];
};

static struct seen *seen;
static char boot_id[MPSC_BOOT_ID_SIZE];
static int64_t lifetime_ms;
static int64_t until_ms;
static atomic_long calls;
static atomic_long failed;

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
tell(size_t number, const struct mps_credential *credential)
{
    char digest[MPSC_DIGEST_HEX_SIZE];

    if (mpsc_digest_sha256(credential->access_token,
                           strlen(credential->access_token), digest) != 0) {
        abort();
    }
    printf("token %s %s %" PRId64 " %" PRId64 "\n", host_ids[number],
           credential->token_id, credential->expires_at,
           mpsc_refresh_moment(digest, boot_id, 0, lifetime_ms));
}

static void
ask(size_t number)
{
    struct seen *last = &seen[number];
    const struct mps_credential *credential;

    atomic_fetch_add(&calls, 1);
    if (mps.get_credential(host_ids[number], &credential) != MPS_OK) {
        atomic_fetch_add(&failed, 1);
        return;
    }
    pthread_mutex_lock(&last->lock);
    if (strcmp(last->token_id, credential->token_id) != 0) {
        memcpy(last->token_id, credential->token_id, sizeof(last->token_id));
        tell(number, credential);
    }
    pthread_mutex_unlock(&last->lock);
    mps.release_credential(credential);
}

static void *
work(void *arg)
{
    size_t first = (size_t)(uintptr_t)arg * host_count / THREADS_MAX;

    for (int64_t round_ms = now_ms(); round_ms < until_ms; round_ms += 1000) {
        int64_t left_ms;

        for (size_t i = 0; i < host_count; i++) {
            ask((first + i) % host_count);
        }
        left_ms = round_ms + 1000 - now_ms();
        if (left_ms > 0) {
            const struct timespec pause = {left_ms / 1000,
                                           left_ms % 1000 * 1000000};

            nanosleep(&pause, NULL);
        }
    }
    return NULL;
}

int
main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];
    size_t count;

    if (argc != 6) {
        fputs("load_host: MODULE LIST THREADS SECONDS LIFETIME_S\n", stderr);
        return 2;
    }
    count = strtoul(argv[3], NULL, 10);
    count = count < THREADS_MAX ? count : THREADS_MAX;
    until_ms = now_ms() + strtol(argv[4], NULL, 10) * 1000;
    lifetime_ms = strtol(argv[5], NULL, 10) * 1000;
    mpsc_clock_boot_id(boot_id);
    host_open(argv[1], argv[2]);
    seen = calloc(host_count, sizeof(*seen));
    if (seen == NULL || host_prefetch() != MPS_OK) {
        return 1;
    }
    for (size_t i = 0; i < host_count; i++) {
        pthread_mutex_init(&seen[i].lock, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i) !=
            0) {
            fputs("load_host: no thread\n", stderr);
            return 1;
        }
    }
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("calls %ld\nfailed %ld\n", atomic_load(&calls),
           atomic_load(&failed));
    mps.shutdown();
    return 0;
}
