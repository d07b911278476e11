/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "get.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "output.h"
#include "usage.h"

static const char help[] =
    "Usage: mps-credential get [OPTION]... BUSINESS_ID\n"
    "Get the access token that acts for one customer business.\n"
    "\n"
    "      --json          print one JSON object, also on failure\n"
    "      --profile=NAME  take the settings of the configuration's group\n"
    "                      [NAME]\n"
    "      --refresh       ask the endpoint though a token is in the keyring\n"
    "      --show          print the token on a terminal too\n"
    "  -h, --help          print this\n"
    "\n"
    "A pipe or a file gets the token and a newline; a terminal gets what is\n"
    "known of the token, and not the token itself.\n"
    "\n"
    "The exit status is 0, or the code of the failure; see "
    "mps-credential(1).\n";

enum option_key {
    OPTION_JSON = 256,
    OPTION_PROFILE,
    OPTION_REFRESH,
    OPTION_SHOW
};

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"profile", required_argument, NULL, OPTION_PROFILE},
    {"refresh", no_argument, NULL, OPTION_REFRESH},
    {"show", no_argument, NULL, OPTION_SHOW},
    {NULL, 0, NULL, 0},
};

struct options {
    const char *business;
    const char *profile; /* NULL: as the module decides */
    unsigned flags;      /* of the request */
    int is_json;
    int is_shown;
};

/* getopt_long() has said itself what is wrong with an option. */
static enum cli_action
parse(int argc, char **argv, struct options *options)
{
    int key;

    memset(options, 0, sizeof(*options));
    optind = 0;
    while ((key = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        switch (key) {
        case OPTION_JSON:
            options->is_json = 1;
            break;
        case OPTION_PROFILE:
            options->profile = optarg;
            break;
        case OPTION_REFRESH:
            options->flags |= MPS_FORCE_REFRESH;
            break;
        case OPTION_SHOW:
            options->is_shown = 1;
            break;
        case 'h':
            return CLI_ACTION_HELP;
        default:
            return CLI_ACTION_USAGE;
        }
    }
    if (argc - optind != 1) {
        fputs(argc == optind ? CLI_PROGRAM ": get needs a BUSINESS_ID\n"
                             : CLI_PROGRAM ": get takes one BUSINESS_ID, "
                                           "and no more\n",
              stderr);
        return CLI_ACTION_USAGE;
    }
    if (options->profile != NULL && options->profile[0] == '\0') {
        fputs(CLI_PROGRAM ": --profile needs a name\n", stderr);
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

    if (options->is_json) {
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
    if (options->is_json && cli_output_error_json(stdout, options->business,
                                                  error, classes) != 0) {
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
        .profile = options->profile,
        .flags = options->flags,
        .error = &error,
    };
    const struct mps_credential *credential = NULL;
    struct mps_api api;
    unsigned classes;
    int code;

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
