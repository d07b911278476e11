/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "flight.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "audit.h"
#include "epoch.h"
#include "error.h"
#include "random.h"
#include "refresh.h"
#include "standing.h"

/* A keyring that didn't answer isn't asked again for this long: else each
 * business would cost its deadline. */
#define MUTE_MS 30000

/* How long a failed background fetch is told to MPS_NO_WAIT, where the
 * failure itself sets no time. */
#define FAILURE_MS 1000

/* The clocks may differ by so much without a word. */
#define SKEW_S 60

/* Called with the lock. */
static void
notify_unlocked(struct mpsc_hub *hub)
{
    if (mpsc_event_notify(&hub->event) != 0) {
        hub->missed = 1;
    }
}

/* A line of the profile's log, where its level asks for it. */
#define LOG(flight, priority, ...)                                            \
    do {                                                                      \
        if (mpsc_profile_logs((flight)->profile, priority)) {                 \
            mpsc_log_line(&(flight)->hub->log, priority, __VA_ARGS__);        \
        }                                                                     \
    } while (0)

/* --- while it flies --------------------------------------------------------
 */

/*
 * True where a record is newer than what was held when the flight began. One
 * of another boot was received at a time by the wall clock, whose whole
 * seconds may make it look newer than itself. Where nothing was held the
 * record may have come meanwhile, with all others. Called with the lock.
 */
static int
is_newer_unlocked(const struct mpsc_flight *flight,
                  const struct mpsc_record *record, int64_t received_ms)
{
    const struct mpsc_credential *held = flight->entry->credential;

    return received_ms > flight->newer_than_ms &&
           (held == NULL || flight->newer_than_ms == INT64_MIN ||
            held->received_at != record->received_at ||
            strcmp(held->token, record->token.data) != 0);
}

/* True where this process knows of a purge since the flight began. Called
 * with the lock. */
static int
is_outdated_unlocked(const struct mpsc_flight *flight)
{
    return flight->fetch.epoch != flight->holdings->epoch;
}

/* Called with the lock. */
static int
is_purged_unlocked(const struct mpsc_flight *flight, int64_t received_ms)
{
    int64_t all_before_ms = flight->holdings->all_before_ms;

    /* What was received before this boot has a time below 0. */
    return all_before_ms != 0 && received_ms <= all_before_ms;
}

static int
believe_token(struct mpsc_flight *flight, const struct mpsc_record *record,
              const char *digest)
{
    struct mpsc_time now;
    int64_t received_ms;
    int64_t end_ms;
    int serves;

    flight->hub->clock(&now);
    received_ms =
        mpsc_lifetime_received_ms(record, &now, flight->profile->boot_id);
    end_ms = mpsc_lifetime_end_ms(record, &now, flight->profile->boot_id);
    pthread_mutex_lock(&flight->hub->lock);
    serves =
        !is_outdated_unlocked(flight) &&
        !mpsc_cache_is_dead(flight->entry, digest, received_ms) &&
        !is_purged_unlocked(flight, received_ms) &&
        record->received_at >=
            flight->profile->configuration->distrust_before &&
        is_newer_unlocked(flight, record, received_ms) &&
        mpsc_lifetime_serves(received_ms, end_ms, now.boot_ms, &flight->wish);
    pthread_mutex_unlock(&flight->hub->lock);
    return serves;
}

static int
on_believe(void *arg, const struct mpsc_record *record)
{
    struct mpsc_flight *flight = arg;
    char digest[MPSC_DIGEST_HEX_SIZE];

    if (mpsc_digest_sha256(record->token.data, record->token.len, digest) !=
        0) {
        return 0;
    }
    if (flight->fetch.purpose == MPSC_FETCH_ERASE) {
        return flight->target[0] == '\0' ||
               strcmp(flight->target, digest) == 0;
    }
    return believe_token(flight, record, digest);
}

