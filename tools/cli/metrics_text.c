/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "metrics_text.h"

#include <inttypes.h>

#include "output.h"
#include "text.h"

/* What each sample's labels begin with. */
struct labels {
    FILE *out;
    const char *user;
    const char *profile;
    const char *solution;
};

static void
put_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            fputs("\\n", out);
            continue;
        }
        if (*text == '"' || *text == '\\') {
            fputc('\\', out);
        }
        fputc(*text, out);
    }
}

/* The beginning of a family. unit: NULL = none. */
static void
put_family(const struct labels *labels, const char *name, const char *type,
           const char *unit, const char *help)
{
    fprintf(labels->out, "# TYPE mps_credential_%s %s\n", name, type);
    if (unit != NULL) {
        fprintf(labels->out, "# UNIT mps_credential_%s %s\n", name, unit);
    }
    fprintf(labels->out, "# HELP mps_credential_%s %s\n", name, help);
}

/* A sample up to its value; label: one more, NULL = none. */
static void
put_name(const struct labels *labels, const char *name, const char *label,
         const char *value)
{
    fprintf(labels->out, "mps_credential_%s{user=\"", name);
    put_escaped(labels->out, labels->user);
    fputs("\",profile=\"", labels->out);
    put_escaped(labels->out, labels->profile);
    fputs("\",solution=\"", labels->out);
    put_escaped(labels->out, labels->solution);
    if (label != NULL) {
        fprintf(labels->out, "\",%s=\"%s", label, value);
    }
    fputs("\"} ", labels->out);
}

static void
put_sample(const struct labels *labels, const char *name, const char *label,
           const char *value, int64_t number)
{
    put_name(labels, name, label, value);
    fprintf(labels->out, "%" PRId64 "\n", number);
}

static void
put_requests(const struct labels *labels, const struct mpsc_counts *counts)
{
    put_family(labels, "requests", "counter", NULL,
               "Fetches that asked the endpoint, by the code they ended "
               "with.");
    for (int i = 0; i < MPSC_COUNTS_CODES; i++) {
        put_sample(labels, "requests_total", "code", cli_text_code(i),
                   counts->ended[i]);
    }
    if (counts->success_s != 0) {
        put_family(labels, "last_success_timestamp_seconds", "gauge",
                   "seconds", "When the endpoint gave a token last.");
        put_sample(labels, "last_success_timestamp_seconds", NULL, NULL,
                   counts->success_s);
    }
    if (counts->app_usage_s != 0) {
        put_family(labels, "app_usage_ratio", "gauge", "ratio",
                   "How much of the app's rate limit is used, as the "
                   "endpoint said last.");
        put_name(labels, "app_usage_ratio", NULL, NULL);
        fprintf(labels->out, "%d.%02d\n", counts->app_usage / 100,
                counts->app_usage % 100);
    }
}

static void
put_tokens(const struct labels *labels, const struct mpsc_survey *found)
{
    enum { FRESH, DUE, EXPIRED, DISTRUSTED, STATES };
    static const char *const names[STATES] = {"fresh", "due", "expired",
                                              "distrusted"};
    int64_t counts[STATES] = {0};
    int64_t earliest = 0;

    for (size_t i = 0; i < found->count; i++) {
        const struct mpsc_survey_token *token = &found->tokens[i];
        int state = token->is_distrusted                   ? DISTRUSTED
                    : token->state == MPSC_REFRESH_EXPIRED ? EXPIRED
                    : token->state == MPSC_REFRESH_FRESH   ? FRESH
                                                           : DUE;

        counts[state]++;
        if (state <= DUE && (earliest == 0 || token->expires_at < earliest)) {
            earliest = token->expires_at;
        }
    }
    put_family(labels, "tokens", "gauge", NULL,
               "Tokens in the keyring: fresh, due to be renewed, expired, or "
               "not served since a purge.");
    for (int i = 0; i < STATES; i++) {
        put_sample(labels, "tokens", "state", names[i], counts[i]);
    }
    if (earliest != 0) {
        put_family(labels, "earliest_expiry_timestamp_seconds", "gauge",
                   "seconds", "When the first token that is served ends.");
        put_sample(labels, "earliest_expiry_timestamp_seconds", NULL, NULL,
                   earliest);
    }
}

static void
put_limits(const struct labels *labels, const struct cli_survey *survey)
{
    const struct mpsc_limits *limits = &survey->found.shared.limits;
    const struct mpsc_trouble_view *trouble = &survey->found.shared.trouble;
    const struct {
        const char *name;
        const struct mpsc_limit *limit;
    } all[] = {
        {"rate", &limits->rate},
        {"auth", &limits->auth},
        {"breaker", &limits->breaker},
    };

    put_family(labels, "limited_until_timestamp_seconds", "gauge", "seconds",
               "The endpoint is not asked before, because of a rate limit, a "
               "refused partner's token or its failures; 0 = it is.");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        put_sample(labels, "limited_until_timestamp_seconds", "reason",
                   all[i].name,
                   cli_survey_limited_until(survey, all[i].limit));
    }
    put_family(labels, "trouble", "gauge", NULL,
               "1 while the log's trouble of that name lasts.");
    for (int i = 0; i < MPSC_TROUBLE_COUNT; i++) {
        put_sample(labels, "trouble", "name",
                   mpsc_trouble_name((enum mpsc_trouble)i),
                   trouble->since_s[i] != 0);
    }
}

int
cli_metrics_text(FILE *out, const struct cli_survey *survey, const char *user)
{
    const struct mpsc_configuration *options = survey->profile->configuration;
    const struct mpsc_survey *found = &survey->found;
    const struct labels labels = {
        .out = out,
        .user = user,
        .profile = options->profile != NULL ? options->profile : "",
        .solution = options->solution_id,
    };

    put_requests(&labels, &found->counts);
    if (!found->is_keyring_off) {
        put_family(&labels, "keyring_up", "gauge", NULL,
                   "Whether the keyring could be read.");
        put_sample(&labels, "keyring_up", NULL, NULL,
                   found->keyring == MPSC_KEYRING_OK);
    }
    if (!found->is_keyring_off && found->keyring == MPSC_KEYRING_OK) {
        put_tokens(&labels, found);
    }
    put_limits(&labels, survey);
    return cli_output_text(out, "# EOF\n");
}
