/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "keyring_wait.h"
#include "runtime_dir.h"

struct reading {
    const struct mpsc_profile *profile;
    struct mpsc_survey *survey;
    int64_t all_before_ms;
    size_t room; /* of survey->tokens */
    int failed;  /* no memory */
};

int64_t
mpsc_survey_wall_s(const struct mpsc_survey *survey, int64_t boot_ms)
{
    int64_t ahead_ms = boot_ms - survey->now.boot_ms;

    return survey->now.wall_s + ahead_ms / 1000 - (ahead_ms % 1000 < 0);
}

static struct mpsc_survey_token *
new_token(struct reading *reading)
{
    struct mpsc_survey *survey = reading->survey;

    if (survey->count == reading->room) {
        size_t room = reading->room > 0 ? 2 * reading->room : 64;
        struct mpsc_survey_token *tokens =
            reallocarray(survey->tokens, room, sizeof(*tokens));

        if (tokens == NULL) {
            return NULL;
        }
        survey->tokens = tokens;
        reading->room = room;
    }
    return &survey->tokens[survey->count++];
}

static void
take_record(void *arg, const char *business_id,
            const struct mpsc_record *record)
{
    struct reading *reading = arg;
    const struct mpsc_survey *survey = reading->survey;
    const char *boot_id = reading->profile->boot_id;
    struct mpsc_survey_token *token = new_token(reading);
    struct mpsc_refresh_token life;

    if (token == NULL ||
        mpsc_digest_sha256(record->token.data, record->token.len,
                           token->digest) != 0) {
        reading->failed = 1;
        return;
    }
    life.received_ms =
        mpsc_lifetime_received_ms(record, &survey->now, boot_id);
    life.end_ms = mpsc_lifetime_end_ms(record, &survey->now, boot_id);
    life.refresh_ms = mpsc_refresh_moment(token->digest, boot_id,
                                          life.received_ms, life.end_ms);
    snprintf(token->business_id, sizeof(token->business_id), "%s",
             business_id);
    token->received_at = mpsc_survey_wall_s(survey, life.received_ms);
    token->expires_at = mpsc_survey_wall_s(survey, life.end_ms);
    token->refresh_at = mpsc_survey_wall_s(survey, life.refresh_ms);
    token->state = mpsc_refresh_state(&life, survey->now.boot_ms);
    token->is_distrusted =
        (reading->all_before_ms != 0 &&
         life.received_ms <= reading->all_before_ms) ||
        record->received_at < reading->profile->configuration->distrust_before;
}

static int
compare(const void *a, const void *b)
{
    const char *first = ((const struct mpsc_survey_token *)a)->business_id;
    const char *second = ((const struct mpsc_survey_token *)b)->business_id;
    size_t len = strlen(first);
    size_t other = strlen(second);

    return len != other ? (len > other) - (len < other)
                        : strcmp(first, second);
}

static enum mpsc_keyring_state
read_keyring(struct reading *reading)
{
    const struct mpsc_fetch_means *means = &reading->profile->means;
    const struct mpsc_place *place = &reading->survey->place;
    const unsigned deadline_ms = means->configuration->keyring_deadline_ms;
    struct mpsc_keyring_wait wait = {.port = means->keyring,
                                     .clock = means->clock};
    const struct mpsc_keyring_query query = {
        .helper = means->helper,
        .bus = place->bus,
        .runtime_dir = place->runtime_dir,
        .endpoint = means->configuration->base_url,
        .solution_id = means->configuration->solution_id,
        .keyring_deadline_ms = deadline_ms,
        .flight_ms = deadline_ms,
    };
    enum mpsc_keyring_state state = mpsc_keyring_wait_open(&wait, &query);

    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    state = mpsc_keyring_wait_for(&wait, MPSC_KEYRING_LOADED, deadline_ms,
                                  take_record, reading);
    mpsc_keyring_wait_end(&wait);
    return state;
}

/* What the processes that use the partner's token of now know together. */
static int
read_shared(const struct mpsc_profile *profile, struct mpsc_survey *survey)
{
    const struct mpsc_configuration *options = profile->configuration;
    char digest[MPSC_DIGEST_HEX_SIZE];
    struct mpsc_state *state;

    mpsc_error_clear(&survey->partner);
    if (mpsc_profile_partner_digest(profile, digest, &survey->partner) !=
        MPS_OK) {
        return survey->partner.code == MPS_E_NO_MEMORY ? -1 : 0;
    }
    state = mpsc_state_new(options->base_url, options->solution_id,
                           profile->boot_id, profile->means.clock);
    if (state == NULL) {
        return -1;
    }
    mpsc_state_look(state, survey->place.runtime_dir, digest, &survey->shared);
    mpsc_state_free(&state);
    return 0;
}

static int
find_runtime_dir(struct mpsc_survey *survey)
{
    int dir = mpsc_runtime_dir_open(survey->place.runtime_dir);

    if (dir < 0) {
        return 0;
    }
    close(dir);
    return 1;
}

int
mpsc_survey(const struct mpsc_profile *profile, struct mpsc_survey *survey,
            struct mps_error *error)
{
    struct reading reading = {.profile = profile, .survey = survey};
    struct mpsc_epoch epoch;

    memset(survey, 0, sizeof(*survey));
    mpsc_error_clear(error);
    profile->means.clock(&survey->now);
    if (mpsc_profile_find_place(profile, &survey->place) != 0) {
        return mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    survey->has_runtime_dir = find_runtime_dir(survey);
    (void)mpsc_epoch_read(survey->place.runtime_dir, &epoch);
    reading.all_before_ms = epoch.all_before_ms;
    mpsc_counts_read(survey->place.runtime_dir,
                     profile->configuration->base_url,
                     profile->configuration->solution_id, &survey->counts);
    survey->is_keyring_off =
        profile->configuration->keyring == MPSC_KEYRING_OFF;
    if (!survey->is_keyring_off) {
        survey->keyring = read_keyring(&reading);
    }
    if (reading.failed || read_shared(profile, survey) != 0) {
        mpsc_survey_free(survey);
        return mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    if (survey->count > 0) {
        qsort(survey->tokens, survey->count, sizeof(*survey->tokens), compare);
    }
    return MPS_OK;
}

void
mpsc_survey_free(struct mpsc_survey *survey)
{
    free(survey->tokens);
    survey->tokens = NULL;
    survey->count = 0;
    mpsc_place_free(&survey->place);
}
