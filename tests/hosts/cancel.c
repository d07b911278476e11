/* SPDX-License-Identifier: MIT */
/*
 * cancel FUNCTION BUSINESS OTHER ROUNDS: a program that cancels its threads
 * (deferred, as is the default) whatever they are about: here they are inside
 * one of the module's functions, most of the time.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "functions.h"
#include "house.h"

#define THREADS 4

static functions_call *function;

static void *
be_inside(void *arg)
{
    for (;;) {
        function();
        pthread_testcancel();
    }
    return arg;
}

static void
cancel(pthread_t thread)
{
    void *result = NULL;

    pthread_cancel(thread);
    pthread_join(thread, &result);
    house_expect(result == PTHREAD_CANCELED, "a thread wasn't cancelled");
}

/* No lock is held, or this would hang. A shutdown by the other threads may
 * end it. */
static void
check(const char *business_id)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = business_id,
                                        .deadline_ms = FUNCTIONS_DEADLINE_MS};
    const struct mps_credential *credential = NULL;
    struct mps_error error = {.size = sizeof(error)};
    int64_t begin = house_ms();
    int code = mps.get_credential_with(&request, &credential);

    (void)mps.error(&error);
    house_expect(code == MPS_OK ||
                     (code == MPS_E_TIMEOUT &&
                      strstr(error.message, "shut down") != NULL),
                 "code %d: %s", code, error.message);
    house_expect(house_ms() - begin <= FUNCTIONS_DEADLINE_MS + house_margin(),
                 "a call took %lld ms", (long long)(house_ms() - begin));
    mps.release_credential(credential);
}

int
main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    unsigned seed = (unsigned)time(NULL);
    unsigned rounds;

    if (argc != 5) {
        return 98;
    }
    function = functions_find(argv[1], argv[3]);
    if (function == NULL) {
        return 98;
    }
    rounds = (unsigned)strtoul(argv[4], NULL, 10);
    house_open();
    house_before();
    house_tell("seed=%u", seed);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, be_inside, NULL);
    }
    for (unsigned i = 0; i < rounds && house_is_whole(); i++) {
        house_nap(rand_r(&seed) % 16);
        cancel(threads[i % THREADS]);
        check(argv[2]);
        pthread_create(&threads[i % THREADS], NULL, be_inside, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        cancel(threads[i]);
    }
    (void)house_get(argv[3], MPS_OK, FUNCTIONS_DEADLINE_MS);
    house_after();
    return house_end();
}
