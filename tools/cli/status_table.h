/* SPDX-License-Identifier: MIT */
/* status_table: a survey for people. */
#ifndef CLI_STATUS_TABLE_H
#define CLI_STATUS_TABLE_H

#include <stdio.h>

#include "survey.h"

/* Prints the profile's state and a line for each business. 0, or -1 with
 * errno. */
int cli_status_table(FILE *out, const struct cli_survey *survey);

#endif
