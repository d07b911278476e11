/* SPDX-License-Identifier: MIT */
/*
 * profile: one profile's configuration and the tokens of its static_file. Not
 * locked: the provider's lock guards it.
 */
#ifndef MPSC_STATIC_PROFILE_H
#define MPSC_STATIC_PROFILE_H

#include "configuration.h"
#include "environment.h"
#include "tokens.h"

struct mpsc_static_profile {
    struct mpsc_static_profile *next;
    char *name; /* NULL = the keys without a group */
    struct mpsc_environment environment;
    struct mpsc_configuration *configuration;
    struct mpsc_static_tokens tokens;
    char configuration_stamp[MPSC_DIGEST_HEX_SIZE];
    char file_stamp[MPSC_DIGEST_HEX_SIZE];
    int64_t look_ms; /* CLOCK_MONOTONIC: when the next look is due */
    int is_prepared; /* its files may be out of reach by now */
};

/* Loads a profile and its tokens. name: NULL = the environment's, or none. On
 * success *profile is the caller's; else MPS_E_CONFIG or MPS_E_NO_MEMORY. */
int mpsc_static_profile_load(const char *name,
                             struct mpsc_static_profile **profile,
                             struct mps_error *error);

/* True where this is the profile that `name` means in this process. */
int mpsc_static_profile_is(const struct mpsc_static_profile *profile,
                           const char *name);

/*
 * Takes up changed files, once a second or, with `now`, at once. What can't be
 * taken up is left: the profile goes on with what it has, and the code and
 * *error say why; each change is told once. MPS_OK else.
 */
int mpsc_static_profile_look(struct mpsc_static_profile *profile, int now,
                             struct mps_error *error);

/* Frees and sets to NULL; NULL in it is fine. */
void mpsc_static_profile_free(struct mpsc_static_profile **profile);

#endif
