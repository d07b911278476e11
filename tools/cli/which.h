/* SPDX-License-Identifier: MIT */
/* which: the verb that names the business of a leaked token. */
#ifndef CLI_WHICH_H
#define CLI_WHICH_H

/*
 * mps-credential which: argv[0] is the name for messages, the verb's options
 * follow. Returns the exit status: 0 found, 1 not, CLI_EXIT_USAGE, another
 * code of the ABI, or CLI_EXIT_OUTPUT.
 */
int cli_which(int argc, char **argv);

#endif
