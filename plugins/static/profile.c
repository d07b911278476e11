/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "profile.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

#define LOOK_MS 1000

static int64_t
now_ms(void)
{
    struct mpsc_time now;

    mpsc_clock_system(&now);
    return now.mono_ms;
}

static int
load_configuration(const struct mpsc_static_profile *profile,
                   struct mpsc_configuration **configuration,
                   struct mps_error *error)
{
    return mpsc_configuration_load_static(profile->environment.configuration,
                                          profile->name, configuration, error);
}

static int
choose_name(struct mpsc_static_profile *profile, const char *name,
            struct mps_error *error)
{
    int code = mpsc_environment_read(&profile->environment, error);

    if (code != MPS_OK) {
        return code;
    }
    if (name == NULL) {
        name = profile->environment.profile;
    }
    profile->name = name != NULL ? strdup(name) : NULL;
    if (name != NULL && profile->name == NULL) {
        return mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    return MPS_OK;
}

int
mpsc_static_profile_load(const char *name,
                         struct mpsc_static_profile **profile,
                         struct mps_error *error)
{
    struct mpsc_static_profile *fresh = calloc(1, sizeof(*fresh));
    int code;

    *profile = NULL;
    if (fresh == NULL) {
        return mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    code = choose_name(fresh, name, error);
    /* First the stamps: what changes after them is seen by the next look. */
    if (code == MPS_OK) {
        mpsc_configuration_stamp(fresh->environment.configuration,
                                 fresh->configuration_stamp);
        code = load_configuration(fresh, &fresh->configuration, error);
    }
    if (code == MPS_OK) {
        mpsc_configuration_stamp(fresh->configuration->static_file,
                                 fresh->file_stamp);
        code = mpsc_static_tokens_read(fresh->configuration->static_file,
                                       &fresh->tokens, error);
    }
    if (code != MPS_OK) {
        mpsc_static_profile_free(&fresh);
        return code;
    }
    fresh->look_ms = now_ms() + LOOK_MS;
    *profile = fresh;
    return MPS_OK;
}

int
mpsc_static_profile_is(const struct mpsc_static_profile *profile,
                       const char *name)
{
    if (name == NULL) {
        name = profile->environment.profile;
    }
    if (name == NULL || profile->name == NULL) {
        return name == profile->name;
    }
    return strcmp(name, profile->name) == 0;
}

/* True where the file (NULL = the host's configuration) isn't the one of the
 * stamp, which becomes the file's. */
static int
has_changed(const char *file, char stamp[MPSC_DIGEST_HEX_SIZE])
{
    char fresh[MPSC_DIGEST_HEX_SIZE];

    if (mpsc_configuration_stamp(file, fresh) < 0 ||
        strcmp(fresh, stamp) == 0) {
        return 0;
    }
    memcpy(stamp, fresh, sizeof(fresh));
    return 1;
}

/* What a lack of memory kept from being taken up is still to come: to the next
 * look the file has changed once more. */
static void
try_again(int code, char stamp[MPSC_DIGEST_HEX_SIZE])
{
    if (code == MPS_E_NO_MEMORY) {
        stamp[0] = '\0';
    }
}

static int
take_configuration(struct mpsc_static_profile *profile,
                   struct mps_error *error)
{
    struct mpsc_configuration *fresh;
    int code = load_configuration(profile, &fresh, error);

    if (code == MPS_OK) {
        /* It may name another file. */
        if (strcmp(fresh->static_file, profile->configuration->static_file) !=
            0) {
            profile->file_stamp[0] = '\0';
        }
        mpsc_configuration_free(&profile->configuration);
        profile->configuration = fresh;
    }
    try_again(code, profile->configuration_stamp);
    return code;
}

static int
take_tokens(struct mpsc_static_profile *profile, struct mps_error *error)
{
    struct mpsc_static_tokens fresh;
    int code = mpsc_static_tokens_read(profile->configuration->static_file,
                                       &fresh, error);

    if (code == MPS_OK) {
        mpsc_static_tokens_inherit(&fresh, &profile->tokens);
        mpsc_static_tokens_free(&profile->tokens);
        profile->tokens = fresh;
    }
    try_again(code, profile->file_stamp);
    return code;
}

int
mpsc_static_profile_look(struct mpsc_static_profile *profile, int now,
                         struct mps_error *error)
{
    int code = MPS_OK;
    int64_t time_ms = now_ms();

    if (!now && time_ms < profile->look_ms) {
        return MPS_OK;
    }
    profile->look_ms = time_ms + LOOK_MS;
    if (has_changed(profile->environment.configuration,
                    profile->configuration_stamp)) {
        code = take_configuration(profile, error);
    }
    if (code == MPS_OK && has_changed(profile->configuration->static_file,
                                      profile->file_stamp)) {
        code = take_tokens(profile, error);
    }
    return code;
}

void
mpsc_static_profile_free(struct mpsc_static_profile **profile)
{
    struct mpsc_static_profile *old = *profile;

    if (old != NULL) {
        mpsc_static_tokens_free(&old->tokens);
        mpsc_configuration_free(&old->configuration);
        mpsc_environment_free(&old->environment);
        free(old->name);
        free(old);
        *profile = NULL;
    }
}
