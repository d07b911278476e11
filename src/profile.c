/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

/* A bundle larger than this is none, and libcurl takes no larger one from
 * memory. Debian's has 0.2 MB. */
#define CA_MAX ((size_t)8000000)

static void
set_means(struct mpsc_profile *profile)
{
    struct mpsc_fetch_means *means = &profile->means;
    const struct mpsc_configuration *options = profile->configuration;
    const struct mpsc_environment *found = &profile->environment;

    means->configuration = options;
    means->prepared = &profile->prepared;
    means->credentials = found->credentials;
    means->helper = MPS_KEYRING_HELPER;
    means->boot_id = profile->boot_id;
    means->http = &mpsc_http_curl;
    means->keyring = &mpsc_keyring_client;
    means->clock = mpsc_clock_system;
}

/* A time that is still to come would make each call a fetch until then. */
static void
clamp_distrust(struct mpsc_profile *profile)
{
    struct mpsc_configuration *options = profile->configuration;
    struct mpsc_time now;

    mpsc_clock_system(&now);
    if (options->distrust_before > now.wall_s) {
        options->distrust_before = now.wall_s;
        profile->distrust_clamped = 1;
    }
}

int
mpsc_profile_load(const char *name, struct mpsc_profile **profile,
                  struct mps_error *error)
{
    struct mpsc_profile *fresh = calloc(1, sizeof(*fresh));
    int code;

    *profile = NULL;
    if (fresh == NULL) {
        return mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    code = mpsc_environment_read(&fresh->environment, error);
    if (code != MPS_OK) {
        goto fail;
    }
    if (name == NULL) {
        name = fresh->environment.profile;
    }
    fresh->name = name != NULL ? strdup(name) : NULL;
    fresh->cache = mpsc_cache_new();
    if (fresh->cache == NULL || (name != NULL && fresh->name == NULL)) {
        code = mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
        goto fail;
    }
    code = mpsc_configuration_load(fresh->environment.configuration, name,
                                   &fresh->configuration, error);
    if (code != MPS_OK) {
        goto fail;
    }
    clamp_distrust(fresh);
    fresh->user = geteuid();
    mpsc_clock_boot_id(fresh->boot_id);
    set_means(fresh);
    *profile = fresh;
    return MPS_OK;
fail:
    mpsc_profile_free(&fresh);
    return code;
}

/* 0, or an errno. */
static int
read_file(const char *path, struct mpsc_secret *contents)
{
    char piece[4096];
    ssize_t got;
    int result = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0) {
        return errno;
    }
    while ((got = read(fd, piece, sizeof(piece))) > 0) {
        if (contents->len + (size_t)got > CA_MAX) {
            result = EFBIG;
            break;
        }
        if (mpsc_secret_append(contents, piece, (size_t)got) != 0) {
            result = ENOMEM;
            break;
        }
    }
    if (got < 0) {
        result = errno;
    }
    close(fd);
    return result;
}

static void
prepared_free(struct mpsc_fetch_prepared *prepared)
{
    if (prepared != NULL) {
        mpsc_partner_free(&prepared->partner);
        mpsc_secret_free(&prepared->ca);
        free(prepared);
    }
}

static int
read_ca(const struct mpsc_configuration *options, struct mpsc_secret *ca,
        struct mps_error *error)
{
    const char *path =
        options->ca_file != NULL ? options->ca_file : mpsc_http_curl.ca_file();
    int saved = errno;
    int failure = path != NULL ? read_file(path, ca) : ENOENT;
    char text[128];

    errno = saved;
    if (failure == ENOMEM) {
        return mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    if (failure == 0 && ca->len == 0) {
        failure = ENODATA;
    }
    if (failure != 0) {
        return mpsc_error_set(error, MPS_E_CONFIG,
                              "can't read the CA certificates in %s: %s; "
                              "check ca_file",
                              path != NULL ? path : "(system)",
                              strerror_r(failure, text, sizeof(text)));
    }
    return MPS_OK;
}

int
mpsc_profile_prepare(struct mpsc_profile *profile, struct mps_error *error)
{
    const struct mpsc_configuration *options = profile->configuration;
    struct mpsc_fetch_prepared *fresh = calloc(1, sizeof(*fresh));
    struct mpsc_fetch_prepared *none = NULL;
    int code;

    if (fresh == NULL) {
        return mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    code = read_ca(options, &fresh->ca, error);
    if (code == MPS_OK) {
        code = mpsc_partner_read(options, profile->environment.credentials,
                                 NULL, &fresh->partner, error);
    }
    if (code == MPS_OK &&
        atomic_compare_exchange_strong(&profile->prepared, &none, fresh)) {
        return MPS_OK;
    }
    prepared_free(fresh);
    return code;
}

int
mpsc_profile_is(const struct mpsc_profile *profile, const char *name)
{
    if (name == NULL) {
        name = profile->environment.profile;
    }
    if (name == NULL || profile->name == NULL) {
        return name == profile->name;
    }
    return strcmp(name, profile->name) == 0;
}

/* The environment as this moment's effective user finds it; where it can't be
 * read, as the first one did. */
static const struct mpsc_environment *
environment_of_user(struct mpsc_profile *profile)
{
    uid_t user = geteuid();
    struct mpsc_profile_user *other = profile->others;
    struct mps_error ignored;

    if (user == profile->user) {
        return &profile->environment;
    }
    while (other != NULL && other->user != user) {
        other = other->next;
    }
    if (other == NULL) {
        other = calloc(1, sizeof(*other));
        if (other == NULL ||
            mpsc_environment_read(&other->environment, &ignored) != MPS_OK) {
            free(other);
            return &profile->environment;
        }
        other->user = user;
        other->next = profile->others;
        profile->others = other;
    }
    return &other->environment;
}

void
mpsc_profile_place_unlocked(struct mpsc_profile *profile, const char **bus,
                            const char **runtime_dir)
{
    const struct mpsc_configuration *options = profile->configuration;
    const struct mpsc_environment *found = environment_of_user(profile);

    *bus = options->keyring_bus != NULL ? options->keyring_bus
                                        : found->keyring_bus;
    *runtime_dir = options->runtime_dir != NULL ? options->runtime_dir
                                                : found->runtime_dir;
}

int
mpsc_profile_logs(const struct mpsc_profile *profile, int priority)
{
    return profile->configuration->log != MPSC_LOG_OFF &&
           priority <= profile->configuration->log_level;
}

void
mpsc_profile_free(struct mpsc_profile **profile)
{
    struct mpsc_profile *old = *profile;
    struct mpsc_profile_user *other;

    if (old == NULL) {
        return;
    }
    mpsc_cache_free(&old->cache);
    prepared_free(atomic_load(&old->prepared));
    mpsc_configuration_free(&old->configuration);
    mpsc_environment_free(&old->environment);
    while ((other = old->others) != NULL) {
        old->others = other->next;
        mpsc_environment_free(&other->environment);
        free(other);
    }
    free(old->name);
    free(old);
    *profile = NULL;
}