/*
 * What the fetch has to do with the other processes. `digest` is set to that
 * of the partner's token: as the fetch read it, or else as it is.
 */
static struct mpsc_standing
standing_of(struct mpsc_flight *flight, char digest[MPSC_DIGEST_HEX_SIZE])
{
    memcpy(digest, flight->fetch.partner_digest, MPSC_DIGEST_HEX_SIZE);
    if (digest[0] == '\0') {
        mpsc_standing_digest(flight->hub, flight->profile, flight->holdings,
                             digest);
    }
    return (struct mpsc_standing){
        .hub = flight->hub,
        .profile = flight->profile,
        .holdings = flight->holdings,
        .runtime_dir = flight->fetch.place.runtime_dir,
        .partner_digest = digest,
    };
}

void
mpsc_flight_met_keyring(const struct mpsc_standing *standing,
                        const struct mpsc_place *place,
                        enum mpsc_keyring_state state, int asked)
{
    const char *where = mpsc_fetch_keyring_place(place, state);
    struct mpsc_time now;
    char message[256];

    standing->hub->clock(&now);
    pthread_mutex_lock(&standing->hub->lock);
    if (state == MPSC_KEYRING_SILENT && asked) {
        standing->holdings->keyring_mute_until_ms = now.mono_ms + MUTE_MS;
    }
    pthread_mutex_unlock(&standing->hub->lock);
    if (standing->profile->configuration->keyring == MPSC_KEYRING_REQUIRED) {
        return;
    }
    snprintf(message, sizeof(message), "going on without it: %s%s%s%s; %s",
             mpsc_keyring_text(state), *where != '\0' ? " (" : "", where,
             *where != '\0' ? ")" : "", mpsc_keyring_advice(state));
    mpsc_standing_keyring(standing, state != MPSC_KEYRING_OK ? message : NULL);
}

int
mpsc_flight_tells_keyring(enum mpsc_keyring_state state, int hurried)
{
    return state != MPSC_KEYRING_BUSY && state != MPSC_KEYRING_PURGED &&
           (state != MPSC_KEYRING_SILENT || !hurried);
}

static void
on_keyring(void *arg, enum mpsc_keyring_state state)
{
    struct mpsc_flight *flight = arg;
    char digest[MPSC_DIGEST_HEX_SIZE];
    struct mpsc_standing standing;

    if (!mpsc_flight_tells_keyring(state, flight->fetch.hurried)) {
        LOG(flight, LOG_INFO, "business %s: %s", flight->fetch.business_id,
            mpsc_keyring_text(state));
        return;
    }
    if (!mpsc_standing_keyring_is_news(flight->hub, flight->holdings, state)) {
        return;
    }
    standing = standing_of(flight, digest);
    mpsc_flight_met_keyring(&standing, &flight->fetch.place, state,
                            flight->fetch.keyring_hint == MPSC_KEYRING_OK);
}

/* The calls that wait begin anew. */
static int
refuse_purged(struct mps_error *error)
{
    mpsc_error_set(error, MPS_E_AGAIN, "tokens were purged meanwhile");
    return -1;
}

static int
on_allow(void *arg, struct mps_error *error)
{
    struct mpsc_flight *flight = arg;
    char digest[MPSC_DIGEST_HEX_SIZE];
    const struct mpsc_standing standing = standing_of(flight, digest);
    struct mpsc_time now;
    int64_t until_ms;
    int advisory;
    int outdated;

    flight->hub->clock(&now);
    until_ms =
        now.boot_ms + (atomic_load(&flight->fetch.deadline_ms) - now.mono_ms);
    pthread_mutex_lock(&flight->hub->lock);
    advisory = flight->advisory;
    outdated = is_outdated_unlocked(flight);
    pthread_mutex_unlock(&flight->hub->lock);
    if (outdated) {
        return refuse_purged(error);
    }
    flight->allowed = mpsc_standing_allow(&standing, advisory, until_ms,
                                          &flight->probing, error) == 0;
    if (flight->allowed && !flight->counted) {
        flight->counted = 1;
        mpsc_standing_ask(&standing);
    }
    return flight->allowed ? 0 : -1;
}

