/* SPDX-License-Identifier: MIT */
/* The purge epoch and the generation of pages: counted up by many at once,
 * and what is made of files that make no sense. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "epoch.h"
#include "run_suites.h"
#include "runtime_dir.h"

#define ENDPOINT "https://graph.facebook.com"
#define SOLUTION "1234"

#define PROCESSES 4
#define ROUNDS 50

static char directory[] = "/tmp/mpsc-epoch-XXXXXX";
static int dir = -1;

static int
begin_suite(void)
{
    if (mkdtemp(directory) == NULL) {
        return 1;
    }
    dir = mpsc_runtime_dir_open(directory);
    return dir < 0;
}

static int
end_suite(void)
{
    char command[100];

    close(dir);
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command) != 0;
}

static int64_t
boot_ms(void)
{
    struct mpsc_time now;

    mpsc_clock_system(&now);
    return now.boot_ms;
}

static void
put(const char *name, const char *text)
{
    CU_ASSERT_EQUAL(mpsc_runtime_replace(dir, name, text, strlen(text)), 0);
}

static struct mpsc_epoch
read_epoch(void)
{
    struct mpsc_epoch epoch = {9, 9, 9};

    errno = EXDEV;
    CU_ASSERT_EQUAL(mpsc_epoch_read(directory, &epoch), 0);
    CU_ASSERT_EQUAL(errno, EXDEV);
    return epoch;
}

static struct mpsc_epoch
raise_epoch(int all)
{
    struct mpsc_epoch epoch = {9, 9, 9};
    struct mpsc_epoch found;

    errno = EXDEV;
    CU_ASSERT_EQUAL(mpsc_epoch_raise(directory, all, &epoch), 0);
    CU_ASSERT_EQUAL(errno, EXDEV);
    found = read_epoch();
    CU_ASSERT_EQUAL(found.number, epoch.number);
    CU_ASSERT_EQUAL(found.raised_ms, epoch.raised_ms);
    CU_ASSERT_EQUAL(found.all_before_ms, epoch.all_before_ms);
    return epoch;
}

static void
test_epoch(void)
{
    struct mpsc_epoch epoch = read_epoch();
    int64_t begin = boot_ms();
    int64_t all_before;

    CU_ASSERT_EQUAL(epoch.number, 0);
    CU_ASSERT_EQUAL(epoch.raised_ms, 0);
    CU_ASSERT_EQUAL(epoch.all_before_ms, 0);

    epoch = raise_epoch(0);
    CU_ASSERT_EQUAL(epoch.number, 1);
    CU_ASSERT(epoch.raised_ms >= begin && epoch.raised_ms <= boot_ms());
    CU_ASSERT_EQUAL(epoch.all_before_ms, 0);

    epoch = raise_epoch(1);
    CU_ASSERT_EQUAL(epoch.number, 2);
    CU_ASSERT_EQUAL(epoch.all_before_ms, epoch.raised_ms);
    all_before = epoch.all_before_ms;

    /* Time goes on; a purge of one business says nothing of all. */
    while (boot_ms() == all_before) {
    }
    epoch = raise_epoch(0);
    CU_ASSERT_EQUAL(epoch.number, 3);
    CU_ASSERT(epoch.raised_ms > all_before);
    CU_ASSERT_EQUAL(epoch.all_before_ms, all_before);
    CU_ASSERT_EQUAL(mpsc_epoch_raise(directory, 0, NULL), 0);
    CU_ASSERT_EQUAL(read_epoch().number, 4);
}

/* The file's line, with this boot's id for "%s". */
static struct mpsc_epoch
read_line(const char *format)
{
    char boot_id[MPSC_BOOT_ID_SIZE];
    char line[200];
    const char *mark = strstr(format, "%s");

    mpsc_clock_boot_id(boot_id);
    if (mark != NULL) {
        snprintf(line, sizeof(line), "%.*s%s%s", (int)(mark - format), format,
                 boot_id, mark + 2);
    } else {
        snprintf(line, sizeof(line), "%s", format);
    }
    put("epoch", line);
    return read_epoch();
}

