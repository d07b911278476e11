/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "call.h"

#include <string.h>

#include "error.h"

/* The runner, made at first need. Called with the lock. */
static struct mpsc_io *
get_io_unlocked(struct mpsc_provider *provider)
{
    if (provider->io == NULL) {
        provider->io = mpsc_io_new(&mpsc_http_curl, provider->hub.clock);
    }
    return provider->io;
}

int
mpsc_call_begin(struct mpsc_call *call, struct mpsc_provider *provider,
                const struct mps_request *request,
                const struct mpsc_request_rules *rules,
                struct mps_error *error)
{
    unsigned deadline_ms;
    struct mpsc_time now;
    int code;

    memset(call, 0, sizeof(*call));
    call->provider = provider;
    call->error = error;
    code = mpsc_request_check(request, rules, &call->request, error);
    if (code != MPS_OK) {
        return code;
    }
    call->profile =
        mpsc_provider_profile(provider, call->request.profile, error);
    if (call->profile == NULL) {
        return error->code;
    }
    if ((call->request.flags & MPS_NO_WAIT) != 0 &&
        !call->profile->configuration->threads) {
        return mpsc_error_set(error, MPS_E_CONFIG,
                              "MPS_NO_WAIT needs the module's thread: remove "
                              "`threads = no`, or call without MPS_NO_WAIT");
    }
    deadline_ms = call->request.deadline_ms != 0
                      ? call->request.deadline_ms
                      : call->profile->configuration->deadline_ms;
    provider->hub.clock(&now);
    call->deadline_ms = now.mono_ms + deadline_ms;
    call->wish.min_validity_s = call->request.min_validity_s;
    call->wish.force_refresh = (call->request.flags & MPS_FORCE_REFRESH) != 0;
    return MPS_OK;
}

/* Ends a flight that can't be run. Called with the lock, which is released
 * meanwhile, since the flight's events take it. */
static void
refuse_unlocked(struct mpsc_call *call, struct mpsc_flight *flight,
                const char *why)
{
    mpsc_provider_unlock(call->provider);
    mpsc_fetch_give_up(&flight->fetch, MPS_E_NO_MEMORY, why);
    flight->fetch.events->over(flight->fetch.arg);
    mpsc_provider_lock(call->provider);
}

/* Runs a flight on the calling thread. Called with the lock, which is
 * released meanwhile. */
static void
fly_here_unlocked(struct mpsc_call *call, struct mpsc_io *io,
                  struct mpsc_flight *flight)
{
    int failed;

    mpsc_provider_unlock(call->provider);
    failed = mpsc_io_run(io, &flight->fetch);
    mpsc_provider_lock(call->provider);
    if (failed) {
        refuse_unlocked(call, flight, "no connection can be had");
    }
}

/* Hands a flight to the thread, or runs it here where there is to be none, or
 * none can be had. Called with the lock. */
static void
start_unlocked(struct mpsc_call *call, struct mpsc_flight *flight)
{
    struct mpsc_io *io = get_io_unlocked(call->provider);
    int threads = call->profile->configuration->threads;

    if (io == NULL) {
        refuse_unlocked(call, flight, "out of memory");
    } else if (threads && mpsc_io_submit(io, &flight->fetch) == 0) {
        return;
    } else if ((call->request.flags & MPS_NO_WAIT) != 0) {
        refuse_unlocked(call, flight, "no thread can be started");
    } else {
        flight->here = 1;
        fly_here_unlocked(call, io, flight);
    }
}

struct mpsc_flight *
mpsc_call_launch_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
                          enum mpsc_fetch_purpose purpose, const char *target)
{
    struct mpsc_provider *provider = call->provider;
    struct mpsc_flight *flight;
    struct mpsc_time now;

    if (provider->stopping) {
        mpsc_error_set(call->error, MPS_E_TIMEOUT, "the module is shut down");
        return NULL;
    }
    flight = mpsc_flight_new(&provider->hub, call->profile, entry, purpose);
    if (flight == NULL) {
        mpsc_error_set(call->error, MPS_E_NO_MEMORY, "out of memory");
        return NULL;
    }
    provider->hub.clock(&now);
    if (now.mono_ms < call->profile->keyring_mute_until_ms) {
        flight->fetch.keyring_hint = MPSC_KEYRING_SILENT;
    }
    if (purpose == MPSC_FETCH_TOKEN) {
        entry->flight = flight;
    } else if (target != NULL) {
        memcpy(flight->target, target, sizeof(flight->target));
    }
    flight->background = (call->request.flags & MPS_NO_WAIT) != 0;
    mpsc_flight_join_unlocked(flight, &call->wish, call->deadline_ms);
    flight->references++;
    start_unlocked(call, flight);
    return flight;
}

int
mpsc_call_await_unlocked(struct mpsc_call *call, struct mpsc_flight *flight,
                         struct mpsc_credential **credential)
{
    int code = MPS_OK;

    *credential = NULL;
    if (!mpsc_flight_wait_unlocked(flight, call->deadline_ms)) {
        code = mpsc_error_set(
            call->error, MPS_E_TIMEOUT,
            "business %s at %s: no answer within the deadline; check the "
            "network and the endpoint, or raise deadline_ms",
            flight->fetch.business_id, call->profile->configuration->base_url);
    } else if (flight->credential != NULL) {
        *credential = mpsc_credential_hold(flight->credential);
    } else if (flight->error.code != MPS_OK) {
        *call->error = flight->error;
        code = flight->error.code;
    }
    mpsc_flight_release_unlocked(flight);
    return code;
}

struct mpsc_flight *
mpsc_call_board_unlocked(struct mpsc_call *call, struct mpsc_entry *entry)
{
    struct mpsc_flight *flight = entry->flight;

    if (flight == NULL) {
        return mpsc_call_launch_unlocked(call, entry, MPSC_FETCH_TOKEN, NULL);
    }
    mpsc_flight_join_unlocked(flight, &call->wish, call->deadline_ms);
    if ((call->request.flags & MPS_NO_WAIT) != 0) {
        flight->background = 1;
    }
    flight->references++;
    return flight;
}
