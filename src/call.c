/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "call.h"

#include <string.h>
#include <unistd.h>

#include "error.h"
#include "exiting.h"
#include "look.h"

/* A flight ends a little before the call's patience does, so that its own
 * word, which the breaker counts, comes first: by a twentieth, or this. */
#define SLACK_MS 50

/* What was seen of a keyring that can't be used, or whose generation isn't
 * known, counts for so long. */
#define SWEPT_MS 30000

struct mpsc_io *
mpsc_call_io_unlocked(const struct mpsc_call *call)
{
    struct mpsc_provider *provider = call->provider;

    if (provider->io == NULL) {
        provider->io = mpsc_io_new(&mpsc_http_curl, provider->hub.clock);
    }
    return provider->io;
}

/* Looks, and goes on with what is there afterwards. */
static void
look(struct mpsc_call *call)
{
    call->profile = mpsc_look(call->provider, call->profile);
    mpsc_provider_lock(call->provider);
    mpsc_holdings_release(&call->holdings);
    call->holdings = mpsc_holdings_hold(call->profile->holdings);
    mpsc_provider_unlock(call->provider);
}

void
mpsc_call_look(struct mpsc_call *call)
{
    const struct mpsc_limit *why = NULL;
    int due;

    mpsc_provider_lock(call->provider);
    due = call->profile->user != geteuid() || !call->holdings->looked ||
          (mpsc_call_verdict_unlocked(call, &why) == MPSC_LIMITS_CLOSED &&
           why->code == MPS_E_AUTH);
    mpsc_provider_unlock(call->provider);
    if (due) {
        look(call);
    }
}

void
mpsc_call_look_again_unlocked(struct mpsc_call *call)
{
    call->provider->hub.clock(&call->now);
    if (mpsc_look_is_due_unlocked(call->profile, call->now.mono_ms)) {
        mpsc_provider_unlock(call->provider);
        look(call);
        mpsc_provider_lock(call->provider);
    }
}

/* Enters the provider and finds the profile; MPS_OK or a code. One lock for
 * the usual case. */
static int
enter(struct mpsc_call *call)
{
    struct mpsc_provider *provider = call->provider;
    const char *name = call->request.profile;
    struct mpsc_profile *found;
    int due = 1;

    mpsc_provider_lock(provider);
    mpsc_provider_enter_unlocked(provider);
    call->entered = 1;
    found = mpsc_provider_find_unlocked(provider, name);
    if (found != NULL) {
        call->profile = mpsc_profile_hold_unlocked(found);
        call->holdings = mpsc_holdings_hold(found->holdings);
        due = mpsc_look_is_due_unlocked(found, call->now.mono_ms);
    }
    mpsc_provider_unlock(provider);
    if (found == NULL) {
        call->profile = mpsc_provider_profile(provider, name, call->error);
    }
    if (call->profile == NULL) {
        return call->error->code;
    }
    if (due) {
        look(call);
    }
    return MPS_OK;
}

int
mpsc_call_begin(struct mpsc_call *call, struct mpsc_provider *provider,
                const struct mps_request *request,
                const struct mpsc_request_rules *rules,
                struct mps_error *error)
{
    unsigned deadline_ms;
    int code;

    memset(call, 0, sizeof(*call));
    call->provider = provider;
    call->error = error;
    code = mpsc_request_check(request, rules, &call->request, error);
    if (code != MPS_OK) {
        return code;
    }
    provider->hub.clock(&call->now);
    code = enter(call);
    if (code != MPS_OK) {
        return code;
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
    call->deadline_ms = call->now.mono_ms + deadline_ms;
    call->patience_ms = call->deadline_ms;
    call->slack_ms = deadline_ms / 20 < SLACK_MS ? deadline_ms / 20 : SLACK_MS;
    call->wish.min_validity_s = call->request.min_validity_s;
    call->wish.force_refresh = (call->request.flags & MPS_FORCE_REFRESH) != 0;
    return MPS_OK;
}

void
mpsc_call_end(struct mpsc_call *call)
{
    if (!call->entered) {
        return;
    }
    mpsc_provider_lock(call->provider);
    mpsc_holdings_release(&call->holdings);
    mpsc_profile_release_unlocked(&call->profile);
    mpsc_provider_leave_unlocked(call->provider);
    mpsc_provider_unlock(call->provider);
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
    failed = mpsc_io_run(io, &flight->fetch.task, NULL, NULL);
    mpsc_provider_lock(call->provider);
    if (failed) {
        refuse_unlocked(call, flight, "no connection can be had");
    }
}

/* Hands a flight to the thread, or runs it here where there is to be none, or
 * none can be had. Called with the lock. */
static void
start_unlocked(struct mpsc_call *call, struct mpsc_flight *flight,
               int somebody_waits)
{
    struct mpsc_io *io = mpsc_call_io_unlocked(call);
    int threads = call->profile->configuration->threads;

    if (io == NULL) {
        refuse_unlocked(call, flight, "out of memory");
    } else if (threads && mpsc_io_submit(io, &flight->fetch.task) == 0) {
        return;
    } else if (!somebody_waits) {
        refuse_unlocked(call, flight, "no thread can be started");
    } else {
        /* It keeps the caller, who would leave another's before its end. */
        flight->here = 1;
        if (call->patience_ms - call->slack_ms <
            atomic_load(&flight->fetch.deadline_ms)) {
            atomic_store(&flight->fetch.deadline_ms,
                         call->patience_ms - call->slack_ms);
        }
        fly_here_unlocked(call, io, flight);
    }
}

/* A flight that has not been started, or NULL with the call's error. Called
 * with the lock. */
static struct mpsc_flight *
prepare_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
                 enum mpsc_call_errand errand, const char *target)
{
    static const struct mpsc_lifetime_wish nothing;
    struct mpsc_provider *provider = call->provider;
    int alone = errand == MPSC_CALL_REFRESH || errand == MPSC_CALL_PROBE;
    int waits = !alone && (call->request.flags & MPS_NO_WAIT) == 0;
    struct mpsc_flight *flight;
    struct mpsc_time now;

