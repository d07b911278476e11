/* SPDX-License-Identifier: MIT */
/*
 * 2 CONFIG: each flaw is told by file, key and line, with what mends it; and
 * profiles.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

static void
check_config(const char *what, const char *const words[3])
{
    struct world_got got;

    CU_ASSERT_EQUAL(world_get("1", &got), MPS_E_CONFIG);
    CU_ASSERT_EQUAL(got.error.http_status, 0);
    for (int i = 0; i < 3 && words[i] != NULL; i++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, words[i]));
        if (strstr(got.error.message, words[i]) == NULL) {
            printf("\n    %s: no \"%s\" in: %s\n", what, words[i],
                   got.error.message);
        }
    }
}

static void
test_no_file(void)
{
    char path[256];
    const char *const words[3] = {path, NULL};

    snprintf(path, sizeof(path), "%s", world_path("none.conf"));
    world_configure("keyring = off\n");
    setenv("MPS_CREDENTIAL_CONF", path, 1);
    check_config("no file", words);
    setenv("MPS_CREDENTIAL_CONF", world_path("conf"), 1);
}

static void
test_unreadable(void)
{
    char path[256];
    const char *const words[3] = {path, NULL};

    snprintf(path, sizeof(path), "%s", world_path("conf"));
    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    check_config("a directory", words);
    CU_ASSERT_EQUAL(rmdir(path), 0);
}

/* Line 3 of each has the flaw; the first word is the key. */
static void
test_flaws(void)
{
    static const struct {
        const char *line;
        const char *words[3];
    } flaws[] = {
        {"solution = 7", {":3:", "\"solution\"", NULL}},
        {"dead_line_ms = 7000", {":3:", "deadline_ms?", NULL}},
        {"deadline_ms = soon", {":3:", "deadline_ms", "soon"}},
        {"deadline_ms = 99", {":3:", "deadline_ms", "100"}},
        {"deadline_ms =", {":3:", "deadline_ms", "empty"}},
        {"attempts = 0", {":3:", "attempts", NULL}},
        {"attempts = -1", {":3:", "attempts", NULL}},
        {"attempts = 3x", {":3:", "attempts", NULL}},
        {"keyring = maybe", {":3:", "keyring", "preferred"}},
        {"threads = 1", {":3:", "threads", "yes or no"}},
        {"base_url = http://127.0.0.1", {":3:", "base_url", "https"}},
        {"base_url = https://u:p@host", {":3:", "base_url", NULL}},
        {"api_version = 25", {":3:", "api_version", "v25.0"}},
        {"runtime_dir = here", {":3:", "runtime_dir", "absolute"}},
        {"distrust_before = yesterday", {":3:", "distrust_before", "UTC"}},
        {"token_credential = x", {":3:", "token_file", "token_credential"}},
        {"[unclosed", {":3:", "]", NULL}},
        {"no equals sign", {":3:", NULL}},
    };
    char text[512];

    for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
        snprintf(text, sizeof(text),
                 "solution_id = 1\ntoken_file = /nonexistent\n%s\n",
                 flaws[i].line);
        world_configure("keyring = off\n");
        world_write("conf", 0644, text);
        check_config(flaws[i].line, flaws[i].words);
    }
}

static void
test_incomplete(void)
{
    const char *const no_solution[3] = {"solution_id", NULL};
    const char *const no_token[3] = {"token_file", NULL};

    world_configure("keyring = off\n");
    world_write("conf", 0644, "token_file = /nonexistent\n");
    check_config("solution_id", no_solution);
    world_write("conf", 0644, "solution_id = 1\n");
    check_config("token_file", no_token);
}

/* --- the token's file -----------------------------------------------------
 */

static void
check_token_file(const char *path, int mode, const char *text,
                 const char *word)
{
    const char *const words[3] = {"token_file", path, word};

    world_write(path, mode, text);
    check_config(word, words);
}

