/* SPDX-License-Identifier: MIT */
/*
 * memory_host: a host that tells what its memory has grown by: what
 * bench/memory.sh measures.
 *
 *     memory_host MODULE cached COUNT
 *         prefetches one business, COUNT, then as many others; prints the
 *         bytes that each of the second added, and of the last, and a token's
 *         length
 *     memory_host MODULE rotation COUNT CALLS SECONDS
 *         calls for COUNT businesses by two threads, CALLS times in all,
 *         spread over the time; prints the bytes at the middle and at the end
 */
#include <malloc.h>
#include <mps/loader.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ID_SIZE (MPS_BUSINESS_ID_MAX + 1)
#define FIRST_ID 100000000000000L
#define THREADS 2
#define ROUNDS 1000

static struct mps_api mps;
static char (*ids)[ID_SIZE];
static const char **list;

static void
die(const char *what)
{
    struct mps_error error = {.size = sizeof(error)};

    (void)mps.error(&error);
    fprintf(stderr, "memory_host: %s: %s\n", what, error.message);
    exit(1);
}

static void
name_businesses(long count)
{
    ids = calloc((size_t)count, sizeof(*ids));
    list = calloc((size_t)count, sizeof(*list));
    if (ids == NULL || list == NULL) {
        die("out of memory");
    }
    for (long i = 0; i < count; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%ld", FIRST_ID + i);
        list[i] = ids[i];
    }
}

/* What this process alone has in RAM and has written to. */
static long
private_bytes(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    long kib = -1;

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "Private_Dirty: %ld", &kib);
    }
    if (file == NULL || kib < 0) {
        die("/proc/self/smaps_rollup");
    }
    fclose(file);
    return kib * 1024;
}

static size_t
get(const char *id)
{
    const struct mps_credential *credential;
    size_t len;

    if (mps.get_credential(id, &credential) != MPS_OK) {
        die(id);
    }
    len = strlen(credential->access_token);
    mps.release_credential(credential);
    return len;
}

static void
prefetch(const char *const *of, long count)
{
    if (mps.prefetch_credentials(NULL, of, (size_t)count, NULL, NULL) !=
        MPS_OK) {
        die("prefetch");
    }
}

/* With these businesses, too. What is free on the heap, of their fetches
 * mostly, will be used again and is no token's. */
static long
bytes_with(const char *const *more, long count)
{
    prefetch(more, count);
    malloc_trim(0);
    return private_bytes();
}

static int
run_cached(long count)
{
    long one;
    long many;
    long twice;

    name_businesses(2 * count);
    one = bytes_with(list, 1);
    many = bytes_with(list + 1, count - 1);
    twice = bytes_with(list + count, count);
    printf("%.1f %.1f %zu\n", (double)(many - one) / (double)(count - 1),
           (double)(twice - many) / (double)count, get(ids[0]));
    return 0;
}

/* --- rotation ---------------------------------------------------------------
 */

static long businesses;
static long calls;
static double seconds;
static pthread_barrier_t barrier;

static double
now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
wait_until(double moment)
{
    double left = moment - now_s();
    struct timespec pause = {(time_t)left,
                             (long)((left - (double)(time_t)left) * 1e9)};

    if (left > 0) {
        nanosleep(&pause, NULL);
    }
}

static void *
call(void *arg)
{
    double begin = now_s();
    long next = 0;

    for (int round = 0; round < ROUNDS; round++) {
        for (long i = 0; i < calls / THREADS / ROUNDS; i++) {
            (void)get(ids[next++ % businesses]);
        }
        wait_until(begin + seconds * (round + 1) / ROUNDS);
        if (round == ROUNDS / 2 - 1 || round == ROUNDS - 1) {
            pthread_barrier_wait(&barrier);
            if (arg != NULL) {
                printf("%ld\n", private_bytes());
            }
            pthread_barrier_wait(&barrier);
        }
    }
    return NULL;
}

static int
run_rotation(void)
{
    pthread_t other;

    name_businesses(businesses);
    prefetch(list, businesses);
    pthread_barrier_init(&barrier, NULL, THREADS);
    if (pthread_create(&other, NULL, call, NULL) != 0) {
        die("pthread_create");
    }
    call(list);
    pthread_join(other, NULL);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc < 4 || mps_load(&mps, argv[1]) != 0) {
        fprintf(stderr, "memory_host: %s\n",
                argc < 4 ? "MODULE WHAT COUNT" : mps.load_error);
        return 2;
    }
    businesses = strtol(argv[3], NULL, 10);
    if (strcmp(argv[2], "cached") == 0) {
        return run_cached(businesses);
    }
    if (argc != 6) {
        fprintf(stderr, "memory_host: CALLS and SECONDS are missing\n");
        return 2;
    }
    calls = strtol(argv[4], NULL, 10);
    seconds = strtod(argv[5], NULL);
    return run_rotation();
}
