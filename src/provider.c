/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "provider.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "error.h"
#include "exiting.h"
#include "request.h"

/* A configuration that can't be loaded is told in the log this often. */
#define LOAD_ERROR_MS 60000

struct mpsc_provider *
mpsc_provider_new(struct mpsc_provider *former)
{
    struct mpsc_provider *provider = calloc(1, sizeof(*provider));

    if (provider == NULL) {
        return NULL;
    }
    provider->former = former;
    provider->hub.event.fd = -1;
    provider->hub.clock = mpsc_clock_system;
    if (mpsc_log_init(&provider->hub.log,
                      former != NULL ? &former->hub.log : NULL) != 0) {
        goto no_log;
    }
    provider->hub.coarse = mpsc_clock_coarse_ms;
    if (mpsc_gate_init(&provider->hub.gate) != 0) {
        goto no_gate;
    }
    if (pthread_mutex_init(&provider->hub.lock, NULL) != 0) {
        goto no_lock;
    }
    if (pthread_cond_init(&provider->left, NULL) != 0) {
        goto no_cond;
    }
    if (pthread_mutex_init(&provider->loading, NULL) != 0) {
        goto no_loading;
    }
    return provider;
no_loading:
    pthread_cond_destroy(&provider->left);
no_cond:
    pthread_mutex_destroy(&provider->hub.lock);
no_lock:
    mpsc_gate_destroy(&provider->hub.gate);
no_gate:
    mpsc_log_destroy(&provider->hub.log);
no_log:
    free(provider);
    return NULL;
}

void
mpsc_provider_free_unused(struct mpsc_provider **provider)
{
    pthread_mutex_destroy(&(*provider)->loading);
    pthread_cond_destroy(&(*provider)->left);
    pthread_mutex_destroy(&(*provider)->hub.lock);
    mpsc_gate_destroy(&(*provider)->hub.gate);
    mpsc_log_destroy(&(*provider)->hub.log);
    free(*provider);
    *provider = NULL;
}

void
mpsc_provider_lock(struct mpsc_provider *provider)
{
    pthread_mutex_lock(&provider->hub.lock);
}

void
mpsc_provider_unlock(struct mpsc_provider *provider)
{
    pthread_mutex_unlock(&provider->hub.lock);
}

void
mpsc_provider_enter_unlocked(struct mpsc_provider *provider)
{
    while (provider->stopping) {
        pthread_cond_wait(&provider->left, &provider->hub.lock);
    }
    provider->calls++;
}

void
mpsc_provider_enter(struct mpsc_provider *provider)
{
    mpsc_provider_lock(provider);
    mpsc_provider_enter_unlocked(provider);
    mpsc_provider_unlock(provider);
}

void
mpsc_provider_leave_unlocked(struct mpsc_provider *provider)
{
    provider->calls--;
    pthread_cond_broadcast(&provider->left);
}

void
mpsc_provider_leave(struct mpsc_provider *provider)
{
    mpsc_provider_lock(provider);
    mpsc_provider_leave_unlocked(provider);
    mpsc_provider_unlock(provider);
}

struct mpsc_profile *
mpsc_provider_find_unlocked(struct mpsc_provider *provider, const char *name)
{
    struct mpsc_profile *profile = provider->profiles;

    while (profile != NULL && !mpsc_profile_is(profile, name)) {
        profile = profile->next;
    }
    return profile;
}

static struct mpsc_profile *
find_profile(struct mpsc_provider *provider, const char *name)
{
    struct mpsc_profile *found;

    mpsc_provider_lock(provider);
    found = mpsc_provider_find_unlocked(provider, name);
    if (found != NULL) {
        mpsc_profile_hold_unlocked(found);
    }
    mpsc_provider_unlock(provider);
    return found;
}

/* Changes a link of the list, which hot.c follows. Called with the lock, or
 * where nobody else changes it. */
static void
link_unlocked(struct mpsc_provider *provider, struct mpsc_profile **link,
              struct mpsc_profile *profile)
{
    mpsc_gate_close(&provider->hub.gate);
    *link = profile;
    mpsc_gate_open(&provider->hub.gate);
}

