/* SPDX-License-Identifier: MIT */
/* command: runs a program of the system and takes what it says. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stddef.h>

/* Room for a program's output; what is more is dropped. */
#define CLI_COMMAND_OUTPUT 2048

/*
 * Runs argv[0], found by PATH, with `in` (NULL: nothing; a few hundred bytes
 * at the most) on its standard input, and waits for its end. output, of
 * CLI_COMMAND_OUTPUT bytes, gets what it wrote to standard output and error,
 * without the last newline, or why it could not be run. Returns its exit
 * status; 127 where it could not be run, 128 and more where a signal ended it.
 */
int cli_command_run(const char *const argv[], const char *in, char *output);

/* True where a program of that name is where systemd's services look. */
int cli_command_there(const char *name);

#endif
