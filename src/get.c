/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "get.h"

#include <string.h>
#include <syslog.h>

#include "audit.h"
#include "call.h"
#include "error.h"
#include "prefetch.h"
#include "refresh.h"

/* When so many tokens that memory lacked were in the keyring it is read whole:
 * that takes as long as one helper with a hundred tokens, as ten with 10,000.
 */
#define FINDS_MAX 4

static struct mpsc_refresh_token
held_token(const struct mpsc_credential *held)
{
    return (struct mpsc_refresh_token){held->received_ms, held->refresh_ms,
                                       held->end_ms};
}

/* What to do for the call with what is held. Called with the lock. */
static enum mpsc_refresh_action
decide_unlocked(const struct mpsc_call *call, const struct mpsc_entry *entry)
{
    const struct mpsc_credential *held = entry->credential;
    struct mpsc_refresh_token token;

    if (held == NULL ||
        held->received_at < call->profile->configuration->distrust_before) {
        return MPSC_REFRESH_FETCH;
    }
    token = held_token(held);
    return mpsc_refresh_decide(
        &token, &call->wish,
        mpsc_setbacks_recall(entry->setbacks)->refresh_not_before_ms,
        call->now.boot_ms);
}

static int
waits(const struct mpsc_call *call)
{
    return (call->request.flags & MPS_NO_WAIT) == 0;
}

static int
has_threads(const struct mpsc_call *call)
{
    return call->profile->configuration->threads;
}

static int64_t
time_left_ms(const struct mpsc_call *call)
{
    struct mpsc_time now;

    call->provider->hub.clock(&now);
    return call->deadline_ms - now.mono_ms;
}

/* That the partner's token was refused is the profile's, and over for all its
 * businesses when there is another one. Called with the lock. */
static int
is_lifted_unlocked(const struct mpsc_call *call,
                   const struct mps_error *failure)
{
    const struct mpsc_limit *why;

    return failure->code == MPS_E_AUTH &&
           mpsc_call_verdict_unlocked(call, &why) == MPSC_LIMITS_OPEN;
}

/* Whether a remembered failure answers the call. Called with the lock. */
static int
fails_unlocked(struct mpsc_call *call, struct mpsc_entry *entry)
{
    const struct mpsc_setbacks *setbacks =
        mpsc_setbacks_recall(entry->setbacks);
    struct mpsc_time now;
    int is_no;

    if (setbacks->failure == NULL) {
        return 0;
    }
    call->provider->hub.clock(&now);
    if (now.boot_ms >= setbacks->failure_until_ms ||
        is_lifted_unlocked(call, setbacks->failure)) {
        mpsc_setbacks_forgive(&entry->setbacks);
        return 0;
    }
    is_no =
        (mpsc_error_class(setbacks->failure->code) & MPS_CLASS_BUSINESS) != 0;
    /* Force passes a no and nothing else; without waiting only an older one,
     * since else the call that comes for the answer would ask again. */
    if (is_no && call->wish.force_refresh &&
        (waits(call) || now.boot_ms - setbacks->failure_since_ms >=
                            MPSC_LIFETIME_BACKOFF_MS)) {
        return 0;
    }
    if (waits(call) && !setbacks->failure_binds) {
        return 0;
    }
    *call->error = *setbacks->failure;
    return 1;
}

/* Whether a token that need not be refreshed yet may be; where it may not, it
 * is put off. Called with the lock. */
static int
may_refresh_unlocked(const struct mpsc_call *call, struct mpsc_entry *entry)
{
    const struct mpsc_credential *held = entry->credential;
    const struct mpsc_refresh_token token = held_token(held);
    char digest[MPSC_DIGEST_HEX_SIZE] = "";
    struct mpsc_setbacks *setbacks;
    int64_t from_ms = mpsc_limits_advisory_from(&call->holdings->shared.limits,
                                                call->now.boot_ms);

    if (from_ms <= call->now.boot_ms) {
        return 1;
    }
    (void)mpsc_credential_digest(held, digest);
    setbacks = mpsc_setbacks_note(&entry->setbacks);
    if (setbacks != NULL) {
        setbacks->refresh_not_before_ms = mpsc_refresh_put_off(
            digest, call->profile->boot_id, &token, from_ms);
    }
    return 0;
}

