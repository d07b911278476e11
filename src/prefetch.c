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

/* What all items have in common. */
struct run {
    struct mpsc_provider *provider;
    struct mps_request item; /* the next one's */
    int64_t end_ms;          /* CLOCK_MONOTONIC, of the whole; 0 = none */
    int64_t retry_at;        /* of the rate limit that was met */
    int stopped;             /* MPS_OK, or why the endpoint is asked no more */
};

/* Sets the item's share of the deadline, or finds that it has passed. */
static void
share_deadline(struct run *run)
{
    struct mpsc_time now;

    if (run->end_ms == 0 || run->stopped != MPS_OK) {
        return;
    }
    run->provider->hub.clock(&now);
    if (now.mono_ms >= run->end_ms) {
        run->stopped = MPS_E_TIMEOUT;
    } else {
        run->item.deadline_ms = (unsigned)(run->end_ms - now.mono_ms);
    }
}

/* One item. After a rate limit the rest is not asked for, since further calls
 * lengthen the block; what is held is found all the same. */
static int
fetch_item(struct run *run, const char *business_id, struct mps_error *error)
{
    const struct mps_credential *credential = NULL;
    int code;

    share_deadline(run);
    run->item.business_id = business_id;
    if (run->stopped == MPS_OK) {
        code = mpsc_get(run->provider, &run->item, &credential, error);
        if (code == MPS_E_RATE_LIMITED) {
            run->stopped = code;
            run->retry_at = error->retry_at;
        }
    } else {
        code = mpsc_get_held(run->provider, &run->item, &credential, error);
        if (code == MPS_E_AGAIN) {
            code = mpsc_error_set(
                error, run->stopped, "business %s was not asked for: %s",
                business_id, mpsc_error_string(run->stopped));
            error->retry_at = run->retry_at;
        }
    }
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
    struct run run = {.provider = provider};
    struct mpsc_time now;
    int worst;

    worst = mpsc_request_check(request != NULL ? request : &defaults, &rules,
                               &run.item, error);
    if (worst != MPS_OK) {
        return worst;
    }
    if (business_ids == NULL && count > 0) {
        return mpsc_error_set(error, MPS_E_INVALID, "business_ids is NULL");
    }
    if (run.item.deadline_ms != 0) {
        provider->hub.clock(&now);
        run.end_ms = now.mono_ms + run.item.deadline_ms;
    }
    run.item.error = NULL;
    for (size_t i = 0; i < count; i++) {
        struct mps_error failure;
        int code = fetch_item(&run, business_ids[i], &failure);

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
