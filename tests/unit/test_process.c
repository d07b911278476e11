/* SPDX-License-Identifier: MIT */
/* One provider per process and fork generation; one last error per thread. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"
#include "process.h"
#include "provider.h"
#include "run_suites.h"

#define THREADS 16

/* First of all: nothing is made before it is needed. */
static void
test_none_yet(void)
{
    CU_ASSERT_PTR_NULL(mpsc_process_provider_if_any());
    CU_ASSERT_PTR_NULL(mpsc_process_error());
    CU_ASSERT_PTR_NULL(mpsc_process_provider_if_any());
}

static pthread_barrier_t barrier;

static void *
get_provider(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&barrier);
    return mpsc_process_provider();
}

/* Many threads are first at once. */
static void
test_one(void)
{
    pthread_t threads[THREADS];
    struct mpsc_provider *provider;

    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL_FATAL(
            pthread_create(&threads[i], NULL, get_provider, NULL), 0);
    }
    provider = NULL;
    for (int i = 0; i < THREADS; i++) {
        void *found = NULL;

        pthread_join(threads[i], &found);
        CU_ASSERT_PTR_NOT_NULL(found);
        if (provider != NULL) {
            CU_ASSERT_PTR_EQUAL(found, provider);
        }
        provider = found;
    }
    pthread_barrier_destroy(&barrier);
    CU_ASSERT_PTR_EQUAL(mpsc_process_provider(), provider);
    CU_ASSERT_PTR_EQUAL(mpsc_process_provider_if_any(), provider);
}

static void
log_nothing(void *arg, int priority, const char *line)
{
    (void)arg;
    (void)priority;
    (void)line;
}

/* What a child finds; its exit status is 0 where all is right. */
static int
look_in_child(const struct mpsc_provider *parents, int depth)
{
    struct mpsc_provider *mine;
    pid_t child;
    int status = -1;

    if (mpsc_process_provider_if_any() != NULL) {
        return 1;
    }
    mine = mpsc_process_provider();
    if (mine == NULL || mine == parents || mine->former != parents ||
        mine != mpsc_process_provider()) {
        return 2;
    }
    /* It inherits where the log goes, and nothing else. */
    if (atomic_load(&mine->hub.log.function) != log_nothing ||
        mine->profiles != NULL || mine->io != NULL ||
        mine->hub.event.fd != -1) {
        return 3;
    }
    /* Its lock is its own, whoever held the parent's. */
    mpsc_provider_lock(mine);
    mpsc_provider_unlock(mine);
    if (depth == 0) {
        return 0;
    }
    child = fork();
    if (child == 0) {
        _exit(look_in_child(mine, depth - 1));
    }
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : 4;
}

static void
test_fork(void)
{
    struct mpsc_provider *provider = mpsc_process_provider();
    int status = -1;
    pid_t child;

    CU_ASSERT_PTR_NOT_NULL_FATAL(provider);
    mpsc_log_redirect(&provider->hub.log, log_nothing, NULL);
    /* At the worst moment: with all locks held. */
    mpsc_provider_lock(provider);
    pthread_mutex_lock(&provider->hub.log.lock);
    child = fork();
    if (child == 0) {
        _exit(look_in_child(provider, 2));
    }
    pthread_mutex_unlock(&provider->hub.log.lock);
    mpsc_provider_unlock(provider);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    /* The parent keeps its own. */
    CU_ASSERT_PTR_EQUAL(mpsc_process_provider(), provider);
    mpsc_log_redirect(&provider->hub.log, NULL, NULL);
}

static void *
fail_once(void *arg)
{
    struct mps_error error;
    const struct mps_error *last;
    int *result = arg;

    *result = mpsc_process_error() == NULL;
    mpsc_error_set(&error, MPS_E_TLS, "of the thread");
    mpsc_process_set_error(&error);
    last = mpsc_process_error();
    *result = *result && last != NULL && last != &error &&
              last->code == MPS_E_TLS &&
              strcmp(last->message, "of the thread") == 0;
    return NULL;
}

static void
test_errors(void)
{
    struct mps_error error;
    pthread_t thread;
    int result = 0;

    mpsc_error_set(&error, MPS_E_AUTH, "of main");
    mpsc_process_set_error(&error);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, fail_once, &result),
                          0);
    pthread_join(thread, NULL);
    CU_ASSERT(result);
    CU_ASSERT_PTR_NOT_NULL_FATAL(mpsc_process_error());
    if (mpsc_process_error() == NULL) {
        return;
    }
    CU_ASSERT_EQUAL(mpsc_process_error()->code, MPS_E_AUTH);
    CU_ASSERT_STRING_EQUAL(mpsc_process_error()->message, "of main");
    mpsc_error_set(&error, MPS_E_SERVER, "later");
    mpsc_process_set_error(&error);
    CU_ASSERT_EQUAL(mpsc_process_error()->code, MPS_E_SERVER);
}

static void *
shut_down(void *arg)
{
    pthread_barrier_wait(&barrier);
    mpsc_provider_shutdown(arg);
    return NULL;
}

/* Shutdowns at once, and event descriptors in between: each is for any
 * thread at any time. */
static void
test_shutdown(void)
{
    struct mpsc_provider *provider = mpsc_process_provider();
    pthread_t threads[THREADS];

    for (int round = 0; round < 50; round++) {
        CU_ASSERT(mpsc_provider_event_fd(provider) >= 0);
        /* Something to free, once. */
        provider->io = mpsc_io_new(&mpsc_http_curl, mpsc_clock_system);
        CU_ASSERT_PTR_NOT_NULL(provider->io);
        pthread_barrier_init(&barrier, NULL, THREADS);
        for (int i = 0; i < THREADS; i++) {
            CU_ASSERT_EQUAL_FATAL(
                pthread_create(&threads[i], NULL, shut_down, provider), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
        pthread_barrier_destroy(&barrier);
        CU_ASSERT_PTR_NULL(provider->io);
        CU_ASSERT_EQUAL(provider->hub.event.fd, -1);
        CU_ASSERT_EQUAL(provider->calls, 0);
        CU_ASSERT_EQUAL(provider->stopping, 0);
    }
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"none yet", test_none_yet},
        {"one for all threads", test_one},
        {"fork", test_fork},
        {"last errors", test_errors},
        {"shutdowns at once", test_shutdown},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"process", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