/* True where tokens were purged since the flight began. */
static int
was_purged(struct mpsc_flight *flight)
{
    struct mpsc_epoch epoch;
    struct mpsc_time now;
    int outdated;
    int has_epoch =
        mpsc_epoch_read(flight->fetch.place.runtime_dir, &epoch) == 0;

    flight->hub->clock(&now);
    pthread_mutex_lock(&flight->hub->lock);
    if (has_epoch) {
        mpsc_holdings_purge(flight->holdings, &epoch, &now);
    }
    outdated = is_outdated_unlocked(flight);
    pthread_mutex_unlock(&flight->hub->lock);
    return outdated;
}

/* 0, or until when a token that came is known to be dead. */
static int64_t
dead_until(struct mpsc_flight *flight, const struct mpsc_record *record)
{
    char digest[MPSC_DIGEST_HEX_SIZE];
    int64_t until_ms = 0;

    if (mpsc_digest_sha256(record->token.data, record->token.len, digest) ==
        0) {
        pthread_mutex_lock(&flight->hub->lock);
        until_ms = mpsc_rejected_until(
            mpsc_setbacks_recall(flight->entry->setbacks)->rejected, digest);
        pthread_mutex_unlock(&flight->hub->lock);
    }
    return until_ms;
}

static int
on_accept(void *arg, const struct mpsc_record *record, struct mps_error *error)
{
    struct mpsc_flight *flight = arg;
    int64_t until_ms = dead_until(flight, record);
    struct mpsc_time now;

    flight->hub->clock(&now);
    if (was_purged(flight)) {
        (void)refuse_purged(error);
        error->http_status = 200;
        return -1;
    }
    if (until_ms <= now.boot_ms) {
        return 0;
    }
    mpsc_error_set(error, MPS_E_PROTOCOL,
                   "the endpoint gave again the token that was reported "
                   "dead; look at the business's access to the solution");
    flight->refused = 1;
    error->http_status = 200;
    error->retry_at = now.wall_s + (until_ms - now.boot_ms + 999) / 1000;
    return -1;
}

/* Once a process: lifetimes are right all the same, but much else on such a
 * machine is not. */
static void
tell_skew(struct mpsc_flight *flight, int64_t offset_s)
{
    int told;

    if (offset_s >= -SKEW_S && offset_s <= SKEW_S) {
        return;
    }
    pthread_mutex_lock(&flight->hub->lock);
    told = flight->holdings->skew_told;
    flight->holdings->skew_told = 1;
    pthread_mutex_unlock(&flight->hub->lock);
    if (!told) {
        LOG(flight, LOG_WARNING,
            "the endpoint's clock is %" PRId64 " s %s this machine's; set "
            "the clock, by NTP for instance",
            offset_s > 0 ? offset_s : -offset_s,
            offset_s > 0 ? "ahead of" : "behind");
    }
}

static void
on_answered(void *arg, const struct mpsc_record *record,
            const struct mps_error *error)
{
    struct mpsc_flight *flight = arg;
    char digest[MPSC_DIGEST_HEX_SIZE];
    struct mpsc_audit_event event = {
        .level = MPSC_AUDIT_FETCH,
        .event = "fetch",
        .business = flight->fetch.business_id,
        .source = mpsc_audit_source(MPS_SOURCE_ENDPOINT),
        .error = error,
        .http_status = error != NULL ? error->http_status : 200,
    };

    if (record != NULL && mpsc_digest_sha256(record->token.data,
                                             record->token.len, digest) == 0) {
        event.token_id = digest;
        event.expires = record->expires_at;
    }
    if (record != NULL) {
        tell_skew(flight, record->clock_offset_s);
    }
    mpsc_audit(&flight->hub->log, flight->profile->configuration, &event);
}

