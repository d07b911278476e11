/* SPDX-License-Identifier: MIT */
/* usage: what a command line asks for, and its end where nothing is run. */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

enum cli_action { CLI_ACTION_RUN, CLI_ACTION_HELP, CLI_ACTION_USAGE };

/* Prints a text that was asked for; the exit status. */
int cli_usage_print(const char *text);

/* Prints a verb's help, or else says on stderr where that is; the exit
 * status. */
int cli_usage_end(enum cli_action action, const char *verb, const char *help);

#endif
