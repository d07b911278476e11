/* SPDX-License-Identifier: MIT */
/* metrics: the verb that writes numbers for monitoring. */
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

/*
 * mps-credential metrics: argv[0] is the name for messages, the verb's options
 * follow. Returns the exit status: the code of the ABI, or CLI_EXIT_OUTPUT.
 */
int cli_metrics(int argc, char **argv);

#endif
