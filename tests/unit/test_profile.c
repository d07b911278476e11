/* SPDX-License-Identifier: MIT */
/* A profile: loaded from configuration and environment, prepared, freed. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "profile.h"
#include "run_suites.h"

static char directory[] = "/tmp/mps-test-profile-XXXXXX";
static char configuration_path[64];
static char token_path[64];
static char ca_path[64];

static struct mpsc_profile *profile;
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

static void
configure(const char *more)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "solution_id = 1234567890123456\ntoken_file = %s\n"
             "ca_file = %s\n%s",
             token_path, ca_path, more);
    write_file(configuration_path, text);
}

static int
make_directory(void)
{
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(configuration_path, sizeof(configuration_path), "%s/conf",
             directory);
    snprintf(token_path, sizeof(token_path), "%s/token", directory);
    snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", directory);
    return 0;
}

static int
remove_directory(void)
{
    unlink(configuration_path);
    unlink(token_path);
    unlink(ca_path);
    return rmdir(directory);
}

static void
begin(void)
{
    unsetenv("MPS_CREDENTIAL_PROFILE");
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    unsetenv("XDG_RUNTIME_DIR");
    setenv("MPS_CREDENTIAL_CONF", configuration_path, 1);
    write_file(token_path, "EAApartner\n");
    write_file(ca_path, "-----BEGIN CERTIFICATE-----\n");
    configure("[billing]\nsolution_id = 99\nkeyring_bus = unix:path=/b\n"
              "runtime_dir = /r\n");
    mpsc_error_clear(&error);
}

static void
end(void)
{
    mpsc_profile_release_unlocked(&profile);
    CU_ASSERT_PTR_NULL(profile);
    unsetenv("MPS_CREDENTIAL_CONF");
}

static void
test_load(void)
{
    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=x", 1);
    CU_ASSERT_EQUAL_FATAL(mpsc_profile_load(NULL, NULL, &profile, &error),
                          MPS_OK);
    CU_ASSERT_PTR_NULL(profile->name);
    CU_ASSERT_STRING_EQUAL(profile->configuration->solution_id,
                           "1234567890123456");
    CU_ASSERT_PTR_EQUAL(profile->means.configuration, profile->configuration);
    CU_ASSERT_PTR_EQUAL(profile->means.http, &mpsc_http_curl);
    CU_ASSERT_PTR_EQUAL(profile->means.keyring, &mpsc_keyring_client);
    CU_ASSERT_PTR_EQUAL(profile->means.boot_id, profile->boot_id);
    CU_ASSERT_PTR_NOT_NULL(profile->means.helper);
    CU_ASSERT_PTR_NULL(atomic_load(&profile->prepared));
    CU_ASSERT_EQUAL(profile->references, 1);
    CU_ASSERT_EQUAL(profile->user, geteuid());
    CU_ASSERT_EQUAL(strlen(profile->stamp), MPSC_DIGEST_HEX_SIZE - 1);
}

/* What the administrator sets goes before what the environment says. */
static void
test_named(void)
{
    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=x", 1);
    CU_ASSERT_EQUAL_FATAL(mpsc_profile_load("billing", NULL, &profile, &error),
                          MPS_OK);
    CU_ASSERT_STRING_EQUAL(profile->name, "billing");
    CU_ASSERT_STRING_EQUAL(profile->configuration->solution_id, "99");
    CU_ASSERT_STRING_EQUAL(profile->place.bus, "unix:path=/b");
    CU_ASSERT_STRING_EQUAL(profile->place.runtime_dir, "/r");
}

