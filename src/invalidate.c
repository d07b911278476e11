/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "audit.h"
#include "call.h"
#include "error.h"

static void
audit(const struct mpsc_call *call, const char *digest)
{
    const struct mpsc_audit_event event = {
        .level = MPSC_AUDIT_FETCH,
        .event = "invalidate",
        .business = call->request.business_id,
        .token_id = digest,
    };

    mpsc_audit(&call->provider->hub.log, call->profile->configuration, &event);
}

/* Memory's part. What is dead is remembered, since the keyring may still hold
 * it: the token, or all that came before now. Called with the lock. */
static void
forget_unlocked(struct mpsc_cache *cache, struct mpsc_entry *entry,
                const char *access_token, const char *digest,
                const struct mpsc_time *now)
{
    const struct mpsc_credential *held = entry->credential;
    struct mpsc_setbacks *setbacks = entry->setbacks;

    if (digest == NULL) {
        setbacks->distrust_until_ms = now->boot_ms;
        mpsc_setbacks_forgive(&entry->setbacks);
        mpsc_cache_put(cache, entry, NULL);
        return;
    }
    mpsc_rejected_add(&setbacks->rejected, digest, now->boot_ms);
    if (held != NULL && strcmp(held->token, access_token) == 0) {
        mpsc_cache_put(cache, entry, NULL);
    }
}

/*
 * True where an erasure that nobody waits for has not begun yet: it does for
 * this one as well, and a host that invalidates faster than a keyring erases
 * doesn't make a queue that its fetches have to wait behind. Called with the
 * lock.
 */
static int
join_erasure_unlocked(const struct mpsc_call *call,
                      const struct mpsc_entry *entry, const char *digest)
{
    static const struct mpsc_lifetime_wish nothing;
    struct mpsc_flight *flight =
        mpsc_setbacks_recall(entry->setbacks)->erasure;

    if ((call->request.flags & MPS_NO_WAIT) == 0 || flight == NULL ||
        atomic_load(&flight->fetch.begun) ||
        flight->fetch.keyring_hint != MPSC_KEYRING_OK ||
        strcmp(flight->target, digest != NULL ? digest : "") != 0) {
        return 0;
    }
    mpsc_flight_join_unlocked(flight, &nothing, call->deadline_ms);
    return 1;
}

/* The keyring's part. Called with the lock. */
static int
erase_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
               const char *digest)
{
    const struct mpsc_configuration *options = call->profile->configuration;
    struct mpsc_setbacks *setbacks;
    struct mpsc_credential *none;
    struct mpsc_flight *flight;
    int code;

    if (options->keyring == MPSC_KEYRING_OFF ||
        join_erasure_unlocked(call, entry, digest)) {
        return MPS_OK;
    }
    flight = mpsc_call_launch_unlocked(call, entry, MPSC_CALL_ERASE, digest);
    if (flight == NULL) {
        return call->error->code;
    }
    if ((call->request.flags & MPS_NO_WAIT) != 0) {
        setbacks = mpsc_setbacks_note(&entry->setbacks);
        if (setbacks != NULL && !flight->done) {
            setbacks->erasure = flight;
        }
        mpsc_flight_release_unlocked(flight);
        return MPS_OK;
    }
    code = mpsc_call_await_unlocked(call, flight, call->deadline_ms, &none);
    /* This process doesn't believe the token again in any case. */
    return options->keyring == MPSC_KEYRING_REQUIRED ? code : MPS_OK;
}

int
mpsc_invalidate(struct mpsc_provider *provider,
                const struct mps_request *request, const char *access_token,
                struct mps_error *error)
{
    static const struct mpsc_request_rules rules = {MPS_NO_WAIT, 1, 0};
    char sum[MPSC_DIGEST_HEX_SIZE];
    const char *digest = access_token != NULL ? sum : NULL;
    struct mpsc_entry *entry;
    struct mpsc_call call;
    struct mpsc_time now;
    int code;

    code = mpsc_call_begin(&call, provider, request, &rules, error);
    if (code != MPS_OK) {
        goto out;
    }
    if (access_token != NULL && access_token[0] == '\0') {
        code = mpsc_error_set(error, MPS_E_INVALID,
                              "access_token is empty: use NULL for whatever "
                              "is held");
        goto out;
    }
    if (digest != NULL &&
        mpsc_digest_sha256(access_token, strlen(access_token), sum) != 0) {
        code = mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
        goto out;
    }
    audit(&call, digest);
    mpsc_call_look(&call);
    mpsc_provider_lock(provider);
    entry = mpsc_cache_entry(call.holdings->cache, call.request.business_id);
    if (entry == NULL || mpsc_setbacks_note(&entry->setbacks) == NULL) {
        /* What can't be remembered is at least not handed out. */
        if (entry != NULL) {
            mpsc_cache_put(call.holdings->cache, entry, NULL);
        }
        code = mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    } else {
        provider->hub.clock(&now);
        forget_unlocked(call.holdings->cache, entry, access_token, digest,
                        &now);
        code = erase_unlocked(&call, entry, digest);
    }
    mpsc_provider_unlock(provider);
out:
    mpsc_call_end(&call);
    return code;
}
