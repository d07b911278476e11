/* SPDX-License-Identifier: MIT */
/* common: the options that each verb takes. */
#ifndef CLI_COMMON_H
#define CLI_COMMON_H

#include <getopt.h>

#include "usage.h"

enum cli_common_key {
    CLI_COMMON_JSON = 256,
    CLI_COMMON_PROFILE,
    CLI_COMMON_USER,
    CLI_COMMON_END /* a verb's own keys begin here */
};

/* To stand in a verb's array of options beside its own. */
/* clang-format off */
#define CLI_COMMON_OPTIONS \
    {"help", no_argument, NULL, 'h'}, \
    {"json", no_argument, NULL, CLI_COMMON_JSON}, \
    {"profile", required_argument, NULL, CLI_COMMON_PROFILE}, \
    {"user", required_argument, NULL, CLI_COMMON_USER}
/* clang-format on */

/* Their lines of a verb's help. */
#define CLI_COMMON_HELP                                                       \
    "      --json          print one JSON object, also on failure\n"          \
    "      --profile=NAME  take the settings of the configuration's group\n"  \
    "                      [NAME]\n"                                          \
    "      --user=USER     act for this user's programs; for root alone\n"    \
    "  -h, --help          print this\n"

struct cli_common {
    const char *profile; /* NULL: as the module decides */
    const char *user;    /* NULL: the calling one; cli_account_become() */
    int is_json;
};

/* Takes an option that is the verb's own, whose argument is in optarg. 0, or
 * -1 after it has said what is wrong with that. */
typedef int cli_common_take_fn(int key, void *arg);

/*
 * Parses argv; optind is then the first operand's. take may be NULL where the
 * verb has no option of its own. What is wrong has been said on stderr where
 * that is CLI_ACTION_USAGE.
 */
enum cli_action cli_common_parse(int argc, char **argv,
                                 const struct option *options,
                                 struct cli_common *common,
                                 cli_common_take_fn *take, void *arg);

#endif