static void
test_token_file(void)
{
    char path[256];
    const char *mend = geteuid() == 0 ? "chmod 0640" : "chmod 0600";
    const char *const missing[3] = {"token_file", path, "No such file"};

    snprintf(path, sizeof(path), "%s", world_path("partner"));
    world_configure("keyring = off\ntoken_file = %s\n", path);
    world_reset();
    check_config("missing", missing);
    check_token_file(path, 0644, "EAAtoken\n", mend);
    check_token_file(path, 0604, "EAAtoken\n", mend);
    check_token_file(path, 0660, "EAAtoken\n", mend);
    check_token_file(path, 0600, "", "empty");
    check_token_file(path, 0600, "EAA\nEAB\n", "one line");
    check_token_file(path, 0600, "EAA token\n", "space");
    if (geteuid() == 0) {
        const char *const foreign[3] = {"chown", path, NULL};

        world_write(path, 0600, "EAAtoken\n");
        CU_ASSERT_EQUAL(chown(path, 65534, 65534), 0);
        check_config("foreign", foreign);
    }
    CU_ASSERT_EQUAL(world_requests(""), 0);
}

/* It is read again at every fetch. */
static void
test_token_rotates(void)
{
    char output[WORLD_OUTPUT];
    struct world_got got;
    char path[256];

    snprintf(path, sizeof(path), "%s", world_path("rotating"));
    world_configure("keyring = off\ntoken_file = %s\n", path);
    world_write(path, 0600, "EAAold\n");
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_AUTH);
    CU_ASSERT_EQUAL(world_shell(output, "cp %s %s.new && mv %s.new %s",
                                world_path("emu/partner_token"), path, path,
                                path),
                    0);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
}

static void
test_token_credential(void)
{
    struct world_got got;

    unsetenv("CREDENTIALS_DIRECTORY");
    world_configure("keyring = off\n");
    world_write("conf", 0644,
                "solution_id = 1\ntoken_credential = t\n"
                "keyring = off\nlog = off\n");
    CU_ASSERT_EQUAL(world_get("1", &got), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "LoadCredential"));
    mps.shutdown();
    setenv("CREDENTIALS_DIRECTORY", world_path("emu"), 1);
    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(world_shell(NULL,
                                "sed -i 's/^token_file.*/token_credential = "
                                "partner_token/' %s",
                                world_path("conf")),
                    0);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    unsetenv("CREDENTIALS_DIRECTORY");
}

/* From systemd 260 on a unit's reload may put another directory in the place
 * of its credentials'. A program that runs reads from that. */
static void
test_credential_renewed(void)
{
    struct world_got got;
    char directory[256];

    snprintf(directory, sizeof(directory), "%s", world_path("credentials"));
    CU_ASSERT_EQUAL(world_shell(NULL, "mkdir %s %s.new", directory, directory),
                    0);
    CU_ASSERT_EQUAL(world_shell(NULL, "cp %s %s.new/partner_token",
                                world_path("emu/partner_token"), directory),
                    0);
    world_write("credentials/partner_token", 0400, "EAAold\n");
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(world_shell(NULL,
                                "sed -i 's/^token_file.*/token_credential = "
                                "partner_token/' %s",
                                world_path("conf")),
                    0);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_AUTH);
    CU_ASSERT_EQUAL(world_shell(NULL, "mv %s %s.old && mv %s.new %s",
                                directory, directory, directory, directory),
                    0);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    unsetenv("CREDENTIALS_DIRECTORY");
}

/* GnuTLS trusts nobody then, and sees nothing wrong with the file. */
#ifdef MPS_CURL_USES_OPENSSL
#define NO_CERTIFICATE MPS_E_CONFIG
#else
#define NO_CERTIFICATE MPS_E_TLS
#endif

static void
test_ca_file(void)
{
    struct world_got got;

    world_configure("keyring = off\nca_file = /nonexistent/ca.pem\n");
    world_reset();
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "/nonexistent/ca.pem"));
    world_write("broken.pem", 0644, "no certificate\n");
    world_configure("keyring = off\nca_file = %s\n", world_path("broken.pem"));
    CU_ASSERT_EQUAL(world_get(world_business(), &got), NO_CERTIFICATE);
    CU_ASSERT_EQUAL(world_requests(""), 0);
}

static void
test_no_wait_without_threads(void)
{
    struct world_got got;
    const struct mps_request request = {
        .size = sizeof(request), .business_id = "1", .flags = MPS_NO_WAIT};

    world_configure("keyring = off\nthreads = no\n");
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "threads"));
}