/* Starts a refresh in the background, where none is under way. Called with the
 * lock. */
static void
refresh_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
                 enum mpsc_call_errand errand)
{
    struct mps_error *told = call->error;
    struct mps_error unheard;
    struct mpsc_flight *flight;

    if (entry->flight != NULL) {
        return;
    }
    call->error = &unheard;
    flight = mpsc_call_launch_unlocked(call, entry, errand, NULL);
    call->error = told;
    if (flight != NULL) {
        mpsc_flight_release_unlocked(flight);
    }
}

/* The error of a call for which the endpoint isn't asked. */
static int
closed(struct mpsc_call *call, const struct mpsc_limit *why)
{
    struct mpsc_time now;

    call->provider->hub.clock(&now);
    mpsc_limits_explain(why, &now, call->error);
    if (call->error->retry_at <= now.wall_s) {
        call->error->retry_at = now.wall_s + 1;
    }
    mpsc_error_subject(call->error, call->request.business_id,
                       call->profile->configuration->base_url);
    return call->error->code;
}

/*
 * The endpoint is not to be asked, but the keyring may have what this process
 * doesn't know: then -1, look again. It is read whole, once for all calls.
 * Called with the lock, which is released meanwhile.
 */
static int
closed_unlocked(struct mpsc_call *call, const struct mpsc_limit *why)
{
    const struct mpsc_limit seen = *why;
    int known = mpsc_call_keyring_known_unlocked(call);

    if (!known) {
        mpsc_provider_unlock(call->provider);
        known = mpsc_prefetch_load(call);
        mpsc_provider_lock(call->provider);
        if (known) {
            return -1;
        }
    }
    return closed(call, &seen);
}

/* What MPS_NO_WAIT says with a fetch under way, or none since a failure is
 * remembered. Called with the lock. */
static int
dont_wait_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
                   struct mpsc_credential **credential)
{
    const struct mpsc_limit *why;

    /* Force has started the refresh, and the answer is what memory has. */
    call->wish.force_refresh = 0;
    if (decide_unlocked(call, entry) != MPSC_REFRESH_FETCH) {
        *credential = mpsc_credential_hold(entry->credential);
        return MPS_OK;
    }
    if (fails_unlocked(call, entry)) {
        return call->error->code;
    }
    if (entry->flight == NULL &&
        mpsc_call_verdict_unlocked(call, &why) == MPSC_LIMITS_CLOSED) {
        return closed(call, why);
    }
    return mpsc_error_set(call->error, MPS_E_AGAIN,
                          "business %s: a fetch is under way",
                          entry->business_id);
}

/*
 * What came of a flight for this call: its code, or -1 where the call is to
 * look again. Called with the lock.
 */
static int
judge_unlocked(struct mpsc_call *call, struct mpsc_entry *entry, int code,
               struct mpsc_credential **credential)
{
    const struct mpsc_credential *got = *credential;
    struct mpsc_time now;

    /* The deadline that has passed was another's; or there was a purge. */
    if ((code == MPS_E_TIMEOUT || code == MPS_E_AGAIN) &&
        time_left_ms(call) > call->slack_ms) {
        return -1;
    }
    if (code == MPS_E_AGAIN) {
        return mpsc_error_set(call->error, MPS_E_TIMEOUT,
                              "business %s: tokens were purged in the last "
                              "moment of the deadline; call again",
                              entry->business_id);
    }
    /* What the endpoint gave just now is as good as it gets. What the keyring
     * had may have been believed before this call joined. */
    call->provider->hub.clock(&now);
    if (code != MPS_OK || got->public.source == MPS_SOURCE_ENDPOINT ||
        (!mpsc_cache_is_dead_credential(entry, got) &&
         mpsc_lifetime_serves(got->received_ms, got->end_ms, now.boot_ms,
                              &call->wish))) {
        return code;
    }
    mpsc_credential_release(*credential);
    *credential = NULL;
    return -1;
}

