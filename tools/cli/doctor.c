/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "common.h"
#include "doctor_check.h"
#include "doctor_configuration.h"
#include "doctor_endpoint.h"
#include "doctor_keyring.h"
#include "doctor_processes.h"
#include "doctor_report.h"
#include "ids.h"
#include "output.h"
#include "src/error.h"
#include "survey.h"

static const char help[] =
    "Usage: mps-credential doctor [OPTION]...\n"
    "Check all that a program needs to be given tokens, as that program "
    "would\n"
    "meet it, and say of each part whether it is ok and what to do.\n"
    "\n"
    "      --business=ID   ask for the token of this customer business; else\n"
    "                      of one that doesn't exist, which tells nothing\n"
    "                      of solution_id\n" CLI_COMMON_HELP
    "      --root=DIR      as a program that has called credential_prepare()\n"
    "                      and entered this root directory; with --user, of\n"
    "                      another than root\n"
    "\n"
    "The exit status is 0 where all is ok, 1 after a warning, 2 after a\n"
    "failure; see mps-credential(1).\n";

enum option_key { OPTION_BUSINESS = CLI_COMMON_END, OPTION_ROOT };

static const struct option long_options[] = {
    CLI_COMMON_OPTIONS,
    {"business", required_argument, NULL, OPTION_BUSINESS},
    {"root", required_argument, NULL, OPTION_ROOT},
    {NULL, 0, NULL, 0},
};

struct options {
    struct cli_common common;
    const char *business;
    const char *root;
};

#define NEEDS(id) (1u << CLI_DOCTOR_##id)

/* What needs another check is not tried unless that is ok. */
static const struct {
    const char *name;
    unsigned needs;
    cli_doctor_run_fn *run;
} checks[CLI_DOCTOR_CHECKS] = {
    [CLI_DOCTOR_MODULE] = {"module", 0, cli_doctor_module},
    [CLI_DOCTOR_CONFIGURATION] = {"configuration", 0,
                                  cli_doctor_configuration},
    [CLI_DOCTOR_SECRETS] = {"secrets", NEEDS(CONFIGURATION),
                            cli_doctor_secrets},
    [CLI_DOCTOR_LIMIT] = {"limit", NEEDS(SECRETS), cli_doctor_limit},
    [CLI_DOCTOR_NAME] = {"name", NEEDS(LIMIT), cli_doctor_name},
    [CLI_DOCTOR_CONNECTION] = {"connection", NEEDS(NAME),
                               cli_doctor_connection},
    [CLI_DOCTOR_PROXY] = {"proxy", NEEDS(CONNECTION), cli_doctor_proxy},
    [CLI_DOCTOR_TLS] = {"tls", NEEDS(PROXY), cli_doctor_tls},
    [CLI_DOCTOR_CLOCK] = {"clock", NEEDS(TLS), cli_doctor_clock},
    [CLI_DOCTOR_ANSWER] = {"answer", NEEDS(TLS), cli_doctor_answer},
    [CLI_DOCTOR_TOKEN] = {"token", NEEDS(ANSWER), cli_doctor_token},
    [CLI_DOCTOR_SOLUTION] = {"solution", NEEDS(TOKEN), cli_doctor_solution},
    [CLI_DOCTOR_RUNTIME_DIR] = {"runtime_dir", NEEDS(CONFIGURATION),
                                cli_doctor_runtime_dir},
    [CLI_DOCTOR_HELPER] = {"helper", NEEDS(CONFIGURATION), cli_doctor_helper},
    [CLI_DOCTOR_BUS] = {"bus", NEEDS(CONFIGURATION), cli_doctor_bus},
    [CLI_DOCTOR_KEYRING] = {"keyring",
                            NEEDS(RUNTIME_DIR) | NEEDS(HELPER) | NEEDS(BUS),
                            cli_doctor_keyring},
    [CLI_DOCTOR_ROUND_TRIP] = {"round_trip", NEEDS(KEYRING),
                               cli_doctor_round_trip},
    [CLI_DOCTOR_PROCESSES] = {"processes", 0, cli_doctor_processes},
};