    if (provider->stopping || mpsc_exiting()) {
        mpsc_error_set(call->error, MPS_E_TIMEOUT, "%s",
                       provider->stopping ? "the module is shut down"
                                          : "the process exits");
        return NULL;
    }
    flight = mpsc_flight_new(
        &provider->hub, call->profile, call->holdings, entry,
        errand == MPSC_CALL_ERASE ? MPSC_FETCH_ERASE : MPSC_FETCH_TOKEN);
    if (flight == NULL) {
        mpsc_error_set(call->error, MPS_E_NO_MEMORY, "out of memory");
        return NULL;
    }
    provider->hub.clock(&now);
    if (now.mono_ms < call->holdings->keyring_mute_until_ms) {
        flight->fetch.keyring_hint = MPSC_KEYRING_SILENT;
    }
    if (errand != MPSC_CALL_ERASE) {
        entry->flight = flight;
    } else if (target != NULL) {
        memcpy(flight->target, target, sizeof(flight->target));
    }
    flight->background = !waits;
    flight->fetch.task.background = alone;
    flight->probe = errand == MPSC_CALL_PROBE;
    if (!waits) {
        /* What nobody waits for isn't in a hurry. */
        atomic_store(&flight->fetch.deadline_ms,
                     now.mono_ms + call->profile->configuration->deadline_ms);
    }
    mpsc_flight_join_unlocked(flight, alone ? &nothing : &call->wish,
                              call->deadline_ms - call->slack_ms);
    flight->advisory = errand == MPSC_CALL_REFRESH;
    return flight;
}

struct mpsc_flight *
mpsc_call_launch_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
                          enum mpsc_call_errand errand, const char *target)
{
    struct mpsc_flight *flight = prepare_unlocked(call, entry, errand, target);

    if (flight != NULL) {
        flight->references++;
        start_unlocked(call, flight, !flight->background);
    }
    return flight;
}

int
mpsc_call_add_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
                       struct mpsc_loop *loop,
                       const struct mpsc_flight_follower *follower, void *arg)
{
    struct mpsc_flight *flight =
        prepare_unlocked(call, entry, MPSC_CALL_FETCH, NULL);

    if (flight == NULL) {
        return -1;
    }
    flight->fetch.bare = 1;
    flight->here = !call->profile->configuration->threads;
    flight->follower = follower;
    flight->follower_arg = arg;
    mpsc_loop_add(loop, &flight->fetch.task);
    return 0;
}

int
mpsc_call_await_unlocked(struct mpsc_call *call, struct mpsc_flight *flight,
                         int64_t deadline_ms,
                         struct mpsc_credential **credential)
{
    int code = MPS_OK;

    *credential = NULL;
    if (!mpsc_flight_wait_unlocked(flight, deadline_ms)) {
        code = mpsc_error_set(call->error, MPS_E_TIMEOUT,
                              "no answer within the deadline; check the "
                              "network and the endpoint, or raise "
                              "deadline_ms");
        mpsc_error_subject(call->error, flight->fetch.business_id,
                           call->profile->configuration->base_url);
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
        return mpsc_call_launch_unlocked(call, entry, MPSC_CALL_FETCH, NULL);
    }
    mpsc_flight_join_unlocked(flight, &call->wish,
                              call->deadline_ms - call->slack_ms);
    if ((call->request.flags & MPS_NO_WAIT) != 0) {
        flight->background = 1;
    } else if (flight->fetch.task.background) {
        mpsc_io_promote(call->provider->io, &flight->fetch.task);
    }
    flight->references++;
    return flight;
}

enum mpsc_limits_verdict
mpsc_call_verdict_unlocked(const struct mpsc_call *call,
                           const struct mpsc_limit **why)
{
    struct mpsc_time now;

    call->provider->hub.clock(&now);
    return mpsc_limits_check(&call->holdings->shared.limits, now.boot_ms, why);
}

int
mpsc_call_keyring_known_unlocked(const struct mpsc_call *call)
{
    const struct mpsc_holdings *holdings = call->holdings;
    struct mpsc_time now;

    if (call->profile->configuration->keyring == MPSC_KEYRING_OFF) {
        return 1;
    }
    if (holdings->swept == MPSC_HOLDINGS_UNSWEPT ||
        holdings->swept_generation != holdings->generation) {
        return 0;
    }
    if (holdings->swept == MPSC_HOLDINGS_SWEPT && holdings->generation != 0) {
        return 1;
    }
    /* Without a generation, or without the keyring, that may change without a
     * trace. */
    call->provider->hub.clock(&now);
    return now.mono_ms - holdings->swept_ms < SWEPT_MS;
}
