/* SPDX-License-Identifier: MIT */
/* counts: what outcomes make of them, what is kept of failures, and what a
 * file is worth that others may have written. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counts.h"
#include "run_suites.h"
#include "runtime_dir.h"

#define ENDPOINT "https://graph.facebook.com"
#define SOLUTION "1234"

#define PROCESSES 3
#define ROUNDS 20

static char directory[] = "/tmp/test_counts.XXXXXX";

static int
add(const char *business_id, int code, int app_usage, int64_t at_s)
{
    struct mpsc_outcome outcome = {
        .code = code, .app_usage = app_usage, .at_s = at_s};

    strcpy(outcome.business_id, business_id);
    return mpsc_counts_add(directory, ENDPOINT, SOLUTION, &outcome, 1);
}

static struct mpsc_counts
read_counts(void)
{
    struct mpsc_counts counts;

    mpsc_counts_read(directory, ENDPOINT, SOLUTION, &counts);
    return counts;
}

/* Replaces the file, whose name is known by its beginning. */
static void
write_file(const char *text)
{
    DIR *all = opendir(directory);
    struct dirent *entry;
    char path[512];
    FILE *file;

    while ((entry = readdir(all)) != NULL) {
        if (strncmp(entry->d_name, "counts-", 7) == 0) {
            snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
            file = fopen(path, "we");
            CU_ASSERT_PTR_NOT_NULL_FATAL(file);
            CU_ASSERT(fputs(text, file) >= 0);
            CU_ASSERT_EQUAL(fclose(file), 0);
        }
    }
    closedir(all);
}

static void
test_counts(void)
{
    struct mpsc_counts counts = read_counts();

    CU_ASSERT_EQUAL(counts.ended[MPS_OK], 0);
    CU_ASSERT_EQUAL(counts.app_usage_s, 0);
    add("1", MPS_OK, -1, 1000);
    add("2", MPS_E_SERVER, 40, 1001);
    add("3", MPS_E_NOT_FOUND, -1, 1002);
    add("2", MPS_E_TIMEOUT, -1, 1003);
    add("1", MPS_OK, -1, 1004);
    counts = read_counts();
    CU_ASSERT_EQUAL(counts.ended[MPS_OK], 2);
    CU_ASSERT_EQUAL(counts.ended[MPS_E_SERVER], 1);
    CU_ASSERT_EQUAL(counts.ended[MPS_E_NOT_FOUND], 1);
    CU_ASSERT_EQUAL(counts.ended[MPS_E_TIMEOUT], 1);
    CU_ASSERT_EQUAL(counts.success_s, 1004);
    CU_ASSERT_EQUAL(counts.app_usage, 40);
    CU_ASSERT_EQUAL(counts.app_usage_s, 1001);
    /* Each business once, the latest last. */
    CU_ASSERT_EQUAL_FATAL(counts.failure_count, 2);
    CU_ASSERT_STRING_EQUAL(counts.failures[0].business_id, "3");
    CU_ASSERT_STRING_EQUAL(counts.failures[1].business_id, "2");
    CU_ASSERT_EQUAL(counts.failures[1].code, MPS_E_TIMEOUT);
    CU_ASSERT_EQUAL(counts.failures[1].at_s, 1003);
    add("3", MPS_OK, -1, 1005);
    counts = read_counts();
    CU_ASSERT_EQUAL_FATAL(counts.failure_count, 1);
    CU_ASSERT_STRING_EQUAL(counts.failures[0].business_id, "2");
    /* Another endpoint's and solution's are others. */
    mpsc_counts_read(directory, ENDPOINT, "1235", &counts);
    CU_ASSERT_EQUAL(counts.ended[MPS_OK], 0);
}

/* Whatever an endpoint says of it, the rest of the counts is read again. */
static void
test_usage(void)
{
    struct mpsc_counts counts;
    int64_t before = read_counts().ended[MPS_OK];

    CU_ASSERT_EQUAL(add("1", MPS_OK, INT_MAX, 1006), 0);
    counts = read_counts();
    CU_ASSERT_EQUAL(counts.ended[MPS_OK], before + 1);
    CU_ASSERT_EQUAL(counts.app_usage, 100000);
    CU_ASSERT_EQUAL(counts.app_usage_s, 1006);
}

static void
test_oldest_goes(void)
{
    struct mpsc_counts counts = {.failure_count = 0};

    for (int i = 0; i < MPSC_COUNTS_FAILURES + 2; i++) {
        struct mpsc_outcome outcome = {
            .code = MPS_E_SERVER, .app_usage = -1, .at_s = i};

        snprintf(outcome.business_id, sizeof(outcome.business_id), "%d", i);
        mpsc_counts_apply(&counts, &outcome, 1);
    }
    CU_ASSERT_EQUAL(counts.failure_count, MPSC_COUNTS_FAILURES);
    CU_ASSERT_STRING_EQUAL(counts.failures[0].business_id, "2");
}

/* All that can be kept at its longest comes back. */
static void
test_full(void)
{
    struct mpsc_outcome outcomes[MPSC_COUNTS_FAILURES];
    struct mpsc_counts counts;

    for (int i = 0; i < MPSC_COUNTS_FAILURES; i++) {
        outcomes[i] = (struct mpsc_outcome){.code = MPS_E_INTERNAL,
                                            .app_usage = 100,
                                            .at_s = INT64_C(253402300799)};
        snprintf(outcomes[i].business_id, sizeof(outcomes[i].business_id),
                 "%020d", i);
    }
    CU_ASSERT_EQUAL(mpsc_counts_add(directory, ENDPOINT, "full", outcomes,
                                    MPSC_COUNTS_FAILURES),
                    0);
    mpsc_counts_read(directory, ENDPOINT, "full", &counts);
    CU_ASSERT_EQUAL(counts.failure_count, MPSC_COUNTS_FAILURES);
    CU_ASSERT_EQUAL(counts.ended[MPS_E_INTERNAL], MPSC_COUNTS_FAILURES);
}