/* --- its end ----------------------------------------------------------------
 */

/* The token that the business has all the same, or NULL. Called with the
 * lock. */
static const struct mpsc_credential *
held_unlocked(const struct mpsc_flight *flight, const struct mpsc_time *now)
{
    const struct mpsc_credential *held = flight->entry->credential;

    return held != NULL && held->end_ms > now->boot_ms ? held : NULL;
}

/* Lets the next refresh wait, where there is memory. Called with the lock. */
static void
back_off_unlocked(struct mpsc_flight *flight,
                  const struct mpsc_credential *held,
                  const struct mpsc_time *now)
{
    struct mpsc_setbacks *setbacks =
        mpsc_setbacks_note(&flight->entry->setbacks);
    int64_t wait_ms;

    if (setbacks == NULL) {
        return;
    }
    setbacks->refresh_failures++;
    wait_ms =
        mpsc_refresh_backoff(setbacks->refresh_failures,
                             held->end_ms - now->boot_ms, mpsc_random_bits());
    setbacks->refresh_not_before_ms = now->boot_ms + wait_ms;
}

/* Called with the lock. */
static void
remember_failure_unlocked(struct mpsc_flight *flight,
                          const struct mpsc_time *now)
{
    struct mps_error *error = &flight->error;
    int64_t until_ms = now->boot_ms + FAILURE_MS;
    int is_no = (mpsc_error_class(error->code) & MPS_CLASS_BUSINESS) != 0;

    if (is_no) {
        /* A definite word on the business, that no retry changes soon. */
        int64_t ttl_ms =
            (int64_t)flight->profile->configuration->negative_ttl_s * 1000;

        if (ttl_ms > FAILURE_MS || !flight->background) {
            until_ms = now->boot_ms + ttl_ms;
        }
    } else if (error->retry_at > now->wall_s) {
        until_ms = now->boot_ms + (error->retry_at - now->wall_s) * 1000;
    }
    if (error->retry_at == 0 && (is_no || flight->background)) {
        error->retry_at = now->wall_s + (until_ms - now->boot_ms + 999) / 1000;
    }
    mpsc_setbacks_fail(&flight->entry->setbacks, error, now->boot_ms, until_ms,
                       is_no || flight->refused);
}

/* Takes a token into the cache. Called with the lock. */
static void
take_unlocked(struct mpsc_flight *flight)
{
    struct mpsc_entry *entry = flight->entry;
    struct mpsc_credential *credential = flight->credential;
    const struct mpsc_credential *held = entry->credential;

    /* What a load of all pages has brought meanwhile is no token that was
     * asked for anew. */
    if (held != NULL && strcmp(held->token, credential->token) == 0 &&
        (flight->newer_than_ms != INT64_MIN ||
         credential->public.source == MPS_SOURCE_ENDPOINT)) {
        credential->refresh_ms =
            mpsc_refresh_again(credential->received_ms, credential->end_ms);
    }
    mpsc_setbacks_recover(&entry->setbacks);
    /* It may have been purged or invalidated since it was believed. */
    if (!is_outdated_unlocked(flight) &&
        (credential->public.source != MPS_SOURCE_KEYRING ||
         !mpsc_cache_is_dead_credential(entry, credential))) {
        mpsc_cache_put(flight->holdings->cache, entry,
                       mpsc_credential_hold(credential));
    }
}

