/* SPDX-License-Identifier: MIT */
/*
 * profile: one profile's configuration and what goes with it. It never
 * changes: a changed configuration is another profile, to which the holdings
 * go over. Who uses one has a reference.
 */
#ifndef MPSC_PROFILE_H
#define MPSC_PROFILE_H

#include <string.h>
#include <sys/types.h>

#include "environment.h"
#include "fetch.h"
#include "holdings.h"

struct mpsc_profile {
    struct mpsc_profile *next;

    /* Constant once loaded; read without a lock. */
    char *name; /* NULL = the keys without a group */
    struct mpsc_configuration *configuration;
    struct mpsc_environment environment;
    char boot_id[MPSC_BOOT_ID_SIZE];
    struct mpsc_fetch_means means;
    int distrust_clamped;   /* distrust_before was still to come */
    struct mpsc_gate *gate; /* the provider's, which sets it */

    /* Set once by mpsc_profile_prepare(); the profile's. */
    _Atomic(struct mpsc_fetch_prepared *) prepared;

    /* Guarded by the provider's lock. */
    unsigned references; /* of the provider, of calls and of flights */
    char stamp[MPSC_DIGEST_HEX_SIZE]; /* of its files, see configuration.h */
    _Atomic int64_t look_ms; /* CLOCK_MONOTONIC: when the next look is due;
                              * hot.c reads it without the lock */
    uid_t user;              /* whose the next two are: the effective one */
    struct mpsc_place place;
    struct mpsc_holdings *holdings; /* replaced with the gate closed */
};

/*
 * Loads a profile. name: NULL = the environment's, or none. former: the one
 * that it is to replace, from which it takes the environment, or NULL. On
 * success *profile is the caller's, with one reference and without holdings.
 * MPS_E_CONFIG or MPS_E_NO_MEMORY else. For one thread at a time, see
 * configuration.h.
 */
int mpsc_profile_load(const char *name, const struct mpsc_profile *former,
                      struct mpsc_profile **profile, struct mps_error *error);

/*
 * Gives a profile its holdings: those of `former` (NULL = none) where user,
 * endpoint and solution are the same, else new ones. 0, or -1 without memory.
 * Called with the lock.
 */
int mpsc_profile_furnish_unlocked(struct mpsc_profile *profile,
                                  struct mpsc_profile *former);

/*
 * Reads the CA certificates and the partner's secrets now, for when their
 * files can no longer be opened. The first time counts. MPS_OK, MPS_E_CONFIG
 * or MPS_E_NO_MEMORY.
 */
int mpsc_profile_prepare(struct mpsc_profile *profile,
                         struct mps_error *error);

/* True where this is the profile that `name` means in this process. */
static inline int
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

/* New holdings for it, with one reference; NULL without memory. */
struct mpsc_holdings *
mpsc_profile_new_holdings(const struct mpsc_profile *profile);

/* Takes over what was prepared for the former one, where it can't be read
 * anew. Before the profile is used. */
void mpsc_profile_inherit(struct mpsc_profile *profile,
                          const struct mpsc_profile *former);

/* The SHA-256 of the partner's token as its source has it now. MPS_OK, or a
 * code with *error; `digest` is unchanged then. */
int mpsc_profile_partner_digest(const struct mpsc_profile *profile,
                                char digest[MPSC_DIGEST_HEX_SIZE],
                                struct mps_error *error);

/* Where the keyring and the shared files are, as the configuration says or
 * the environment; looks into the file system. 0, or -1 without memory. */
int mpsc_profile_find_place(const struct mpsc_profile *profile,
                            struct mpsc_place *place);

/* One reference more; returns its argument. Called with the lock. */
struct mpsc_profile *mpsc_profile_hold_unlocked(struct mpsc_profile *profile);

/* True where the configuration wants a line of this priority logged. */
int mpsc_profile_logs(const struct mpsc_profile *profile, int priority);

/* One less; the last one wipes and frees. *profile becomes NULL; fine on
 * NULL. Called with the lock. */
void mpsc_profile_release_unlocked(struct mpsc_profile **profile);

#endif
