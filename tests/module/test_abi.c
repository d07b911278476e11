/* SPDX-License-Identifier: MIT */
/*
 * What an installed module exports, what all modules do alike, and what
 * <mps/loader.h> says of a file that is no module. Runs with each module.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

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
#ifdef MPS_CURL_USES_OPENSSL
    CU_ASSERT_EQUAL(strstr(output, "libssl") != NULL, has_curl);
#else
    /* One on GnuTLS may bring it in by other libraries. */
    CU_ASSERT(has_curl || strstr(output, "libssl") == NULL);
#endif
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

/* What no module takes, whatever is behind it. */
static void
test_arguments(void)
{
    struct mps_error error = {.size = 1};
    const struct mps_request rows[] = {
        {.size = 0, .business_id = "1"},
        {.size = sizeof(rows[0]) - 1, .business_id = "1"},
        {.size = sizeof(rows[0])},
        {.size = sizeof(rows[0]), .business_id = ""},
        {.size = sizeof(rows[0]), .business_id = "1x"},
        {.size = sizeof(rows[0]), .business_id = "123456789012345678901"},
        {.size = sizeof(rows[0]), .business_id = "1", .flags = 4},
        {.size = sizeof(rows[0]), .business_id = "1", .profile = ""},
        {.size = sizeof(rows[0]), .business_id = "1", .error = &error},
    };
    const struct mps_credential *credential = NULL;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(mps.get_credential_with(&rows[i], &credential),
                        MPS_E_INVALID);
        CU_ASSERT_PTR_NULL(credential);
        CU_ASSERT_EQUAL(mps.invalidate_credential_with(&rows[i], NULL),
                        MPS_E_INVALID);
    }
    CU_ASSERT_EQUAL(mps.get_credential(NULL, &credential), MPS_E_INVALID);
    CU_ASSERT_EQUAL(mps.get_credential("1", NULL), MPS_E_INVALID);
    CU_ASSERT_EQUAL(mps.get_credential_with(NULL, &credential), MPS_E_INVALID);
    CU_ASSERT_EQUAL(mps.invalidate_credential("1", ""), MPS_E_INVALID);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(&rows[0], NULL, 0, NULL, NULL),
                    MPS_E_INVALID);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, NULL, 1, NULL, NULL),
                    MPS_E_INVALID);
    CU_ASSERT_EQUAL(mps.prepare(&rows[0]), MPS_E_INVALID);
    CU_ASSERT_EQUAL(mps.error(NULL), MPS_E_INVALID);
    CU_ASSERT_EQUAL(mps.error(&error), MPS_E_INVALID);
    mps.release_credential(NULL);
    CU_ASSERT_STRING_EQUAL(mps.strerror(-1), "unknown code");
    CU_ASSERT_EQUAL(mps.classify(MPS_E_INVALID), MPS_CLASS_CALLER);
    CU_ASSERT_EQUAL(mps.classify(4711), MPS_CLASS_ALERT);
}

static void *
last_code(void *code)
{
    struct mps_error error = {.size = sizeof(error)};

    CU_ASSERT_EQUAL(mps.error(&error), MPS_OK);
    *(int *)code = error.code;
    return NULL;
}

/* A thread's own failure, which no success takes away. */
static void
test_last_error(void)
{
    const struct mps_credential *credential;
    pthread_t thread;
    int here = -1;
    int there = -1;

    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(mps.get_credential("x", &credential), MPS_E_INVALID);
    CU_ASSERT_EQUAL_FATAL(mps.get_credential("1", &credential), MPS_OK);
    mps.release_credential(credential);
    (void)last_code(&here);
    CU_ASSERT_EQUAL(here, MPS_E_INVALID);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, last_code, &there), 0);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(there, MPS_OK);
}

/* Each function, also where it fails. */
static void
test_errno(void)
{
    static const char *const ids[] = {"1", "x"};
    struct mps_error error = {.size = sizeof(error)};
    const struct mps_credential *credential;

    world_configure("keyring = off\n");
#define KEEPS(call)                                                           \
    do {                                                                      \
        errno = EXDEV;                                                        \
        call;                                                                 \
        CU_ASSERT_EQUAL(errno, EXDEV);                                        \
    } while (0)
    KEEPS(mps.prepare(NULL));
    KEEPS(mps.get_credential("1", &credential));
    KEEPS(mps.release_credential(credential));
    KEEPS(mps.get_credential("x", &credential));
    KEEPS(mps.prefetch_credentials(NULL, ids, 2, NULL, NULL));
    KEEPS(mps.invalidate_credential("1", "other"));
    KEEPS(mps.error(&error));
    KEEPS(mps.strerror(4711));
    KEEPS(mps.classify(4711));
    KEEPS(mps.event_fd());
    KEEPS(mps.log_to(NULL, NULL));
    KEEPS(mps.abi());
    KEEPS(mps.shutdown());
    world_reconfigure("deadline_ms = 0\n");
    KEEPS(mps.get_credential("1", &credential));
    CU_ASSERT_PTR_NULL(credential);
    KEEPS(mps.prepare(NULL));
#undef KEEPS
}

/* What a host holds outlives the module's memory, and a fork. */
static void
test_held(void)
{
    const struct mps_credential *held;
    char id[16];
    int status = -1;
    pid_t child;

    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL_FATAL(mps.get_credential("1", &held), MPS_OK);
    memcpy(id, held->token_id, sizeof(id));
    mps.shutdown();
    CU_ASSERT_STRING_EQUAL(held->token_id, id);
    CU_ASSERT(strlen(held->access_token) > 0);
    child = fork();
    if (child == 0) {
        const struct mps_credential *own = NULL;
        int ok = mps.get_credential("1", &own) == MPS_OK;

        mps.release_credential(held);
        mps.release_credential(own);
        _exit(!ok);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_STRING_EQUAL(held->token_id, id);
    mps.release_credential(held);
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
    {"wrong arguments", test_arguments},
    {"a thread's last error", test_last_error},
    {"errno", test_errno},
    {"a held credential", test_held},
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
