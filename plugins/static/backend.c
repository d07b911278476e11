/* SPDX-License-Identifier: MIT */
/*
 * backend: static.so's: credentials from static_file. No network, no keyring,
 * no thread, and nothing that waits.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "backend.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "audit.h"
#include "error.h"
#include "event.h"
#include "exiting.h"
#include "log.h"
#include "profile.h"
#include "request.h"
#include "utc.h"

/* A file that can't be taken is told in the log this often. */
#define LOAD_ERROR_MS 60000

struct mpsc_provider {
    pthread_mutex_t lock; /* guards all but the log; held over reading local
                           * files, never over a callback */
    struct mpsc_static_profile *profiles;
    struct mpsc_event event;
    char load_error[256];  /* why files weren't taken last, as logged */
    int64_t load_error_ms; /* CLOCK_MONOTONIC */
    struct mpsc_log log;

    /* Constant. */
    struct mpsc_provider *former; /* the parent's, abandoned; or NULL */
};

/* A line for the log, which is written without the lock: the host's function
 * may have locks of its own. */
struct news {
    int priority;
    char text[512]; /* "" = none */
};

struct mpsc_provider *
mpsc_provider_new(struct mpsc_provider *former)
{
    struct mpsc_provider *provider = calloc(1, sizeof(*provider));

    if (provider == NULL) {
        return NULL;
    }
    provider->former = former;
    provider->event.fd = -1;
    if (mpsc_log_init(&provider->log, former != NULL ? &former->log : NULL) !=
        0) {
        goto no_log;
    }
    if (pthread_mutex_init(&provider->lock, NULL) != 0) {
        goto no_lock;
    }
    return provider;
no_lock:
    mpsc_log_destroy(&provider->log);
no_log:
    free(provider);
    return NULL;
}

void
mpsc_provider_free_unused(struct mpsc_provider **provider)
{
    pthread_mutex_destroy(&(*provider)->lock);
    mpsc_log_destroy(&(*provider)->log);
    free(*provider);
    *provider = NULL;
}

static void
lock(struct mpsc_provider *provider)
{
    pthread_mutex_lock(&provider->lock);
}

/* Unlocks, and tells what there is to tell. */
static void
unlock(struct mpsc_provider *provider, const struct news *news)
{
    pthread_mutex_unlock(&provider->lock);
    if (news->text[0] != '\0') {
        mpsc_log_line(&provider->log, news->priority, "%s", news->text);
    }
}

static void __attribute__((format(printf, 4, 5)))
note(struct news *news, const struct mpsc_static_profile *profile,
     int priority, const char *format, ...)
{
    const struct mpsc_configuration *options =
        profile != NULL ? profile->configuration : NULL;
    va_list args;

    if (options == NULL ||
        (options->log != MPSC_LOG_OFF && priority <= options->log_level)) {
        news->priority = priority;
        va_start(args, format);
        vsnprintf(news->text, sizeof(news->text), format, args);
        va_end(args);
    }
}

/* Not the same failure within a minute, however many calls meet it. profile:
 * NULL = none could be loaded. */
static void
note_failure_unlocked(struct mpsc_provider *provider,
                      const struct mpsc_static_profile *profile,
                      const struct mps_error *error, struct news *news)
{
    /* After a chroot, say, the files can't be there. */
    int is_expected = profile != NULL && profile->is_prepared;
    struct mpsc_time now;

    mpsc_clock_system(&now);
    if (strcmp(provider->load_error, error->message) == 0 &&
        now.mono_ms - provider->load_error_ms < LOAD_ERROR_MS) {
        return;
    }
    memcpy(provider->load_error, error->message, sizeof(error->message));
    provider->load_error_ms = now.mono_ms;
    note(news, profile, is_expected ? LOG_INFO : LOG_ERR, "%s%s: %s",
         profile != NULL ? "changed files can't be taken up, going on with "
                           "the former: "
                         : "",
         mpsc_error_name(error->code), error->message);
}

static struct mpsc_static_profile *
load_unlocked(struct mpsc_provider *provider, const char *name,
              struct news *news, struct mps_error *error)
{
    struct mpsc_static_profile *profile;

    if (mpsc_static_profile_load(name, &profile, error) != MPS_OK) {
        note_failure_unlocked(provider, NULL, error, news);
        return NULL;
    }
    profile->next = provider->profiles;
    provider->profiles = profile;
    note(news, profile, LOG_NOTICE,
         "tokens come from static_file %s (%zu businesses), not from the "
         "endpoint",
         profile->configuration->static_file, profile->tokens.count);
    return profile;
}

