/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "prefetch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "account.h"
#include "common.h"
#include "crowd.h"
#include "load.h"
#include "output.h"
#include "survey.h"

static const char help[] =
    "Usage: mps-credential prefetch [OPTION]... FILE\n"
    "Get the access tokens of many businesses into the keyring.\n"
    "\n"
    "FILE has one business ID a line; blank lines and what follows a # mean\n"
    "nothing. With - it is standard input.\n"
    "\n"
    "      --deadline=S    seconds for all of them together; without it each\n"
    "                      has the configuration's deadline_ms\n"
    "      --refresh       ask the endpoint though a token is in the keyring\n"
    "      --verbose       list every business that failed, not only the\n"
    "                      first 20\n" CLI_COMMON_HELP "\n"
    "The exit status is 0, or the worst code of a failure, or 128 and the\n"
    "number of the signal that interrupted; see mps-credential(1).\n";

enum option_key {
    OPTION_DEADLINE = CLI_COMMON_END,
    OPTION_REFRESH,
    OPTION_VERBOSE
};

static const struct option long_options[] = {
    CLI_COMMON_OPTIONS,
    {"deadline", required_argument, NULL, OPTION_DEADLINE},
    {"refresh", no_argument, NULL, OPTION_REFRESH},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {NULL, 0, NULL, 0},
};

struct options {
    const char *file;
    struct cli_common common;
    struct mps_request request;
    int is_verbose;
};

/* 0, or -1 where the text is no number of seconds that can be given. */
static int
parse_deadline(const char *text, unsigned *deadline_ms)
{
    unsigned long seconds;
    char *end;

    errno = 0;
    seconds = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
        seconds == 0 || seconds > UINT_MAX / 1000) {
        return -1;
    }
    *deadline_ms = (unsigned)seconds * 1000;
    return 0;
}

static int
take_option(int key, void *arg)
{
    struct options *options = arg;

    switch (key) {
    case OPTION_DEADLINE:
        if (parse_deadline(optarg, &options->request.deadline_ms) != 0) {
            fprintf(stderr,
                    CLI_PROGRAM ": --deadline needs a number of seconds, 1 "
                                "to %u\n",
                    UINT_MAX / 1000);
            return -1;
        }
        return 0;
    case OPTION_REFRESH:
        options->request.flags |= MPS_FORCE_REFRESH;
        return 0;
    default: /* OPTION_VERBOSE */
        options->is_verbose = 1;
        return 0;
    }
}

static enum cli_action
parse(int argc, char **argv, struct options *options)
{
    enum cli_action action;

    memset(options, 0, sizeof(*options));
    options->request.size = sizeof(options->request);
    action = cli_common_parse(argc, argv, long_options, &options->common,
                              take_option, options);
    if (action != CLI_ACTION_RUN) {
        return action;
    }
    if (argc - optind != 1) {
        fputs(argc == optind
                  ? CLI_PROGRAM ": prefetch needs a FILE, or - for standard "
                                "input\n"
                  : CLI_PROGRAM ": prefetch takes one FILE, and no more\n",
              stderr);
        return CLI_ACTION_USAGE;
    }
    options->request.profile = options->common.profile;
    options->file = argv[optind];
    return CLI_ACTION_RUN;
}

/* Says which lines are bad. Not what is in them: who gives the wrong file may
 * have given that of the partner's token. */
static void
print_bad_lines(const char *name, const struct cli_ids *ids)
{
    size_t kept =
        ids->bad_count < CLI_IDS_BAD_MAX ? ids->bad_count : CLI_IDS_BAD_MAX;

    for (size_t i = 0; i < kept; i++) {
        fprintf(stderr,
                CLI_PROGRAM ": %s:%zu: not a business ID, which has 1 to %d "
                            "digits\n",
                name, ids->bad[i], MPS_BUSINESS_ID_MAX);
    }
    if (kept < ids->bad_count) {
        fprintf(stderr, CLI_PROGRAM ": ... and %zu more lines of it\n",
                ids->bad_count - kept);
    }
    fputs("  Nothing was fetched: correct the file first.\n", stderr);
}

