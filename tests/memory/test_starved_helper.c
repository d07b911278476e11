/* SPDX-License-Identifier: MIT */
/*
 * A keyring helper whose memory runs out: the real one, at a real
 * gnome-keyring. Its caller hears how it went, and the next helper works.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyring/desk.h"
#include "keyring/flight.h"
#include "run_suites.h"
#include "starve.h"

#define TURNS_MAX 5000
#define OWN (1U << STARVE_MODULE)
#define LIBRARIES ((1U << STARVE_GLIB) | (1U << STARVE_OTHER))

static char real_helper[512];

/* The helper starts with a clean environment, so a script comes first. */
static void
write_helper(unsigned owners, unsigned turn)
{
    FILE *file;

    unlink(desk_path("seen"));
    file = fopen(desk_path("helper"), "we");
    if (file == NULL) {
        abort();
    }
    fprintf(file,
            "#!/bin/sh\nSTARVE_OWNERS=%u STARVE_TURN=%u STARVE_SEEN=%s "
            "LD_PRELOAD=%s/tests/memory/.libs/starve.so exec '%s'\n",
            owners, turn, desk_path("seen"), getenv("MPS_TEST_BUILDDIR"),
            real_helper);
    fclose(file);
    chmod(desk_path("helper"), 0700);
}

/* What the helper has left; -1 where it didn't end by itself. */
static int
read_seen(unsigned *seen, unsigned *failed)
{
    FILE *file = fopen(desk_path("seen"), "re");
    int got = 0;

    if (file != NULL) {
        got = fscanf(file, "%u %u", seen, failed);
        fclose(file);
    }
    return got == 2 ? 0 : -1;
}

/* Stores a token with a helper that meets it, then looks with one that
 * doesn't. */
static void
run(unsigned owners, unsigned turn)
{
    struct flight flight;
    char id[16];

    snprintf(id, sizeof(id), "%u", 5000 + turn % 8);
    write_helper(owners, turn);
    setenv("MPS_TEST_KEYRING_HELPER", desk_path("helper"), 1);
    (void)flight_whole(&flight, id, "EAAB");
    setenv("MPS_TEST_KEYRING_HELPER", real_helper, 1);
    if (flight_whole(&flight, id, "EAAC") != MPSC_KEYRING_OK ||
        !flight_holds(id, "EAAC")) {
        printf("\n    turn %u: the next helper fails\n", turn);
        CU_FAIL("the next helper fails");
    }
}

/* What can't be tried in this build is said, and is no failure. */
static int
is_possible(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    printf("(not possible here: the sanitizer has to be loaded first) ");
    CU_PASS("not possible here");
    return 0;
#else
    return 1;
#endif
}

static void
test_own(void)
{
    unsigned starved = 0;
    unsigned turn;

    if (!is_possible()) {
        return;
    }
    for (turn = 0; turn < TURNS_MAX; turn++) {
        unsigned seen = 0;
        unsigned failed = 0;

        run(OWN, turn);
        if (read_seen(&seen, &failed) != 0) {
            printf("\n    turn %u: the helper has died\n", turn);
            CU_FAIL("the helper has died");
            break;
        } else if (turn > 0 && failed == 0) {
            break;
        }
        starved += failed;
    }
    printf("(%u allocations) ", starved);
    CU_ASSERT(starved >= 10);
    CU_ASSERT(turn < TURNS_MAX);
}

/* GLib ends the program that it finds no memory for. */
static void
test_libraries(void)
{
    unsigned died = 0;
    unsigned starved = 0;

    if (!is_possible()) {
        return;
    }
    for (unsigned turn = 1; turn < TURNS_MAX; turn += 211) {
        unsigned seen = 0;
        unsigned failed = 0;

        run(LIBRARIES, turn);
        if (read_seen(&seen, &failed) != 0) {
            died++;
        } else if (failed == 0) {
            break;
        }
        starved++;
    }
    printf("(%u runs, %u helpers died) ", starved, died);
    CU_ASSERT(starved > 0);
    CU_ASSERT(died > 0);
}

static CU_TestInfo tests[] = {
    {"each allocation of the helper fails once", test_own},
    {"some of GLib's", test_libraries},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"starved_helper", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    const char *helper = getenv("MPS_TEST_KEYRING_HELPER");
    int failed;

    if (helper == NULL) {
        return 99;
    }
    snprintf(real_helper, sizeof(real_helper), "%s", helper);
    desk_open();
    desk_start_keyring();
    failed = run_suites(suites);
    desk_close();
    return failed;
}