static void
test_lines(void)
{
    static const struct {
        const char *line;
        uint64_t number;
        int64_t raised_ms, all_before_ms;
    } rows[] = {
        {"7 20 10 %s\n", 7, 20, 10},
        {"007 0 0 %s\n", 7, 0, 0},
        {"9007199254740992 1 1 %s\n", 9007199254740992, 1, 1},
        /* Another boot: the number alone. */
        {"7 20 10 aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee\n", 7, 0, 0},
        {"7 20 10 -\n", 7, 0, 0},
        {"7 20 10 \n", 7, 0, 0},
        {"7 20 10 %s", 7, 0, 0},
        {"7 20 10 %s\nmore", 7, 0, 0},
        /* Times to come. */
        {"7 9007199254740992 10 %s\n", 7, 0, 10},
        {"7 20 9007199254740992 %s\n", 7, 20, 0},
        /* Rubbish. */
        {"", 0, 0, 0},
        {"7", 0, 0, 0},
        {"7 20 10", 0, 0, 0},
        {"9007199254740993 20 10 %s\n", 0, 0, 0},
        {"99999999999999999999999999 20 10 %s\n", 0, 0, 0},
        {"7 9007199254740993 10 %s\n", 0, 0, 0},
        {"7 20 18446744073709551615 %s\n", 0, 0, 0},
        {"-7 20 10 %s\n", 0, 0, 0},
        {"+7 20 10 %s\n", 0, 0, 0},
        {" 7 20 10 %s\n", 0, 0, 0},
        {"7  20 10 %s\n", 0, 0, 0},
        {"7a 20 10 %s\n", 0, 0, 0},
        {"0x7 20 10 %s\n", 0, 0, 0},
        {"7 20 10 "
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         0, 0, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mpsc_epoch epoch = read_line(rows[i].line);

        CU_ASSERT_EQUAL(epoch.number, rows[i].number);
        CU_ASSERT_EQUAL(epoch.raised_ms, rows[i].raised_ms);
        CU_ASSERT_EQUAL(epoch.all_before_ms, rows[i].all_before_ms);
    }
    /* Raised from what it is taken for. */
    (void)read_line("7 20 10 aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee\n");
    CU_ASSERT_EQUAL(raise_epoch(0).number, 8);
    CU_ASSERT_EQUAL(read_epoch().all_before_ms, 0);
    (void)read_line("rubbish");
    CU_ASSERT_EQUAL(raise_epoch(0).number, 1);
    (void)read_line("9007199254740992 1 1 %s\n");
    CU_ASSERT_EQUAL(raise_epoch(0).number, 1);
}

static uint64_t
read_generation(const char *endpoint, const char *solution)
{
    uint64_t generation = 9;

    errno = EXDEV;
    CU_ASSERT_EQUAL(
        mpsc_generation_read(directory, endpoint, solution, &generation), 0);
    CU_ASSERT_EQUAL(errno, EXDEV);
    return generation;
}

static uint64_t
raise_generation(void)
{
    errno = EXDEV;
    CU_ASSERT_EQUAL(mpsc_generation_raise(dir, ENDPOINT, SOLUTION), 0);
    CU_ASSERT_EQUAL(errno, EXDEV);
    return read_generation(ENDPOINT, SOLUTION);
}

/* The only file there is with such a name. */
static void
find_file(char name[32])
{
    char command[100];
    FILE *list;

    snprintf(command, sizeof(command), "ls %s | grep generation", directory);
    list = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(list);
    CU_ASSERT_EQUAL(fscanf(list, "%31s", name), 1);
    CU_ASSERT_EQUAL(pclose(list), 0);
}

static void
test_generation(void)
{
    static const char *const rubbish[] = {
        "",      "\n",   "7",    " 7\n",  "7 \n",
        "7\n\n", "-7\n", "7a\n", "0x7\n", "9007199254740993\n"};
    uint64_t first;
    char name[32];

    CU_ASSERT_EQUAL(read_generation(ENDPOINT, SOLUTION), 0);
    first = raise_generation();
    CU_ASSERT_NOT_EQUAL(first, 0);
    CU_ASSERT_EQUAL(read_generation(ENDPOINT, SOLUTION), first);
    CU_ASSERT_EQUAL(raise_generation(), first + 1);
    /* Each endpoint and solution has its own. */
    CU_ASSERT_EQUAL(read_generation(ENDPOINT, "1235"), 0);
    CU_ASSERT_EQUAL(read_generation(ENDPOINT ":8443", SOLUTION), 0);
    CU_ASSERT_EQUAL(read_generation(ENDPOINT "\n12", "34"), 0);

    find_file(name);
    for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
        put(name, rubbish[i]);
        CU_ASSERT_EQUAL(read_generation(ENDPOINT, SOLUTION), 0);
    }
    /* A new beginning is no number that was there before. */
    CU_ASSERT(raise_generation() > first + 1);
    put(name, "7\n");
    CU_ASSERT_EQUAL(raise_generation(), 8);
}

