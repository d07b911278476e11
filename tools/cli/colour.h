/* SPDX-License-Identifier: MIT */
/* colour: what stands out on a terminal, and only there. */
#ifndef CLI_COLOUR_H
#define CLI_COLOUR_H

#include <stdio.h>

enum cli_colour { CLI_PLAIN, CLI_GOOD, CLI_WARN, CLI_BAD };

/*
 * Writes the text in this colour, where the stream is a terminal that has
 * colours and the variable NO_COLOR is unset or empty (no-color.org); else as
 * it is.
 */
void cli_colour_put(FILE *out, enum cli_colour colour, const char *text);

#endif
