/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "look.h"

#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "epoch.h"
#include "error.h"

#define LOOK_MS 1000

int
mpsc_look_is_due_unlocked(struct mpsc_profile *profile, int64_t now_ms)
{
    if (now_ms < profile->look_ms) {
        return 0;
    }
    profile->look_ms = now_ms + LOOK_MS;
    return 1;
}

/* True where the configuration's files aren't those that were loaded. */
static int
files_changed(struct mpsc_provider *provider, struct mpsc_profile *profile)
{
    char stamp[MPSC_DIGEST_HEX_SIZE];
    int changed;

    if (mpsc_configuration_stamp(profile->environment.configuration, stamp) <
        0) {
        return 0;
    }
    mpsc_provider_lock(provider);
    changed = strcmp(stamp, profile->stamp) != 0;
    memcpy(profile->stamp, stamp, sizeof(stamp));
    mpsc_provider_unlock(provider);
    return changed;
}

/* A bad file is read twice, since its stamp settles later: told once. */
static void
tell_failure(struct mpsc_provider *provider,
             const struct mpsc_profile *profile, const struct mps_error *error)
{
    /* After a chroot, say, the files can't be there. */
    int expected = atomic_load(&profile->prepared) != NULL;
    int priority = expected ? LOG_INFO : LOG_ERR;

    if (mpsc_profile_logs(profile, priority)) {
        mpsc_log_line(&provider->hub.log, priority,
                      "the changed configuration can't be loaded, going on "
                      "with the former: %s: %s",
                      mpsc_error_name(error->code), error->message);
    }
}

/* What a lack of memory kept from being taken up is still to come: to the next
 * look the files have changed once more. */
static void
try_again(struct mpsc_provider *provider, struct mpsc_profile *profile)
{
    mpsc_provider_lock(provider);
    profile->stamp[0] = '\0';
    mpsc_provider_unlock(provider);
}

/* The profile anew from its files; the former where that fails. */
static struct mpsc_profile *
reload(struct mpsc_provider *provider, struct mpsc_profile *profile)
{
    struct mpsc_profile *fresh = NULL;
    struct mps_error error;
    int is_news = 0;
    int code;

    pthread_mutex_lock(&provider->loading);
    code = mpsc_profile_load(profile->name, profile, &fresh, &error);
    if (code == MPS_OK) {
        mpsc_profile_inherit(fresh, profile);
        fresh = mpsc_provider_replace(provider, profile, fresh);
    } else {
        is_news = mpsc_provider_is_news(provider, &error);
    }
    if (code == MPS_E_NO_MEMORY || fresh == profile) {
        try_again(provider, profile);
    }
    pthread_mutex_unlock(&provider->loading);
    if (code == MPS_OK && fresh != profile) {
        mpsc_provider_tell_clamped(provider, fresh);
    } else if (is_news) {
        tell_failure(provider, profile, &error);
    }
    return fresh != NULL ? fresh : profile;
}

/* Another effective user has nothing of the former one's, as after a fork.
 * Called with the lock. */
static void
change_user_unlocked(struct mpsc_profile *profile, uid_t user)
{
    struct mpsc_holdings *fresh = mpsc_profile_new_holdings(profile);
    struct mpsc_holdings *former = profile->holdings;

    if (fresh != NULL) {
        mpsc_gate_close(profile->gate);
        profile->holdings = fresh;
        mpsc_gate_open(profile->gate);
        mpsc_holdings_release(&former);
        profile->user = user;
    } else {
        mpsc_cache_purge(profile->holdings->cache, INT64_MAX);
    }
}

/* Who we are, and so where keyring and shared files are; both at a time, or
 * the one user's tokens would go to the other's keyring. */
static void
look_at_user_and_place(struct mpsc_provider *provider,
                       struct mpsc_profile *profile, struct mpsc_place *place)
{
    uid_t user = geteuid();
    struct mpsc_place fresh;
    int found = mpsc_profile_find_place(profile, &fresh) == 0;

    memset(place, 0, sizeof(*place));
    if (found) {
        (void)mpsc_place_copy(place, &fresh);
    }
    mpsc_provider_lock(provider);
    if (user != profile->user) {
        change_user_unlocked(profile, user);
    }
    if (found) {
        mpsc_place_free(&profile->place);
        profile->place = fresh;
    }
    mpsc_provider_unlock(provider);
}

/* The digest of the partner's token as it is now, where the endpoint was not
 * to be asked with the one that was read last. */
static void
look_for_other_partner(struct mpsc_profile *profile,
                       const struct mpsc_shared *shared, int64_t boot_ms,
                       char digest[MPSC_DIGEST_HEX_SIZE])
{
    const struct mpsc_limit *why;
    struct mps_error ignored;

    if (mpsc_limits_check(&shared->limits, boot_ms, &why) !=
        MPSC_LIMITS_OPEN) {
        (void)mpsc_profile_partner_digest(profile, digest, &ignored);
    }
}

static void
look_at_shared(struct mpsc_provider *provider, struct mpsc_profile *profile,
               const struct mpsc_place *place)
{
    struct mpsc_holdings *holdings;
    char digest[MPSC_DIGEST_HEX_SIZE];
    struct mpsc_shared shared;
    struct mpsc_epoch epoch;
    struct mpsc_time now;
    uint64_t generation = 0;
    int64_t coarse_ms;
    int has_epoch = mpsc_epoch_read(place->runtime_dir, &epoch) == 0;

    (void)mpsc_generation_read(
        place->runtime_dir, profile->configuration->base_url,
        profile->configuration->solution_id, &generation);
    /* In this order: what comes in between makes tokens end earlier. */
    coarse_ms = provider->hub.coarse();
    provider->hub.clock(&now);
    atomic_store(&provider->boot_ahead_ms, now.boot_ms - coarse_ms);
    mpsc_provider_lock(provider);
    holdings = mpsc_holdings_hold(profile->holdings);
    memcpy(digest, holdings->partner_digest, sizeof(digest));
    shared = holdings->shared;
    holdings->generation = generation;
    if (has_epoch) {
        mpsc_holdings_purge(holdings, &epoch, &now);
    }
    mpsc_provider_unlock(provider);
    /* Without a digest this process hasn't asked yet. */
    if (digest[0] != '\0') {
        look_for_other_partner(profile, &shared, now.boot_ms, digest);
        mpsc_state_look(holdings->state, place->runtime_dir, digest, &shared);
    }
    mpsc_provider_lock(provider);
    if (digest[0] != '\0') {
        mpsc_holdings_see(holdings, digest, &shared);
    }
    holdings->looked = 1;
    mpsc_holdings_release(&holdings);
    mpsc_provider_unlock(provider);
}

static void
tidy(struct mpsc_provider *provider)
{
    struct mpsc_io *io;

    mpsc_provider_lock(provider);
    io = provider->io;
    mpsc_provider_unlock(provider);
    /* It stays while a call is inside, which this one is. */
    if (io != NULL) {
        mpsc_io_tidy(io);
    }
}

struct mpsc_profile *
mpsc_look(struct mpsc_provider *provider, struct mpsc_profile *profile)
{
    struct mpsc_place place;

    tidy(provider);
    if (files_changed(provider, profile)) {
        profile = reload(provider, profile);
    }
    look_at_user_and_place(provider, profile, &place);
    look_at_shared(provider, profile, &place);
    mpsc_place_free(&place);
    return profile;
}
