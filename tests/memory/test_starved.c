/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out: in each public function each allocation of the module
 * fails once. A code comes back, nothing is left behind, and the next call
 * works.
 *
 * What is looked at in each run is in starve_host.c. That blocks are freed is
 * counted there; with a leak checker in the build, it looks as well.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <unistd.h>

#include "world.h"

#define PATIENT "keyring_deadline_ms = 8000\ndeadline_ms = 30000\n"
#define NO_KEYRING "keyring = off\ndeadline_ms = 30000\n"
#define NO_THREADS NO_KEYRING "threads = no\n"
#define PATIENCE_MS 30000

/* Businesses of their own for each series; world_business() ends before. */
#define SERIES 10000

/* What one series of runs has to show. */
struct series {
    const char *scene;
    const char *owners; /* see starve_host.c */
    const char *mode;   /* once, all */
    unsigned stride;
    unsigned deadline_ms;
    int least;         /* so many runs met a failed allocation */
    const char *codes; /* those that may come, each between commas */
};

static long
next_business(void)
{
    static long series = 100;

    return SERIES * series++;
}

/* Runs the host; true where no run went wrong. */
static int
run_host(char *output, const struct series *series, long business)
{
    unsigned stride = series->stride;
    int status;

#ifdef __SANITIZE_ADDRESS__
    /* A leak checker takes its time at the end of each run. */
    stride = stride * 5 + 2;
#endif
    status = world_shell(output, "%s %s %s %s %u %u %ld </dev/null 2>&1",
                         world_program_path("starve_host"), series->scene,
                         series->owners, series->mode, stride,
                         series->deadline_ms, business);
    CU_ASSERT_EQUAL(status, 0);
    return status == 0;
}

/* The codes that came are among those that may. */
static int
codes_are(const char *output, const char *allowed)
{
    const char *codes = world_value(output, "codes");
    char wanted[16];
    int ok = 1;

    while (*codes != '\0') {
        snprintf(wanted, sizeof(wanted), ",%d,", atoi(codes));
        ok = ok && strstr(allowed, wanted) != NULL;
        codes += strcspn(codes, ",");
        codes += *codes == ',';
    }
    return ok;
}

static void
check_series(const struct series *series, long business)
{
    char output[WORLD_OUTPUT];
    int ok;
    int least = series->least;

#ifdef __SANITIZE_THREAD__
    /* Its own thread, memory and frames are in the way of every count. */
    world_untried("ThreadSanitizer");
    return;
#endif
    ok = run_host(output, series, business);
#ifdef __SANITIZE_ADDRESS__
    least /= 10; /* it has a strdup() of its own, and see above */
#endif
    ok = ok && world_number(output, "bad") == 0 &&
         world_number(output, "starved") >= least &&
         codes_are(output, series->codes);
    CU_ASSERT(ok);
    printf("%s%s%s ", ok ? "\n    " : "\n    WRONG: ", series->scene,
           strstr(series->owners, "m") == NULL ? " (libraries)" : "");
    if (ok) {
        printf("%lld of %lld, codes %s", world_number(output, "starved"),
               world_number(output, "seen"), world_value(output, "codes"));
    } else {
        printf("%s", output);
    }
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void
check_all(const struct series *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_series(&list[i], next_business());
    }
    printf("\n    ");
}

/* --- one allocation at a time ---------------------------------------------
 */

static const struct series once[] = {
    {"get", "m", "once", 1, PATIENCE_MS, 60, ",0,15,"},
    {"hot", "m", "once", 1, PATIENCE_MS, 8, ",0,"},
    {"no-wait", "m", "once", 1, PATIENCE_MS, 60, ",0,15,"},
    {"force", "m", "once", 1, PATIENCE_MS, 12, ",0,15,"},
    {"invalidate", "m", "once", 1, PATIENCE_MS, 8, ",0,15,"},
    {"prefetch", "m", "once", 1, PATIENCE_MS, 80, ",0,15,"},
    {"prepare", "m", "once", 1, PATIENCE_MS, 40, ",0,15,"},
    {"event-fd", "m", "once", 1, PATIENCE_MS, 1, ",0,"},
    {"error", "m", "once", 1, PATIENCE_MS, 2, ",0,"},
    {"shutdown", "m", "once", 1, PATIENCE_MS, 0, ",0,"},
    {"shutdown-busy", "m", "once", 1, PATIENCE_MS, 1, ",0,"},
    {"release", "m", "once", 1, PATIENCE_MS, 0, ",0,"},
};

static void
test_once(void)
{
    world_configure(NO_KEYRING);
    check_all(once, COUNT(once));
}

static void
test_log_to(void)
{
    static const struct series series = {"log-to",    "m", "once", 1,
                                         PATIENCE_MS, 1,   ",0,"};

    world_configure(NO_KEYRING "log = syslog\nlog_level = debug\n");
    check_all(&series, 1);
}

