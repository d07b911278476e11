/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "flight.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "desk.h"
#include "epoch.h"

#ifndef KEYRING_HELPER
#define KEYRING_HELPER "keyring-helper"
#endif

int64_t
flight_now_ms(void)
{
    struct mpsc_time now;

    mpsc_clock_system(&now);
    return now.mono_ms;
}

void
flight_plan(struct flight *flight, const char *business_id)
{
    const char *helper = getenv("MPS_TEST_KEYRING_HELPER");
    struct mpsc_epoch epoch;

    memset(flight, 0, sizeof(*flight));
    flight->query = (struct mpsc_keyring_query){
        .helper = helper != NULL ? helper : KEYRING_HELPER,
        .bus = desk_bus(),
        .runtime_dir = desk_path("locks"),
        .endpoint = "https://graph.facebook.com",
        .solution_id = "1001",
        .business_id = business_id,
        .keyring_deadline_ms = 10000,
        .lock_wait_ms = 10000,
        .flight_ms = 10000,
    };
    if (mpsc_epoch_read(flight->query.runtime_dir, &epoch) == 0) {
        flight->query.epoch = epoch.number;
    }
}

int
flight_open(struct flight *flight)
{
    flight->session = mpsc_keyring_client.open(&flight->query, &flight->state);
    return flight->session != NULL ? 0 : -1;
}

enum mpsc_keyring_progress
flight_wait(struct flight *flight, int ms)
{
    int64_t start = flight_now_ms();
    int64_t left = ms;

    do {
        struct pollfd fd = {
            .fd = mpsc_keyring_client.fd(flight->session),
            .events = POLLIN,
        };
        struct mpsc_keyring_event event;

        poll(&fd, 1, (int)left);
        mpsc_record_free(&flight->record);
        flight->progress = mpsc_keyring_client.step(flight->session, &event);
        flight->state = event.state;
        flight->found = event.found;
        flight->record = event.record;
        flight->took_ms = flight_now_ms() - start;
        left = ms - flight->took_ms;
    } while (flight->progress == MPSC_KEYRING_PENDING && left > 0);
    return flight->progress;
}

enum mpsc_keyring_state
flight_load(struct flight *flight)
{
    if (flight_open(flight) == 0 &&
        flight_wait(flight, 60000) != MPSC_KEYRING_LOADED) {
        abort();
    }
    return flight->state;
}

enum mpsc_keyring_state
flight_change(struct flight *flight, const char *token)
{
    struct mpsc_record record = {.expires_at = time(NULL) + 3600};
    int result;

    if (token == NULL) {
        result = mpsc_keyring_client.erase(flight->session);
    } else {
        mpsc_secret_set(&record.token, token, strlen(token));
        mpsc_clock_boot_id(record.boot_id);
        result = mpsc_keyring_client.store(flight->session, &record);
        mpsc_record_free(&record);
    }
    if (result != 0 || flight_wait(flight, 60000) != MPSC_KEYRING_CHANGED) {
        abort();
    }
    return flight->state;
}

int
flight_end(struct flight *flight)
{
    int result = 0;

    mpsc_record_free(&flight->record);
    if (flight->session == NULL) {
        return 0;
    }
    mpsc_keyring_client.finish(flight->session);
    if (flight_wait(flight, 60000) != MPSC_KEYRING_ENDED) {
        result = -1;
    }
    mpsc_keyring_client.close(&flight->session);
    return result;
}

enum mpsc_keyring_state
flight_whole(struct flight *flight, const char *business_id, const char *token)
{
    enum mpsc_keyring_state state;
    int found;

    flight_plan(flight, business_id);
    state = flight_load(flight);
    found = flight->found;
    if (state == MPSC_KEYRING_OK && token != NULL) {
        state = flight_change(flight, *token != '\0' ? token : NULL);
    }
    if (flight_end(flight) != 0) {
        abort();
    }
    flight->found = found;
    return state;
}

int
flight_holds(const char *business_id, const char *token)
{
    struct flight flight;
    int same;

    flight_plan(&flight, business_id);
    if (flight_load(&flight) != MPSC_KEYRING_OK) {
        flight_end(&flight);
        return 0;
    }
    same = token == NULL
               ? !flight.found
               : flight.found && strcmp(flight.record.token.data, token) == 0;
    return flight_end(&flight) == 0 && same;
}

pid_t
flight_helper(void)
{
    FILE *list = popen("ps -e -o pid=,ppid=,comm= | awk '{parent[$1] = $2; "
                       "name[$1] = $3} END {for (p in name) if (name[p] ~ "
                       "/^keyring-helper/ && name[parent[p]] !~ "
                       "/^keyring-helper/) print p, parent[parent[p]]}'",
                       "r");
    int pid;
    int host;
    pid_t found = 0;

    while (fscanf(list, "%d %d", &pid, &host) == 2) {
        if (host == getpid()) {
            found = pid;
        }
    }
    pclose(list);
    return found;
}