/* Called with the lock. */
static void
settle_unlocked(struct mpsc_flight *flight, const struct mpsc_time *now)
{
    struct mpsc_entry *entry = flight->entry;
    const struct mpsc_credential *held = held_unlocked(flight, now);

    if (entry->setbacks != NULL && entry->setbacks->erasure == flight) {
        entry->setbacks->erasure = NULL;
    }
    if (flight->fetch.purpose == MPSC_FETCH_TOKEN) {
        if (flight->credential != NULL) {
            take_unlocked(flight);
        } else if (flight->error.code != MPS_E_AGAIN) {
            if (held != NULL) {
                back_off_unlocked(flight, held, now);
            }
            remember_failure_unlocked(flight, now);
        }
        if (entry->flight == flight) {
            entry->flight = NULL;
            mpsc_cache_heat(entry, 0);
        }
        if (flight->probe) {
            flight->holdings->probing = 0;
        }
        if (flight->background) {
            notify_unlocked(flight->hub);
        }
    }
    flight->done = 1;
    pthread_cond_broadcast(&flight->ended);
}

static void
doubt_the_solution(struct mpsc_flight *flight)
{
    char message[sizeof(flight->error.message)];

    memcpy(message, flight->error.message, sizeof(message));
    mpsc_error_message(&flight->error,
                       "%.*s; none has succeeded yet, so solution_id %s may "
                       "be wrong",
                       (int)sizeof(message) - 90, message,
                       flight->profile->configuration->solution_id);
}

static void
log_result(struct mpsc_flight *flight, int source)
{
    if (flight->credential != NULL) {
        LOG(flight, LOG_DEBUG, "business %s: token %s from the %s",
            flight->fetch.business_id, flight->credential->public.token_id,
            mpsc_audit_source(source));
    } else if (flight->error.code != MPS_OK) {
        unsigned classes = mpsc_error_class(flight->error.code);

        /* What concerns all businesses is told as a trouble. */
        LOG(flight,
            (classes & (MPS_CLASS_BUSINESS | MPS_CLASS_CALLER)) != 0
                ? LOG_WARNING
                : LOG_INFO,
            "%s: %s", mpsc_error_name(flight->error.code),
            flight->error.message);
    }
}

/* True where a shutdown came in its middle, which says nothing. */
static int
is_interrupted(const struct mpsc_flight *flight, const struct mps_error *error)
{
    struct mpsc_time now;

    flight->hub->clock(&now);
    return error != NULL && error->code == MPS_E_TIMEOUT &&
           now.mono_ms < atomic_load(&flight->fetch.deadline_ms);
}

/* Tells all processes how it went, where that says something. */
static void
report(struct mpsc_flight *flight, int source, const struct mps_error *error)
{
    char digest[MPSC_DIGEST_HEX_SIZE];
    struct mpsc_standing standing;
    struct mpsc_standing_result result = {
        .error = error,
        .what =
            error != NULL ? error->message + flight->fetch.subject_len : "",
        .counts = flight->allowed,
        .app_usage = flight->fetch.app_usage,
    };
    const struct mpsc_credential *held;
    struct mpsc_time now;

    if (flight->fetch.purpose != MPSC_FETCH_TOKEN ||
        (error == NULL && source != MPS_SOURCE_ENDPOINT) ||
        (error != NULL && error->code == MPS_E_AGAIN) ||
        is_interrupted(flight, error)) {
        return;
    }
    /* A deadline that was far shorter than usual says nothing of the
     * endpoint. */
    if (error != NULL && error->code == MPS_E_TIMEOUT) {
        result.counts = flight->allowed && !flight->fetch.hurried;
    }
    flight->hub->clock(&now);
    pthread_mutex_lock(&flight->hub->lock);
    held = held_unlocked(flight, &now);
    result.expires_at = held != NULL ? held->public.expires_at : 0;
    pthread_mutex_unlock(&flight->hub->lock);
    standing = standing_of(flight, digest);
    mpsc_standing_result(&standing, &result);
}

