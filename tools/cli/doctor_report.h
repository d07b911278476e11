/* SPDX-License-Identifier: MIT */
/* doctor_report: the findings, for people as they come, or as one JSON
 * object. */
#ifndef CLI_DOCTOR_REPORT_H
#define CLI_DOCTOR_REPORT_H

#include "doctor_check.h"

struct cli_doctor_report {
    int is_json;
    enum cli_doctor_state worst; /* OK, WARNING or FAILURE */
    struct json_object *checks;  /* NULL without memory */
};

void cli_doctor_report_begin(struct cli_doctor_report *report, int is_json);

/* One finding; text is written at once. */
void cli_doctor_report_add(struct cli_doctor_report *report, const char *name,
                           const struct cli_doctor_finding *finding);

/* Writes what is left. 0, or -1 with errno where not all could be written. */
int cli_doctor_report_end(struct cli_doctor_report *report);

#endif
