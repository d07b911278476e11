/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "survey.h"

#include <string.h>
#include <time.h>

#include "output.h"
#include "src/error.h"

int
cli_survey_fail(const struct cli_common *common, const struct mps_error *error)
{
    unsigned classes = mpsc_error_class(error->code);

    cli_output_error(stderr, error, classes, time(NULL));
    if (common->is_json &&
        cli_output_error_json(stdout, NULL, error, classes) != 0) {
        (void)cli_output_failed();
    }
    return error->code;
}

int
cli_survey_take(const struct cli_common *common, struct cli_survey *survey,
                struct mps_error *error)
{
    int code;

    memset(survey, 0, sizeof(*survey));
    code = mpsc_profile_load(common->profile, NULL, &survey->profile, error);
    if (code == MPS_OK) {
        code = mpsc_survey(survey->profile, &survey->found, error);
    }
    if (code != MPS_OK) {
        mpsc_profile_release_unlocked(&survey->profile);
    }
    return code;
}

int
cli_survey_check_keyring(const struct cli_survey *survey,
                         struct mps_error *error)
{
    const struct mpsc_survey *found = &survey->found;
    const char *bus = found->place.bus;

    mpsc_error_clear(error);
    if (found->is_keyring_off) {
        return mpsc_error_set(error, MPS_E_KEYRING,
                              "no token is stored: the configuration has "
                              "keyring = off");
    }
    if (found->keyring != MPSC_KEYRING_OK) {
        return mpsc_error_set(error, MPS_E_KEYRING,
                              "can't read the keyring (%s): %s; %s",
                              bus != NULL ? bus : "no bus is known",
                              mpsc_keyring_text(found->keyring),
                              mpsc_keyring_advice(found->keyring));
    }
    return MPS_OK;
}

const struct mpsc_outcome *
cli_survey_failure(const struct cli_survey *survey, const char *business_id,
                   int64_t received_at)
{
    const struct mpsc_counts *counts = &survey->found.counts;

    for (size_t i = 0; i < counts->failure_count; i++) {
        const struct mpsc_outcome *failure = &counts->failures[i];

        if (strcmp(failure->business_id, business_id) == 0) {
            return failure->at_s >= received_at ? failure : NULL;
        }
    }
    return NULL;
}

const struct mpsc_survey_token *
cli_survey_token(const struct cli_survey *survey, const char *business_id)
{
    for (size_t i = 0; i < survey->found.count; i++) {
        if (strcmp(survey->found.tokens[i].business_id, business_id) == 0) {
            return &survey->found.tokens[i];
        }
    }
    return NULL;
}

int
cli_survey_is_served(const struct mpsc_survey_token *token)
{
    return token->state != MPSC_REFRESH_EXPIRED && !token->is_distrusted;
}

int64_t
cli_survey_limited_until(const struct cli_survey *survey,
                         const struct mpsc_limit *limit)
{
    if (limit->code == MPS_OK ||
        limit->until_ms <= survey->found.now.boot_ms) {
        return 0;
    }
    return mpsc_survey_wall_s(&survey->found, limit->until_ms + 999);
}

void
cli_survey_free(struct cli_survey *survey)
{
    mpsc_survey_free(&survey->found);
    mpsc_profile_release_unlocked(&survey->profile);
}
