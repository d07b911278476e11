/* SPDX-License-Identifier: MIT */
/*
 * environment: what the module takes from the process's environment, and only
 * as far as that can be believed: nothing under AT_SECURE (setuid and the
 * like; secure_getenv(3)).
 */
#ifndef MPSC_ENVIRONMENT_H
#define MPSC_ENVIRONMENT_H

#include <mps/credential.h>

/* Each string is the caller's own and may be NULL: not set, or "". */
struct mpsc_environment {
    char *configuration; /* MPS_CREDENTIAL_CONF */
    char *profile;       /* MPS_CREDENTIAL_PROFILE */
    char *credentials;   /* CREDENTIALS_DIRECTORY */
    char *keyring_bus;   /* the host's own bus, else the session's */
    char *runtime_dir;   /* the host's own directory, else the session's */
};

/*
 * Reads it, for the effective user of this moment.
 *
 * keyring_bus: /run/mps-credential/UID/bus if there, else
 * DBUS_SESSION_BUS_ADDRESS, else $XDG_RUNTIME_DIR/bus if there.
 * runtime_dir: /run/mps-credential/UID if there, else
 * $XDG_RUNTIME_DIR/mps-credential.
 *
 * MPS_OK; MPS_E_CONFIG where AT_SECURE and SSLKEYLOGFILE are both set, since
 * libcurl would write TLS keys to a file of the caller's choice;
 * MPS_E_NO_MEMORY. *environment is empty on failure.
 */
int mpsc_environment_read(struct mpsc_environment *environment,
                          struct mps_error *error);

void mpsc_environment_free(struct mpsc_environment *environment);

#endif
