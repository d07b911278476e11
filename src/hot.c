/* SPDX-License-Identifier: MIT */
/*
 * hot: the calls that memory answers (mpsc_get_hot() of backend.h), which are
 * nearly all: without the provider's lock, and with nothing written that
 * another processor reads, but the token's count of references.
 *
 * What get.c has decided for one call it heats the business's entry with, for
 * all like it that come until something is to be decided anew.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "error.h"
#include "provider.h"
#include "request.h"

/* True for a request that any good token meets; what is wrong with another
 * mpsc_get() says. */
static int
is_plain(const struct mps_request *request)
{
    return request != NULL && request->size == sizeof(*request) &&
           request->business_id != NULL && request->min_validity_s == 0 &&
           (request->flags & ~MPS_NO_WAIT) == 0 &&
           (request->profile == NULL || request->profile[0] != '\0') &&
           (request->error == NULL ||
            mpsc_error_size_ok(request->error->size));
}

/* MPS_NO_WAIT is refused without threads, whatever memory holds. */
static int
may_ask(const struct mpsc_profile *profile, const struct mps_request *request)
{
    return request->flags == 0 || profile->configuration->threads;
}

const struct mps_credential *
mpsc_get_hot(struct mpsc_provider *provider, const struct mps_request *request)
{
    struct mpsc_credential *credential = NULL;
    const struct mpsc_profile *profile;
    struct mpsc_gate_lane *lane;
    int64_t now_ms;

    if (!is_plain(request)) {
        return NULL;
    }
    now_ms = provider->hub.coarse();
    lane = mpsc_gate_enter(&provider->hub.gate);
    profile = mpsc_provider_find_unlocked(provider, request->profile);
    if (profile != NULL && may_ask(profile, request) &&
        now_ms <
            atomic_load_explicit(&profile->look_ms, memory_order_relaxed)) {
        credential = mpsc_cache_serve(
            profile->holdings->cache, request->business_id,
            now_ms + atomic_load_explicit(&provider->boot_ahead_ms,
                                          memory_order_relaxed));
    }
    mpsc_gate_leave(lane);
    return credential != NULL ? &credential->public : NULL;
}
