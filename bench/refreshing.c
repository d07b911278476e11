/* SPDX-License-Identifier: MIT */
/*
 * refreshing: a host with two threads that ask for the businesses of a list
 * without a pause, in different orders, while another thread has their tokens
 * refreshed one after the other.
 *
 *     refreshing MODULE LIST CALLS SECONDS
 *
 * Prints how many calls the two made, CALLS at least and for so many SECONDS;
 * how often one of them gave its processor up, as a thread does that waits for
 * a lock; the longest that 100 calls took, in milliseconds; and how many
 * seconds it was.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "host.h"

#define THREADS 2
#define BATCH 100

/* A token may be refreshed by force at this age. */
#define BACKOFF_S 30

struct caller {
    pthread_t thread;
    size_t step; /* from one business to the next */
    size_t least_calls;
    int64_t seconds;
    size_t calls;
    long waits;
    int64_t longest_ns;
};

static int64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* BATCH calls, from the business `next` on. Returns the one after them. */
static size_t
call_batch(size_t next, size_t step)
{
    const struct mps_credential *credential;

    for (int i = 0; i < BATCH; i++) {
        if (mps.get_credential(host_ids[next], &credential) != MPS_OK) {
            fprintf(stderr, "refreshing: no token for business %s\n",
                    host_ids[next]);
            exit(1);
        }
        mps.release_credential(credential);
        next = (next + step) % host_count;
    }
    return next;
}

/* bench/refreshing.sh counts the calls that this makes. */
__attribute__((noinline)) void *
keep_calling(void *arg)
{
    struct caller *self = arg;
    int64_t last_ns = now_ns();
    int64_t end_ns = last_ns + self->seconds * 1000000000;
    struct rusage usage;
    size_t next = 0;

    getrusage(RUSAGE_THREAD, &usage);
    self->waits = usage.ru_nvcsw;
    while (self->calls < self->least_calls || last_ns < end_ns) {
        int64_t begin_ns = last_ns;

        next = call_batch(next, self->step);
        self->calls += BATCH;
        last_ns = now_ns();
        if (last_ns - begin_ns > self->longest_ns) {
            self->longest_ns = last_ns - begin_ns;
        }
    }
    getrusage(RUSAGE_THREAD, &usage);
    self->waits = usage.ru_nvcsw - self->waits;
    return NULL;
}

/* Has each of the businesses refreshed, evenly over the time. */
static void
refresh_all(int64_t seconds)
{
    int64_t pause_ns = seconds * 1000000000 / (int64_t)host_count;
    const struct timespec pause = {pause_ns / 1000000000,
                                   pause_ns % 1000000000};
    struct mps_request request = {.size = sizeof(request),
                                  .flags = MPS_FORCE_REFRESH | MPS_NO_WAIT};
    const struct mps_credential *credential;

    for (size_t i = 0; i < host_count; i++) {
        request.business_id = host_ids[i];
        if (mps.get_credential_with(&request, &credential) == MPS_OK) {
            mps.release_credential(credential);
        }
        nanosleep(&pause, NULL);
    }
}

/* The first call of a business may have more to do than the later ones. */
static void
warm_up(void)
{
    size_t next = 0;

    do {
        next = call_batch(next, 1);
    } while (next != 0);
}

static void
start(struct caller *callers, size_t calls, int64_t seconds)
{
    for (size_t i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){
            /* Neither divides the number of businesses, a power of ten. */
            .step = i == 0 ? 1 : 7,
            .least_calls = calls / THREADS,
            .seconds = seconds};
        if (pthread_create(&callers[i].thread, NULL, keep_calling,
                           &callers[i]) != 0) {
            fprintf(stderr, "refreshing: no thread\n");
            exit(2);
        }
    }
}

int
main(int argc, char **argv)
{
    const struct timespec backoff = {BACKOFF_S + 1, 0};
    struct caller callers[THREADS];
    struct caller all = {0};
    int64_t seconds;
    int64_t begin_ns;

    if (argc != 5) {
        fprintf(stderr, "usage: refreshing MODULE LIST CALLS SECONDS\n");
        return 2;
    }
    seconds = strtol(argv[4], NULL, 10);
    host_open(argv[1], argv[2]);
    if (host_prefetch() != MPS_OK) {
        return 1;
    }
    nanosleep(&backoff, NULL);
    warm_up();
    begin_ns = now_ns();
    start(callers, strtoul(argv[3], NULL, 10), seconds);
    refresh_all(seconds);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        all.calls += callers[i].calls;
        all.waits += callers[i].waits;
        if (callers[i].longest_ns > all.longest_ns) {
            all.longest_ns = callers[i].longest_ns;
        }
    }
    printf("%zu %ld %.1f %.0f\n", all.calls, all.waits,
           (double)all.longest_ns / 1e6, (double)(now_ns() - begin_ns) / 1e9);
    return 0;
}
