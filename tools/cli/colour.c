/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "colour.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
has_colours(FILE *out)
{
    const char *refusal = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return (refusal == NULL || refusal[0] == '\0') && terminal != NULL &&
           strcmp(terminal, "dumb") != 0 && isatty(fileno(out));
}

void
cli_colour_put(FILE *out, enum cli_colour colour, const char *text)
{
    static const char *const codes[] = {
        [CLI_GOOD] = "32",
        [CLI_WARN] = "33",
        [CLI_BAD] = "31",
    };

    if (colour != CLI_PLAIN && has_colours(out)) {
        fprintf(out, "\033[%sm%s\033[0m", codes[colour], text);
    } else {
        fputs(text, out);
    }
}
