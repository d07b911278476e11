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
    char *session_bus;   /* DBUS_SESSION_BUS_ADDRESS */
    char *session_dir;   /* XDG_RUNTIME_DIR, where it is absolute */
};

/* Where a user's keyring and shared files are; likewise. */
struct mpsc_place {
    char *bus;         /* the D-Bus address of the keyring */
    char *runtime_dir; /* may not exist yet */
};

/*
 * Reads it. MPS_OK; MPS_E_CONFIG where AT_SECURE and SSLKEYLOGFILE are both
 * set, since libcurl would write TLS keys to a file of the caller's choice;
 * MPS_E_NO_MEMORY. *environment is empty on failure.
 */
int mpsc_environment_read(struct mpsc_environment *environment,
                          struct mps_error *error);

/* Copies it: a host may change the variables while its threads run, so they
 * are read once. 0, or -1 without memory. */
int mpsc_environment_copy(struct mpsc_environment *to,
                          const struct mpsc_environment *from);

void mpsc_environment_free(struct mpsc_environment *environment);

/*
 * Finds the place of the effective user of this moment, by looking into the
 * file system: a bus may come and go.
 *
 * bus: /run/mps-credential/UID/bus if there, else DBUS_SESSION_BUS_ADDRESS,
 * else $XDG_RUNTIME_DIR/bus if there. runtime_dir: /run/mps-credential/UID if
 * there, else $XDG_RUNTIME_DIR/mps-credential. 0, or -1 without memory.
 */
int mpsc_environment_place(const struct mpsc_environment *environment,
                           struct mpsc_place *place);

/* Copies; NULLs in it are fine. 0, or -1 without memory. */
int mpsc_place_copy(struct mpsc_place *to, const struct mpsc_place *from);

void mpsc_place_free(struct mpsc_place *place);

#endif
