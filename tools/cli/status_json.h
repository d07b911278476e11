/* SPDX-License-Identifier: MIT */
/* status_json: a survey for programs. */
#ifndef CLI_STATUS_JSON_H
#define CLI_STATUS_JSON_H

#include <stdio.h>

#include "status_check.h"

/* Prints one JSON object; with what is in error where its code isn't MPS_OK,
 * and the check where that isn't NULL. 0, or -1 with errno. */
int cli_status_json(FILE *out, const struct cli_survey *survey,
                    const struct mps_error *error,
                    const struct cli_check *check);

#endif
