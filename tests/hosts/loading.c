/* SPDX-License-Identifier: MIT */
/*
 * loading HOW BUSINESS: programs that open the module in their own way, as
 * plug-in managers and language runtimes do.
 *
 *     MODE[,MODE]  once, with these modes: lazy or now, global, deepbind
 *     often        opens, uses and closes it a hundred times
 *     both         two threads do that at once
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "house.h"

#define TIMES 100
#define THREADS 2

static int
mode_of(const char *how)
{
    int mode = strstr(how, "lazy") != NULL ? RTLD_LAZY : RTLD_NOW;

    mode |= strstr(how, "global") != NULL ? RTLD_GLOBAL : RTLD_LOCAL;
    return strstr(how, "deepbind") != NULL ? mode | RTLD_DEEPBIND : mode;
}

/* What is global is found by whoever looks for it. */
static void
expect_visible(const char *how)
{
    void *found = dlsym(RTLD_DEFAULT, "get_credential");

    house_expect((found != NULL) == (strstr(how, "global") != NULL),
                 "get_credential is %s", found != NULL ? "seen" : "not seen");
}

static void *
open_module(int mode)
{
    void *handle = dlopen(getenv("MPS_TEST_MODULE"), mode);

    house_expect(handle != NULL, "dlopen: %s",
                 handle == NULL ? dlerror() : "");
    return handle;
}

static void
load_once(const char *how, const char *business_id)
{
    void *handle = open_module(mode_of(how));

    expect_visible(how);
    house_open();
    house_live(business_id);
    if (handle != NULL) {
        (void)dlclose(handle);
    }
}

/* Shutdowns of all threads. */
static atomic_uint begun;
static atomic_uint ended;

static void
shut_down(const struct mps_api *api)
{
    atomic_fetch_add(&begun, 1);
    api->shutdown();
    atomic_fetch_add(&ended, 1);
}

/* A token. Another thread's shutdown ends a call that waits for a fetch: that
 * one is repeated. */
static void
expect_token(const struct mps_api *api, const char *business_id, int round)
{
    const struct mps_credential *credential = NULL;
    struct mps_error error = {.size = sizeof(error)};
    unsigned before;
    int code;

    do {
        before = atomic_load(&ended);
        code = api->get_credential(business_id, &credential);
    } while (code == MPS_E_TIMEOUT && atomic_load(&begun) != before);
    (void)api->error(&error);
    house_expect(code == MPS_OK && credential != NULL, "round %d: %d %s",
                 round, code, error.message);
    api->release_credential(credential);
}

/* Opens it anew each time, in every mode by turns; the last one that uses it
 * may have shut it down. */
static void *
load_often(void *arg)
{
    static const int modes[] = {RTLD_NOW, RTLD_LAZY, RTLD_NOW | RTLD_GLOBAL,
                                RTLD_LAZY | RTLD_GLOBAL};

    for (int i = 0; i < TIMES && house_is_whole(); i++) {
        struct mps_api own;
        void *handle = open_module(modes[i % 4]);

        if (!house_expect(mps_load(&own, getenv("MPS_TEST_MODULE")) == 0,
                          "mps_load: %s", own.load_error)) {
            break;
        }
        expect_token(&own, arg, i);
        if (i % 10 == 9) {
            shut_down(&own);
        }
        (void)dlclose(own.handle);
        (void)dlclose(handle);
    }
    return NULL;
}

static void
load_in_threads(char *business_id)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, load_often, business_id) != 0) {
            abort();
        }
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

int
main(int argc, char **argv)
{
    if (argc != 3) {
        return 98;
    }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    if (strstr(argv[1], "deepbind") != NULL) {
        return HOUSE_CANNOT;
    }
#endif
    house_before();
    if (strcmp(argv[1], "often") == 0) {
        (void)load_often(argv[2]);
    } else if (strcmp(argv[1], "both") == 0) {
        load_in_threads(argv[2]);
    } else {
        load_once(argv[1], argv[2]);
    }
    house_open();
    house_after();
    return house_end();
}
