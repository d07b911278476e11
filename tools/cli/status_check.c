/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "status_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "output.h"
#include "text.h"

struct sums {
    size_t served;
    size_t not_served;
    size_t failing;
    int64_t left_s; /* of the token that ends first; -1 = there is none */
};

const char *
cli_check_name(enum cli_check_state state)
{
    static const char *const names[] = {
        [CLI_CHECK_OK] = "OK",
        [CLI_CHECK_WARNING] = "WARNING",
        [CLI_CHECK_CRITICAL] = "CRITICAL",
        [CLI_CHECK_UNKNOWN] = "UNKNOWN",
    };

    return names[state];
}

static struct sums
sum_up(const struct cli_survey *survey)
{
    const struct mpsc_survey *found = &survey->found;
    struct sums sums = {.left_s = -1};

    for (size_t i = 0; i < found->count; i++) {
        const struct mpsc_survey_token *token = &found->tokens[i];
        int64_t left_s = token->expires_at - found->now.wall_s;

        if (!cli_survey_is_served(token)) {
            sums.not_served++;
            continue;
        }
        sums.served++;
        if (sums.left_s < 0 || left_s < sums.left_s) {
            sums.left_s = left_s > 0 ? left_s : 0;
        }
    }
    for (size_t i = 0; i < found->counts.failure_count; i++) {
        const char *id = found->counts.failures[i].business_id;
        const struct mpsc_survey_token *token = cli_survey_token(survey, id);

        sums.failing +=
            cli_survey_failure(survey, id,
                               token != NULL ? token->received_at : 0) != NULL;
    }
    return sums;
}

/* One more reason; the worst state counts. */
static void __attribute__((format(printf, 3, 4)))
note(struct cli_check *check, enum cli_check_state state, const char *format,
     ...)
{
    size_t used = strlen(check->text);
    va_list list;

    if (used > 0) {
        used += (size_t)snprintf(check->text + used,
                                 sizeof(check->text) - used, "; ");
    }
    if (used < sizeof(check->text)) {
        va_start(list, format);
        vsnprintf(check->text + used, sizeof(check->text) - used, format,
                  list);
        va_end(list);
    }
    if (state > check->state) {
        check->state = state;
    }
}

/* What is in the way of all businesses. */
static void
judge_profile(const struct cli_survey *survey, struct cli_check *check)
{
    const struct mpsc_survey *found = &survey->found;
    const struct mpsc_limits *limits = &found->shared.limits;
    const int64_t *since = found->shared.trouble.since_s;

    if (found->keyring != MPSC_KEYRING_OK) {
        note(check,
             survey->profile->configuration->keyring == MPSC_KEYRING_REQUIRED
                 ? CLI_CHECK_CRITICAL
                 : CLI_CHECK_WARNING,
             "%s", mpsc_keyring_text(found->keyring));
    }
    if (!found->has_runtime_dir) {
        note(check, CLI_CHECK_WARNING, "there is no usable runtime_dir");
    }
    if (found->partner.code != MPS_OK) {
        note(check, CLI_CHECK_CRITICAL, "the partner's token can't be read");
    }
    if (cli_survey_limited_until(survey, &limits->auth) != 0 ||
        since[MPSC_TROUBLE_AUTH_FAILED] != 0) {
        note(check, CLI_CHECK_CRITICAL, "the partner's token is refused");
    }
    if (since[MPSC_TROUBLE_EXPIRED] != 0) {
        note(check, CLI_CHECK_CRITICAL,
             "a business has no usable token, and none can be had");
    }
    if (cli_survey_limited_until(survey, &limits->rate) != 0) {
        note(check, CLI_CHECK_WARNING, "the endpoint limits the rate");
    }
    if (cli_survey_limited_until(survey, &limits->breaker) != 0) {
        note(check, CLI_CHECK_WARNING, "the endpoint fails");
    }
    if (since[MPSC_TROUBLE_REFRESH_FAILING] != 0) {
        note(check, CLI_CHECK_WARNING, "a token can't be renewed");
    }
}

void
cli_check_judge(const struct cli_survey *survey,
                const struct cli_check_bounds *bounds, struct cli_check *check)
{
    struct sums sums = sum_up(survey);
    char left[32] = "";

    memset(check, 0, sizeof(*check));
    judge_profile(survey, check);
    if (sums.left_s >= 0) {
        cli_text_length(left, sizeof(left), sums.left_s);
        if (sums.left_s < bounds->crit_s) {
            note(check, CLI_CHECK_CRITICAL, "a token ends in %s", left);
        } else if (sums.left_s < bounds->warn_s) {
            note(check, CLI_CHECK_WARNING, "a token ends in %s", left);
        }
    }
    if (check->state == CLI_CHECK_OK) {
        note(check, CLI_CHECK_OK, "%zu tokens%s%s", sums.served,
             left[0] != '\0' ? ", the first ends in " : "", left);
    }
}

/* A range that alerts below its bound, as the guidelines write it. */
static void
put_bound(FILE *out, int64_t bound_s)
{
    if (bound_s > 0) {
        fprintf(out, ";%" PRId64 ":", bound_s);
    } else {
        fputc(';', out);
    }
}

int
cli_check_print(FILE *out, const struct cli_survey *survey,
                const struct cli_check_bounds *bounds,
                const struct cli_check *check)
{
    struct sums sums;

    fprintf(out, "MPS-CREDENTIAL %s: ", cli_check_name(check->state));
    /* What is behind a bar is performance data. */
    for (const char *at = check->text; *at != '\0'; at++) {
        fputc(*at == '|' ? '/' : *at, out);
    }
    if (survey == NULL) {
        return cli_output_text(out, "\n");
    }
    sums = sum_up(survey);
    fputs(" |", out);
    if (sums.left_s >= 0) {
        fprintf(out, " earliest_expiry=%" PRId64 "s", sums.left_s);
        put_bound(out, bounds->warn_s);
        put_bound(out, bounds->crit_s);
        fputs(";0", out);
    }
    fprintf(out, " served=%zu;;;0 not_served=%zu;;;0 failing=%zu;;;0",
            sums.served, sums.not_served, sums.failing);
    return cli_output_text(out, "\n");
}
