/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "keyring_setup.h"

#include <getopt.h>
#include <mps/credential.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keyring_make.h"
#include "output.h"
#include "usage.h"

static const char help[] =
    "Usage: mps-credential keyring-setup [OPTION]... USER\n"
    "Give the system services of a user a keyring, which is unlocked "
    "whenever\n"
    "the machine runs, so that their tokens outlive a restart. As root.\n"
    "\n"
    "      --json          print one JSON object, also on failure\n"
    "      --undo          take it away, with the tokens in it\n"
    "      --unit=SERVICE  start this service after the keyring\n"
    "  -h, --help          print this\n"
    "\n"
    "Each step is told. Done twice it does no harm; see\n"
    "mps-credential-keyring@.service(8).\n"
    "\n"
    "The exit status is 0, or the code of the failure; see "
    "mps-credential(1).\n";

enum option_key { OPTION_JSON = 256, OPTION_UNDO, OPTION_UNIT };

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"undo", no_argument, NULL, OPTION_UNDO},
    {"unit", required_argument, NULL, OPTION_UNIT},
    {NULL, 0, NULL, 0},
};

struct options {
    const char *user;
    const char *service; /* NULL: none */
    int is_json;
    int is_undo;
};

static enum cli_action
refuse(const char *why)
{
    fprintf(stderr, CLI_PROGRAM ": %s\n", why);
    return CLI_ACTION_USAGE;
}

static enum cli_action
check(const struct options *options)
{
    if (options->user == NULL) {
        return refuse("keyring-setup needs one USER");
    }
    if (options->service != NULL && options->is_undo) {
        return refuse("--undo takes no --unit: it looks for the services "
                      "itself");
    }
    if (options->service != NULL && !cli_keyring_name_ok(options->service)) {
        return refuse("--unit needs the name of a service");
    }
    return CLI_ACTION_RUN;
}

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
        case OPTION_UNDO:
            options->is_undo = 1;
            break;
        case OPTION_UNIT:
            options->service = optarg;
            break;
        case 'h':
            return CLI_ACTION_HELP;
        default:
            return CLI_ACTION_USAGE;
        }
    }
    options->user = argc - optind == 1 ? argv[optind] : NULL;
    return check(options);
}

static int
run(const struct options *options, struct cli_steps *steps)
{
    struct cli_keyring_place place;
    const struct passwd *user;

    if (geteuid() != 0) {
        return cli_steps_fail(steps, MPS_E_INVALID,
                              "keyring-setup writes to /etc and starts a "
                              "service: run it as root");
    }
    if (cli_keyring_place(&place, options->user) != 0) {
        return cli_steps_fail(steps, MPS_E_INVALID,
                              "'%s': no unit can have this name",
                              options->user);
    }
    if (access("/run/systemd/system", F_OK) != 0) {
        return cli_steps_fail(
            steps, MPS_E_KEYRING,
            "this machine is not run by systemd: keyring-setup makes one of "
            "its units, and can't here. Give the programs a D-Bus with a "
            "Secret Service by keyring_bus and runtime_dir "
            "(mps-credential.conf(5))");
    }
    if (options->is_undo) {
        return cli_keyring_unmake(&place, steps);
    }
    user = getpwnam(options->user);
    if (user == NULL) {
        return cli_steps_fail(steps, MPS_E_INVALID,
                              "there is no user '%s'; the one that the "
                              "service runs as is meant",
                              options->user);
    }
    place.uid = (unsigned)user->pw_uid;
    place.gid = (unsigned)user->pw_gid;
    return cli_keyring_make(&place, options->service, steps);
}

int
cli_keyring_setup(int argc, char **argv)
{
    struct options options;
    struct cli_steps steps;
    enum cli_action action = parse(argc, argv, &options);

    if (action != CLI_ACTION_RUN) {
        return cli_usage_end(action, "keyring-setup", help);
    }
    cli_steps_begin(&steps, options.is_json);
    return cli_steps_end(&steps, run(&options, &steps));
}