/* Adds a new profile, with a reference for the caller. 0, or -1. */
static int
add_profile(struct mpsc_provider *provider, struct mpsc_profile *profile)
{
    int result;

    profile->gate = &provider->hub.gate;
    mpsc_provider_lock(provider);
    result = mpsc_profile_furnish_unlocked(profile, NULL);
    if (result == 0) {
        profile->next = provider->profiles;
        link_unlocked(provider, &provider->profiles,
                      mpsc_profile_hold_unlocked(profile));
    }
    mpsc_provider_unlock(provider);
    return result;
}

struct mpsc_profile *
mpsc_provider_replace(struct mpsc_provider *provider, struct mpsc_profile *old,
                      struct mpsc_profile *fresh)
{
    struct mpsc_profile **link = &provider->profiles;
    struct mpsc_profile *chosen = old;

    fresh->gate = &provider->hub.gate;
    mpsc_provider_lock(provider);
    while (*link != NULL && *link != old) {
        link = &(*link)->next;
    }
    if (*link != NULL && mpsc_profile_furnish_unlocked(fresh, old) == 0) {
        fresh->next = old->next;
        fresh->look_ms = old->look_ms;
        link_unlocked(provider, link, fresh);
        chosen = mpsc_profile_hold_unlocked(fresh);
        /* The list's reference and the caller's. */
        old->references--;
        mpsc_profile_release_unlocked(&old);
    } else {
        mpsc_profile_release_unlocked(&fresh);
    }
    mpsc_provider_unlock(provider);
    return chosen;
}

void
mpsc_provider_drop(struct mpsc_provider *provider,
                   struct mpsc_profile *profile)
{
    mpsc_provider_lock(provider);
    mpsc_profile_release_unlocked(&profile);
    mpsc_provider_unlock(provider);
}

int
mpsc_provider_is_news(struct mpsc_provider *provider,
                      const struct mps_error *error)
{
    struct mpsc_time now;

    provider->hub.clock(&now);
    if (strcmp(provider->load_error, error->message) == 0 &&
        now.mono_ms - provider->load_error_ms < LOAD_ERROR_MS) {
        return 0;
    }
    memcpy(provider->load_error, error->message, sizeof(error->message));
    provider->load_error_ms = now.mono_ms;
    return 1;
}

void
mpsc_provider_tell_clamped(struct mpsc_provider *provider,
                           const struct mpsc_profile *profile)
{
    if (profile->distrust_clamped && mpsc_profile_logs(profile, LOG_WARNING)) {
        mpsc_log_line(&provider->hub.log, LOG_WARNING,
                      "distrust_before is still to come (is it UTC?): taken "
                      "as now");
    }
}

/* Called with the loading lock. */
static struct mpsc_profile *
load_profile(struct mpsc_provider *provider, const char *name,
             struct mps_error *error)
{
    struct mpsc_profile *fresh;

    if (mpsc_profile_load(name, NULL, &fresh, error) == MPS_OK &&
        add_profile(provider, fresh) != 0) {
        mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
        mpsc_profile_release_unlocked(&fresh);
    }
    return fresh;
}

struct mpsc_profile *
mpsc_provider_profile(struct mpsc_provider *provider, const char *name,
                      struct mps_error *error)
{
    struct mpsc_profile *found = find_profile(provider, name);
    int is_news = 0;

    if (found != NULL) {
        return found;
    }
    /* One thread reads it, for all that want it. */
    pthread_mutex_lock(&provider->loading);
    found = find_profile(provider, name);
    if (found == NULL) {
        found = load_profile(provider, name, error);
        is_news = found != NULL || mpsc_provider_is_news(provider, error);
    }
    pthread_mutex_unlock(&provider->loading);
    /* The host's function runs without a lock of ours. Not every host tells
     * the administrator what it was told: the log does. */
    if (found == NULL && is_news) {
        mpsc_log_line(&provider->hub.log, LOG_ERR, "%s: %s",
                      mpsc_error_name(error->code), error->message);
    } else if (found != NULL && is_news) {
        mpsc_provider_tell_clamped(provider, found);
    }
    return found;
}