/* The token in hand is handed out whatever becomes of the refresh. */
static void
test_refresh(void)
{
    static const struct series series = {"refresh",   "m", "once", 1,
                                         PATIENCE_MS, 15,  ",0,"};

    world_configure(NO_KEYRING);
    check_all(&series, 1);
}

/* A changed configuration that there was no memory for is taken up by the
 * next look, and calls go on with the former. */
static void
test_reload(void)
{
    static const struct series series = {"reload",    "m", "once", 1,
                                         PATIENCE_MS, 30,  ",0,"};

    world_configure(NO_KEYRING);
    check_all(&series, 1);
}

static void
test_no_threads(void)
{
    static const struct series list[] = {
        {"get", "m", "once", 1, PATIENCE_MS, 60, ",0,15,"},
        {"prefetch", "m", "once", 2, PATIENCE_MS, 40, ",0,15,"},
    };

    world_configure(NO_THREADS);
    check_all(list, COUNT(list));
}

/* An answer that is an error: that is read, remembered and shared. */
static void
test_refused(void)
{
    static const struct series series = {"refused",   "m", "once",  1,
                                         PATIENCE_MS, 60,  ",7,15,"};
    long business = next_business();
    char id[24];

    snprintf(id, sizeof(id), "%ld", business + 1);
    world_configure(NO_KEYRING);
    world_emulate(id, "status=422");
    setenv("MPS_TEST_SAME_BUSINESS", "1", 1);
    check_series(&series, business);
    unsetenv("MPS_TEST_SAME_BUSINESS");
    printf("\n    ");
}

/* --- with the keyring -----------------------------------------------------
 */

/* What is without memory for the keyring goes on without the keyring. */
static void
test_keyring(void)
{
    static const struct series list[] = {
        {"get", "m", "once", 1, PATIENCE_MS, 70, ",0,15,"},
        {"invalidate", "m", "once", 2, PATIENCE_MS, 10, ",0,15,"},
        {"prefetch", "m", "once", 23, PATIENCE_MS, 5, ",0,15,"},
    };

    world_configure(PATIENT);
    check_all(list, COUNT(list));
}

static void
test_from_keyring(void)
{
    static const struct series series = {"get",       "m", "once",  1,
                                         PATIENCE_MS, 60,  ",0,15,"};
    struct world_got got;
    long business = next_business();
    char id[24];

    snprintf(id, sizeof(id), "%ld", business);
    world_configure(PATIENT "keyring = required\n");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    world_configure(PATIENT);
    setenv("MPS_TEST_SAME_BUSINESS", "1", 1);
    check_series(&series, business);
    unsetenv("MPS_TEST_SAME_BUSINESS");
    printf("\n    ");
}

static void
test_keyring_required(void)
{
    static const struct series series = {"get",       "m", "once",     2,
                                         PATIENCE_MS, 30,  ",0,14,15,"};

    world_configure(PATIENT "keyring = required\n");
    check_all(&series, 1);
}

/* --- all that follow fail, too --------------------------------------------
 */

/* No call passes its deadline, and all is well when there is memory again. */
static void
test_all(void)
{
    static const struct series list[] = {
        {"get", "m", "all", 5, 1000, 15, ",0,12,15,"},
        {"no-wait", "m", "all", 9, 1000, 5, ",0,12,15,"},
        {"hot", "m", "all", 1, 1000, 8, ",0,"},
        {"force", "m", "all", 3, 1000, 5, ",0,12,15,"},
    };

    world_configure("keyring = off\ndeadline_ms = 1000\n");
    check_all(list, COUNT(list));
}

/* --- libcurl on the module's behalf ---------------------------------------
 */

/*
 * Not the others: json-c 0.16 writes to the memory that it didn't get; what
 * fails of OpenSSL's initialisation it never tries again, and a CA whose key
 * it had no memory to decode stays unusable.
 */
static void
test_libraries(void)
{
    static const struct series list[] = {
        {"get-again", "c", "once", 1, PATIENCE_MS, 50, ",0,3,10,15,"},
    };

    world_configure(NO_KEYRING);
    check_all(list, COUNT(list));
}

static CU_TestInfo tests[] = {
    {"each allocation fails once", test_once},
    {"... in credential_log_to", test_log_to},
    {"... in a refresh: the token in hand is served", test_refresh},
    {"... in a reload: it is made up for", test_reload},
    {"... with threads = no", test_no_threads},
    {"... with an answer that is an error", test_refused},
    {"... with a keyring", test_keyring},
    {"... with a token in the keyring", test_from_keyring},
    {"... with keyring = required", test_keyring_required},
    {"all fail from one on: the deadline holds", test_all},
    {"each of libcurl", test_libraries},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"starved", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    setenv("MPS_TEST_RUNTIME_DIR", world_path("mps"), 1);
    return world_run(suites);
}
