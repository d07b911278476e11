/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "usage.h"

#include <mps/credential.h>
#include <stdio.h>

#include "output.h"

int
cli_usage_print(const char *text)
{
    return cli_output_text(stdout, text) == 0 ? 0 : cli_output_failed();
}

int
cli_usage_end(enum cli_action action, const char *verb, const char *help)
{
    if (action == CLI_ACTION_HELP) {
        return cli_usage_print(help);
    }
    fprintf(stderr, "Try '" CLI_PROGRAM " %s --help'.\n", verb);
    return MPS_E_INVALID;
}
