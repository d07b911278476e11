/* SPDX-License-Identifier: MIT */
/*
 * crowd ROUNDS SHUTDOWN BUSINESS...: a server with many threads on small
 * stacks, each of which calls whatever it needs. With SHUTDOWN 1 one of them
 * shuts the module down now and then, under the others' calls.
 *
 * The stacks are painted, to see how deep they were used, and a guard page is
 * below each.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "house.h"

#ifdef __SANITIZE_THREAD__
#define THREADS 16 /* it takes each of their steps into account */
#else
#define THREADS 64
#endif
#define DEADLINE_MS 30000u
#define PAINT 0xa5

/* An instrumented frame is several times as large. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_SIZE ((size_t)2 * 1024 * 1024)
#else
#define STACK_SIZE ((size_t)64 * 1024)
#endif

struct member {
    pthread_t thread;
    unsigned char *stack;
    unsigned number;
};

static struct {
    pthread_barrier_t barrier;
    unsigned rounds;
    int shutdown;
    char **ids;
    unsigned count;
    atomic_long calls;
} crowd;

/* A call that a shutdown ends is told so. */
static void
check(const char *what, int code, unsigned allowed)
{
    if (crowd.shutdown) {
        allowed |= 1u << MPS_E_TIMEOUT;
    }
    house_expect((allowed & 1u << code) != 0, "%s: code %d", what, code);
    atomic_fetch_add(&crowd.calls, 1);
}

static void
get(const char *business_id, unsigned flags)
{
    struct mps_error error = {.size = sizeof(error)};
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = business_id,
                                        .deadline_ms = DEADLINE_MS,
                                        .flags = flags,
                                        .error = &error};
    const struct mps_credential *credential = NULL;
    unsigned allowed = 1u << MPS_OK;
    int code;

    if ((flags & MPS_NO_WAIT) != 0) {
        /* The last is that of threads = no. */
        allowed |= 1u << MPS_E_AGAIN | 1u << MPS_E_CONFIG;
    }
    errno = EXDEV;
    code = mps.get_credential_with(&request, &credential);
    house_expect(errno == EXDEV, "errno is %d", errno);
    check("get", code, allowed);
    house_expect(code != MPS_OK || strlen(credential->access_token) > 0,
                 "an empty token");
    mps.release_credential(credential);
}

static void
call_something(unsigned which, const char *business_id, const char *other)
{
    const char *const ids[] = {business_id, other};
    struct mps_error error = {.size = sizeof(error)};

    switch (which % 8) {
    case 0:
        get(business_id, MPS_NO_WAIT);
        break;
    case 1:
        check("invalidate", mps.invalidate_credential(business_id, "none"),
              1u << MPS_OK);
        break;
    case 2:
        check("prefetch", mps.prefetch_credentials(NULL, ids, 2, NULL, NULL),
              1u << MPS_OK);
        break;
    case 3:
        check("error", mps.error(&error), 1u << MPS_OK);
        check("no digits", mps.get_credential("x", NULL), 1u << MPS_E_INVALID);
        break;
    case 4:
        check("prepare", mps.prepare(NULL), 1u << MPS_OK);
        break;
    case 5:
        house_expect(mps.event_fd() > 2, "no event");
        break;
    case 6:
        get(other, MPS_FORCE_REFRESH);
        break;
    default:
        get(other, 0);
        break;
    }
}

static void *
belong(void *arg)
{
    const struct member *member = arg;

    pthread_barrier_wait(&crowd.barrier);
    for (unsigned i = 0; i < crowd.rounds; i++) {
        unsigned n = member->number + 7 * i;
        const char *id = crowd.ids[n % crowd.count];
        const char *other = crowd.ids[(n + 1) % crowd.count];

        if (crowd.shutdown && member->number == 0) {
            mps.shutdown();
        }
        get(id, 0);
        call_something(n, id, other);
    }
    return NULL;
}

static int
join_crowd(struct member *member)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    pthread_attr_t attributes;
    void *memory = mmap(NULL, page + STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    int failed;

    if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) != 0) {
        return -1;
    }
    member->stack = (unsigned char *)memory + page;
    memset(member->stack, PAINT, STACK_SIZE);
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, member->stack, STACK_SIZE);
    failed = pthread_create(&member->thread, &attributes, belong, member);
    pthread_attr_destroy(&attributes);
    return failed ? -1 : 0;
}

/* How deep it was used: the C library's part at its top is in it. */
static size_t
leave_crowd(struct member *member)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t clean = 0;

    pthread_join(member->thread, NULL);
    while (clean < STACK_SIZE && member->stack[clean] == PAINT) {
        clean++;
    }
    munmap(member->stack - page, page + STACK_SIZE);
    return STACK_SIZE - clean;
}

int
main(int argc, char **argv)
{
    static struct member members[THREADS];
    size_t deepest = 0;

    if (argc < 4) {
        return 98;
    }
    crowd.rounds = (unsigned)strtoul(argv[1], NULL, 10);
    crowd.shutdown = argv[2][0] == '1';
    crowd.ids = argv + 3;
    crowd.count = (unsigned)argc - 3;
    house_open();
    house_before();
    pthread_barrier_init(&crowd.barrier, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        members[i].number = i;
        if (join_crowd(&members[i]) != 0) {
            return 97;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        size_t depth = leave_crowd(&members[i]);

        deepest = depth > deepest ? depth : deepest;
    }
    pthread_barrier_destroy(&crowd.barrier);
    house_tell("stack=%zu of=%zu calls=%ld", deepest, STACK_SIZE,
               atomic_load(&crowd.calls));
    house_after();
    return house_end();
}
