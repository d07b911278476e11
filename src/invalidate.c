/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "invalidate.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "call.h"
#include "error.h"

#define TOKEN_ID_DIGITS 12

static void
audit(const struct mpsc_call *call, const char *digest)
{
    const struct mpsc_configuration *options = call->profile->configuration;

    if (options->audit == MPSC_AUDIT_OFF || options->log == MPSC_LOG_OFF) {
        return;
    }
    mpsc_log_line(&call->provider->hub.log, LOG_AUTHPRIV | LOG_INFO,
                  "event=invalidate program=%s profile=%s business=%s "
                  "token_id=%.*s",
                  program_invocation_short_name,
                  call->profile->name != NULL ? call->profile->name : "-",
                  call->request.business_id, TOKEN_ID_DIGITS,
                  digest != NULL ? digest : "-");
}

/* Memory's part. The token is remembered as dead until the endpoint has given
 * another, since the keyring may still hold it. Called with the lock. */
static void
forget_unlocked(struct mpsc_entry *entry, const char *digest)
{
    struct mpsc_credential *held = entry->credential;

    if (digest == NULL) {
        mpsc_cache_forgive(entry);
    } else {
        memcpy(entry->rejected, digest, sizeof(entry->rejected));
    }
    if (held == NULL) {
        return;
    }
    if (digest == NULL) {
        memcpy(entry->rejected, held->digest, sizeof(entry->rejected));
        mpsc_cache_put(entry, NULL);
    } else if (strcmp(held->digest, digest) == 0) {
        mpsc_cache_put(entry, NULL);
    }
}

/* The keyring's part. Called with the lock. */
static int
erase_unlocked(struct mpsc_call *call, struct mpsc_entry *entry,
               const char *digest)
{
    const struct mpsc_configuration *options = call->profile->configuration;
    struct mpsc_credential *none;
    struct mpsc_flight *flight;
    int code;

    if (options->keyring == MPSC_KEYRING_OFF) {
        return MPS_OK;
    }
    flight = mpsc_call_launch_unlocked(call, entry, MPSC_FETCH_ERASE, digest);
    if (flight == NULL) {
        return call->error->code;
    }
    if ((call->request.flags & MPS_NO_WAIT) != 0) {
        mpsc_flight_release_unlocked(flight);
        return MPS_OK;
    }
    code = mpsc_call_await_unlocked(call, flight, &none);
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
    int code;

    mpsc_provider_enter(provider);
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
    mpsc_provider_lock(provider);
    entry = mpsc_cache_entry(call.profile->cache, call.request.business_id);
    if (entry == NULL) {
        code = mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    } else {
        forget_unlocked(entry, digest);
        code = erase_unlocked(&call, entry, digest);
    }
    mpsc_provider_unlock(provider);
out:
    mpsc_provider_leave(provider);
    return code;
}
