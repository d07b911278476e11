/* SPDX-License-Identifier: MIT */
/*
 * How long a sweep takes to load and to store, as multiples of what
 * secret-tool takes to look up one item on the same machine at the same time.
 * No test: it prints, and judges nothing.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "desk.h"
#include "flight.h"

#define ROUNDS 7
#define TOKEN_LEN 200
#define BATCH 1000

static double
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int
compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static double
median(double times[ROUNDS])
{
    qsort(times, ROUNDS, sizeof(*times), compare);
    return times[ROUNDS / 2];
}

/* Steps until that comes so often; the number of records before. */
static size_t
await(struct mpsc_keyring_session *session, enum mpsc_keyring_progress wanted,
      size_t times)
{
    size_t records = 0;

    while (times > 0) {
        struct pollfd fd = {.fd = mpsc_keyring_client.fd(session),
                            .events = POLLIN};
        struct mpsc_keyring_event event;
        enum mpsc_keyring_progress progress =
            mpsc_keyring_client.step(session, &event);

        records += progress == MPSC_KEYRING_RECORD;
        times -= progress == wanted;
        mpsc_record_free(&event.record);
        if (progress == MPSC_KEYRING_ENDED && wanted != progress) {
            abort();
        }
        if (progress == MPSC_KEYRING_PENDING) {
            poll(&fd, 1, -1);
        }
    }
    return records;
}

static struct mpsc_keyring_session *
open_sweep(size_t *records)
{
    struct flight flight;
    struct mpsc_keyring_session *session;

    flight_plan(&flight, NULL);
    flight.query.flight_ms = 600000;
    session = mpsc_keyring_client.open(&flight.query, &flight.state);
    if (session == NULL) {
        abort();
    }
    *records = await(session, MPSC_KEYRING_LOADED, 1);
    return session;
}

static void
close_sweep(struct mpsc_keyring_session *session)
{
    mpsc_keyring_client.finish(session);
    await(session, MPSC_KEYRING_ENDED, 1);
    mpsc_keyring_client.close(&session);
}

/* Claims and stores businesses first .. first + BATCH - 1. */
static void
store_batch(struct mpsc_keyring_session *session, unsigned first)
{
    static char ids[BATCH][MPS_BUSINESS_ID_MAX + 1];
    static const char *list[BATCH];
    static struct mpsc_keyring_change changes[BATCH];
    char token[TOKEN_LEN + 1];
    struct mpsc_record record = {.received_at = time(NULL),
                                 .expires_at = time(NULL) + 3600};

    memset(token, 'E', TOKEN_LEN);
    mpsc_secret_set(&record.token, token, TOKEN_LEN);
    for (unsigned i = 0; i < BATCH; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%u", 1000000 + first + i);
        list[i] = ids[i];
        changes[i] =
            (struct mpsc_keyring_change){ids[i], MPSC_KEYRING_STORE, &record};
    }
    mpsc_keyring_client.claim(session, list, BATCH);
    await(session, MPSC_KEYRING_CLAIMED, BATCH);
    mpsc_keyring_client.change(session, changes, BATCH);
    await(session, MPSC_KEYRING_CHANGED, 1);
    mpsc_record_free(&record);
}

static double
time_lookup(void)
{
    double times[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        double start = now_ms();

        (void)desk_run("secret-tool lookup application mps-credential page 1 "
                       ">/dev/null 2>&1");
        times[i] = now_ms() - start;
    }
    return median(times);
}

static double
time_sweep(size_t *records)
{
    double times[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        double start = now_ms();
        struct mpsc_keyring_session *session = open_sweep(records);

        times[i] = now_ms() - start;
        close_sweep(session);
    }
    return median(times);
}

static double
time_flight(void)
{
    double times[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        double start = now_ms();
        struct flight flight;

        flight_plan(&flight, "1000000");
        flight_load(&flight);
        times[i] = now_ms() - start;
        flight_end(&flight);
    }
    return median(times);
}

static void
report(void)
{
    size_t records = 0;
    double lookup = time_lookup();
    double sweep = time_sweep(&records);
    double flight = time_flight();

    printf("%6zu records: secret-tool 1 = %.1f ms, a sweep's load %.2f "
           "(%.1f ms), a flight's %.2f (%.1f ms)\n",
           records, lookup, sweep / lookup, sweep, flight / lookup, flight);
}

int
main(void)
{
    unsigned stored = 0;
    size_t records;

    desk_open();
    desk_start_keyring();
    report();
    for (unsigned goal = 1000; goal <= 10000; goal *= 10) {
        struct mpsc_keyring_session *session = open_sweep(&records);
        double start = now_ms();
        double spent;
        unsigned before = stored;

        for (; stored < goal; stored += BATCH) {
            store_batch(session, stored);
        }
        spent = now_ms() - start;
        printf("%6u stored in batches of %d: %.0f ms\n", stored - before,
               BATCH, spent);
        close_sweep(session);
        report();
    }
    desk_close();
    return 0;
}
