/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "doctor_report.h"

#include <errno.h>
#include <string.h>

#include "colour.h"
#include "json.h"
#include "output.h"

/* Of the column, as the longest text has it. */
#define STATE_WIDTH 9

static const struct {
    const char *text;
    const char *json;
    enum cli_colour colour;
} states[] = {
    [CLI_DOCTOR_OK] = {"ok", "ok", CLI_GOOD},
    [CLI_DOCTOR_WARNING] = {"warning", "warning", CLI_WARN},
    [CLI_DOCTOR_FAILURE] = {"failure", "failure", CLI_BAD},
    [CLI_DOCTOR_NOT_TRIED] = {"not tried", "not_tried", CLI_PLAIN},
};

void
cli_doctor_report_begin(struct cli_doctor_report *report, int is_json)
{
    report->is_json = is_json;
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
put_text(const char *name, const struct cli_doctor_finding *finding)
{
    const char *state = states[finding->state].text;

    cli_colour_put(stdout, states[finding->state].colour, state);
    printf("%*s  %-13s  %s\n", STATE_WIDTH - (int)strlen(state), "", name,
           finding->meaning);
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
        put_text(name, finding);
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
