/* SPDX-License-Identifier: MIT */
/* all_users: a verb for each user whose services share a directory. */
#ifndef CLI_ALL_USERS_H
#define CLI_ALL_USERS_H

/* user: a UID in digits, for cli_account_become(). Returns an exit status. */
typedef int cli_all_users_fn(const char *user, void *arg);

/*
 * Calls run in a child process for each UID that has a directory
 * /run/mps-credential/UID, one after the other. Returns the first exit status
 * that isn't 0; MPS_E_INVALID after it has said so where the caller isn't
 * root; MPS_E_CONFIG likewise where there is no such directory.
 */
int cli_all_users(cli_all_users_fn *run, void *arg);

#endif