/* Once, so that the HTTP and TLS libraries read their own files now. */
static int
prepare_library(struct mps_error *error)
{
    struct mpsc_http *http = mpsc_http_curl.open();

    if (http == NULL) {
        return mpsc_error_set(error, MPS_E_NO_MEMORY,
                              "the HTTP library can't be initialised");
    }
    mpsc_http_curl.close(&http);
    return MPS_OK;
}

int
mpsc_provider_prepare(struct mpsc_provider *provider,
                      const struct mps_request *request,
                      struct mps_error *error)
{
    static const struct mpsc_request_rules rules = {0, 0, 0};
    struct mps_request checked;
    struct mpsc_profile *profile;
    int code;

    code = mpsc_request_check(request, &rules, &checked, error);
    if (code != MPS_OK) {
        return code;
    }
    mpsc_provider_enter(provider);
    profile = mpsc_provider_profile(provider, checked.profile, error);
    if (profile == NULL) {
        code = error->code;
    } else {
        code = mpsc_profile_prepare(profile, error);
        mpsc_provider_drop(provider, profile);
    }
    if (code == MPS_OK) {
        code = prepare_library(error);
    }
    mpsc_provider_leave(provider);
    return code;
}

int
mpsc_provider_event_fd(struct mpsc_provider *provider)
{
    int fd;

    mpsc_provider_enter(provider);
    mpsc_provider_lock(provider);
    /* The host may have closed it, against the rules: then it gets another,
     * ready, since it may have missed an end. */
    if (provider->hub.event.fd >= 0 && !mpsc_event_is(&provider->hub.event)) {
        provider->hub.event.fd = -1;
        provider->hub.missed = 1;
    }
    if (provider->hub.event.fd < 0) {
        (void)mpsc_event_open(&provider->hub.event, provider->hub.missed);
    }
    fd = provider->hub.event.fd;
    mpsc_provider_unlock(provider);
    mpsc_provider_leave(provider);
    return fd;
}

/* After the last call has left: nobody else looks at any of it, but from
 * hot.c, until the list is empty. */
static void
empty(struct mpsc_provider *provider)
{
    struct mpsc_profile *profile = provider->profiles;

    mpsc_io_free(&provider->io);
    link_unlocked(provider, &provider->profiles, NULL);
    while (profile != NULL) {
        struct mpsc_profile *next = profile->next;

        mpsc_profile_release_unlocked(&profile);
        profile = next;
    }
    mpsc_event_close(&provider->hub.event);
    provider->hub.missed = 0;
}

void
mpsc_provider_shutdown(struct mpsc_provider *provider)
{
    struct mpsc_io *io;

    /* From an exit handler of the host's: the thread may have stopped for
     * good, and the process's end closes and wipes. */
    if (mpsc_exiting()) {
        return;
    }
    /* In one go: of two that come at once the second waits for the first. */
    mpsc_provider_lock(provider);
    while (provider->stopping) {
        pthread_cond_wait(&provider->left, &provider->hub.lock);
    }
    provider->stopping = 1;
    io = provider->io;
    mpsc_provider_unlock(provider);

    /* The flights end first, since the calls inside wait for them; what a
     * call leaves behind on its own thread ends after it. */
    if (io != NULL) {
        mpsc_io_stop(io);
    }
    mpsc_provider_lock(provider);
    while (provider->calls > 0) {
        pthread_cond_wait(&provider->left, &provider->hub.lock);
    }
    mpsc_provider_unlock(provider);
    if (provider->io != NULL) {
        mpsc_io_stop(provider->io);
    }
    empty(provider);

    mpsc_provider_lock(provider);
    provider->stopping = 0;
    pthread_cond_broadcast(&provider->left);
    mpsc_provider_unlock(provider);
}

void
mpsc_provider_log_to(struct mpsc_provider *provider, mps_log_fn *log,
                     void *arg)
{
    mpsc_log_redirect(&provider->hub.log, log, arg);
}
