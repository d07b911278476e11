/* SPDX-License-Identifier: MIT */
/*
 * What the installed module exports, and what <mps/loader.h> says of a file
 * that is no module.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>

#include "world.h"

#define NODE "@@MPS_CREDENTIAL_1"

/* The header's functions; it declares each as `NAME_fn NAME;`. */
static const char *const functions[] = {
    "credential_abi",        "credential_class",
    "credential_error",      "credential_event_fd",
    "credential_log_to",     "credential_prepare",
    "credential_shutdown",   "credential_strerror",
    "get_credential",        "get_credential_with",
    "invalidate_credential", "invalidate_credential_with",
    "prefetch_credentials",  "release_credential",
};

#define FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

static void
test_exports(void)
{
    char output[WORLD_OUTPUT];
    char expected[WORLD_OUTPUT] = "";
    size_t used = 0;

    for (size_t i = 0; i < FUNCTIONS; i++) {
        used += (size_t)snprintf(expected + used, sizeof(expected) - used,
                                 "T %s" NODE "\n", functions[i]);
    }
    CU_ASSERT_EQUAL(world_shell(output,
                                "nm -D --defined-only '%s' | cut -d' ' -f2- | "
                                "grep -v ' MPS_CREDENTIAL_1$' | LC_ALL=C sort",
                                world_module()),
                    0);
    CU_ASSERT_STRING_EQUAL(output, expected);
}

/* MPS_TEST_INCLUDEDIR: where the header was installed. */
static void
test_header(void)
{
    const char *dir = getenv("MPS_TEST_INCLUDEDIR");
    char output[WORLD_OUTPUT];
    char expected[WORLD_OUTPUT] = "";
    size_t used = 0;

    if (dir == NULL) {
        CU_FAIL("MPS_TEST_INCLUDEDIR is not set");
        return;
    }
    for (size_t i = 0; i < FUNCTIONS; i++) {
        used += (size_t)snprintf(expected + used, sizeof(expected) - used,
                                 "%s\n", functions[i]);
    }
    CU_ASSERT_EQUAL(
        world_shell(output,
                    "sed -n 's/^\\([a-z_]*\\)_fn \\([a-z_]*\\);$/\\2/p' "
                    "'%s/mps/credential.h' | LC_ALL=C sort",
                    dir),
        0);
    CU_ASSERT_STRING_EQUAL(output, expected);
    /* as a C++ program sees it, where there is a compiler */
    CU_ASSERT_EQUAL(
        world_shell(NULL,
                    "command -v c++ >/dev/null || exit 0; "
                    "echo '#include <mps/loader.h>' | "
                    "c++ -fsyntax-only -Wall -Werror -I'%s' -x c++ -",
                    dir),
        0);
}

static void
test_number(void)
{
    CU_ASSERT_EQUAL(mps.abi(), MPS_CREDENTIAL_ABI);
    CU_ASSERT_EQUAL(mps.abi(), 1);
}

/* Layouts that programs were built with. */
static void
test_layout(void)
{
    const struct mps_credential *credential = NULL;

    CU_ASSERT_EQUAL(offsetof(struct mps_credential, size), 0);
    CU_ASSERT_EQUAL(offsetof(struct mps_request, size), 0);
    CU_ASSERT_EQUAL(offsetof(struct mps_error, size), 0);
    CU_ASSERT_EQUAL(sizeof(((struct mps_credential *)0)->expires_at), 8);
    CU_ASSERT_EQUAL(sizeof(((struct mps_credential *)0)->endpoint_expires_at),
                    8);
    CU_ASSERT_EQUAL(sizeof(((struct mps_error *)0)->retry_at), 8);
    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL_FATAL(mps.get_credential("1", &credential), MPS_OK);
    CU_ASSERT_EQUAL(credential->size, sizeof(struct mps_credential));
    mps.release_credential(credential);
}

/* A caller's error struct of a later version is filled as far as known. */
static void
test_error_sizes(void)
{
    struct {
        struct mps_error error;
        char later[64];
    } large;
    const struct mps_credential *credential;

    CU_ASSERT_EQUAL(mps.get_credential("x", &credential), MPS_E_INVALID);
    memset(&large, 0x55, sizeof(large));
    large.error.size = sizeof(large);
    CU_ASSERT_EQUAL(mps.error(&large.error), MPS_OK);
    CU_ASSERT_EQUAL(large.error.size, sizeof(large));
    CU_ASSERT_EQUAL(large.error.code, MPS_E_INVALID);
    CU_ASSERT_EQUAL(large.later[0], 0);
    CU_ASSERT_EQUAL(large.later[63], 0);
    memset(&large, 0x55, sizeof(large));
    large.error.size = sizeof(large.error);
    CU_ASSERT_EQUAL(mps.error(&large.error), MPS_OK);
    CU_ASSERT_EQUAL(large.later[0], 0x55);
}

/* The host gets nothing of what only the helper needs. */
static void
test_libraries(void)
{
    static const char *const foreign[] = {"libsecret", "libglib", "libgio",
                                          "libdbus"};
    int has_curl;
    char output[WORLD_OUTPUT];

    CU_ASSERT_EQUAL(world_shell(output, "ldd '%s'", world_module()), 0);
    has_curl = strstr(output, "libcurl") != NULL;
    CU_ASSERT_EQUAL(has_curl, !world_is_static());
    CU_ASSERT_EQUAL(strstr(output, "libssl") != NULL, has_curl);
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        CU_ASSERT_PTR_NULL(strstr(output, foreign[i]));
    }
    CU_ASSERT_EQUAL(world_shell(output, "readelf -dW '%s'", world_module()),
                    0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "NODELETE"));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "NOW"));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "SYMBOLIC"));
    CU_ASSERT_PTR_NULL(strstr(output, "STATIC_TLS"));
    CU_ASSERT_PTR_NULL(strstr(output, "RUNPATH"));
    CU_ASSERT_PTR_NULL(strstr(output, "RPATH"));
    CU_ASSERT_PTR_NULL(strstr(output, "TEXTREL"));
}

static void
check_load(const char *path, const char *word)
{
    struct mps_api other;

    CU_ASSERT_EQUAL(mps_load(&other, path), -1);
    CU_ASSERT_PTR_NULL(other.handle);
    CU_ASSERT_PTR_NOT_NULL(strstr(other.load_error, word));
    if (strstr(other.load_error, word) == NULL) {
        printf("\n    no \"%s\" in: %s\n", word, other.load_error);
    }
}

static void
test_loader(void)
{
    char path[256];
    struct mps_api other;

    snprintf(path, sizeof(path), "%s", world_path("no.so"));
    check_load(path, path);
    check_load(path, "can't load the credential module");
    world_write("no.so", 0755, "this is no library\n");
    check_load(path, path);
    check_load("libm.so.6", "has no function get_credential");
    /* the same module again is the same module */
    CU_ASSERT_EQUAL(mps_load(&other, world_module()), 0);
    CU_ASSERT_EQUAL(other.get_credential == mps.get_credential, 1);
    CU_ASSERT_EQUAL(dlclose(other.handle), 0);
}

static CU_TestInfo tests[] = {
    {"exports: header, version node, nothing else", test_exports},
    {"the installed header", test_header},
    {"credential_abi", test_number},
    {"layouts", test_layout},
    {"sizes of mps_error", test_error_sizes},
    {"libraries and flags", test_libraries},
    {"loader's errors", test_loader},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"abi", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
