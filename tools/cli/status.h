/* SPDX-License-Identifier: MIT */
/* status: the verb that shows what there is, to people and to monitoring. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

/*
 * mps-credential status: argv[0] is the name for messages, the verb's options
 * follow. Returns the exit status: the code of the ABI, or CLI_EXIT_OUTPUT;
 * with --check that of a monitoring plugin.
 */
int cli_status(int argc, char **argv);

#endif
