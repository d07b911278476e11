/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "account.h"
#include "output.h"
#include "src/error.h"
#include "status_check.h"
#include "status_json.h"
#include "status_table.h"

static const char help[] =
    "Usage: mps-credential status [OPTION]...\n"
    "Show the tokens that the keyring has, when they end and are renewed, "
    "and\n"
    "what this user's programs know of the endpoint. Nothing is fetched, and\n"
    "no token is shown.\n"
    "\n"
    "      --check         one line for monitoring, as its plugins print it\n"
    "      --crit=TIME     with --check: critical where a token ends within\n"
    "                      that; a number with s, m, h or d\n"
    "      --warn=TIME     likewise: a warning\n" CLI_COMMON_HELP "\n"
    "The exit status is 0, or the code of the failure; with --check it is 0\n"
    "(OK), 1 (warning), 2 (critical) or 3 (unknown); see mps-credential(1).\n";

enum option_key { OPTION_CHECK = CLI_COMMON_END, OPTION_CRIT, OPTION_WARN };

static const struct option long_options[] = {
    CLI_COMMON_OPTIONS,
    {"check", no_argument, NULL, OPTION_CHECK},
    {"crit", required_argument, NULL, OPTION_CRIT},
    {"warn", required_argument, NULL, OPTION_WARN},
    {NULL, 0, NULL, 0},
};

struct options {
    struct cli_common common;
    struct cli_check_bounds bounds;
    int is_check;
};

/* "90", "90s", "15m", "6h", "2d"; 0, or -1 where it is none of these. */
static int
parse_time(const char *text, int64_t *seconds)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {
        {"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400},
    };
    unsigned long count;
    char *end;

    errno = 0;
    count = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno != 0 || count > 1000000000) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].name) == 0) {
            *seconds = (int64_t)count * units[i].seconds;
            return 0;
        }
    }
    return -1;
}

static int
take_option(int key, void *arg)
{
    struct options *options = arg;

    if (key == OPTION_CHECK) {
        options->is_check = 1;
        return 0;
    }
    if (parse_time(optarg, key == OPTION_WARN
                               ? &options->bounds.warn_s
                               : &options->bounds.crit_s) != 0) {
        fprintf(stderr,
                CLI_PROGRAM ": --%s needs a time such as 90s, 15m, 6h or 2d\n",
                key == OPTION_WARN ? "warn" : "crit");
        return -1;
    }
    return 0;
}

static enum cli_action
parse(int argc, char **argv, struct options *options)
{
    enum cli_action action;

    memset(options, 0, sizeof(*options));
    action = cli_common_parse(argc, argv, long_options, &options->common,
                              take_option, options);
    if (action != CLI_ACTION_RUN) {
        return action;
    }
    if (optind < argc) {
        fputs(CLI_PROGRAM ": status takes no operand\n", stderr);
        return CLI_ACTION_USAGE;
    }
    if (!options->is_check &&
        (options->bounds.warn_s != 0 || options->bounds.crit_s != 0)) {
        fputs(CLI_PROGRAM ": --warn and --crit are for --check\n", stderr);
        return CLI_ACTION_USAGE;
    }
    return CLI_ACTION_RUN;
}

/* Whether --check is among the options, be it behind one that is wrong. */
static int
is_check_asked(int argc, char **argv)
{
    int is_asked = 0;
    int key;

    optind = 0;
    opterr = 0; /* it has been said what is wrong */
    while ((key = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        is_asked |= key == OPTION_CHECK;
    }
    return is_asked;
}

/* Where nothing can be said. Returns the exit status. */
static int
fail(const struct options *options, const struct mps_error *error)
{
    struct cli_check check = {.state = CLI_CHECK_UNKNOWN};

    if (!options->is_check) {
        return cli_survey_fail(&options->common, error);
    }
    if (options->common.is_json) {
        (void)cli_survey_fail(&options->common, error);
        return CLI_CHECK_UNKNOWN;
    }
    snprintf(check.text, sizeof(check.text), "%s", error->message);
    (void)cli_check_print(stdout, NULL, &options->bounds, &check);
    return CLI_CHECK_UNKNOWN;
}

static int
print_check(const struct options *options, const struct cli_survey *survey)
{
    struct mps_error none;
    struct cli_check check;
    int result;

    mpsc_error_clear(&none);
    cli_check_judge(survey, &options->bounds, &check);
    result = options->common.is_json
                 ? cli_status_json(stdout, survey, &none, &check)
                 : cli_check_print(stdout, survey, &options->bounds, &check);
    if (result != 0) {
        (void)cli_output_failed();
        return CLI_CHECK_UNKNOWN;
    }
    return (int)check.state;
}

static int
print_status(const struct options *options, const struct cli_survey *survey)
{
    struct mps_error error;
    int result;

    mpsc_error_clear(&error);
    if (!survey->found.is_keyring_off) {
        (void)cli_survey_check_keyring(survey, &error);
    }
    result = options->common.is_json
                 ? cli_status_json(stdout, survey, &error, NULL)
                 : cli_status_table(stdout, survey);
    if (error.code != MPS_OK) {
        cli_output_error(stderr, &error, mpsc_error_class(error.code),
                         time(NULL));
    }
    return result == 0 ? error.code : cli_output_failed();
}

static int
run(const struct options *options)
{
    struct cli_survey survey;
    struct mps_error error;
    int status;

    if (cli_account_become(options->common.user, &error) != MPS_OK ||
        cli_survey_take(&options->common, &survey, &error) != MPS_OK) {
        return fail(options, &error);
    }
    status = options->is_check ? print_check(options, &survey)
                               : print_status(options, &survey);
    cli_survey_free(&survey);
    return status;
}

int
cli_status(int argc, char **argv)
{
    struct options options;
    enum cli_action action = parse(argc, argv, &options);
    int status;

    if (action == CLI_ACTION_RUN) {
        return run(&options);
    }
    status = cli_usage_end(action, "status", help);
    return action == CLI_ACTION_USAGE && is_check_asked(argc, argv)
               ? CLI_CHECK_UNKNOWN
               : status;
}
