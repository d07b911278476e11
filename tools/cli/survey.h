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

/* Surveys. MPS_OK with *survey the caller's, to be freed; or the code of
 * *error, which is not printed. */
int cli_survey_take(const struct cli_common *common, struct cli_survey *survey,
                    struct mps_error *error);

/* Prints an error, as JSON too where that was asked for; its code. */
int cli_survey_fail(const struct cli_common *common,
                    const struct mps_error *error);

/* MPS_OK where the keyring was read; else MPS_E_KEYRING with *error. */
int cli_survey_check_keyring(const struct cli_survey *survey,
                             struct mps_error *error);

/* Why the last fetch for a business failed, where nothing was received at or
 * after that; else NULL. received_at: of the token that is stored; 0 = none.
 */
const struct mpsc_outcome *cli_survey_failure(const struct cli_survey *survey,
                                              const char *business_id,
                                              int64_t received_at);

/* The token of a business; NULL = none is stored. */
const struct mpsc_survey_token *
cli_survey_token(const struct cli_survey *survey, const char *business_id);

/* True where programs are given it. */
int cli_survey_is_served(const struct mpsc_survey_token *token);

/* The endpoint is not asked because of this before then, Unix seconds; 0 =
 * nothing of the kind. */
int64_t cli_survey_limited_until(const struct cli_survey *survey,
                                 const struct mpsc_limit *limit);

void cli_survey_free(struct cli_survey *survey);

#endif
