/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "config_verb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "account.h"
#include "json.h"
#include "output.h"
#include "src/configuration.h"
#include "src/profile.h"
#include "src/redact.h"
#include "survey.h"

static const char help[] =
    "Usage: mps-credential config [OPTION]...\n"
    "Show the configuration as programs take it, each option with the file\n"
    "and line that it comes from.\n"
    "\n" CLI_COMMON_HELP "\n"
    "The exit status is 0, or the code of the failure; see "
    "mps-credential(1).\n";

static const struct option long_options[] = {
    CLI_COMMON_OPTIONS,
    {NULL, 0, NULL, 0},
};

#define VALUE_SIZE 4096

struct showing {
    const struct mpsc_profile *profile;
    struct json_object *list; /* NULL: for people */
    int failed;               /* no memory */
};

enum origin { ORIGIN_NONE, ORIGIN_DEFAULT, ORIGIN_FOUND, ORIGIN_FILE };

/* Where the value comes from; one that isn't set is what was found, where the
 * option is a place. */
static enum origin
find_origin(const struct mpsc_profile *profile,
            const struct mpsc_configuration_fact *fact, const char **value)
{
    *value = fact->value;
    if (fact->path != NULL) {
        return ORIGIN_FILE;
    }
    if (fact->value != NULL) {
        return ORIGIN_DEFAULT;
    }
    if (strcmp(fact->key, "runtime_dir") == 0) {
        *value = profile->place.runtime_dir;
    } else if (strcmp(fact->key, "keyring_bus") == 0) {
        *value = profile->place.bus;
    }
    return *value != NULL ? ORIGIN_FOUND : ORIGIN_NONE;
}

static void
put_line(const struct mpsc_configuration_fact *fact, enum origin origin,
         const char *value)
{
    if (origin == ORIGIN_NONE) {
        printf("#%s =    # not set\n", fact->key);
    } else if (origin == ORIGIN_FILE) {
        printf("%s = %s    # %s:%u\n", fact->key, value, fact->path,
               fact->line);
    } else {
        printf("%s = %s    # %s\n", fact->key, value,
               origin == ORIGIN_DEFAULT ? "default" : "found on this machine");
    }
}

static struct json_object *
new_option(const struct mpsc_configuration_fact *fact, enum origin origin,
           const char *value)
{
    static const char *const origins[] = {
        [ORIGIN_NONE] = "none",
        [ORIGIN_DEFAULT] = "default",
        [ORIGIN_FOUND] = "found",
        [ORIGIN_FILE] = "file",
    };
    struct json_object *option = json_object_new_object();

    if (option != NULL &&
        (cli_json_add_text(option, "key", fact->key) != 0 ||
         (value != NULL && cli_json_add_text(option, "value", value) != 0) ||
         cli_json_add_text(option, "origin", origins[origin]) != 0 ||
         (origin == ORIGIN_FILE &&
          (cli_json_add_text(option, "file", fact->path) != 0 ||
           cli_json_add_number(option, "line", fact->line) != 0)))) {
        json_object_put(option);
        option = NULL;
    }
    return option;
}

static void
show(void *arg, const struct mpsc_configuration_fact *fact)
{
    struct showing *showing = arg;
    char shown[VALUE_SIZE];
    const char *value;
    enum origin origin = find_origin(showing->profile, fact, &value);

    if (value != NULL && fact->may_be_secret) {
        mpsc_redact_copy(shown, sizeof(shown), value);
        value = shown;
    }
    if (showing->list == NULL) {
        put_line(fact, origin, value);
    } else if (cli_json_append(showing->list,
                               new_option(fact, origin, value)) != 0) {
        showing->failed = 1;
    }
}

/* MPS_OK or a code with *error; what is printed is not flushed. */
static int
explain(struct showing *showing, struct mps_error *error)
{
    const struct mpsc_profile *profile = showing->profile;

    return mpsc_configuration_explain(profile->environment.configuration,
                                      profile->name, show, showing, error);
}

static int
print_text(struct showing *showing, struct mps_error *error)
{
    const char *name = showing->profile->name;
    int code;

    if (name != NULL) {
        printf("# profile %s\n", name);
    }
    code = explain(showing, error);
    if (code == MPS_OK && cli_output_text(stdout, "") != 0) {
        code = cli_output_failed();
    }
    return code;
}

static int
print_json(struct showing *showing, struct mps_error *error)
{
    const char *name = showing->profile->name;
    struct json_object *answer = json_object_new_object();
    int code = CLI_EXIT_OUTPUT;

    showing->list = json_object_new_array();
    if (answer == NULL || cli_json_add_code(answer, MPS_OK) != 0 ||
        (name != NULL && cli_json_add_text(answer, "profile", name) != 0) ||
        cli_json_add(answer, "options", showing->list) != 0) {
        showing->failed = 1;
    } else {
        code = explain(showing, error);
    }
    if (showing->failed) {
        errno = ENOMEM;
        code = cli_output_failed();
    } else if (code == MPS_OK && cli_json_put(stdout, answer) != 0) {
        code = cli_output_failed();
    }
    json_object_put(answer);
    return code;
}

static int
run(const struct cli_common *common)
{
    struct mpsc_profile *profile;
    struct showing showing = {.list = NULL};
    struct mps_error error;
    int code;

    if (cli_account_become(common->user, &error) != MPS_OK ||
        mpsc_profile_load(common->profile, NULL, &profile, &error) != MPS_OK) {
        return cli_survey_fail(common, &error);
    }
    showing.profile = profile;
    code = common->is_json ? print_json(&showing, &error)
                           : print_text(&showing, &error);
    if (code != MPS_OK && code != CLI_EXIT_OUTPUT) {
        (void)cli_survey_fail(common, &error);
    }
    mpsc_profile_release_unlocked(&profile);
    return code;
}

int
cli_config(int argc, char **argv)
{
    struct cli_common common;
    enum cli_action action =
        cli_common_parse(argc, argv, long_options, &common, NULL, NULL);

    if (action == CLI_ACTION_RUN && optind < argc) {
        fputs(CLI_PROGRAM ": config takes no operand\n", stderr);
        action = CLI_ACTION_USAGE;
    }
    return action == CLI_ACTION_RUN ? run(&common)
                                    : cli_usage_end(action, "config", help);
}
