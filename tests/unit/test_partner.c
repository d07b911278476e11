/* SPDX-License-Identifier: MIT */
/* Where the partner's token and app secret come from, and when what was
 * prepared stands in. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "partner.h"
#include "run_suites.h"

static char directory[] = "/tmp/mps-test-partner-XXXXXX";
static char token_path[64];
static char app_path[64];
static char token_name[] = "token";
static char app_name[] = "app";

static struct mpsc_configuration configuration;
static struct mpsc_partner partner;
static struct mps_error error;

static void
write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fputs(text, file) >= 0);
    CU_ASSERT_EQUAL(fclose(file), 0);
    CU_ASSERT_EQUAL(chmod(path, 0600), 0);
}

static int
make_directory(void)
{
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(token_path, sizeof(token_path), "%s/%s", directory, token_name);
    snprintf(app_path, sizeof(app_path), "%s/%s", directory, app_name);
    return 0;
}

static int
remove_directory(void)
{
    unlink(token_path);
    unlink(app_path);
    return rmdir(directory);
}

static void
begin(void)
{
    memset(&configuration, 0, sizeof(configuration));
    configuration.token_file = token_path;
    write_file(token_path, "EAApartner\n");
    write_file(app_path, "0123abcd\n");
}

static void
end(void)
{
    mpsc_partner_free(&partner);
    CU_ASSERT_PTR_NULL(partner.token.data);
    CU_ASSERT_PTR_NULL(partner.app_secret.data);
}

static int
read_it(const struct mpsc_partner *prepared)
{
    int code;

    mpsc_partner_free(&partner);
    mpsc_error_clear(&error);
    code = mpsc_partner_read(&configuration, directory, prepared, &partner,
                             &error);
    if (code != MPS_OK) {
        CU_ASSERT_EQUAL(error.code, code);
        CU_ASSERT_PTR_NULL(partner.token.data);
        CU_ASSERT_PTR_NULL(partner.app_secret.data);
    }
    return code;
}

static int
holds(const struct mpsc_secret *secret, const char *text)
{
    return secret->data != NULL && strcmp(secret->data, text) == 0;
}

static void
test_files(void)
{
    CU_ASSERT_EQUAL(read_it(NULL), MPS_OK);
    CU_ASSERT(holds(&partner.token, "EAApartner"));
    CU_ASSERT_EQUAL(partner.app_secret.len, 0);
    configuration.app_secret_file = app_path;
    CU_ASSERT_EQUAL(read_it(NULL), MPS_OK);
    CU_ASSERT(holds(&partner.app_secret, "0123abcd"));
    /* Read anew each time: a rotation needs no restart. */
    write_file(token_path, "EAArotated\n");
    CU_ASSERT_EQUAL(read_it(NULL), MPS_OK);
    CU_ASSERT(holds(&partner.token, "EAArotated"));
}

static void
test_credentials(void)
{
    configuration.token_file = NULL;
    configuration.token_credential = token_name;
    configuration.app_secret_credential = app_name;
    CU_ASSERT_EQUAL(read_it(NULL), MPS_OK);
    CU_ASSERT(holds(&partner.token, "EAApartner"));
    CU_ASSERT(holds(&partner.app_secret, "0123abcd"));
    /* A unit's reload may renew them, from systemd 260 on. */
    write_file(token_path, "EAArenewed\n");
    write_file(app_path, "4567cdef\n");
    CU_ASSERT_EQUAL(read_it(NULL), MPS_OK);
    CU_ASSERT(holds(&partner.token, "EAArenewed"));
    CU_ASSERT(holds(&partner.app_secret, "4567cdef"));
    mpsc_partner_free(&partner);
    CU_ASSERT_EQUAL(
        mpsc_partner_read(&configuration, NULL, NULL, &partner, &error),
        MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "token_credential"));
}

static void
test_missing(void)
{
    unlink(token_path);
    CU_ASSERT_EQUAL(read_it(NULL), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "token_file"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, token_path));
    /* The token alone is no partner: nothing is left of it. */
    begin();
    configuration.app_secret_file = app_path;
    unlink(app_path);
    CU_ASSERT_EQUAL(read_it(NULL), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "app_secret_file"));
}

static void
test_prepared(void)
{
    struct mpsc_partner ready = MPSC_PARTNER_EMPTY;
    const struct mpsc_partner empty = MPSC_PARTNER_EMPTY;

    CU_ASSERT_EQUAL(mpsc_secret_set(&ready.token, "EAAready", 8), 0);
    CU_ASSERT_EQUAL(mpsc_secret_set(&ready.app_secret, "beef", 4), 0);
    configuration.app_secret_file = app_path;
    /* As long as the files can be read, they count. */
    CU_ASSERT_EQUAL(read_it(&ready), MPS_OK);
    CU_ASSERT(holds(&partner.token, "EAApartner"));
    CU_ASSERT(holds(&partner.app_secret, "0123abcd"));
    unlink(token_path);
    CU_ASSERT_EQUAL(read_it(&ready), MPS_OK);
    CU_ASSERT(holds(&partner.token, "EAAready"));
    CU_ASSERT(holds(&partner.app_secret, "0123abcd"));
    unlink(app_path);
    CU_ASSERT_EQUAL(read_it(&ready), MPS_OK);
    CU_ASSERT(holds(&partner.app_secret, "beef"));
    /* A copy: what was prepared serves again. */
    CU_ASSERT(holds(&ready.token, "EAAready"));
    CU_ASSERT_EQUAL(read_it(&empty), MPS_E_CONFIG);
    /* What isn't configured isn't taken, either. */
    configuration.app_secret_file = NULL;
    CU_ASSERT_EQUAL(read_it(&ready), MPS_OK);
    CU_ASSERT_EQUAL(partner.app_secret.len, 0);
    mpsc_partner_free(&ready);
}

/* A file that is there but unsafe or empty is an error: an administrator who
 * has just changed it must hear of it, not see the former token at work. */
static void
test_prepared_and_unsafe(void)
{
    struct mpsc_partner ready = MPSC_PARTNER_EMPTY;

    CU_ASSERT_EQUAL(mpsc_secret_set(&ready.token, "EAAready", 8), 0);
    CU_ASSERT_EQUAL(chmod(token_path, 0666), 0);
    CU_ASSERT_EQUAL(read_it(&ready), MPS_E_CONFIG);
    write_file(token_path, "");
    CU_ASSERT_EQUAL(read_it(&ready), MPS_E_CONFIG);
    mpsc_partner_free(&ready);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"files", test_files},
        {"systemd's credentials", test_credentials},
        {"missing", test_missing},
        {"prepared", test_prepared},
        {"prepared and unsafe", test_prepared_and_unsafe},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"partner", make_directory, remove_directory, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
