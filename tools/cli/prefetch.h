/* SPDX-License-Identifier: MIT */
/* prefetch: the verb that fetches the credentials of many businesses. */
#ifndef CLI_PREFETCH_H
#define CLI_PREFETCH_H

/*
 * mps-credential prefetch: argv[0] is the name for messages, the verb's
 * options and operand follow. Returns the exit status: the worst code of the
 * ABI, CLI_EXIT_OUTPUT, or 128 and the number of a signal.
 */
int cli_prefetch(int argc, char **argv);

#endif