/* error: NULL = none. */
static void
count_result(const struct mpsc_flight *flight, const struct mps_error *error)
{
    int code = error == NULL                   ? MPS_OK
               : is_interrupted(flight, error) ? MPSC_STANDING_NO_OUTCOME
                                               : error->code;
    const struct mpsc_standing standing = {
        .hub = flight->hub,
        .profile = flight->profile,
        .holdings = flight->holdings,
        .runtime_dir = flight->fetch.place.runtime_dir,
        .partner_digest = flight->fetch.partner_digest,
    };

    if (flight->counted) {
        mpsc_standing_count(&standing, flight->fetch.business_id, code,
                            flight->fetch.app_usage);
    }
}

/* When a call that fails is worth repeating. Called with the lock. */
static void
set_retry_unlocked(struct mpsc_flight *flight, const struct mpsc_time *now)
{
    const struct mpsc_limit *why = NULL;
    struct mps_error told;

    if (flight->error.retry_at == 0 &&
        mpsc_limits_check(&flight->holdings->shared.limits, now->boot_ms,
                          &why) == MPSC_LIMITS_CLOSED) {
        mpsc_limits_explain(why, now, &told);
        flight->error.retry_at = told.retry_at;
    }
}

/* Takes the record's token. NULL without memory, which is noted. */
static struct mpsc_credential *
make_credential(struct mpsc_flight *flight, struct mpsc_record *record,
                int source, const struct mpsc_time *now)
{
    const char *boot_id = flight->profile->boot_id;
    char digest[MPSC_DIGEST_HEX_SIZE];
    struct mpsc_credential *credential =
        mpsc_credential_new(record, source, now, boot_id);

    if (credential == NULL ||
        mpsc_credential_digest(credential, digest) != 0) {
        mpsc_error_set(&flight->error, MPS_E_NO_MEMORY, "out of memory");
        mpsc_credential_release(credential);
        return NULL;
    }
    credential->refresh_ms = mpsc_refresh_moment(
        digest, boot_id, credential->received_ms, credential->end_ms);
    return credential;
}

static void
on_known(void *arg, struct mpsc_record *record, int source,
         const struct mps_error *error)
{
    struct mpsc_flight *flight = arg;
    struct mpsc_credential *credential = NULL;
    struct mpsc_time now;

    report(flight, source, error);
    flight->hub->clock(&now);
    if (record != NULL && flight->follower != NULL) {
        flight->follower->token(flight->follower_arg,
                                flight->fetch.business_id, record);
    }
    if (record != NULL) {
        credential = make_credential(flight, record, source, &now);
    } else if (error != NULL) {
        flight->error = *error;
    }
    /* Before those who wait wake up: the host may end with its answer. */
    count_result(flight, credential != NULL ? NULL : &flight->error);
    pthread_mutex_lock(&flight->hub->lock);
    flight->credential = credential;
    if (credential != NULL && source == MPS_SOURCE_ENDPOINT) {
        flight->holdings->succeeded = 1;
    }
    /* One that was read with all the others has not flown. */
    if (credential != NULL && source == MPS_SOURCE_KEYRING &&
        flight->newer_than_ms == INT64_MIN &&
        atomic_load(&flight->fetch.begun)) {
        flight->holdings->keyring_finds++;
    }
    if (flight->error.code == MPS_E_NOT_FOUND &&
        !flight->holdings->succeeded) {
        doubt_the_solution(flight);
    }
    if (flight->error.code != MPS_OK) {
        set_retry_unlocked(flight, &now);
    }
    settle_unlocked(flight, &now);
    pthread_mutex_unlock(&flight->hub->lock);
    log_result(flight, source);
    if (flight->follower != NULL) {
        flight->follower->landed(
            flight->follower_arg, flight->fetch.business_id,
            flight->credential != NULL ? NULL : &flight->error);
    }
}

static void
on_over(void *arg)
{
    struct mpsc_flight *flight = arg;
    struct mpsc_hub *hub = flight->hub;

    pthread_mutex_lock(&hub->lock);
    mpsc_flight_release_unlocked(flight);
    pthread_mutex_unlock(&hub->lock);
}

