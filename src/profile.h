/* SPDX-License-Identifier: MIT */
/*
 * profile: one profile's configuration, what goes with it, and what this
 * process knows under it.
 */
#ifndef MPSC_PROFILE_H
#define MPSC_PROFILE_H

#include <sys/types.h>

#include "cache.h"
#include "environment.h"
#include "fetch.h"

/* Where another user than the one who loaded the profile has bus and runtime
 * directory: a host may drop its privileges. */
struct mpsc_profile_user {
    struct mpsc_profile_user *next;
    uid_t user;
    struct mpsc_environment environment;
};

struct mpsc_profile {
    struct mpsc_profile *next;

    /* Constant once loaded; read without a lock. */
    char *name; /* NULL = the keys without a group */
    struct mpsc_configuration *configuration;
    struct mpsc_environment environment;
    uid_t user; /* whose that is */
    char boot_id[MPSC_BOOT_ID_SIZE];
    struct mpsc_fetch_means means;
    int distrust_clamped; /* distrust_before was still to come */

    /* Set once by mpsc_profile_prepare(); the profile's. */
    _Atomic(struct mpsc_fetch_prepared *) prepared;

    /* Guarded by the provider's lock. */
    struct mpsc_profile_user *others;
    struct mpsc_cache *cache;
    int succeeded; /* the endpoint has given a token under this profile */
    enum mpsc_keyring_state keyring_state; /* as last told in the log */
    int64_t keyring_mute_until_ms; /* CLOCK_MONOTONIC: not asked till then */
};

/*
 * Loads a profile. name: NULL = the environment's, or none. On success
 * *profile is the caller's. MPS_E_CONFIG or MPS_E_NO_MEMORY else.
 */
int mpsc_profile_load(const char *name, struct mpsc_profile **profile,
                      struct mps_error *error);

/*
 * Reads the CA certificates and the partner's secrets now, for when their
 * files can no longer be opened. The first time counts. MPS_OK, MPS_E_CONFIG
 * or MPS_E_NO_MEMORY.
 */
int mpsc_profile_prepare(struct mpsc_profile *profile,
                         struct mps_error *error);

/* True where this is the profile that `name` means in this process. */
int mpsc_profile_is(const struct mpsc_profile *profile, const char *name);

/*
 * The bus's address and the runtime directory of this moment's effective
 * user, NULL = none. They live as long as the profile. Called with the lock.
 */
void mpsc_profile_place_unlocked(struct mpsc_profile *profile,
                                 const char **bus, const char **runtime_dir);

/* True where the configuration wants a line of this priority logged. */
int mpsc_profile_logs(const struct mpsc_profile *profile, int priority);

/* Wipes and frees; no fetch may be under way. *profile becomes NULL. */
void mpsc_profile_free(struct mpsc_profile **profile);

#endif