static int
take_option(int key, void *arg)
{
    struct options *options = arg;

    if (key == OPTION_ROOT) {
        options->root = optarg;
        return 0;
    }
    if (!cli_ids_ok(optarg)) {
        fputs(CLI_PROGRAM ": --business needs 1 to 20 digits\n", stderr);
        return -1;
    }
    options->business = optarg;
    return 0;
}

static enum cli_action
parse(int argc, char **argv, struct options *options)
{
    enum cli_action action;

    memset(options, 0, sizeof(*options));
    action = cli_common_parse(argc, argv, long_options, &options->common,
                              take_option, options);
    if (action == CLI_ACTION_RUN && optind < argc) {
        fputs(CLI_PROGRAM ": doctor takes options alone\n", stderr);
        return CLI_ACTION_USAGE;
    }
    return action;
}

/* The names of the checks in `which`. */
static void
list_names(unsigned which, char *to, size_t size)
{
    size_t len = 0;

    to[0] = '\0';
    for (unsigned id = 0; id < CLI_DOCTOR_CHECKS && len < size; id++) {
        if ((which & 1u << id) != 0) {
            len += (size_t)snprintf(to + len, size - len, "%s%s",
                                    len > 0 ? ", " : "", checks[id].name);
        }
    }
}

static void
run_checks(struct cli_doctor *doctor, struct cli_doctor_report *report)
{
    struct cli_doctor_finding finding;
    unsigned bad = 0;
    char names[128];

    for (unsigned id = 0; id < CLI_DOCTOR_CHECKS; id++) {
        if ((checks[id].needs & bad) == 0) {
            checks[id].run(doctor, &finding);
        } else {
            list_names(checks[id].needs & bad, names, sizeof(names));
            cli_doctor_find(&finding, CLI_DOCTOR_NOT_TRIED, "it needs %s",
                            names);
        }
        if (finding.state != CLI_DOCTOR_OK) {
            bad |= 1u << id;
        }
        cli_doctor_report_add(report, checks[id].name, &finding);
    }
}

/*
 * Becomes what the host is, and reads what the host reads before and after.
 * MPS_OK, or the code of *error.
 */
static int
take_the_hosts_place(struct cli_doctor *doctor, const struct options *options,
                     struct mps_error *error)
{
    const char *user = options->common.user;
    int status = MPS_OK;
    uid_t uid = geteuid();

    if (user != NULL) {
        status = cli_account_uid(user, &uid, error);
    }
    if (status == MPS_OK && options->root != NULL && uid == geteuid()) {
        status = mpsc_error_set(error, MPS_E_INVALID,
                                "--root needs the --user of a program: what "
                                "is in that root is not run as the caller");
    }
    if (status != MPS_OK) {
        return status;
    }
    cli_doctor_look_at_processes(&doctor->processes,
                                 user != NULL ? &uid : NULL);
    if (options->root == NULL) {
        status = cli_account_become(user, error);
        if (status == MPS_OK) {
            cli_doctor_load(doctor);
        }
    } else {
        /* Whoever enters a root of its own has no session's. */
        (void)unsetenv("DBUS_SESSION_BUS_ADDRESS");
        (void)unsetenv("XDG_RUNTIME_DIR");
        cli_doctor_load(doctor);
        status = cli_account_become_in(options->root, user, error);
    }
    if (status == MPS_OK) {
        cli_doctor_find_place(doctor);
    }
    return status;
}

static int
run(const struct options *options)
{
    struct cli_doctor doctor = {
        .profile_name = options->common.profile,
        .root = options->root,
        .business = options->business,
    };
    struct cli_doctor_report report;
    struct mps_error error;
    int status = take_the_hosts_place(&doctor, options, &error);

    if (status != MPS_OK) {
        (void)cli_survey_fail(&options->common, &error);
    } else {
        cli_doctor_report_begin(&report, options->common.is_json);
        run_checks(&doctor, &report);
        status = cli_doctor_report_end(&report) == 0 ? (int)report.worst
                                                     : cli_output_failed();
    }
    cli_doctor_unload(&doctor);
    return status;
}

int
cli_doctor(int argc, char **argv)
{
    struct options options;
    enum cli_action action = parse(argc, argv, &options);

    return action == CLI_ACTION_RUN ? run(&options)
                                    : cli_usage_end(action, "doctor", help);
}