static void
test_is(void)
{
    CU_ASSERT_EQUAL_FATAL(mpsc_profile_load(NULL, NULL, &profile, &error),
                          MPS_OK);
    CU_ASSERT(mpsc_profile_is(profile, NULL));
    CU_ASSERT_FALSE(mpsc_profile_is(profile, "billing"));
    mpsc_profile_release_unlocked(&profile);
    CU_ASSERT_EQUAL_FATAL(mpsc_profile_load("billing", NULL, &profile, &error),
                          MPS_OK);
    CU_ASSERT(mpsc_profile_is(profile, "billing"));
    CU_ASSERT_FALSE(mpsc_profile_is(profile, "bill"));
    CU_ASSERT_FALSE(mpsc_profile_is(profile, NULL));
    mpsc_profile_release_unlocked(&profile);
    /* The environment's name means the same profile as that name itself. */
    setenv("MPS_CREDENTIAL_PROFILE", "billing", 1);
    CU_ASSERT_EQUAL_FATAL(mpsc_profile_load(NULL, NULL, &profile, &error),
                          MPS_OK);
    CU_ASSERT_STRING_EQUAL(profile->name, "billing");
    CU_ASSERT(mpsc_profile_is(profile, NULL));
    CU_ASSERT(mpsc_profile_is(profile, "billing"));
}

static void
test_fails(void)
{
    CU_ASSERT_EQUAL(mpsc_profile_load("nobody", NULL, &profile, &error),
                    MPS_E_CONFIG);
    CU_ASSERT_PTR_NULL(profile);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "nobody"));
    configure("nonsense = 1\n");
    CU_ASSERT_EQUAL(mpsc_profile_load(NULL, NULL, &profile, &error),
                    MPS_E_CONFIG);
    CU_ASSERT_PTR_NULL(profile);
    unlink(configuration_path);
    CU_ASSERT_EQUAL(mpsc_profile_load(NULL, NULL, &profile, &error),
                    MPS_E_CONFIG);
    CU_ASSERT_PTR_NULL(profile);
}

static void
test_prepare(void)
{
    struct mpsc_fetch_prepared *prepared;

    CU_ASSERT_EQUAL_FATAL(mpsc_profile_load(NULL, NULL, &profile, &error),
                          MPS_OK);
    errno = E2BIG;
    CU_ASSERT_EQUAL(mpsc_profile_prepare(profile, &error), MPS_OK);
    CU_ASSERT_EQUAL(errno, E2BIG);
    prepared = atomic_load(&profile->prepared);
    CU_ASSERT_PTR_NOT_NULL_FATAL(prepared);
    CU_ASSERT_STRING_EQUAL(prepared->partner.token.data, "EAApartner");
    CU_ASSERT_STRING_EQUAL(prepared->ca.data, "-----BEGIN CERTIFICATE-----\n");
    /* The first time counts; once more does no harm. */
    write_file(token_path, "EAAother\n");
    CU_ASSERT_EQUAL(mpsc_profile_prepare(profile, &error), MPS_OK);
    CU_ASSERT_PTR_EQUAL(atomic_load(&profile->prepared), prepared);
    CU_ASSERT_STRING_EQUAL(prepared->partner.token.data, "EAApartner");
}

static void
test_prepare_fails(void)
{
    CU_ASSERT_EQUAL_FATAL(mpsc_profile_load(NULL, NULL, &profile, &error),
                          MPS_OK);
    unlink(token_path);
    CU_ASSERT_EQUAL(mpsc_profile_prepare(profile, &error), MPS_E_CONFIG);
    CU_ASSERT_PTR_NULL(atomic_load(&profile->prepared));
    write_file(token_path, "EAApartner\n");
    unlink(ca_path);
    errno = E2BIG;
    CU_ASSERT_EQUAL(mpsc_profile_prepare(profile, &error), MPS_E_CONFIG);
    CU_ASSERT_EQUAL(errno, E2BIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, ca_path));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "ca_file"));
    CU_ASSERT_PTR_NULL(atomic_load(&profile->prepared));
    /* A directory in its place. */
    CU_ASSERT_EQUAL(mkdir(ca_path, 0700), 0);
    CU_ASSERT_EQUAL(mpsc_profile_prepare(profile, &error), MPS_E_CONFIG);
    rmdir(ca_path);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"load", test_load},       {"named profile", test_named},
        {"is", test_is},           {"fails", test_fails},
        {"prepare", test_prepare}, {"prepare fails", test_prepare_fails},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"profile", make_directory, remove_directory, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
