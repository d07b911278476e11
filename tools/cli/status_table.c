/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "status_table.h"

#include <inttypes.h>

#include "colour.h"
#include "output.h"
#include "text.h"

/* A column of words such as "59 minutes ago". */
#define WORD_SIZE 40

static void
put_head(FILE *out, const char *name)
{
    fprintf(out, "%-10s  ", name);
}

static void
put_profile(FILE *out, const struct cli_survey *survey)
{
    const struct mpsc_configuration *options = survey->profile->configuration;
    const struct mpsc_place *place = &survey->found.place;

    put_head(out, "profile");
    fprintf(out, "%s\n",
            options->profile != NULL ? options->profile : "(no group)");
    put_head(out, "solution");
    fprintf(out, "%s at %s\n", options->solution_id, options->base_url);
    put_head(out, "runtime");
    if (survey->found.has_runtime_dir) {
        fprintf(out, "%s\n", place->runtime_dir);
    } else {
        cli_colour_put(out, CLI_BAD, "no usable runtime_dir");
        fprintf(out, " (%s): processes share nothing\n",
                place->runtime_dir != NULL ? place->runtime_dir
                                           : "none is known");
    }
}

static void
put_keyring(FILE *out, const struct mpsc_survey *found)
{
    put_head(out, "keyring");
    if (found->is_keyring_off) {
        fputs("off, by the configuration\n", out);
    } else if (found->keyring == MPSC_KEYRING_OK) {
        cli_colour_put(out, CLI_GOOD, "usable");
        fprintf(out, ", %zu %s\n", found->count,
                found->count == 1 ? "token" : "tokens");
    } else {
        cli_colour_put(out, CLI_BAD, mpsc_keyring_text(found->keyring));
        fprintf(out, "; %s\n", mpsc_keyring_advice(found->keyring));
    }
}

/* Why the endpoint is not asked, if so; how many lines that were. */
static int
put_limit(FILE *out, const struct cli_survey *survey, const char *name,
          const char *what, const struct mpsc_limit *limit)
{
    int64_t until = cli_survey_limited_until(survey, limit);
    char when[CLI_WHEN_SIZE];

    if (until == 0) {
        return 0;
    }
    cli_text_when(when, sizeof(when), until, survey->found.now.wall_s);
    put_head(out, name);
    cli_colour_put(out, CLI_BAD, what);
    fprintf(out, ": not asked before %s; %s\n", when, limit->message);
    return 1;
}

static void
put_partner(FILE *out, const struct cli_survey *survey)
{
    const struct mpsc_survey *found = &survey->found;

    if (found->partner.code != MPS_OK) {
        put_head(out, "partner");
        cli_colour_put(out, CLI_BAD, "no token");
        fprintf(out, ": %s\n", found->partner.message);
    } else if (put_limit(out, survey, "partner", "the token is refused",
                         &found->shared.limits.auth) == 0) {
        put_head(out, "partner");
        fputs("the token can be read, and no refusal is known\n", out);
    }
}

static void
put_endpoint(FILE *out, const struct cli_survey *survey)
{
    const struct mpsc_limits *limits = &survey->found.shared.limits;

    if (put_limit(out, survey, "endpoint", "it limits the rate",
                  &limits->rate) +
            put_limit(out, survey, "endpoint", "it fails", &limits->breaker) ==
        0) {
        put_head(out, "endpoint");
        fputs("may be asked\n", out);
    }
}

static void
put_requests(FILE *out, const struct mpsc_survey *found)
{
    const struct mpsc_counts *counts = &found->counts;
    int64_t failed = 0;
    char when[WORD_SIZE] = "never";

    for (int i = 1; i < MPSC_COUNTS_CODES; i++) {
        failed += counts->ended[i];
    }
    if (counts->success_s != 0) {
        cli_text_distance(when, sizeof(when),
                          counts->success_s - found->now.wall_s);
    }
    put_head(out, "requests");
    fprintf(out, "%" PRId64 " ok, %" PRId64 " failed; last success %s\n",
            counts->ended[MPS_OK], failed, when);
    if (counts->app_usage_s != 0) {
        cli_text_distance(when, sizeof(when),
                          counts->app_usage_s - found->now.wall_s);
        put_head(out, "usage");
        fprintf(out, "%d %% of the app's rate limit, %s\n", counts->app_usage,
                when);
    }
}

static void
put_troubles(FILE *out, const struct mpsc_survey *found)
{
    for (int i = 0; i < MPSC_TROUBLE_COUNT; i++) {
        char when[CLI_WHEN_SIZE];

        if (found->shared.trouble.since_s[i] != 0) {
            cli_text_when(when, sizeof(when), found->shared.trouble.since_s[i],
                          found->now.wall_s);
            put_head(out, "trouble");
            cli_colour_put(out, CLI_WARN,
                           mpsc_trouble_name((enum mpsc_trouble)i));
            fprintf(out, " since %s\n", when);
        }
    }
}

static void
put_failure(FILE *out, const struct mpsc_survey *found,
            const struct mpsc_outcome *failure)
{
    char when[WORD_SIZE];

    if (failure == NULL) {
        fputs("-\n", out);
        return;
    }
    cli_text_distance(when, sizeof(when), failure->at_s - found->now.wall_s);
    cli_colour_put(out, CLI_BAD, cli_text_code(failure->code));
    fprintf(out, ", %s\n", when);
}

static void
put_token(FILE *out, const struct cli_survey *survey,
          const struct mpsc_survey_token *token)
{
    int64_t now_s = survey->found.now.wall_s;
    char expires[WORD_SIZE];
    char refreshes[WORD_SIZE] = "-";

    if (token->is_distrusted) {
        snprintf(expires, sizeof(expires), "not served");
    } else if (token->state == MPSC_REFRESH_EXPIRED) {
        snprintf(expires, sizeof(expires), "expired");
    } else {
        cli_text_distance(expires, sizeof(expires), token->expires_at - now_s);
    }
    if (cli_survey_is_served(token)) {
        if (token->refresh_at > now_s) {
            cli_text_distance(refreshes, sizeof(refreshes),
                              token->refresh_at - now_s);
        } else {
            snprintf(refreshes, sizeof(refreshes), "at the next call");
        }
    }
    fprintf(out, "%-20s  %-8s  %-13s  %-16s  ", token->business_id, "keyring",
            expires, refreshes);
    put_failure(
        out, &survey->found,
        cli_survey_failure(survey, token->business_id, token->received_at));
}

int
cli_status_table(FILE *out, const struct cli_survey *survey)
{
    const struct mpsc_survey *found = &survey->found;

    put_profile(out, survey);
    put_keyring(out, found);
    put_partner(out, survey);
    put_endpoint(out, survey);
    put_requests(out, found);
    put_troubles(out, found);
    fprintf(out, "\n%-20s  %-8s  %-13s  %-16s  %s\n", "BUSINESS", "SOURCE",
            "EXPIRES", "REFRESHES", "LAST ERROR");
    for (size_t i = 0; i < found->count; i++) {
        put_token(out, survey, &found->tokens[i]);
    }
    for (size_t i = 0; i < found->counts.failure_count; i++) {
        const struct mpsc_outcome *failure = &found->counts.failures[i];

        if (cli_survey_token(survey, failure->business_id) == NULL) {
            fprintf(out, "%-20s  %-8s  %-13s  %-16s  ", failure->business_id,
                    "-", "-", "-");
            put_failure(out, found, failure);
        }
    }
    return cli_output_text(out, "");
}
