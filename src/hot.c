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

#include "provider.h"

/* The profile, mostly the first of all. Called within the gate. */
static struct mpsc_profile *
find_profile(struct mpsc_provider *provider, const char *name)
{
    struct mpsc_profile *first = provider->profiles;

    if (first != NULL && mpsc_profile_is(first, name)) {
        return first;
    }
    return mpsc_provider_find_unlocked(provider, name);
}

/* The answer of a profile's memory, where it has looked within the last
 * second. MPS_NO_WAIT is refused without threads, whatever memory holds.
 * Called within the gate. */
static struct mpsc_credential *
serve(struct mpsc_provider *provider, const struct mpsc_profile *profile,
      const char *business_id, unsigned flags)
{
    int64_t now_ms = provider->hub.coarse();

    if (now_ms >=
            atomic_load_explicit(&profile->look_ms, memory_order_relaxed) ||
        (flags != 0 && !profile->configuration->threads)) {
        return NULL;
    }
    return mpsc_cache_serve(profile->holdings->cache, business_id,
                            now_ms +
                                atomic_load_explicit(&provider->boot_ahead_ms,
                                                     memory_order_relaxed),
                            profile->configuration->distrust_before);
}

const struct mps_credential *
mpsc_get_hot(struct mpsc_provider *provider, const char *business_id,
             const char *profile, unsigned flags)
{
    struct mpsc_credential *credential = NULL;
    const struct mpsc_profile *found;
    struct mpsc_gate_lane *lane;

    if (business_id == NULL ||
        (lane = mpsc_gate_enter(&provider->hub.gate)) == NULL) {
        return NULL;
    }
    found = find_profile(provider, profile);
    if (found != NULL) {
        credential = serve(provider, found, business_id, flags);
    }
    mpsc_gate_leave(lane);
    return credential != NULL ? &credential->public : NULL;
}
