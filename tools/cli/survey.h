/* SPDX-License-Identifier: MIT */
/*
 * survey: what there is under a profile, for the verbs that tell of it.
 *
 * The ABI has no function that lists: no host has a reason to know of the
 * businesses of others. So these verbs take what is behind the module, linked
 * into the command, and load no module.
 */
#ifndef CLI_SURVEY_H
#define CLI_SURVEY_H

#include "common.h"
#include "src/survey.h"

struct cli_survey {
    struct mpsc_profile *profile;
    struct mpsc_survey found;
};

/*
 * Becomes the user of --user and surveys. MPS_OK with *survey the caller's, to
 * be freed; or the exit status after the error was printed, as JSON too where
 * that was asked for.
 */
int cli_survey_take(const struct cli_common *common,
                    struct cli_survey *survey);

/* Prints an error likewise; its code. */
int cli_survey_fail(const struct cli_common *common,
                    const struct mps_error *error);

/* MPS_OK where the keyring was read; else MPS_E_KEYRING with *error. */
int cli_survey_check_keyring(const struct cli_survey *survey,
                             struct mps_error *error);

void cli_survey_free(struct cli_survey *survey);

#endif
