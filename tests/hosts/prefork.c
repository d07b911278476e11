/* SPDX-License-Identifier: MIT */
/*
 * prefork: a server whose parent uses the module and then makes children that
 * use it, too, like a web server's workers.
 *
 *     prefork after BUSINESS: eight children, and a child of each.
 *     prefork inside FUNCTION BUSINESS OTHER: children born while threads of
 *         the parent are inside that function, over and over.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "functions.h"
#include "house.h"

#define WORKERS 8
#define THREADS 4

/* A hang, wherever it is, ends with SIGALRM. */
#define ALARM_S 100

/* Generous: the machine may be busy with eight at once. */
#define DEADLINE_MS 30000u

enum { TOO_LATE = 40, BAD_EVENT = 41, BAD_CHILD = 42 };

/* In a child, where house_expect()'s lock may be a lost thread's: an exit
 * status, 0 or what went wrong. */
static int
work(const char *business_id)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = business_id,
                                        .deadline_ms = DEADLINE_MS};
    const struct mps_credential *credential = NULL;
    int64_t begin = house_ms();
    int code = mps.get_credential_with(&request, &credential);

    mps.release_credential(credential);
    if (code != MPS_OK) {
        return code;
    }
    if (house_ms() - begin > DEADLINE_MS + house_margin()) {
        return TOO_LATE;
    }
    return mps.event_fd() > 2 ? 0 : BAD_EVENT;
}

/* A child of the child: 0 where it did its part. */
static int
fork_again(const char *business_id)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        int result;

        alarm(ALARM_S);
        result = work(business_id);
        mps.shutdown();
        _exit(result);
    }
    waitpid(pid, &status, 0);
    return house_child_did_well(status) ? 0 : BAD_CHILD;
}

static _Noreturn void
be_worker(const char *business_id, const struct mps_credential *inherited,
          int forks)
{
    int result;

    alarm(ALARM_S);
    mps.release_credential(inherited);
    result = work(business_id);
    if (result == 0 && forks) {
        result = fork_again(business_id);
    }
    if (result == 0) {
        result = work(business_id);
    }
    mps.shutdown();
    _exit(result);
}

static void
see_off(const pid_t *pids, int count)
{
    for (int i = 0; i < count; i++) {
        int status = -1;

        waitpid(pids[i], &status, 0);
        house_expect(house_child_did_well(status), "child %d: wait status %#x",
                     i, (unsigned)status);
    }
}

static void
fork_after(const char *business_id)
{
    const struct mps_credential *credential = NULL;
    pid_t pids[WORKERS];

    house_expect(mps.get_credential(business_id, &credential) == MPS_OK,
                 "no credential before the fork");
    for (int i = 0; i < WORKERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            be_worker(business_id, credential, 1);
        }
    }
    see_off(pids, WORKERS);
    /* the parent's is as it was */
    house_expect(credential != NULL && credential->access_token[0] != '\0',
                 "the parent's token is gone");
    mps.release_credential(credential);
    (void)house_get(business_id, MPS_OK, DEADLINE_MS);
}

/* --- one function, from all sides -----------------------------------------
 */

static atomic_int over;
static atomic_long calls;
static functions_call *function;

static void *
be_inside(void *arg)
{
    while (!atomic_load(&over)) {
        function();
        atomic_fetch_add(&calls, 1);
    }
    return arg;
}

static void
fork_inside(const char *business_id)
{
    pthread_t threads[THREADS];
    pid_t pids[WORKERS];

    (void)house_get(business_id, MPS_OK, DEADLINE_MS);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, be_inside, NULL);
    }
    for (int i = 0; i < WORKERS; i++) {
        house_nap(7 + 5 * i);
        pids[i] = fork();
        if (pids[i] == 0) {
            be_worker(business_id, NULL, i % 4 == 0);
        }
    }
    see_off(pids, WORKERS);
    atomic_store(&over, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    house_expect(atomic_load(&calls) > 0, "no call was made meanwhile");
    house_tell("calls=%ld", atomic_load(&calls));
    (void)house_get(business_id, MPS_OK, DEADLINE_MS);
}

int
main(int argc, char **argv)
{
    if (argc == 5) {
        function = functions_find(argv[2], argv[4]);
    }
    if (argc != 3 && (argc != 5 || function == NULL)) {
        return 98;
    }
    house_open();
    house_before();
    if (function == NULL) {
        fork_after(argv[2]);
    } else {
        fork_inside(argv[3]);
    }
    house_after();
    return house_end();
}