/* The request's profile with what its files say now; NULL with *error. */
static struct mpsc_static_profile *
profile_unlocked(struct mpsc_provider *provider,
                 const struct mps_request *request, struct news *news,
                 struct mps_error *error)
{
    struct mpsc_static_profile *profile = provider->profiles;
    int now = (request->flags & MPS_FORCE_REFRESH) != 0;
    struct mps_error failure;

    while (profile != NULL &&
           !mpsc_static_profile_is(profile, request->profile)) {
        profile = profile->next;
    }
    if (profile == NULL) {
        return load_unlocked(provider, request->profile, news, error);
    }
    if (mpsc_static_profile_look(profile, now, &failure) != MPS_OK) {
        note_failure_unlocked(provider, profile, &failure, news);
    }
    return profile;
}

/* --- a credential ------------------------------------------------------- */

/* The first time that this process hands out this token. */
static void
audit_use(struct mpsc_provider *provider,
          const struct mpsc_static_profile *profile,
          const struct mpsc_static_token *token)
{
    struct mpsc_credential *credential = token->credential;
    const struct mpsc_audit_event event = {
        .level = MPSC_AUDIT_USE,
        .event = "use",
        .business = token->business_id,
        .source = mpsc_audit_source(credential->public.source),
        .token_id = credential->public.token_id,
        .expires = credential->public.expires_at,
    };

    if (!atomic_flag_test_and_set(&credential->handed_out)) {
        mpsc_audit(&provider->log, profile->configuration, &event);
    }
}

/* The business's token where it can be handed out; NULL with *error. */
static struct mpsc_static_token *
usable_unlocked(const struct mpsc_static_profile *profile,
                const char *business_id, struct mps_error *error)
{
    const char *path = profile->configuration->static_file;
    struct mpsc_static_token *found =
        mpsc_static_tokens_find(&profile->tokens, business_id);
    char ended[MPSC_UTC_TEXT_SIZE];
    struct mpsc_time now;

    /* Not MPS_E_NOT_FOUND, for which programs suspend the customer: the file
     * says nothing of one that it leaves out. */
    if (found == NULL) {
        mpsc_error_set(error, MPS_E_CONFIG,
                       "business %s is not in static_file %s: add its token",
                       business_id, path);
        return NULL;
    }
    if (found->is_refused) {
        mpsc_error_set(error, MPS_E_CONFIG,
                       "business %s: its token %s in static_file %s was "
                       "reported refused: write another one",
                       business_id, found->credential->public.token_id, path);
        return NULL;
    }
    /* The file gives its end by the wall clock, which may be set right after
     * the file was read. */
    mpsc_clock_system(&now);
    if (now.wall_s >= found->credential->public.expires_at) {
        mpsc_utc_text(found->credential->public.expires_at, ended);
        mpsc_error_set(error, MPS_E_CONFIG,
                       "business %s: its token in static_file %s expired at "
                       "%s: write another one",
                       business_id, path, ended);
        return NULL;
    }
    return found;
}

/* Its users don't count nanoseconds. */
const struct mps_credential *
mpsc_get_hot(struct mpsc_provider *provider, const char *business_id,
             const char *profile, unsigned flags)
{
    (void)provider;
    (void)business_id;
    (void)profile;
    (void)flags;
    return NULL;
}

int
mpsc_get(struct mpsc_provider *provider, const struct mps_request *request,
         const struct mps_credential **credential, struct mps_error *error)
{
    static const struct mpsc_request_rules rules = {
        MPS_NO_WAIT | MPS_FORCE_REFRESH, 1, 1};
    struct news news = {.text = ""};
    const struct mpsc_static_profile *profile;
    struct mpsc_static_token *token = NULL;
    struct mps_request checked;
    int code = mpsc_request_check(request, &rules, &checked, error);

    if (code != MPS_OK) {
        return code;
    }
    lock(provider);
    profile = profile_unlocked(provider, &checked, &news, error);
    if (profile != NULL) {
        token = usable_unlocked(profile, checked.business_id, error);
    }
    if (token != NULL) {
        audit_use(provider, profile, token);
        *credential = &mpsc_credential_hold(token->credential)->public;
    }
    unlock(provider, &news);
    return token != NULL ? MPS_OK : error->code;
}

/* --- the other functions ------------------------------------------------ */

static void
audit_invalidate(struct mpsc_provider *provider,
                 const struct mpsc_static_profile *profile,
                 const char *business_id, const char *digest)
{
    const struct mpsc_audit_event event = {
        .level = MPSC_AUDIT_FETCH,
        .event = "invalidate",
        .business = business_id,
        .token_id = digest,
    };

    mpsc_audit(&provider->log, profile->configuration, &event);
}

