/* SPDX-License-Identifier: MIT */
/* all_users: a verb for each user whose services share a directory. */
#ifndef CLI_ALL_USERS_H
#define CLI_ALL_USERS_H

#include <mps/credential.h>

/* user: a UID in digits, for cli_account_become(). Each returns an exit
 * status. */
struct cli_all_users_job {
    /* Does the work, in a child process. */
    int (*run)(const char *user, void *arg);
    /* Says, in this process, why that came to no end of its own. */
    int (*fail)(const char *user, const struct mps_error *error, void *arg);
    void *arg;
    unsigned limit_s; /* a child is killed then: its user may stop it */
};

/*
 * Does the job for each UID that has a directory /run/mps-credential/UID, one
 * after the other. Returns the first exit status that isn't 0, with MPS_OK in
 * *error; or the code of *error, which is to be said: MPS_E_INVALID where the
 * caller isn't root, MPS_E_CONFIG where there is no such directory.
 */
int cli_all_users(const struct cli_all_users_job *job,
                  struct mps_error *error);

#endif
