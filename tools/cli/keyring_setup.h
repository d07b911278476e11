/* SPDX-License-Identifier: MIT */
/* keyring_setup: the verb that gives system services a keyring. */
#ifndef CLI_KEYRING_SETUP_H
#define CLI_KEYRING_SETUP_H

/* The verb, with its arguments behind argv[0]; returns the exit status. */
int cli_keyring_setup(int argc, char **argv);

#endif
