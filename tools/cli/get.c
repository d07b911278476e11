/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "get.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "common.h"
#include "load.h"
#include "output.h"

static const char help[] =
    "Usage: mps-credential get [OPTION]... BUSINESS_ID\n"
    "Get the access token that acts for one customer business.\n"
    "\n"
    "      --refresh       ask the endpoint though a token is in the keyring\n"
    "      --show          print the token on a terminal too\n" CLI_COMMON_HELP
    "\n"
    "A pipe or a file gets the token and a newline; a terminal gets what is\n"
    "known of the token, and not the token itself.\n"
    "\n"
    "The exit status is 0, or the code of the failure; see "
    "mps-credential(1).\n";

enum option_key { OPTION_REFRESH = CLI_COMMON_END, OPTION_SHOW };

static const struct option long_options[] = {
    CLI_COMMON_OPTIONS,
    {"refresh", no_argument, NULL, OPTION_REFRESH},
    {"show", no_argument, NULL, OPTION_SHOW},
    {NULL, 0, NULL, 0},
};

struct options {
    const char *business;
    struct cli_common common;
    unsigned flags; /* of the request */
    int is_shown;
};

static int
take_option(int key, void *arg)
{
    struct options *options = arg;

    if (key == OPTION_REFRESH) {
        options->flags |= MPS_FORCE_REFRESH;
    } else {
        options->is_shown = 1;
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
    if (argc - optind != 1) {
        fputs(argc == optind ? CLI_PROGRAM ": get needs a BUSINESS_ID\n"
                             : CLI_PROGRAM ": get takes one BUSINESS_ID, "
                                           "and no more\n",
              stderr);
        return CLI_ACTION_USAGE;
    }
    options->business = argv[optind];
    return CLI_ACTION_RUN;
}

static int
print_credential(const struct options *options,
                 const struct mps_credential *credential)
{
    int is_terminal = isatty(STDOUT_FILENO);
    int is_shown = options->is_shown || !is_terminal;
    int result;

    if (options->common.is_json) {
        result =
            cli_output_json(stdout, options->business, credential, is_shown);
    } else if (is_terminal) {
        result = cli_output_list(stdout, options->business, credential,
                                 is_shown, time(NULL));
    } else {
        result = cli_output_token(stdout, credential);
    }
    return result == 0 ? MPS_OK : cli_output_failed();
}

/* The error for programs. Returns the code: it says more than that nobody
 * reads stdout. */
static int
print_error(const struct options *options, const struct mps_error *error,
            unsigned classes)
{
    if (options->common.is_json &&
        cli_output_error_json(stdout, options->business, error, classes) !=
            0) {
        (void)cli_output_failed();
    }
    return error->code;
}

static int
run(const struct options *options)
{
    struct mps_error error = {.size = sizeof(error)};
    const struct mps_request request = {
        .size = sizeof(request),
        .business_id = options->business,
        .profile = options->common.profile,
        .flags = options->flags,
        .error = &error,
    };
    const struct mps_credential *credential = NULL;
    struct mps_api api;
    unsigned classes;
    int code;

    if (cli_account_become(options->common.user, &error) != MPS_OK) {
        cli_output_error(stderr, &error, MPS_CLASS_CALLER, time(NULL));
        return print_error(options, &error, MPS_CLASS_CALLER);
    }
    if (cli_load(&api, &error, &classes) != MPS_OK) {
        return print_error(options, &error, classes);
    }
    code = api.get_credential_with(&request, &credential);
    if (code == MPS_OK) {
        code = print_credential(options, credential);
        api.release_credential(credential);
    } else {
        classes = api.classify(code);
        cli_output_error(stderr, &error, classes, time(NULL));
        code = print_error(options, &error, classes);
    }
    api.shutdown();
    return code;
}

int
cli_get(int argc, char **argv)
{
    struct options options;
    enum cli_action action = parse(argc, argv, &options);

    return action == CLI_ACTION_RUN ? run(&options)
                                    : cli_usage_end(action, "get", help);
}