/* How long the call waits for a flight: with a token in hand no longer than
 * half of its life, since it must be good for something yet. */
static void
set_patience(struct mpsc_call *call, const struct mpsc_credential *fallback)
{
    call->provider->hub.clock(&call->now);
    call->patience_ms = call->deadline_ms;
    if (fallback != NULL) {
        int64_t half_ms = (fallback->end_ms - call->now.boot_ms) / 2;

        if (call->now.mono_ms + half_ms < call->patience_ms) {
            call->patience_ms = call->now.mono_ms + half_ms;
        }
    }
}

/* The call has waited in vain, with a token in hand: the others need not wait
 * for that as well. Called with the lock. */
static void
spare_others_unlocked(const struct mpsc_call *call, struct mpsc_entry *entry,
                      const struct mpsc_credential *fallback)
{
    struct mpsc_setbacks *setbacks = mpsc_setbacks_note(&entry->setbacks);
    struct mpsc_time now;
    int64_t until_ms;

    call->provider->hub.clock(&now);
    until_ms = now.boot_ms +
               mpsc_refresh_backoff(1, fallback->end_ms - now.boot_ms, 0);
    if (setbacks != NULL && until_ms > setbacks->refresh_not_before_ms) {
        setbacks->refresh_not_before_ms = until_ms;
    }
}

/* Waits for the business's flight. Called with the lock. */
static int
fetch_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
               const struct mpsc_credential *fallback,
               struct mpsc_credential **credential)
{
    struct mpsc_flight *flight = mpsc_call_board_unlocked(call, entry);
    int code;

    if (flight == NULL) {
        return call->error->code;
    }
    code =
        mpsc_call_await_unlocked(call, flight, call->patience_ms, credential);
    if (code == MPS_E_TIMEOUT && fallback != NULL) {
        spare_others_unlocked(call, entry, fallback);
    }
    return judge_unlocked(call, entry, code, credential);
}

/*
 * The endpoint has failed, and its pause is over: one call starts a probe in
 * the background. It waits for it a quarter of its time, for the case that all
 * is well by now; the others go away at once. Called with the lock.
 */
static int
probe_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
               const struct mpsc_limit *why,
               struct mpsc_credential **credential)
{
    const struct mpsc_limit seen = *why;
    struct mpsc_flight *flight = NULL;
    int64_t until_ms =
        call->now.mono_ms + (call->deadline_ms - call->now.mono_ms) / 4;
    int code;

    if (!call->holdings->probing && entry->flight == NULL) {
        call->holdings->probing = 1;
        flight = mpsc_call_launch_unlocked(call, entry, MPSC_CALL_PROBE, NULL);
        if (flight == NULL) {
            call->holdings->probing = 0;
        }
    }
    if (flight == NULL) {
        return closed(call, &seen);
    }
    if (!waits(call)) {
        mpsc_flight_release_unlocked(flight);
        return dont_wait_unlocked(call, entry, credential);
    }
    if (call->patience_ms < until_ms) {
        until_ms = call->patience_ms;
    }
    code = mpsc_call_await_unlocked(call, flight, until_ms, credential);
    return code == MPS_E_TIMEOUT
               ? closed(call, &seen)
               : judge_unlocked(call, entry, code, credential);
}

/*
 * A process that was started again finds in the keyring what it asks for, for
 * one business after the other, and each time by a helper. To read the whole
 * keyring takes as long as some of these: after so many it is read, and calls
 * go on as before until it has been. Called with the lock, which is released
 * meanwhile; true where it was: look again.
 */
static int
read_ahead_unlocked(struct mpsc_call *call)
{
    struct mpsc_holdings *holdings = call->holdings;

    if (holdings->keyring_finds < FINDS_MAX || holdings->loading != NULL ||
        !has_threads(call)) {
        return 0;
    }
    holdings->keyring_finds = 0;
    if (mpsc_call_keyring_known_unlocked(call)) {
        return 0;
    }
    mpsc_provider_unlock(call->provider);
    mpsc_prefetch_load_ahead(call);
    mpsc_provider_lock(call->provider);
    return 1;
}

