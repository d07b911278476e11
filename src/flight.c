/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "flight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "error.h"

/* A keyring that didn't answer isn't asked again for this long: else each
 * business would cost its deadline. */
#define MUTE_MS 30000

/* How long a failed background fetch is told to MPS_NO_WAIT, where the
 * failure itself sets no time. */
#define FAILURE_MS 1000

/* Called with the lock. */
static void
notify_unlocked(struct mpsc_flight_hub *hub)
{
    const uint64_t one = 1;

    if (hub->event_fd < 0) {
        hub->missed = 1;
        return;
    }
    /* A full counter is readable already. */
    (void)!write(hub->event_fd, &one, sizeof(one));
}

/* A line of the profile's log, where its level asks for it. */
#define LOG(flight, priority, ...)                                            \
    do {                                                                      \
        if (mpsc_profile_logs((flight)->profile, priority)) {                 \
            mpsc_log_line(&(flight)->hub->log, priority, __VA_ARGS__);        \
        }                                                                     \
    } while (0)

static int
distrusted(const struct mpsc_flight *flight, const struct mpsc_record *record)
{
    return record->received_at <
           flight->profile->configuration->distrust_before;
}

static int
believe_token(struct mpsc_flight *flight, const struct mpsc_record *record,
              const char *digest)
{
    struct mpsc_time now;
    int serves;

    flight->hub->clock(&now);
    pthread_mutex_lock(&flight->hub->lock);
    serves =
        strcmp(flight->entry->rejected, digest) != 0 &&
        record->received_at > flight->entry->distrust_until &&
        !distrusted(flight, record) &&
        mpsc_lifetime_serves(
            mpsc_lifetime_received_ms(record, &now, flight->profile->boot_id),
            mpsc_lifetime_end_ms(record, &now, flight->profile->boot_id),
            now.boot_ms, &flight->wish);
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

static void
on_keyring(void *arg, enum mpsc_keyring_state state)
{
    struct mpsc_flight *flight = arg;
    struct mpsc_profile *profile = flight->profile;
    struct mpsc_time now;
    int told;

    /* Another's lock is no state of the keyring. */
    if (state == MPSC_KEYRING_BUSY) {
        LOG(flight, LOG_INFO, "business %s: %s", flight->fetch.business_id,
            mpsc_keyring_text(state));
        return;
    }
    flight->hub->clock(&now);
    pthread_mutex_lock(&flight->hub->lock);
    told = profile->keyring_state == state;
    profile->keyring_state = state;
    /* That it didn't answer a caller in a hurry says nothing. */
    if (state == MPSC_KEYRING_SILENT && !flight->fetch.hurried &&
        flight->fetch.keyring_hint == MPSC_KEYRING_OK) {
        profile->keyring_mute_until_ms = now.mono_ms + MUTE_MS;
    }
    pthread_mutex_unlock(&flight->hub->lock);
    if (!told && state == MPSC_KEYRING_OK) {
        LOG(flight, LOG_NOTICE, "the keyring is usable again");
    } else if (!told &&
               profile->configuration->keyring != MPSC_KEYRING_REQUIRED) {
        const char *place = mpsc_fetch_keyring_place(&flight->fetch, state);

        LOG(flight, LOG_WARNING, "going on without keyring: %s%s%s%s; %s",
            mpsc_keyring_text(state), *place != '\0' ? " (" : "", place,
            *place != '\0' ? ")" : "", mpsc_keyring_advice(state));
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
    mpsc_audit(&flight->hub->log, flight->profile, &event);
}

/* Called with the lock. */
static void
remember_failure_unlocked(struct mpsc_flight *flight,
                          const struct mpsc_time *now)
{
    struct mps_error *error = &flight->error;
    int64_t until_ms = now->boot_ms + FAILURE_MS;

    if ((mpsc_error_class(error->code) & MPS_CLASS_BUSINESS) != 0) {
        /* A definite word on the business, that no retry changes soon. */
        int64_t ttl_ms =
            (int64_t)flight->profile->configuration->negative_ttl_s * 1000;

        if (ttl_ms > FAILURE_MS || !flight->background) {
            until_ms = now->boot_ms + ttl_ms;
        }
    } else if (!flight->background) {
        return;
    } else if (error->retry_at > now->wall_s) {
        until_ms = now->boot_ms + (error->retry_at - now->wall_s) * 1000;
    }
    if (error->retry_at == 0) {
        error->retry_at = now->wall_s + (until_ms - now->boot_ms + 999) / 1000;
    }
    mpsc_cache_fail(flight->entry, error, until_ms);
    flight->entry->failure_since_ms = now->boot_ms;
}

/* Called with the lock. */
static void
settle_unlocked(struct mpsc_flight *flight, const struct mpsc_time *now)
{
    struct mpsc_entry *entry = flight->entry;

    if (flight->fetch.purpose == MPSC_FETCH_TOKEN) {
        if (flight->credential != NULL) {
            /* It may have been invalidated since it was believed. */
            if (!mpsc_cache_is_dead(entry, flight->credential)) {
                mpsc_cache_put(entry,
                               mpsc_credential_hold(flight->credential));
            }
            mpsc_cache_forgive(entry);
        } else {
            remember_failure_unlocked(flight, now);
        }
        if (entry->flight == flight) {
            entry->flight = NULL;
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
        LOG(flight, LOG_ERR, "%s: %s", mpsc_error_name(flight->error.code),
            flight->error.message);
    }
}

static void
on_known(void *arg, struct mpsc_record *record, int source,
         const struct mps_error *error)
{
    struct mpsc_flight *flight = arg;
    struct mpsc_credential *credential = NULL;
    struct mpsc_time now;

    flight->hub->clock(&now);
    if (record != NULL) {
        credential = mpsc_credential_new(record, source, &now,
                                         flight->profile->boot_id);
        if (credential == NULL) {
            mpsc_error_set(&flight->error, MPS_E_NO_MEMORY, "out of memory");
        }
    } else if (error != NULL) {
        flight->error = *error;
    }
    pthread_mutex_lock(&flight->hub->lock);
    flight->credential = credential;
    if (credential != NULL && source == MPS_SOURCE_ENDPOINT) {
        flight->profile->succeeded = 1;
        flight->entry->rejected[0] = '\0';
    }
    if (flight->error.code == MPS_E_NOT_FOUND && !flight->profile->succeeded) {
        doubt_the_solution(flight);
    }
    settle_unlocked(flight, &now);
    pthread_mutex_unlock(&flight->hub->lock);
    log_result(flight, source);
}

static void
on_over(void *arg)
{
    struct mpsc_flight *flight = arg;
    struct mpsc_flight_hub *hub = flight->hub;

    pthread_mutex_lock(&hub->lock);
    mpsc_flight_release_unlocked(flight);
    pthread_mutex_unlock(&hub->lock);
}

static const struct mpsc_fetch_events flight_events = {
    .believe = on_believe,
    .keyring = on_keyring,
    .answered = on_answered,
    .known = on_known,
    .over = on_over,
};

struct mpsc_flight *
mpsc_flight_new(struct mpsc_flight_hub *hub, struct mpsc_profile *profile,
                struct mpsc_entry *entry, enum mpsc_fetch_purpose purpose)
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
    flight->hub = hub;
    flight->profile = profile;
    flight->entry = entry;
    flight->references = 1;
    mpsc_error_clear(&flight->error);
    flight->fetch.means = &profile->means;
    mpsc_profile_place_unlocked(profile, &flight->fetch.bus,
                                &flight->fetch.runtime_dir);
    flight->fetch.events = &flight_events;
    flight->fetch.arg = flight;
    flight->fetch.purpose = purpose;
    memcpy(flight->fetch.business_id, entry->business_id,
           sizeof(entry->business_id));
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

void
mpsc_flight_release_unlocked(struct mpsc_flight *flight)
{
    if (--flight->references > 0) {
        return;
    }
    pthread_cond_destroy(&flight->ended);
    mpsc_credential_release(flight->credential);
    free(flight);
}