/* Where the new number can't be written the old one is not left, either. */
static void
test_no_generation(void)
{
    char name[32];
    pid_t child;
    int status = -1;

    find_file(name);
    put(name, "7\n");
    CU_ASSERT_EQUAL(read_generation(ENDPOINT, SOLUTION), 7);
    child = fork();
    if (child == 0) {
        const struct rlimit none = {1, 1};

        errno = 0;
        _exit(setrlimit(RLIMIT_FSIZE, &none) == 0 &&
                      mpsc_generation_raise(dir, ENDPOINT, SOLUTION) == -1 &&
                      errno == EFBIG
                  ? 0
                  : 1);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_EQUAL(read_generation(ENDPOINT, SOLUTION), 0);
}

/* Many processes count both up at once. */
static void
test_many(void)
{
    uint64_t epoch = read_epoch().number;
    uint64_t generation = raise_generation();
    pid_t children[PROCESSES];

    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            for (int j = 0; j < ROUNDS; j++) {
                if (mpsc_epoch_raise(directory, j % 2, NULL) != 0 ||
                    mpsc_generation_raise(dir, ENDPOINT, SOLUTION) != 0) {
                    _exit(1);
                }
            }
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;

        CU_ASSERT_EQUAL(waitpid(children[i], &status, 0), children[i]);
        CU_ASSERT_EQUAL(status, 0);
    }
    CU_ASSERT_EQUAL(read_epoch().number, epoch + PROCESSES * ROUNDS);
    CU_ASSERT_EQUAL(read_generation(ENDPOINT, SOLUTION),
                    generation + PROCESSES * ROUNDS);
}

/* One who is stopped with the lock keeps nobody from a purge. */
static void
test_stuck(void)
{
    struct mpsc_epoch epoch = read_epoch();
    int lock = mpsc_runtime_lock(dir, 0);

    CU_ASSERT(lock >= 0);
    CU_ASSERT(raise_epoch(0).number > epoch.number);
    mpsc_runtime_unlock(lock);
}

static void
test_no_directory(void)
{
    struct mpsc_epoch epoch = {9, 9, 9};
    uint64_t generation = 9;

    errno = EXDEV;
    CU_ASSERT_EQUAL(mpsc_epoch_read(NULL, &epoch), -1);
    CU_ASSERT_EQUAL(epoch.number, 0);
    CU_ASSERT_EQUAL(epoch.raised_ms, 0);
    CU_ASSERT_EQUAL(epoch.all_before_ms, 0);
    CU_ASSERT_EQUAL(
        mpsc_generation_read("/no/such", ENDPOINT, SOLUTION, &generation), -1);
    CU_ASSERT_EQUAL(generation, 0);
    CU_ASSERT_EQUAL(errno, EXDEV);
    CU_ASSERT_EQUAL(mpsc_epoch_raise("/no/such", 0, &epoch), -1);
    CU_ASSERT_EQUAL(errno, ENOENT);
    CU_ASSERT_EQUAL(mpsc_epoch_raise(NULL, 0, &epoch), -1);
    CU_ASSERT_EQUAL(errno, EINVAL);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"epoch", test_epoch},
        {"lines", test_lines},
        {"generation", test_generation},
        {"no generation", test_no_generation},
        {"many at once", test_many},
        {"stuck", test_stuck},
        {"no directory", test_no_directory},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"epoch", begin_suite, end_suite, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