/* A token by a flight: its code, or -1 where the call is to look again.
 * Called with the lock. */
static int
go_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
            const struct mpsc_credential *fallback,
            struct mpsc_credential **credential)
{
    const struct mpsc_limit *why;
    struct mpsc_flight *flight;

    set_patience(call, fallback);
    switch (mpsc_call_verdict_unlocked(call, &why)) {
    case MPSC_LIMITS_OPEN:
        if (fallback == NULL && read_ahead_unlocked(call)) {
            return -1;
        }
        break;
    case MPSC_LIMITS_CLOSED:
        if (!waits(call)) {
            return dont_wait_unlocked(call, entry, credential);
        }
        return closed_unlocked(call, why);
    case MPSC_LIMITS_PROBE:
        if (has_threads(call)) {
            return probe_unlocked(call, entry, why, credential);
        }
        break;
    }
    if (waits(call)) {
        return fetch_unlocked(call, entry, fallback, credential);
    }
    flight = mpsc_call_board_unlocked(call, entry);
    if (flight == NULL) {
        return call->error->code;
    }
    mpsc_flight_release_unlocked(flight);
    return dont_wait_unlocked(call, entry, credential);
}

/*
 * Before a call leaves memory: a line for whoever wonders what it waits for,
 * and the user's identity, by which the keyring is found. Called with the
 * lock, which is released meanwhile. True where it was: look again.
 */
static int
leave_memory_unlocked(struct mpsc_call *call)
{
    if (call->left_memory) {
        return 0;
    }
    call->left_memory = 1;
    mpsc_provider_unlock(call->provider);
    mpsc_call_look(call);
    if (waits(call) && mpsc_profile_logs(call->profile, LOG_DEBUG)) {
        mpsc_log_line(&call->provider->hub.log, LOG_DEBUG,
                      "business %s: waits for a fetch",
                      call->request.business_id);
    }
    mpsc_provider_lock(call->provider);
    return 1;
}

/* Until when hot.c hands out what is held. Called with the lock. */
static void
heat_unlocked(struct mpsc_entry *entry)
{
    const struct mpsc_refresh_token token = held_token(entry->credential);
    const struct mpsc_setbacks *setbacks =
        mpsc_setbacks_recall(entry->setbacks);

    mpsc_cache_heat(entry, mpsc_refresh_served_until(
                               &token, setbacks->refresh_not_before_ms,
                               entry->flight != NULL));
}

/* With what is held, where that is good enough: the code, or -1 where it
 * isn't; *fallback is what is good if nothing better comes. Called with the
 * lock. */
static int
serve_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
               struct mpsc_credential **fallback,
               struct mpsc_credential **credential)
{
    enum mpsc_refresh_action action = decide_unlocked(call, entry);
    const struct mpsc_limit *why;

    *fallback = NULL;
    switch (action) {
    case MPSC_REFRESH_SERVE_AND_START:
        if (!may_refresh_unlocked(call, entry)) {
            break;
        }
        /* Where no thread is, a refresh is the caller's. */
        if (!has_threads(call)) {
            *fallback = mpsc_credential_hold(entry->credential);
            return -1;
        }
        refresh_unlocked(call, entry, MPSC_CALL_REFRESH);
        break;
    case MPSC_REFRESH_FETCH_ELSE_SERVE:
        if (waits(call)) {
            *fallback = mpsc_credential_hold(entry->credential);
            return -1;
        }
        if (mpsc_call_verdict_unlocked(call, &why) != MPSC_LIMITS_CLOSED) {
            refresh_unlocked(call, entry, MPSC_CALL_FETCH);
        }
        break;
    case MPSC_REFRESH_FETCH:
        return -1;
    case MPSC_REFRESH_SERVE:
        break;
    }
    /* Where a refresh couldn't be started the lock was released: it may have
     * been invalidated or purged. */
    if (entry->credential == NULL) {
        return -1;
    }
    heat_unlocked(entry);
    *credential = mpsc_credential_hold(entry->credential);
    return MPS_OK;
}

