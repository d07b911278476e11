/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "get.h"

#include "audit.h"
#include "call.h"
#include "error.h"

/* Whether a credential (NULL = none) answers the wish. */
static int
serves(const struct mpsc_call *call, const struct mpsc_credential *credential,
       const struct mpsc_lifetime_wish *wish)
{
    struct mpsc_time now;

    if (credential == NULL ||
        credential->received_at <
            call->profile->configuration->distrust_before) {
        return 0;
    }
    call->provider->hub.clock(&now);
    return mpsc_lifetime_serves(credential->received_ms, credential->end_ms,
                                now.boot_ms, wish);
}

/* Whether a remembered failure answers the call. Called with the lock. */
static int
fails_unlocked(struct mpsc_call *call, struct mpsc_entry *entry)
{
    int no_wait = (call->request.flags & MPS_NO_WAIT) != 0;
    struct mpsc_time now;
    int is_no;

    if (entry->failure == NULL) {
        return 0;
    }
    call->provider->hub.clock(&now);
    if (now.boot_ms >= entry->failure_until_ms) {
        mpsc_cache_forgive(entry);
        return 0;
    }
    is_no = (mpsc_error_class(entry->failure->code) & MPS_CLASS_BUSINESS) != 0;
    /* Force passes a no and nothing else; without waiting only an older one,
     * since else the call that comes for the answer would ask again. */
    if (is_no && call->wish.force_refresh &&
        (!no_wait ||
         now.boot_ms - entry->failure_since_ms >= MPSC_LIFETIME_BACKOFF_MS)) {
        return 0;
    }
    if (!no_wait && !is_no && entry->failure->code != MPS_E_RATE_LIMITED) {
        return 0;
    }
    *call->error = *entry->failure;
    return 1;
}

/* What MPS_NO_WAIT says with a fetch under way, or none since a failure is
 * remembered. Called with the lock. */
static int
dont_wait_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
                   struct mpsc_credential **credential)
{
    const struct mpsc_lifetime_wish any = {0, 0};
    const struct mpsc_lifetime_wish *wish =
        call->wish.force_refresh ? &any : &call->wish;

    if (serves(call, entry->credential, wish)) {
        *credential = mpsc_credential_hold(entry->credential);
        return MPS_OK;
    }
    if (fails_unlocked(call, entry)) {
        return call->error->code;
    }
    return mpsc_error_set(call->error, MPS_E_AGAIN,
                          "business %s: a fetch is under way",
                          entry->business_id);
}

static int
has_time_left(const struct mpsc_call *call)
{
    struct mpsc_time now;

    call->provider->hub.clock(&now);
    return now.mono_ms < call->deadline_ms;
}

/* Called with the lock. */
static int
get_unlocked(struct mpsc_call *call, struct mpsc_credential **credential)
{
    struct mpsc_entry *entry =
        mpsc_cache_entry(call->profile->cache, call->request.business_id);
    struct mpsc_flight *flight;
    int code;

    if (entry == NULL) {
        return mpsc_error_set(call->error, MPS_E_NO_MEMORY, "out of memory");
    }
    for (;;) {
        if (serves(call, entry->credential, &call->wish)) {
            *credential = mpsc_credential_hold(entry->credential);
            return MPS_OK;
        }
        if (fails_unlocked(call, entry)) {
            return (call->request.flags & MPS_NO_WAIT) != 0
                       ? dont_wait_unlocked(call, entry, credential)
                       : call->error->code;
        }
        flight = mpsc_call_board_unlocked(call, entry);
        if (flight == NULL) {
            return call->error->code;
        }
        if ((call->request.flags & MPS_NO_WAIT) != 0) {
            mpsc_flight_release_unlocked(flight);
            return dont_wait_unlocked(call, entry, credential);
        }
        code = mpsc_call_await_unlocked(call, flight, credential);
        /* The deadline that has passed was another's. */
        if (code == MPS_E_TIMEOUT && has_time_left(call)) {
            continue;
        }
        /* What the endpoint gave just now is as good as it gets. What the
         * keyring had may have been believed before this call joined. */
        if (code != MPS_OK ||
            (*credential)->public.source == MPS_SOURCE_ENDPOINT ||
            (!mpsc_cache_is_dead(entry, *credential) &&
             serves(call, *credential, &call->wish))) {
            return code;
        }
        mpsc_credential_release(*credential);
        *credential = NULL;
    }
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
        .token_id = credential->digest,
        .expires = credential->public.expires_at,
    };

    if (!atomic_flag_test_and_set(&credential->handed_out)) {
        mpsc_audit(&call->provider->hub.log, call->profile, &event);
    }
}

/* Called with the lock. */
static int
get_held_unlocked(struct mpsc_call *call, struct mpsc_credential **credential)
{
    struct mpsc_entry *entry =
        mpsc_cache_find(call->profile->cache, call->request.business_id);

    if (entry == NULL || !serves(call, entry->credential, &call->wish)) {
        return mpsc_error_set(call->error, MPS_E_AGAIN,
                              "business %s: nothing is held",
                              call->request.business_id);
    }
    *credential = mpsc_credential_hold(entry->credential);
    return MPS_OK;
}

typedef int answer_fn(struct mpsc_call *call,
                      struct mpsc_credential **credential);

/* Checks the request and lets `answer` run under the lock. */
static int
get_by(answer_fn *answer, struct mpsc_provider *provider,
       const struct mps_request *request,
       const struct mps_credential **credential, struct mps_error *error)
{
    static const struct mpsc_request_rules rules = {
        MPS_NO_WAIT | MPS_FORCE_REFRESH, 1, 1};
    struct mpsc_credential *found = NULL;
    struct mpsc_call call;
    int code;

    mpsc_provider_enter(provider);
    code = mpsc_call_begin(&call, provider, request, &rules, error);
    if (code == MPS_OK) {
        mpsc_provider_lock(provider);
        code = answer(&call, &found);
        mpsc_provider_unlock(provider);
    }
    if (found != NULL) {
        audit(&call, found);
    }
    mpsc_provider_leave(provider);
    *credential = found != NULL ? &found->public : NULL;
    return code;
}

int
mpsc_get(struct mpsc_provider *provider, const struct mps_request *request,
         const struct mps_credential **credential, struct mps_error *error)
{
    return get_by(get_unlocked, provider, request, credential, error);
}

int
mpsc_get_held(struct mpsc_provider *provider,
              const struct mps_request *request,
              const struct mps_credential **credential,
              struct mps_error *error)
{
    return get_by(get_held_unlocked, provider, request, credential, error);
}
