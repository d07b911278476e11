/* SPDX-License-Identifier: MIT */
/*
 * survey: which records are served and until when, in which order they come,
 * and what is told where the keyring or the partner's token can't be read.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_clock.h"
#include "fake_keyring.h"
#include "fake_sweep.h"
#include "run_suites.h"
#include "survey.h"

static char directory[] = "/tmp/test_survey.XXXXXX";
static char token_file[64];

static const struct fake_sweep_entry entries[] = {
    {"20", "two", 0, 0},
    {"3", "three", 0, 0},
    {"100", "one", 0, 0},
    {"4", NULL, 0, 0},
};

static struct mpsc_configuration
configuration(void)
{
    return (struct mpsc_configuration){
        .base_url = (char *)"https://localhost",
        .solution_id = (char *)"7",
        .keyring_bus = (char *)"unix:path=/nowhere",
        .keyring_deadline_ms = 10,
        .runtime_dir = directory,
        .token_file = token_file,
    };
}

static mpsc_clock_fn *clock_now = fake_clock_now;

/* Surveys under this plan of the keyring. */
static void
survey_with(const struct fake_keyring_plan *plan,
            struct mpsc_configuration *options, struct mpsc_survey *survey)
{
    struct mpsc_profile profile = {.configuration = options,
                                   .boot_id = "boot"};
    struct mps_error error;

    profile.means.configuration = options;
    profile.means.keyring = &fake_keyring;
    profile.means.clock = clock_now;
    fake_keyring_plan(plan);
    fake_sweep_plan(entries, sizeof(entries) / sizeof(entries[0]));
    CU_ASSERT_EQUAL_FATAL(mpsc_survey(&profile, survey, &error), MPS_OK);
    CU_ASSERT_EQUAL(fake_keyring_open_count(), 0);
    CU_ASSERT_EQUAL(fake_keyring_unfinished(), 0);
    CU_ASSERT_EQUAL(fake_keyring_mistakes(), 0);
    CU_ASSERT_EQUAL(fake_sweep_held(), 0);
}

static void
test_records(void)
{
    static const char *const order[] = {"3", "20", "100"};
    const struct fake_keyring_plan plan = {.no_trace = 1};
    struct mpsc_configuration options = configuration();
    struct mpsc_survey survey;

    survey_with(&plan, &options, &survey);
    CU_ASSERT_EQUAL(survey.keyring, MPSC_KEYRING_OK);
    CU_ASSERT_TRUE(survey.has_runtime_dir);
    CU_ASSERT_EQUAL(survey.partner.code, MPS_OK);
    CU_ASSERT_EQUAL_FATAL(survey.count, 3);
    for (size_t i = 0; i < survey.count; i++) {
        const struct mpsc_survey_token *token = &survey.tokens[i];
        int64_t life = token->expires_at - token->received_at;

        CU_ASSERT_STRING_EQUAL(token->business_id, order[i]);
        CU_ASSERT(llabs(token->received_at - (survey.now.wall_s - 100)) <= 1);
        CU_ASSERT(llabs(token->expires_at - (survey.now.wall_s + 1000)) <= 1);
        CU_ASSERT(token->refresh_at >= token->received_at + life / 2 - 1);
        CU_ASSERT(token->refresh_at <= token->expires_at - life / 10 + 1);
        CU_ASSERT_EQUAL(token->state, MPSC_REFRESH_FRESH);
        CU_ASSERT_FALSE(token->is_distrusted);
    }
    /* of "three" */
    CU_ASSERT_EQUAL(strncmp(survey.tokens[0].digest, "8b5b9db0c13d", 12), 0);
    mpsc_survey_free(&survey);
}

static void
test_distrusted(void)
{
    const struct fake_keyring_plan plan = {.no_trace = 1};
    struct mpsc_configuration options = configuration();
    struct mpsc_survey survey;
    struct mpsc_time now;

    fake_clock_now(&now);
    options.distrust_before = now.wall_s - 50;
    survey_with(&plan, &options, &survey);
    CU_ASSERT_EQUAL_FATAL(survey.count, 3);
    CU_ASSERT_TRUE(survey.tokens[0].is_distrusted);
    mpsc_survey_free(&survey);
}

/* By the clock that the epoch is written with; the records are of another
 * boot. */
static void
test_purged(void)
{
    const struct fake_keyring_plan plan = {.no_trace = 1};
    struct mpsc_configuration options = configuration();
    struct mpsc_survey survey;

    clock_now = mpsc_clock_system;
    for (int is_purged = 0; is_purged <= 1; is_purged++) {
        survey_with(&plan, &options, &survey);
        CU_ASSERT_EQUAL_FATAL(survey.count, 3);
        CU_ASSERT_EQUAL(survey.tokens[0].is_distrusted, is_purged);
        mpsc_survey_free(&survey);
        CU_ASSERT_EQUAL(mpsc_epoch_raise(directory, 1, NULL), 0);
    }
    clock_now = fake_clock_now;
}

static void
test_keyring(void)
{
    const struct fake_keyring_plan locked = {
        .no_trace = 1, .load_state = MPSC_KEYRING_LOCKED};
    struct mpsc_configuration options = configuration();
    struct mpsc_survey survey;

    survey_with(&locked, &options, &survey);
    CU_ASSERT_EQUAL(survey.keyring, MPSC_KEYRING_LOCKED);
    CU_ASSERT_FALSE(survey.is_keyring_off);
    mpsc_survey_free(&survey);

    options.keyring = MPSC_KEYRING_OFF;
    survey_with(&locked, &options, &survey);
    CU_ASSERT_EQUAL(survey.keyring, MPSC_KEYRING_OK);
    CU_ASSERT_TRUE(survey.is_keyring_off);
    CU_ASSERT_EQUAL(survey.count, 0);
    mpsc_survey_free(&survey);
}

static void
test_partner(void)
{
    const struct fake_keyring_plan plan = {.no_trace = 1};
    struct mpsc_configuration options = configuration();
    struct mpsc_survey survey;

    options.token_file = (char *)"/nowhere/token";
    survey_with(&plan, &options, &survey);
    CU_ASSERT_EQUAL(survey.partner.code, MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(survey.partner.message, "/nowhere/token"));
    CU_ASSERT_EQUAL(survey.count, 3);
    mpsc_survey_free(&survey);
}

static void
test_no_runtime_dir(void)
{
    const struct fake_keyring_plan plan = {.no_trace = 1};
    struct mpsc_configuration options = configuration();
    struct mpsc_survey survey;

    options.runtime_dir = (char *)"/nowhere/at/all";
    survey_with(&plan, &options, &survey);
    CU_ASSERT_FALSE(survey.has_runtime_dir);
    mpsc_survey_free(&survey);
}

static CU_TestInfo tests[] = {
    {"records", test_records},
    {"distrusted records", test_distrusted},
    {"purged records", test_purged},
    {"the keyring's state", test_keyring},
    {"the partner's token", test_partner},
    {"no runtime directory", test_no_runtime_dir},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {.pName = "survey", .pTests = tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    char command[128];
    FILE *file;
    int failed;

    if (mkdtemp(directory) == NULL) {
        return 1;
    }
    snprintf(token_file, sizeof(token_file), "%s/token", directory);
    file = fopen(token_file, "we");
    if (file == NULL || fputs("EAApartner\n", file) < 0 || fclose(file) != 0 ||
        chmod(token_file, 0600) != 0) {
        return 1;
    }
    failed = run_suites(suites);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command) != 0 || failed;
}
