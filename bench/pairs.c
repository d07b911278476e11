/* SPDX-License-Identifier: MIT */
#include "pairs.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "floor.h"
#include "host.h"

#define MOST_THREADS 64

struct worker {
    pthread_t thread;
    pairs_fn *loop;
    struct pairs_share share;
    size_t pairs;
    int processor;
    atomic_uint *to_come;
    int64_t begin_ns;
    int64_t end_ns;
    int64_t used_ns; /* of processor time */
};

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "pairs: %s\n", what);
    exit(2);
}

static int64_t
read_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

__attribute__((noinline)) void
module_pairs(const char *const *ids, size_t count, size_t pairs)
{
    const struct mps_credential *credential;
    size_t next = 0;

    while (pairs-- > 0) {
        if (mps.get_credential(ids[next], &credential) != MPS_OK) {
            die("the module has no token");
        }
        mps.release_credential(credential);
        next = next + 1 < count ? next + 1 : 0;
    }
}

__attribute__((noinline)) void
floor_pairs(const char *const *ids, size_t count, size_t pairs)
{
    struct floor_token *token;
    size_t next = 0;

    while (pairs-- > 0) {
        token = floor_get(ids[next]);
        if (token == NULL) {
            die("the floor has no token");
        }
        floor_release(token);
        next = next + 1 < count ? next + 1 : 0;
    }
}

__attribute__((noinline)) void
alone_pairs(const char *const *ids, size_t count, size_t pairs)
{
    volatile unsigned sink;
    unsigned hash = 0;
    size_t next = 0;

    while (pairs-- > 0) {
        for (int i = 0; i < 4; i++) {
            for (const char *at = ids[next]; *at != '\0'; at++) {
                hash = hash * 31 + (unsigned char)*at;
            }
        }
        next = next + 1 < count ? next + 1 : 0;
    }
    sink = hash;
    (void)sink;
}

static void *
work(void *arg)
{
    struct worker *self = arg;
    cpu_set_t processors;

    CPU_ZERO(&processors);
    CPU_SET((unsigned)self->processor, &processors);
    sched_setaffinity(0, sizeof(processors), &processors);
    /* Caches and branches warm, as in the middle of a busy hour. */
    self->loop(self->share.ids, self->share.count,
               self->share.count + self->pairs / 20);
    /* Not by sleeping: waking up takes longer than many a sample. */
    atomic_fetch_sub(self->to_come, 1);
    while (atomic_load(self->to_come) > 0) {
        continue;
    }
    self->begin_ns = read_ns(CLOCK_MONOTONIC);
    self->used_ns = read_ns(CLOCK_THREAD_CPUTIME_ID);
    self->loop(self->share.ids, self->share.count, self->pairs);
    self->used_ns = read_ns(CLOCK_THREAD_CPUTIME_ID) - self->used_ns;
    self->end_ns = read_ns(CLOCK_MONOTONIC);
    return NULL;
}

/* Runs the shares' threads, and waits for them. */
static void
run(struct worker *workers, pairs_fn *loop, const struct pairs_share *shares,
    size_t threads, size_t pairs)
{
    atomic_uint to_come;

    if (threads > MOST_THREADS) {
        die("too many threads");
    }
    atomic_init(&to_come, (unsigned)threads);
    for (size_t i = 0; i < threads; i++) {
        workers[i] = (struct worker){.loop = loop,
                                     .share = shares[i],
                                     .pairs = pairs,
                                     .processor = (int)i,
                                     .to_come = &to_come};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            die("no thread");
        }
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
    }
}

double
pairs_rate(pairs_fn *loop, const struct pairs_share *shares, size_t threads,
           size_t pairs)
{
    struct worker workers[MOST_THREADS];
    int64_t begin_ns = INT64_MAX;
    int64_t end_ns = 0;

    run(workers, loop, shares, threads, pairs);
    for (size_t i = 0; i < threads; i++) {
        if (workers[i].begin_ns < begin_ns) {
            begin_ns = workers[i].begin_ns;
        }
        if (workers[i].end_ns > end_ns) {
            end_ns = workers[i].end_ns;
        }
    }
    return (double)(pairs * threads) * 1000 / (double)(end_ns - begin_ns);
}

double
pairs_cost(pairs_fn *loop, const struct pairs_share *share, size_t pairs)
{
    struct worker worker;

    run(&worker, loop, share, 1, pairs);
    return (double)worker.used_ns / (double)pairs;
}
