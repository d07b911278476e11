/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "forget.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "account.h"
#include "all_users.h"
#include "common.h"
#include "ids.h"
#include "json.h"
#include "output.h"
#include "src/error.h"
#include "src/forget.h"
#include "survey.h"

/* Of --all-users, for one of them: a keyring that answers needs far less. */
#define USER_LIMIT_S 60

static const char help[] =
    "Usage: mps-credential forget [OPTION]... BUSINESS_ID...\n"
    "       mps-credential forget [OPTION]... --all\n"
    "Drop access tokens from this user's running programs and keyring, so\n"
    "that the next one comes from the endpoint.\n"
    "\n"
    "      --all           of all businesses; nothing is asked\n"
    "      --all-users     of each user that has a directory below\n"
    "                      /run/mps-credential; for root "
    "alone\n" CLI_COMMON_HELP "\n"
    "The token itself stays valid at Meta until it expires or is revoked.\n"
    "\n"
    "The exit status is 0, or the code of the failure; see "
    "mps-credential(1).\n";

enum option_key { OPTION_ALL = CLI_COMMON_END, OPTION_ALL_USERS };

static const struct option long_options[] = {
    {"all", no_argument, NULL, OPTION_ALL},
    {"all-users", no_argument, NULL, OPTION_ALL_USERS},
    CLI_COMMON_OPTIONS,
    {NULL, 0, NULL, 0},
};

struct options {
    const char *const *businesses;
    size_t count; /* 0: all */
    struct cli_common common;
    int is_all;
    int is_all_users;
};

static enum cli_action
refuse(const char *why)
{
    fprintf(stderr, CLI_PROGRAM ": %s\n", why);
    return CLI_ACTION_USAGE;
}

/* The options together, and what is to be forgotten. */
static enum cli_action
check(const struct options *options)
{
    if (!options->is_all && options->count == 0) {
        return refuse("forget needs a BUSINESS_ID, or --all");
    }
    if (options->is_all && options->count > 0) {
        return refuse("forget takes either a BUSINESS_ID or --all, not both");
    }
    if (options->is_all_users && options->common.user != NULL) {
        return refuse("forget takes either --user or --all-users, not both");
    }
    for (size_t i = 0; i < options->count; i++) {
        if (!cli_ids_ok(options->businesses[i])) {
            return refuse("a BUSINESS_ID has 1 to 20 digits: nothing was "
                          "forgotten");
        }
    }
    return CLI_ACTION_RUN;
}

