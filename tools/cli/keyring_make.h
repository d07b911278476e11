/* SPDX-License-Identifier: MIT */
/* keyring_make: sets up the keyring of one user's services, and takes it away;
 * both as root on a machine that systemd runs. */
#ifndef CLI_KEYRING_MAKE_H
#define CLI_KEYRING_MAKE_H

#include "keyring_place.h"
#include "steps.h"

/*
 * Makes what is missing, starts the unit and waits until it is ready. service
 * is the name of a unit that shall start after it, or NULL. Says each step;
 * returns MPS_OK or the code of a failure that it has told, with the steps
 * before it done: the next run goes on from there.
 */
int cli_keyring_make(const struct cli_keyring_place *place,
                     const char *service, struct cli_steps *steps);

/* Stops the unit and removes all that cli_keyring_make() or the unit made for
 * this user, who need not exist any more. Returns as above. */
int cli_keyring_unmake(const struct cli_keyring_place *place,
                       struct cli_steps *steps);

#endif