int
mpsc_invalidate(struct mpsc_provider *provider,
                const struct mps_request *request, const char *access_token,
                struct mps_error *error)
{
    static const struct mpsc_request_rules rules = {MPS_NO_WAIT, 1, 0};
    struct news news = {.text = ""};
    const struct mpsc_static_profile *profile;
    struct mpsc_static_token *token;
    char digest[MPSC_DIGEST_HEX_SIZE];
    struct mps_request checked;
    int code = mpsc_request_check(request, &rules, &checked, error);

    if (code != MPS_OK) {
        return code;
    }
    if (access_token != NULL && access_token[0] == '\0') {
        return mpsc_error_set(error, MPS_E_INVALID,
                              "access_token is empty: use NULL for whatever "
                              "is held");
    }
    if (access_token != NULL &&
        mpsc_digest_sha256(access_token, strlen(access_token), digest) != 0) {
        return mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    lock(provider);
    profile = profile_unlocked(provider, &checked, &news, error);
    if (profile != NULL) {
        audit_invalidate(provider, profile, checked.business_id,
                         access_token != NULL ? digest : NULL);
        token = mpsc_static_tokens_find(&profile->tokens, checked.business_id);
        if (token != NULL &&
            (access_token == NULL ||
             strcmp(token->credential->token, access_token) == 0)) {
            token->is_refused = 1;
        }
    }
    unlock(provider, &news);
    return profile != NULL ? MPS_OK : error->code;
}

/* Loads the profile, or takes up what has changed. */
static int
make_ready(struct mpsc_provider *provider, const struct mps_request *request,
           int is_prepare, struct mps_error *error)
{
    struct news news = {.text = ""};
    struct mpsc_static_profile *profile;

    lock(provider);
    profile = profile_unlocked(provider, request, &news, error);
    if (profile != NULL && is_prepare) {
        profile->is_prepared = 1;
    }
    unlock(provider, &news);
    return profile != NULL ? MPS_OK : error->code;
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
    struct mps_error common;
    int worst = MPS_OK;
    int ready;
    int code = mpsc_request_check(request != NULL ? request : &defaults,
                                  &rules, &item, error);

    if (code != MPS_OK || count == 0) {
        return code;
    }
    if (business_ids == NULL) {
        return mpsc_error_set(error, MPS_E_INVALID, "business_ids is NULL");
    }
    /* Once for all, also where it fails. */
    ready = make_ready(provider, &item, 0, &common);
    item.flags = 0;
    for (size_t i = 0; i < count; i++) {
        const struct mps_credential *credential = NULL;
        struct mps_error failure = common;

        item.business_id = business_ids[i];
        code = ready;
        if (ready == MPS_OK || !mpsc_request_business_id_ok(business_ids[i])) {
            code = mpsc_get(provider, &item, &credential, &failure);
        }
        if (credential != NULL) {
            mpsc_credential_release(mpsc_credential_of(credential));
        }
        if (mpsc_error_severity(code) > mpsc_error_severity(worst)) {
            worst = code;
            *error = failure;
        }
        if (done != NULL) {
            done(arg, business_ids[i], code);
        }
    }
    return worst;
}

int
mpsc_provider_prepare(struct mpsc_provider *provider,
                      const struct mps_request *request,
                      struct mps_error *error)
{
    static const struct mpsc_request_rules rules = {0, 0, 0};
    struct mps_request checked;
    int code = mpsc_request_check(request, &rules, &checked, error);

    return code == MPS_OK ? make_ready(provider, &checked, 1, error) : code;
}

/* It never becomes readable, since nothing is ever fetched. */
int
mpsc_provider_event_fd(struct mpsc_provider *provider)
{
    int fd;

    lock(provider);
    /* The host may have closed it, against the rules. */
    if (!mpsc_event_is(&provider->event)) {
        (void)mpsc_event_open(&provider->event, 0);
    }
    fd = provider->event.fd;
    pthread_mutex_unlock(&provider->lock);
    return fd;
}

void
mpsc_provider_shutdown(struct mpsc_provider *provider)
{
    struct mpsc_static_profile *profile;

    /* From an exit handler of the host's: the thread that has the lock may
     * have stopped for good, and the process's end closes and wipes. */
    if (mpsc_exiting()) {
        return;
    }
    lock(provider);
    while ((profile = provider->profiles) != NULL) {
        provider->profiles = profile->next;
        mpsc_static_profile_free(&profile);
    }
    mpsc_event_close(&provider->event);
    pthread_mutex_unlock(&provider->lock);
}

void
mpsc_provider_log_to(struct mpsc_provider *provider, mps_log_fn *log,
                     void *arg)
{
    mpsc_log_redirect(&provider->log, log, arg);
}