static int
take_option(int key, void *arg)
{
    struct options *options = arg;

    if (key == OPTION_ALL) {
        options->is_all = 1;
    } else {
        options->is_all_users = 1;
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
    options->businesses = (const char *const *)argv + optind;
    options->count = (size_t)(argc - optind);
    return check(options);
}

static int
add_businesses(struct json_object *answer, const struct options *options)
{
    struct json_object *list = json_object_new_array();

    if (cli_json_add(answer, "businesses", list) != 0) {
        return -1;
    }
    for (size_t i = 0; i < options->count; i++) {
        if (cli_json_append(
                list, json_object_new_string(options->businesses[i])) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
print_json(const struct options *options,
           const struct mpsc_forget_report *report,
           const struct mps_error *error)
{
    static const char *const keyring[] = {
        [MPSC_FORGET_FAILED] = "failed",
        [MPSC_FORGET_ERASED] = "erased",
        [MPSC_FORGET_OFF] = "off",
    };
    struct json_object *answer = json_object_new_object();
    int result = -1;

    if (answer == NULL || cli_json_add_code(answer, error->code) != 0 ||
        (options->is_all_users &&
         cli_json_add_number(answer, "uid",
                             strtoll(options->common.user, NULL, 10)) != 0) ||
        cli_json_add(answer, "all",
                     json_object_new_boolean(options->is_all)) != 0 ||
        add_businesses(answer, options) != 0 ||
        cli_json_add(answer, "programs_told",
                     json_object_new_boolean(report->told)) != 0 ||
        cli_json_add_text(answer, "keyring", keyring[report->keyring]) != 0 ||
        cli_json_add_number(answer, "records", (int64_t)report->records) !=
            0 ||
        (error->code != MPS_OK &&
         cli_json_add_error(answer, error, mpsc_error_class(error->code)) !=
             0)) {
        errno = ENOMEM;
        goto out;
    }
    result = cli_json_put(stdout, answer);
out:
    json_object_put(answer);
    return result;
}

/* What was done, for people; what was not the error tells. */
static int
print_report(const struct mpsc_forget_report *report)
{
    if (report->told) {
        puts("The running programs of this user drop their tokens within a "
             "second.");
    }
    if (report->keyring == MPSC_FORGET_ERASED) {
        printf("Erased from the keyring: %zu %s.\n", report->records,
               report->records == 1 ? "token" : "tokens");
    } else if (report->keyring == MPSC_FORGET_OFF) {
        puts("The keyring is left alone: the configuration has keyring = "
             "off.");
    }
    return cli_output_text(
        stdout, "At Meta a token that was handed out stays valid until it "
                "expires or is revoked there: nothing here can end it.\n");
}

/* Returns the exit status. */
static int
print_outcome(const struct options *options,
              const struct mpsc_forget_report *report,
              const struct mps_error *error)
{
    int result = 0;

    if (error->code != MPS_OK) {
        cli_output_error(stderr, error, mpsc_error_class(error->code),
                         time(NULL));
    }
    if (options->common.is_json) {
        result = print_json(options, report, error);
    } else if (report->told || report->keyring == MPSC_FORGET_ERASED) {
        result = print_report(report);
    }
    if (result != 0) {
        int unwritten = cli_output_failed();

        return error->code == MPS_OK ? unwritten : error->code;
    }
    return error->code;
}

static int
run(const struct options *options)
{
    struct mpsc_forget_report report = {.told = 0};
    struct mpsc_profile *profile;
    struct mps_error error;
    struct mpsc_log log;

    if (cli_account_become(options->common.user, &error) != MPS_OK) {
        return print_outcome(options, &report, &error);
    }
    if (mpsc_log_init(&log, NULL) != 0) {
        mpsc_error_set(&error, MPS_E_NO_MEMORY, "out of memory");
        return print_outcome(options, &report, &error);
    }
    if (mpsc_profile_load(options->common.profile, NULL, &profile, &error) ==
        MPS_OK) {
        mpsc_forget(profile, &log, options->businesses, options->count,
                    &report, &error);
        mpsc_profile_release_unlocked(&profile);
    }
    mpsc_log_destroy(&log);
    return print_outcome(options, &report, &error);
}

/* Of one of all users. */
static int
fail_for(const char *user, const struct mps_error *error, void *arg)
{
    static const struct mpsc_forget_report nothing;
    struct options options = *(const struct options *)arg;
    struct mps_error named = *error;

    options.common.user = user;
    mpsc_error_message(&named, "user %s: %s", user, error->message);
    return print_outcome(&options, &nothing, &named);
}

static int
run_for(const char *user, void *arg)
{
    struct options options = *(const struct options *)arg;
    const struct passwd *entry = getpwuid((uid_t)strtoul(user, NULL, 10));
    struct mps_error error;

    if (entry == NULL) {
        mpsc_error_set(&error, MPS_E_CONFIG,
                       "no user has that number: remove "
                       "/run/mps-credential/%s if the user is gone",
                       user);
        return fail_for(user, &error, arg);
    }
    options.common.user = user;
    if (!options.common.is_json) {
        printf("User %s (%s):\n", user, entry->pw_name);
    }
    return run(&options);
}

static int
run_all(struct options *options)
{
    const struct cli_all_users_job job = {run_for, fail_for, options,
                                          USER_LIMIT_S};
    struct mps_error error;
    int status;

    if (!options->is_all_users) {
        return run(options);
    }
    status = cli_all_users(&job, &error);
    if (error.code != MPS_OK) {
        (void)cli_survey_fail(&options->common, &error);
    }
    return status;
}

int
cli_forget(int argc, char **argv)
{
    struct options options;
    enum cli_action action = parse(argc, argv, &options);

    return action == CLI_ACTION_RUN ? run_all(&options)
                                    : cli_usage_end(action, "forget", help);
}