/* Fills *ids. 0, or -1 after it has said why not. */
static int
read_ids(const char *file, struct cli_ids *ids)
{
    int is_stdin = strcmp(file, "-") == 0;
    const char *name = is_stdin ? "(standard input)" : file;
    FILE *in = is_stdin ? stdin : fopen(file, "re");
    int result = -1;

    if (in == NULL || cli_ids_read(in, ids) != 0) {
        fprintf(stderr, CLI_PROGRAM ": can't read %s: %s\n", name,
                strerror(errno));
    } else if (ids->bad_count > 0) {
        print_bad_lines(name, ids);
    } else {
        result = 0;
    }
    if (in != NULL && !is_stdin) {
        fclose(in);
    }
    return result;
}

/* Returns the exit status. */
static int
print_outcome(const struct options *options, const struct cli_tally *tally,
              const struct cli_crowd_outcome *outcome)
{
    const struct mps_error *error = &outcome->error;
    int status =
        outcome->interrupted != 0 ? 128 + outcome->interrupted : error->code;
    int result;

    cli_tally_list(stderr, tally, options->is_verbose);
    if (outcome->interrupted != 0) {
        fprintf(stderr, CLI_PROGRAM ": %s\n", error->message);
    } else if (error->code != MPS_OK) {
        cli_output_error(stderr, error, outcome->classes, time(NULL));
    }
    result = options->common.is_json
                 ? cli_tally_json(stdout, tally, error, outcome->classes)
                 : cli_tally_summary(stdout, tally);
    if (result != 0) {
        int unwritten = cli_output_failed();

        return status == MPS_OK ? unwritten : status;
    }
    return status;
}

/* Where there is no module. Returns the exit status. */
static int
print_load_error(const struct options *options, const struct cli_tally *tally,
                 const struct mps_error *error, unsigned classes)
{
    if (options->common.is_json &&
        cli_tally_json(stdout, tally, error, classes) != 0) {
        (void)cli_output_failed();
    }
    return error->code;
}

static int
fail(int failure)
{
    fprintf(stderr, CLI_PROGRAM ": %s\n", strerror(failure));
    return MPS_E_NO_MEMORY;
}

/* After an interrupt the module's call may be at work as long as the process
 * is there: what it has to do with is static, and not freed then. */
static int
run(const struct options *options)
{
    static struct mps_api api;
    static struct cli_ids ids;
    static struct cli_tally tally;
    struct cli_crowd_outcome outcome = {.interrupted = 0};
    int status = MPS_E_INVALID;

    if (cli_account_become(options->common.user, &outcome.error) != MPS_OK) {
        return cli_survey_fail(&options->common, &outcome.error);
    }
    if (read_ids(options->file, &ids) != 0) {
        goto out;
    }
    if (cli_tally_init(&tally, ids.count) != 0) {
        status = fail(errno);
        goto out;
    }
    if (cli_load(&api, &outcome.error, &outcome.classes) != MPS_OK) {
        status =
            print_load_error(options, &tally, &outcome.error, outcome.classes);
        goto out;
    }
    if (cli_crowd_run(&api, &options->request, &ids, &tally, &outcome) != 0) {
        status = fail(errno);
    } else {
        status = print_outcome(options, &tally, &outcome);
    }
    if (outcome.interrupted != 0) {
        return status;
    }
    api.shutdown();
out:
    cli_tally_free(&tally);
    cli_ids_free(&ids);
    return status;
}

int
cli_prefetch(int argc, char **argv)
{
    struct options options;
    enum cli_action action = parse(argc, argv, &options);

    return action == CLI_ACTION_RUN ? run(&options)
                                    : cli_usage_end(action, "prefetch", help);
}
