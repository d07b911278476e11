/* SPDX-License-Identifier: MIT */
/* account: whose programs the command is to speak for. */
#ifndef CLI_ACCOUNT_H
#define CLI_ACCOUNT_H

#include <mps/credential.h>
#include <sys/types.h>

/*
 * Becomes the user of that name or UID for good: user, groups, HOME, USER and
 * LOGNAME; XDG_RUNTIME_DIR is /run/user/UID where that is there, else unset;
 * DBUS_SESSION_BUS_ADDRESS, which is the caller's, is dropped. All else of the
 * environment stays. NULL, or the user that the process is already, changes
 * nothing. To be called before threads are made or the configuration is read.
 *
 * Returns MPS_OK; or MPS_E_INVALID with *error, and the only thing left to do
 * is to say so and exit.
 */
int cli_account_become(const char *user, struct mps_error *error);

/*
 * The same in another root directory, which is entered first; the user's name
 * and groups are looked up before. NULL: the root stays. For root alone where
 * there is one.
 */
int cli_account_become_in(const char *root, const char *user,
                          struct mps_error *error);

/* Looks up the UID; likewise. */
int cli_account_uid(const char *user, uid_t *uid, struct mps_error *error);

#endif