/* How many of its ROUNDS a process was told are counted. */
static int
add_many(void)
{
    int added = 0;

    for (int round = 0; round < ROUNDS; round++) {
        added += add("9", MPS_E_NETWORK, -1, 2000) == 0;
    }
    return added;
}

/* None is lost but those that it is told of. */
static void
test_processes(void)
{
    int64_t before = read_counts().ended[MPS_E_NETWORK];
    int64_t added = 0;
    int status;

    fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            _exit(add_many());
        }
    }
    while (wait(&status) > 0) {
        CU_ASSERT(WIFEXITED(status));
        added += WEXITSTATUS(status);
    }
    CU_ASSERT(added > 0);
    CU_ASSERT_EQUAL(read_counts().ended[MPS_E_NETWORK] - before, added);
}

/* While another has the lock nothing is changed. */
static void
test_locked(void)
{
    int dir = mpsc_runtime_dir_open(directory);
    int64_t before = read_counts().ended[MPS_OK];
    int lock;

    CU_ASSERT_FATAL(dir >= 0);
    lock = mpsc_runtime_lock(dir, MPSC_RUNTIME_LOCK_MS);
    CU_ASSERT(lock >= 0);
    CU_ASSERT_EQUAL(add("1", MPS_OK, -1, 1), -1);
    CU_ASSERT_EQUAL(read_counts().ended[MPS_OK], before);
    mpsc_runtime_unlock(lock);
    CU_ASSERT_EQUAL(add("1", MPS_OK, -1, 1), 0);
    CU_ASSERT_EQUAL(read_counts().ended[MPS_OK], before + 1);
    close(dir);
}

static void
test_rubbish(void)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[1]",
        "{\"ended\":[1],\"failures\":[],\"success\":-1,\"app_usage\":0,"
        "\"app_usage_at\":0}",
        "{\"ended\":[-1],\"failures\":[],\"success\":1,\"app_usage\":0,"
        "\"app_usage_at\":0}",
        "{\"ended\":[1],\"failures\":[{\"business\":\"x\",\"code\":1,\"at\":"
        "1}],\"success\":1,\"app_usage\":0,\"app_usage_at\":0}",
        "{\"ended\":[1],\"failures\":[{\"business\":"
        "\"123456789012345678901\",\"code\":1,\"at\":1}],\"success\":1,"
        "\"app_usage\":0,\"app_usage_at\":0}",
        "{\"ended\":[1],\"failures\":[{\"business\":\"1\",\"code\":18,\"at\":"
        "1}],\"success\":1,\"app_usage\":0,\"app_usage_at\":0}",
        "{\"ended\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],\"failures\":[],"
        "\"success\":1,\"app_usage\":0,\"app_usage_at\":0}",
    };
    static const char good[] =
        "{\"ended\":[7],\"failures\":[],\"success\":1,\"app_usage\":0,"
        "\"app_usage_at\":0,\"later\":1}";

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct mpsc_counts counts;

        write_file(texts[i]);
        counts = read_counts();
        for (int code = 0; code < MPSC_COUNTS_CODES; code++) {
            CU_ASSERT_EQUAL(counts.ended[code], 0);
        }
        CU_ASSERT_EQUAL(counts.success_s, 0);
        CU_ASSERT_EQUAL(counts.app_usage, 0);
        CU_ASSERT_EQUAL(counts.app_usage_s, 0);
        CU_ASSERT_EQUAL(counts.failure_count, 0);
    }
    /* An earlier version's with fewer codes, a later one's with more. */
    write_file(good);
    CU_ASSERT_EQUAL(read_counts().ended[0], 7);
    add("1", MPS_E_INTERNAL, -1, 1);
    CU_ASSERT_EQUAL(read_counts().ended[0], 7);
    CU_ASSERT_EQUAL(read_counts().ended[MPS_E_INTERNAL], 1);
}

static void
test_nowhere(void)
{
    const struct mpsc_outcome outcome = {.business_id = "1"};
    struct mpsc_counts counts;

    CU_ASSERT_EQUAL(mpsc_counts_add(NULL, ENDPOINT, SOLUTION, &outcome, 1),
                    -1);
    CU_ASSERT_EQUAL(
        mpsc_counts_add("/nowhere/at/all", ENDPOINT, SOLUTION, &outcome, 1),
        -1);
    mpsc_counts_read(NULL, ENDPOINT, SOLUTION, &counts);
    CU_ASSERT_EQUAL(counts.ended[0], 0);
}

static CU_TestInfo tests[] = {
    {"counts", test_counts},
    {"usage beyond all bounds", test_usage},
    {"the oldest failure goes", test_oldest_goes},
    {"as much as there can be", test_full},
    {"several processes", test_processes},
    {"locked out", test_locked},
    {"rubbish", test_rubbish},
    {"no directory", test_nowhere},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {.pName = "counts", .pTests = tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    char command[128];
    int failed;

    if (mkdtemp(directory) == NULL) {
        return 1;
    }
    failed = run_suites(suites);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command) != 0 || failed;
}
