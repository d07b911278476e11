/* SPDX-License-Identifier: MIT */
/* get: the verb that prints a business's credential. */
#ifndef CLI_GET_H
#define CLI_GET_H

/*
 * mps-credential get: argv[0] is the name for messages, the verb's options
 * and operand follow. Returns the exit status: the code of the ABI, or
 * CLI_EXIT_OUTPUT.
 */
int cli_get(int argc, char **argv);

#endif