static const struct mpsc_fetch_events flight_events = {
    .believe = on_believe,
    .keyring = on_keyring,
    .allow = on_allow,
    .accept = on_accept,
    .answered = on_answered,
    .known = on_known,
    .over = on_over,
};

struct mpsc_flight *
mpsc_flight_new(struct mpsc_hub *hub, struct mpsc_profile *profile,
                struct mpsc_holdings *holdings, struct mpsc_entry *entry,
                enum mpsc_fetch_purpose purpose)
{
    struct mpsc_flight *flight = calloc(1, sizeof(*flight));
    pthread_condattr_t attributes;

    if (flight == NULL) {
        return NULL;
    }
    if (pthread_condattr_init(&attributes) != 0) {
        free(flight);
        return NULL;
    }
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (pthread_cond_init(&flight->ended, &attributes) != 0) {
        free(flight);
        flight = NULL;
    }
    pthread_condattr_destroy(&attributes);
    if (flight == NULL) {
        return NULL;
    }
    if (mpsc_place_copy(&flight->fetch.place, &profile->place) != 0) {
        pthread_cond_destroy(&flight->ended);
        free(flight);
        return NULL;
    }
    flight->hub = hub;
    flight->profile = mpsc_profile_hold_unlocked(profile);
    flight->holdings = mpsc_holdings_hold(holdings);
    flight->entry = entry;
    flight->fetch.epoch = holdings->epoch;
    flight->newer_than_ms =
        entry->credential != NULL ? entry->credential->received_ms : INT64_MIN;
    flight->references = 1;
    mpsc_error_clear(&flight->error);
    flight->fetch.task.ops = &mpsc_fetch_ops;
    flight->fetch.means = &profile->means;
    flight->fetch.events = &flight_events;
    flight->fetch.arg = flight;
    flight->fetch.purpose = purpose;
    memcpy(flight->fetch.business_id, entry->business_id,
           sizeof(flight->fetch.business_id));
    return flight;
}

void
mpsc_flight_join_unlocked(struct mpsc_flight *flight,
                          const struct mpsc_lifetime_wish *wish,
                          int64_t deadline_ms)
{
    if (wish->min_validity_s > flight->wish.min_validity_s) {
        flight->wish.min_validity_s = wish->min_validity_s;
    }
    flight->wish.force_refresh |= wish->force_refresh;
    flight->advisory = 0;
    if (!flight->here &&
        deadline_ms > atomic_load(&flight->fetch.deadline_ms)) {
        atomic_store(&flight->fetch.deadline_ms, deadline_ms);
    }
}

int
mpsc_flight_wait_unlocked(struct mpsc_flight *flight, int64_t deadline_ms)
{
    struct timespec until = {(time_t)(deadline_ms / 1000),
                             (long)(deadline_ms % 1000) * 1000000L};

    while (!flight->done) {
        if (pthread_cond_timedwait(&flight->ended, &flight->hub->lock,
                                   &until) == ETIMEDOUT) {
            break;
        }
    }
    return flight->done;
}

int
mpsc_flight_land(struct mpsc_flight *flight, struct mpsc_record *record)
{
    struct mpsc_hub *hub = flight->hub;
    int taken;

    if (on_believe(flight, record)) {
        on_known(flight, record, MPS_SOURCE_KEYRING, NULL);
    }
    pthread_mutex_lock(&hub->lock);
    taken = flight->credential != NULL;
    mpsc_flight_release_unlocked(flight);
    pthread_mutex_unlock(&hub->lock);
    return taken;
}

void
mpsc_flight_release_unlocked(struct mpsc_flight *flight)
{
    if (--flight->references > 0) {
        return;
    }
    pthread_cond_destroy(&flight->ended);
    mpsc_credential_release(flight->credential);
    mpsc_holdings_release(&flight->holdings);
    mpsc_profile_release_unlocked(&flight->profile);
    mpsc_place_free(&flight->fetch.place);
    free(flight);
}
