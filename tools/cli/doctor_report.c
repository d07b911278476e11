/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "doctor_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "output.h"

/* Of the column, as the longest text has it. */
#define STATE_WIDTH 9

static const struct {
    const char *text;
    const char *json;
    const char *colour; /* as terminals take it */
} states[] = {
    [CLI_DOCTOR_OK] = {"ok", "ok", "\033[32m"},
    [CLI_DOCTOR_WARNING] = {"warning", "warning", "\033[33m"},
    [CLI_DOCTOR_FAILURE] = {"failure", "failure", "\033[31m"},
    [CLI_DOCTOR_NOT_TRIED] = {"not tried", "not_tried", ""},
};

/* By the rule of no-color.org. */
static int
wants_colours(void)
{
    const char *no = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
           terminal != NULL && strcmp(terminal, "dumb") != 0;
}

void
cli_doctor_report_begin(struct cli_doctor_report *report, int is_json)
{
    report->is_json = is_json;
    report->is_coloured = !is_json && wants_colours();
    report->worst = CLI_DOCTOR_OK;
    report->checks = is_json ? json_object_new_array() : NULL;
}

static void
add_json(struct cli_doctor_report *report, const char *name,
         const struct cli_doctor_finding *finding)
{
    struct json_object *check = json_object_new_object();

    if (report->checks == NULL || check == NULL ||
        cli_json_add_text(check, "check", name) != 0 ||
        cli_json_add_text(check, "state", states[finding->state].json) != 0 ||
        cli_json_add_text(check, "meaning", finding->meaning) != 0 ||
        cli_json_add_text(check, "advice", finding->advice) != 0) {
        json_object_put(check);
        check = NULL;
    }
    if (check == NULL || cli_json_append(report->checks, check) != 0) {
        json_object_put(report->checks);
        report->checks = NULL;
    }
}

static void
put_text(const struct cli_doctor_report *report, const char *name,
         const struct cli_doctor_finding *finding)
{
    const char *state = states[finding->state].text;
    const char *colour =
        report->is_coloured ? states[finding->state].colour : "";

    printf("%s%s%s%*s  %-13s  %s\n", colour, state,
           colour[0] != '\0' ? "\033[0m" : "",
           STATE_WIDTH - (int)strlen(state), "", name, finding->meaning);
    if (finding->advice[0] != '\0') {
        printf("%*s  %-13s  -> %s\n", STATE_WIDTH, "", "", finding->advice);
    }
    /* Some checks take seconds. What can't be written shows at the end. */
    (void)fflush(stdout);
}

void
cli_doctor_report_add(struct cli_doctor_report *report, const char *name,
                      const struct cli_doctor_finding *finding)
{
    if (finding->state != CLI_DOCTOR_NOT_TRIED &&
        finding->state > report->worst) {
        report->worst = finding->state;
    }
    if (report->is_json) {
        add_json(report, name, finding);
    } else {
        put_text(report, name, finding);
    }
}

int
cli_doctor_report_end(struct cli_doctor_report *report)
{
    struct json_object *answer = NULL;
    int result = -1;

    if (!report->is_json) {
        return cli_output_text(stdout, "");
    }
    answer = json_object_new_object();
    if (answer == NULL || report->checks == NULL ||
        cli_json_add_text(answer, "state", states[report->worst].json) != 0 ||
        cli_json_add(answer, "checks", json_object_get(report->checks)) != 0) {
        errno = ENOMEM;
        goto out;
    }
    result = cli_json_put(stdout, answer);
out:
    json_object_put(answer);
    json_object_put(report->checks);
    report->checks = NULL;
    return result;
}
