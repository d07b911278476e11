/* SPDX-License-Identifier: MIT */
/* status_check: what monitoring is told: one of four states, and numbers. */
#ifndef CLI_STATUS_CHECK_H
#define CLI_STATUS_CHECK_H

#include <stdio.h>

#include "survey.h"

/* The exit status, as monitoring plugins have it. */
enum cli_check_state {
    CLI_CHECK_OK,
    CLI_CHECK_WARNING,
    CLI_CHECK_CRITICAL,
    CLI_CHECK_UNKNOWN
};

/* How little of a token's life may be left; 0 = that is not judged. */
struct cli_check_bounds {
    int64_t warn_s;
    int64_t crit_s;
};

struct cli_check {
    enum cli_check_state state;
    char text[512]; /* why; of OK: what there is */
};

/* "OK", "WARNING" and so on. */
const char *cli_check_name(enum cli_check_state state);

/* Judges. */
void cli_check_judge(const struct cli_survey *survey,
                     const struct cli_check_bounds *bounds,
                     struct cli_check *check);

/* Prints the one line of a plugin, with performance data where survey isn't
 * NULL. 0, or -1 with errno. */
int cli_check_print(FILE *out, const struct cli_survey *survey,
                    const struct cli_check_bounds *bounds,
                    const struct cli_check *check);

#endif
