/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "status_json.h"

#include <errno.h>

#include "json.h"
#include "src/error.h"
#include "text.h"

static int
add_boolean(struct json_object *object, const char *key, int value)
{
    return cli_json_add(object, key, json_object_new_boolean(value));
}

/* A new object that is a member of `parent`; NULL without memory. */
static struct json_object *
add_object(struct json_object *parent, const char *key)
{
    struct json_object *object = json_object_new_object();

    return cli_json_add(parent, key, object) == 0 ? object : NULL;
}

static int
add_profile(struct json_object *answer, const struct cli_survey *survey)
{
    const struct mpsc_configuration *options = survey->profile->configuration;
    const struct mpsc_survey *found = &survey->found;
    const char *dir = found->place.runtime_dir;
    struct json_object *keyring;

    if ((options->profile != NULL &&
         cli_json_add_text(answer, "profile", options->profile) != 0) ||
        cli_json_add_text(answer, "solution_id", options->solution_id) != 0 ||
        cli_json_add_text(answer, "base_url", options->base_url) != 0 ||
        (dir != NULL && cli_json_add_typed(answer, "runtime_dir", dir) != 0) ||
        add_boolean(answer, "runtime_dir_usable", found->has_runtime_dir) !=
            0 ||
        add_boolean(answer, "partner_token_readable",
                    found->partner.code == MPS_OK) != 0) {
        return -1;
    }
    keyring = add_object(answer, "keyring");
    return keyring == NULL ||
                   add_boolean(keyring, "off", found->is_keyring_off) != 0 ||
                   add_boolean(keyring, "usable",
                               !found->is_keyring_off &&
                                   found->keyring == MPSC_KEYRING_OK) != 0 ||
                   cli_json_add_text(keyring, "state",
                                     mpsc_keyring_text(found->keyring)) != 0
               ? -1
               : 0;
}

static int
add_limits(struct json_object *answer, const struct cli_survey *survey)
{
    const struct mpsc_limits *limits = &survey->found.shared.limits;
    const struct mpsc_trouble_view *trouble = &survey->found.shared.trouble;
    struct json_object *troubles;

    if (cli_json_add_number(answer, "rate_limited_until",
                            cli_survey_limited_until(survey, &limits->rate)) !=
            0 ||
        cli_json_add_number(answer, "auth_failed_until",
                            cli_survey_limited_until(survey, &limits->auth)) !=
            0 ||
        cli_json_add_number(
            answer, "breaker_open_until",
            cli_survey_limited_until(survey, &limits->breaker)) != 0) {
        return -1;
    }
    troubles = add_object(answer, "troubles");
    for (int i = 0; troubles != NULL && i < MPSC_TROUBLE_COUNT; i++) {
        if (trouble->since_s[i] != 0 &&
            cli_json_add_number(troubles,
                                mpsc_trouble_name((enum mpsc_trouble)i),
                                trouble->since_s[i]) != 0) {
            return -1;
        }
    }
    return troubles != NULL ? 0 : -1;
}

static int
add_counts(struct json_object *answer, const struct mpsc_counts *counts)
{
    struct json_object *requests = add_object(answer, "requests");

    for (int i = 0; requests != NULL && i < MPSC_COUNTS_CODES; i++) {
        if (counts->ended[i] != 0 &&
            cli_json_add_number(requests, cli_text_code(i),
                                counts->ended[i]) != 0) {
            return -1;
        }
    }
    if (requests == NULL ||
        cli_json_add_number(answer, "last_success", counts->success_s) != 0) {
        return -1;
    }
    return counts->app_usage_s == 0
               ? 0
               : cli_json_add_number(answer, "app_usage", counts->app_usage);
}

/* A business; token or failure may be NULL. */
static struct json_object *
new_business(const char *id, const struct mpsc_survey_token *token,
             const struct mpsc_outcome *failure)
{
    struct json_object *business = json_object_new_object();

    if (business == NULL || cli_json_add_text(business, "business", id) != 0) {
        goto fail;
    }
    if (token != NULL) {
        if (cli_json_add_text(business, "source", "keyring") != 0 ||
            cli_json_add(business, "token_id",
                         json_object_new_string_len(
                             token->digest, MPSC_TOKEN_ID_DIGITS)) != 0 ||
            add_boolean(business, "served", cli_survey_is_served(token)) !=
                0 ||
            cli_json_add_number(business, "received_at", token->received_at) !=
                0 ||
            cli_json_add_number(business, "expires_at", token->expires_at) !=
                0 ||
            cli_json_add_number(business, "refresh_at", token->refresh_at) !=
                0) {
            goto fail;
        }
    }
    if (failure != NULL &&
        (cli_json_add_text(business, "last_error",
                           cli_text_code(failure->code)) != 0 ||
         cli_json_add_number(business, "last_error_at", failure->at_s) != 0)) {
        goto fail;
    }
    return business;
fail:
    json_object_put(business);
    return NULL;
}

static int
add_businesses(struct json_object *answer, const struct cli_survey *survey)
{
    const struct mpsc_survey *found = &survey->found;
    struct json_object *list = json_object_new_array();

    if (cli_json_add(answer, "businesses", list) != 0) {
        return -1;
    }
    for (size_t i = 0; i < found->count; i++) {
        const struct mpsc_survey_token *token = &found->tokens[i];

        if (cli_json_append(
                list,
                new_business(token->business_id, token,
                             cli_survey_failure(survey, token->business_id,
                                                token->received_at))) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < found->counts.failure_count; i++) {
        const struct mpsc_outcome *failure = &found->counts.failures[i];

        if (cli_survey_token(survey, failure->business_id) == NULL &&
            cli_json_append(list, new_business(failure->business_id, NULL,
                                               failure)) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
add_check(struct json_object *answer, const struct cli_check *check)
{
    struct json_object *object = add_object(answer, "check");

    return object == NULL ||
                   cli_json_add_text(object, "state",
                                     cli_check_name(check->state)) != 0 ||
                   cli_json_add_number(object, "status", check->state) != 0 ||
                   cli_json_add_text(object, "text", check->text) != 0
               ? -1
               : 0;
}

int
cli_status_json(FILE *out, const struct cli_survey *survey,
                const struct mps_error *error, const struct cli_check *check)
{
    struct json_object *answer = json_object_new_object();
    int result = -1;

    if (answer == NULL || cli_json_add_code(answer, error->code) != 0 ||
        add_profile(answer, survey) != 0 || add_limits(answer, survey) != 0 ||
        add_counts(answer, &survey->found.counts) != 0 ||
        add_businesses(answer, survey) != 0 ||
        (check != NULL && add_check(answer, check) != 0) ||
        (error->code != MPS_OK &&
         cli_json_add_error(answer, error, mpsc_error_class(error->code)) !=
             0)) {
        errno = ENOMEM;
        goto out;
    }
    result = cli_json_put(out, answer);
out:
    json_object_put(answer);
    return result;
}