/* The failed call of one that had a token for that case: what is left of it.
 * It may have been purged or invalidated meanwhile. Called with the lock. */
static int
fall_back_unlocked(struct mpsc_call *call, struct mpsc_credential **credential)
{
    const struct mpsc_entry *entry =
        mpsc_cache_find(call->holdings->cache, call->request.business_id);
    struct mpsc_credential *held = entry != NULL ? entry->credential : NULL;

    if (held == NULL || call->now.boot_ms >= held->end_ms ||
        held->received_at < call->profile->configuration->distrust_before) {
        return call->error->code;
    }
    *credential = mpsc_credential_hold(held);
    return MPS_OK;
}

/* Called with the lock. */
static int
get_unlocked(struct mpsc_call *call, struct mpsc_credential **credential)
{
    int code = -1;

    while (code < 0) {
        struct mpsc_credential *fallback;
        struct mpsc_entry *entry =
            mpsc_cache_entry(call->holdings->cache, call->request.business_id);

        if (entry == NULL) {
            return mpsc_error_set(call->error, MPS_E_NO_MEMORY,
                                  "out of memory");
        }
        /* The first look is at the time of the call's beginning: most calls
         * end there, and clocks cost. */
        if (call->left_memory) {
            call->provider->hub.clock(&call->now);
        }
        code = serve_unlocked(call, entry, &fallback, credential);
        if (code >= 0) {
            return code;
        }
        if (fails_unlocked(call, entry)) {
            code = waits(call) ? call->error->code
                               : dont_wait_unlocked(call, entry, credential);
        } else if (!leave_memory_unlocked(call)) {
            code = go_unlocked(call, entry, fallback, credential);
            if (code != MPS_OK) {
                mpsc_call_look_again_unlocked(call);
            }
        }
        if (code > MPS_OK && fallback != NULL) {
            code = fall_back_unlocked(call, credential);
        }
        mpsc_credential_release(fallback);
    }
    return code;
}

/* The first time that this process hands out this token. */
static void
audit(const struct mpsc_call *call, struct mpsc_credential *credential)
{
    const struct mpsc_audit_event event = {
        .level = MPSC_AUDIT_USE,
        .event = "use",
        .business = call->request.business_id,
        .source = mpsc_audit_source(credential->public.source),
        .token_id = credential->public.token_id,
        .expires = credential->public.expires_at,
    };

    if (!atomic_flag_test_and_set(&credential->handed_out)) {
        mpsc_audit(&call->provider->hub.log, call->profile->configuration,
                   &event);
    }
}

int
mpsc_get(struct mpsc_provider *provider, const struct mps_request *request,
         const struct mps_credential **credential, struct mps_error *error)
{
    static const struct mpsc_request_rules rules = {
        MPS_NO_WAIT | MPS_FORCE_REFRESH, 1, 1};
    struct mpsc_credential *found = NULL;
    struct mpsc_call call;
    int code;

    code = mpsc_call_begin(&call, provider, request, &rules, error);
    if (code == MPS_OK) {
        mpsc_provider_lock(provider);
        code = get_unlocked(&call, &found);
        mpsc_provider_unlock(provider);
    }
    if (found != NULL) {
        audit(&call, found);
    }
    mpsc_call_end(&call);
    *credential = found != NULL ? &found->public : NULL;
    return code;
}

int
mpsc_get_from_memory_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
                              int at_worst)
{
    enum mpsc_refresh_action action;

    call->provider->hub.clock(&call->now);
    action = decide_unlocked(call, entry);
    if (action == MPSC_REFRESH_FETCH_ELSE_SERVE && at_worst) {
        action = MPSC_REFRESH_SERVE;
    }
    if (action == MPSC_REFRESH_SERVE ||
        action == MPSC_REFRESH_SERVE_AND_START) {
        return MPS_OK;
    }
    return !at_worst && fails_unlocked(call, entry) ? call->error->code : -1;
}
