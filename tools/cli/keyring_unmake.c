/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <glob.h>
#include <mps/credential.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "keyring_make.h"
#include "put_file.h"

/* The next step where the system has refused something. */
#define GO_ON "; mend that and run keyring-setup --undo again"

/* A file of ours that may be missing. Returns `code`, or what fails here. */
static int
remove_file(const char *path, int code, struct cli_steps *steps)
{
    if (unlink(path) == 0) {
        cli_steps_done(steps, "Removed %s", path);
    } else if (errno != ENOENT) {
        return cli_steps_fail(steps, MPS_E_KEYRING,
                              "%s can't be removed: %s" GO_ON, path,
                              strerror(errno));
    }
    return code;
}

/* The directory of a file of ours, if nothing else is in it. */
static void
remove_directory_of(const char *path)
{
    char directory[CLI_KEYRING_PATH];

    snprintf(directory, sizeof(directory), "%.*s",
             (int)(strrchr(path, '/') - path), path);
    (void)rmdir(directory);
}

/* With all that is in it; a mount in it isn't ours. */
static int
remove_tree(const char *path, const char *what, int code,
            struct cli_steps *steps)
{
    const char *argv[] = {"rm", "-rf", "--one-file-system", "--", path, NULL};
    char output[CLI_COMMAND_OUTPUT];

    if (access(path, F_OK) != 0) {
        return code;
    }
    if (cli_command_run(argv, NULL, output) != 0) {
        return cli_steps_fail(steps, MPS_E_KEYRING,
                              "%s can't be removed: %s" GO_ON, path, output);
    }
    cli_steps_done(steps, "Removed %s%s", path, what);
    return code;
}

static int
stop(const struct cli_keyring_place *place, int code, struct cli_steps *steps)
{
    const char *const disable[] = {"systemctl", "disable",   "--now",
                                   "--quiet",   place->unit, NULL};
    const char *const state[] = {"systemctl", "is-enabled", "--quiet",
                                 place->unit, NULL};
    const char *const reset[] = {"systemctl", "reset-failed", place->unit,
                                 NULL};
    char output[CLI_COMMAND_OUTPUT];
    int was_enabled = cli_command_run(state, NULL, output) == 0;

    if (cli_command_run(disable, NULL, output) != 0) {
        return cli_steps_fail(steps, MPS_E_KEYRING,
                              "%s can't be stopped: %s" GO_ON, place->unit,
                              output);
    }
    /* It need not have failed. */
    (void)cli_command_run(reset, NULL, output);
    if (was_enabled) {
        cli_steps_done(steps, "Stopped %s", place->unit);
    }
    return code;
}

/* Those of services that start after this keyring. */
static int
remove_drop_ins(const struct cli_keyring_place *place, int code,
                struct cli_steps *steps)
{
    char line[CLI_KEYRING_PATH + 8];
    glob_t found;

    snprintf(line, sizeof(line), "\nWants=%s\n", place->unit);
    if (glob(CLI_KEYRING_UNITS "/*.d/" CLI_KEYRING_DROP_IN, 0, NULL, &found) !=
        0) {
        return code;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *text = cli_get_file(found.gl_pathv[i]);

        if (text != NULL && strstr(text, line) != NULL) {
            code = remove_file(found.gl_pathv[i], code, steps);
            remove_directory_of(found.gl_pathv[i]);
        }
        free(text);
    }
    globfree(&found);
    return code;
}

/* What a run that was cut off has left of a password. */
static int
remove_unfinished(const struct cli_keyring_place *place, int code,
                  struct cli_steps *steps)
{
    char pattern[CLI_KEYRING_PATH];
    glob_t found;

    snprintf(pattern, sizeof(pattern),
             "/etc/credstore*/." CLI_KEYRING_UNIT ".%s.??????", place->user);
    if (glob(pattern, 0, NULL, &found) != 0) {
        return code;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        code = remove_file(found.gl_pathv[i], code, steps);
    }
    globfree(&found);
    return code;
}

/* Its number is in the entry: the user may be gone. */
static int
remove_runtime(const struct cli_keyring_place *place, int code,
               struct cli_steps *steps)
{
    char *text = cli_get_file(place->tmpfiles);
    char path[CLI_KEYRING_PATH];
    unsigned uid;

    if (text != NULL && !cli_keyring_is_ours(place->tmpfiles)) {
        cli_steps_done(steps, "Kept %s, which keyring-setup didn't make",
                       place->tmpfiles);
        free(text);
        return code;
    }
    if (text != NULL &&
        sscanf(text, CLI_KEYRING_MARK "d /run/mps-credential/%u 0700 ",
               &uid) == 1) {
        snprintf(path, sizeof(path), "/run/mps-credential/%u", uid);
        code = remove_tree(path, "", code, steps);
    }
    free(text);
    return remove_file(place->tmpfiles, code, steps);
}

int
cli_keyring_unmake(const struct cli_keyring_place *place,
                   struct cli_steps *steps)
{
    const char *const reload[] = {"systemctl", "daemon-reload", NULL};
    char output[CLI_COMMAND_OUTPUT];
    int code = stop(place, MPS_OK, steps);

    if (code != MPS_OK) {
        return code;
    }
    code = remove_drop_ins(place, code, steps);
    code = remove_file(place->encrypted, code, steps);
    code = remove_file(place->plain, code, steps);
    code = remove_unfinished(place, code, steps);
    code = remove_file(place->plain_unit, code, steps);
    remove_directory_of(place->plain_unit);
    code = remove_runtime(place, code, steps);
    code = remove_tree(place->state,
                       ", the keyring: its tokens are fetched again when they "
                       "are needed",
                       code, steps);
    remove_directory_of(place->state);
    if (cli_command_run(reload, NULL, output) != 0) {
        code =
            cli_steps_fail(steps, MPS_E_KEYRING,
                           "systemctl daemon-reload failed: %s" GO_ON, output);
    }
    if (code == MPS_OK) {
        cli_steps_done(steps, "Nothing of a keyring for %s is left.",
                       place->user);
    }
    return code;
}
