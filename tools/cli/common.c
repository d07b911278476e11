/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "common.h"

#include <stdio.h>
#include <string.h>

#include "output.h"

static int
take_name(const char *option, const char **name)
{
    if (optarg[0] == '\0') {
        fprintf(stderr, CLI_PROGRAM ": %s needs a name\n", option);
        return -1;
    }
    *name = optarg;
    return 0;
}

/* getopt_long() has said itself what is wrong with an option's name. */
static int
take_common(int key, struct cli_common *common, cli_common_take_fn *take,
            void *arg)
{
    switch (key) {
    case CLI_COMMON_JSON:
        common->is_json = 1;
        return 0;
    case CLI_COMMON_PROFILE:
        return take_name("--profile", &common->profile);
    case CLI_COMMON_USER:
        return take_name("--user", &common->user);
    case '?':
        return -1;
    default:
        return take(key, arg);
    }
}

enum cli_action
cli_common_parse(int argc, char **argv, const struct option *options,
                 struct cli_common *common, cli_common_take_fn *take,
                 void *arg)
{
    int key;

    memset(common, 0, sizeof(*common));
    optind = 0;
    while ((key = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (key == 'h') {
            return CLI_ACTION_HELP;
        }
        if (take_common(key, common, take, arg) != 0) {
            return CLI_ACTION_USAGE;
        }
    }
    return CLI_ACTION_RUN;
}
