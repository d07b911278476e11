/* SPDX-License-Identifier: MIT */
/* mps-credential: the command line of whoever is no C program. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <getopt.h>
#include <mps/credential.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config_verb.h"
#include "doctor.h"
#include "forget.h"
#include "get.h"
#include "keyring_setup.h"
#include "metrics.h"
#include "output.h"
#include "prefetch.h"
#include "status.h"
#include "usage.h"
#include "which.h"

static const char help[] =
    "Usage: mps-credential VERB [OPTION]...\n"
    "Access tokens for Meta's Multi-Partner Solution endpoint, from memory,\n"
    "keyring or the endpoint, as the programs of this machine get them.\n"
    "\n"
    "  get            print the token of one customer business\n"
    "  forget         drop tokens from running programs and the keyring\n"
    "  prefetch       get those of many businesses into the keyring\n"
    "  status         show which tokens there are, and what is wrong\n"
    "  metrics        print numbers for monitoring\n"
    "  config         show the configuration and where it comes from\n"
    "  which          name the business of a token that has leaked\n"
    "  doctor         say what is wrong, and what to do about it\n"
    "  keyring-setup  give the system services of a user a keyring\n"
    "\n"
    "  -h, --help     print this; after a verb: what it takes\n"
    "  -V, --version  print the version\n"
    "\n"
    "See mps-credential(1).\n";

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* One verb a line. */
/* clang-format off */
static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"get", cli_get},
    {"forget", cli_forget},
    {"prefetch", cli_prefetch},
    {"status", cli_status},
    {"metrics", cli_metrics},
    {"config", cli_config},
    {"which", cli_which},
    {"doctor", cli_doctor},
    {"keyring-setup", cli_keyring_setup},
};
/* clang-format on */

/* Begins getopt's messages, in place of a path or a verb. */
static char program[] = CLI_PROGRAM;

/*
 * A descriptor below 3 that is closed would become the module's socket, and
 * the token be written into it. What takes its place fails as a closed one
 * does.
 */
static void
occupy_closed_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1) {
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

static int
usage(void)
{
    fputs("Try '" CLI_PROGRAM " --help'.\n", stderr);
    return MPS_E_INVALID;
}

static int
run(int argc, char **argv)
{
    argv[0] = program;
    switch (getopt_long(argc, argv, "+hV", long_options, NULL)) {
    case -1:
        break;
    case 'h':
        return cli_usage_print(help);
    case 'V':
        return cli_usage_print(CLI_PROGRAM " " PACKAGE_VERSION "\n");
    default:
        return usage();
    }
    if (optind == argc) {
        fputs(CLI_PROGRAM ": a verb is missing\n", stderr);
        return usage();
    }
    argc -= optind;
    argv += optind;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(argv[0], verbs[i].name) == 0) {
            argv[0] = program;
            return verbs[i].run(argc, argv);
        }
    }
    fprintf(stderr, CLI_PROGRAM ": there is no verb '%s'\n", argv[0]);
    return usage();
}

int
main(int argc, char **argv)
{
    int status;

    occupy_closed_descriptors();
    /* A reader that is gone is an error with a message, not a silent end. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 1) {
        return usage();
    }
    status = run(argc, argv);
    /* Some file systems say only now that they had no room. */
    if (status == 0 && close(STDOUT_FILENO) != 0) {
        status = cli_output_failed();
    }
    return status;
}
