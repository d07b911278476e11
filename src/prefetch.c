/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "prefetch.h"

#include "credential.h"
#include "error.h"
#include "get.h"
#include "request.h"

/* From the best to the worst: first what concerns one business, then what
 * passes, then what only an administrator can mend for all of them. */
static const int by_severity[] = {
    MPS_OK,          MPS_E_AGAIN,       MPS_E_UNPROCESSABLE, MPS_E_NOT_FOUND,
    MPS_E_FORBIDDEN, MPS_E_BAD_REQUEST, MPS_E_INVALID,       MPS_E_TIMEOUT,
    MPS_E_SERVER,    MPS_E_NETWORK,     MPS_E_RATE_LIMITED,  MPS_E_NO_MEMORY,
    MPS_E_PROTOCOL,  MPS_E_KEYRING,     MPS_E_TLS,           MPS_E_AUTH,
    MPS_E_CONFIG,    MPS_E_INTERNAL,
};

unsigned
mpsc_prefetch_severity(int code)
{
    unsigned count = sizeof(by_severity) / sizeof(by_severity[0]);

    for (unsigned i = 0; i < count; i++) {
        if (by_severity[i] == code) {
            return i;
        }
    }
    return count;
}

/* One item; the deadline is the item's, or what is left of the whole's. */
static int
fetch_item(struct mpsc_provider *provider, struct mps_request *request,
           int64_t end_ms, struct mps_error *error)
{
    const struct mps_credential *credential = NULL;
    struct mpsc_time now;
    int code;

    if (end_ms != 0) {
        provider->hub.clock(&now);
        if (now.mono_ms >= end_ms) {
            return mpsc_error_set(error, MPS_E_TIMEOUT,
                                  "the deadline passed before its turn");
        }
        request->deadline_ms = (unsigned)(end_ms - now.mono_ms);
    }
    code = mpsc_get(provider, request, &credential, error);
    mpsc_credential_release(mpsc_credential_of(credential));
    return code;
}

int
mpsc_prefetch(struct mpsc_provider *provider,
              const struct mps_request *request,
              const char *const *business_ids, size_t count,
              mps_prefetch_fn *done, void *arg, struct mps_error *error)
{
    static const struct mpsc_request_rules rules = {MPS_FORCE_REFRESH, 0, 1};
    const struct mps_request defaults = {.size = sizeof(defaults)};
    struct mps_request item;
    struct mps_error limited;
    struct mpsc_time now;
    int64_t end_ms = 0;
    int worst;

    worst = mpsc_request_check(request != NULL ? request : &defaults, &rules,
                               &item, error);
    if (worst != MPS_OK) {
        return worst;
    }
    if (business_ids == NULL && count > 0) {
        return mpsc_error_set(error, MPS_E_INVALID, "business_ids is NULL");
    }
    if (item.deadline_ms != 0) {
        provider->hub.clock(&now);
        end_ms = now.mono_ms + item.deadline_ms;
    }
    item.error = NULL;
    mpsc_error_clear(&limited);
    for (size_t i = 0; i < count; i++) {
        struct mps_error failure = limited;
        int code = limited.code;

        item.business_id = business_ids[i];
        /* Further calls lengthen the block: the rest is not asked for. */
        if (code == MPS_OK) {
            code = fetch_item(provider, &item, end_ms, &failure);
        }
        if (code == MPS_E_RATE_LIMITED && limited.code == MPS_OK) {
            limited = failure;
        }
        if (mpsc_prefetch_severity(code) > mpsc_prefetch_severity(worst)) {
            worst = code;
            *error = failure;
        }
        if (done != NULL) {
            done(arg, business_ids[i], code);
        }
    }
    return worst;
}
