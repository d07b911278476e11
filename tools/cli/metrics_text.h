/* SPDX-License-Identifier: MIT */
/* metrics_text: a survey as OpenMetrics' text. */
#ifndef CLI_METRICS_TEXT_H
#define CLI_METRICS_TEXT_H

#include <stdio.h>

#include "survey.h"

/* Prints it. user: the label's value. No business is named. 0, or -1 with
 * errno. */
int cli_metrics_text(FILE *out, const struct cli_survey *survey,
                     const char *user);

#endif