/* The environment's proxy is not taken; the configured one is. */
static void
test_proxy(void)
{
    struct world_got got;

    setenv("https_proxy", "http://127.0.0.1:9", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
    world_configure("keyring = off\nattempts = 1\n");
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
    setenv("no_proxy", "*", 1);
    world_configure("keyring = off\nattempts = 1\n"
                    "proxy = http://127.0.0.1:9\n");
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_NETWORK);
    unsetenv("no_proxy");
}

/* --- appsecret_proof ------------------------------------------------------
 */

static void
test_appsecret_proof(void)
{
    struct world_got got;

    world_write("app_secret", 0600, "0123456789abcdef0123456789abcdef\n");
    world_write("other_secret", 0600, "fedcba9876543210fedcba9876543210\n");
    world_emulate("", "app_secret=0123456789abcdef0123456789abcdef");
    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_BAD_REQUEST);
    world_configure("keyring = off\napp_secret_file = %s\n",
                    world_path("app_secret"));
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    CU_ASSERT(world_stat("/appsecret_proof") >= 1);
    CU_ASSERT(world_stat("/appsecret_time") >= 1);
    world_configure("keyring = off\napp_secret_file = %s\n",
                    world_path("other_secret"));
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_BAD_REQUEST);
    CU_ASSERT_STRING_EQUAL(got.error.type, "GraphMethodException");
    world_reset();
}

/* --- profiles -------------------------------------------------------------
 */

static const char profiles[] = "keyring = off\n"
                               "[other]\nsolution_id = 999\n"
                               "[same]\ndeadline_ms = 9000\n";

static void
test_profiles(void)
{
    const char *id = world_business();
    struct world_got got;
    struct mps_request request = {.size = sizeof(request), .business_id = id};
    long before;

    world_configure("%s", profiles);
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_OK);
    request.profile = "other"; /* a solution that the emulator doesn't know */
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_E_NOT_FOUND);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "999"));
    request.profile = "same"; /* a memory of its own */
    before = world_requests(id);
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), before + 1);
    CU_ASSERT_EQUAL(mps.invalidate_credential_with(&request, NULL), MPS_OK);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), before + 1);
    request.profile = "unknown";
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "\"unknown\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "other"));
}

static void
test_profile_of_environment(void)
{
    struct world_got got;
    char output[WORLD_OUTPUT];

    world_configure("%s", profiles);
    CU_ASSERT_EQUAL(world_host(output, "MPS_CREDENTIAL_PROFILE=other",
                               "get %s", world_business()),
                    MPS_E_NOT_FOUND);
    CU_ASSERT_EQUAL(world_host(output, "MPS_CREDENTIAL_PROFILE=same", "get %s",
                               world_business()),
                    MPS_OK);
    CU_ASSERT_EQUAL(world_host(output, "MPS_CREDENTIAL_PROFILE=unknown",
                               "get %s", world_business()),
                    MPS_E_CONFIG);
    /* the request's own goes before it */
    setenv("MPS_CREDENTIAL_PROFILE", "unknown", 1);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_CONFIG);
    {
        const struct mps_request request = {.size = sizeof(request),
                                            .business_id = world_business(),
                                            .profile = "same"};

        CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_OK);
    }
    unsetenv("MPS_CREDENTIAL_PROFILE");
}

static CU_TestInfo tests[] = {
    {"no file", test_no_file},
    {"unreadable file", test_unreadable},
    {"flaws by file, line and key", test_flaws},
    {"incomplete", test_incomplete},
    {"token_file: owner, mode, contents", test_token_file},
    {"token_file is read at every fetch", test_token_rotates},
    {"token_credential", test_token_credential},
    {"token_credential is read at every fetch", test_credential_renewed},
    {"ca_file", test_ca_file},
    {"threads = no and MPS_NO_WAIT", test_no_wait_without_threads},
    {"proxy", test_proxy},
    {"appsecret_proof", test_appsecret_proof},
    {"profiles", test_profiles},
    {"MPS_CREDENTIAL_PROFILE", test_profile_of_environment},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"config", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
