/* SPDX-License-Identifier: MIT */
/*
 * partner: the partner's own secrets: the system-user token, and the app
 * secret where the app demands a proof.
 *
 * They are read anew at every fetch, so that a rotation needs no restart.
 * What mpsc_profile_prepare() has read before is used where the source can't
 * be opened any more: after a chroot or a drop of privileges.
 */
#ifndef MPSC_PARTNER_H
#define MPSC_PARTNER_H

#include "configuration.h"
#include "secret.h"

struct mpsc_partner {
    struct mpsc_secret token;
    struct mpsc_secret app_secret; /* empty = no proof is sent */
};

#define MPSC_PARTNER_EMPTY                                                    \
    {                                                                         \
        MPSC_SECRET_EMPTY, MPSC_SECRET_EMPTY                                  \
    }

/*
 * Reads both. credentials: $CREDENTIALS_DIRECTORY, or NULL. prepared (NULL =
 * nothing) stands in for a source that cannot be opened. MPS_OK, MPS_E_CONFIG
 * or MPS_E_NO_MEMORY; *partner is empty on failure.
 */
int mpsc_partner_read(const struct mpsc_configuration *configuration,
                      const char *credentials,
                      const struct mpsc_partner *prepared,
                      struct mpsc_partner *partner, struct mps_error *error);

/* Wipes both. */
void mpsc_partner_free(struct mpsc_partner *partner);

#endif
