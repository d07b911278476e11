/* SPDX-License-Identifier: MIT */
/* forget: the verb that drops tokens from programs and keyring. */
#ifndef CLI_FORGET_H
#define CLI_FORGET_H

/*
 * mps-credential forget: argv[0] is the name for messages, the verb's options
 * and operands follow. Returns the exit status: a code of the ABI, or
 * CLI_EXIT_OUTPUT.
 */
int cli_forget(int argc, char **argv);

#endif
