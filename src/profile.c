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

#include "descriptor.h"
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

static int
take_environment(struct mpsc_profile *profile,
                 const struct mpsc_profile *former, struct mps_error *error)
{
    if (former == NULL) {
        return mpsc_environment_read(&profile->environment, error);
    }
    return mpsc_environment_copy(&profile->environment,
                                 &former->environment) == 0
               ? MPS_OK
               : mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
}

int
mpsc_profile_load(const char *name, const struct mpsc_profile *former,
                  struct mpsc_profile **profile, struct mps_error *error)
{
    struct mpsc_profile *fresh = calloc(1, sizeof(*fresh));
    int code;

    *profile = NULL;
    if (fresh == NULL) {
        return mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    fresh->references = 1;
    code = take_environment(fresh, former, error);
    if (code != MPS_OK) {
        goto fail;
    }
    if (name == NULL) {
        name = fresh->environment.profile;
    }
    fresh->name = name != NULL ? strdup(name) : NULL;
    if (name != NULL && fresh->name == NULL) {
        code = mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
        goto fail;
    }
    /* First the stamp: what changes after it is seen by the next look. */
    mpsc_configuration_stamp(fresh->environment.configuration, fresh->stamp);
    code = mpsc_configuration_load(fresh->environment.configuration, name,
                                   &fresh->configuration, error);
    if (code != MPS_OK) {
        goto fail;
    }
    clamp_distrust(fresh);
    fresh->user = geteuid();
    mpsc_clock_boot_id(fresh->boot_id);
    set_means(fresh);
    if (mpsc_profile_find_place(fresh, &fresh->place) != 0) {
        code = mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
        goto fail;
    }
    *profile = fresh;
    return MPS_OK;
fail:
    mpsc_profile_release_unlocked(&fresh);
    return code;
}

static int
same_holdings(const struct mpsc_profile *a, const struct mpsc_profile *b)
{
    return a->user == b->user &&
           strcmp(a->configuration->base_url, b->configuration->base_url) ==
               0 &&
           strcmp(a->configuration->solution_id,
                  b->configuration->solution_id) == 0;
}

struct mpsc_holdings *
mpsc_profile_new_holdings(const struct mpsc_profile *profile)
{
    return mpsc_holdings_new(
        profile->configuration->base_url, profile->configuration->solution_id,
        profile->boot_id, profile->means.clock, profile->gate);
}

int
mpsc_profile_furnish_unlocked(struct mpsc_profile *profile,
                              struct mpsc_profile *former)
{
    if (former != NULL && same_holdings(profile, former)) {
        profile->holdings = mpsc_holdings_hold(former->holdings);
    } else {
        profile->holdings = mpsc_profile_new_holdings(profile);
    }
    return profile->holdings != NULL ? 0 : -1;
}

int
mpsc_profile_find_place(const struct mpsc_profile *profile,
                        struct mpsc_place *place)
{
    const struct mpsc_configuration *options = profile->configuration;
    struct mpsc_place found;
    struct mpsc_place chosen;
    int result;

    if (mpsc_environment_place(&profile->environment, &found) != 0) {
        return -1;
    }
    chosen.bus =
        options->keyring_bus != NULL ? options->keyring_bus : found.bus;
    chosen.runtime_dir = options->runtime_dir != NULL ? options->runtime_dir
                                                      : found.runtime_dir;
    result = mpsc_place_copy(place, &chosen);
    mpsc_place_free(&found);
    return result;
}

/* 0, or an errno. */
static int
read_file(const char *path, struct mpsc_secret *contents)
{
    char piece[4096];
    ssize_t got;
    int result = 0;
    int fd = mpsc_descriptor_lift(
        open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));

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

void
mpsc_profile_inherit(struct mpsc_profile *profile,
                     const struct mpsc_profile *former)
{
    const struct mpsc_fetch_prepared *old = atomic_load(&former->prepared);
    struct mpsc_fetch_prepared *copy;
    struct mps_error ignored;

    if (old == NULL || mpsc_profile_prepare(profile, &ignored) == MPS_OK) {
        return;
    }
    copy = calloc(1, sizeof(*copy));
    if (copy == NULL ||
        mpsc_secret_set(&copy->partner.token, old->partner.token.data,
                        old->partner.token.len) != 0 ||
        mpsc_secret_set(&copy->partner.app_secret,
                        old->partner.app_secret.data,
                        old->partner.app_secret.len) != 0 ||
        mpsc_secret_set(&copy->ca, old->ca.data, old->ca.len) != 0) {
        prepared_free(copy);
        return;
    }
    atomic_store(&profile->prepared, copy);
}

int
mpsc_profile_partner_digest(const struct mpsc_profile *profile,
                            char digest[MPSC_DIGEST_HEX_SIZE],
                            struct mps_error *error)
{
    const struct mpsc_fetch_prepared *prepared =
        atomic_load(&profile->prepared);
    struct mpsc_partner partner;
    int code = mpsc_partner_read(
        profile->configuration, profile->environment.credentials,
        prepared != NULL ? &prepared->partner : NULL, &partner, error);

    if (code != MPS_OK) {
        return code;
    }
    if (mpsc_digest_sha256(partner.token.data, partner.token.len, digest) !=
        0) {
        code = mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    mpsc_partner_free(&partner);
    return code;
}

int
mpsc_profile_logs(const struct mpsc_profile *profile, int priority)
{
    return profile->configuration->log != MPSC_LOG_OFF &&
           priority <= profile->configuration->log_level;
}

struct mpsc_profile *
mpsc_profile_hold_unlocked(struct mpsc_profile *profile)
{
    profile->references++;
    return profile;
}

void
mpsc_profile_release_unlocked(struct mpsc_profile **profile)
{
    struct mpsc_profile *old = *profile;

    *profile = NULL;
    if (old == NULL || --old->references > 0) {
        return;
    }
    mpsc_holdings_release(&old->holdings);
    prepared_free(atomic_load(&old->prepared));
    mpsc_configuration_free(&old->configuration);
    mpsc_environment_free(&old->environment);
    mpsc_place_free(&old->place);
    free(old->name);
    free(old);
}
