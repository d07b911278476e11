/* SPDX-License-Identifier: MIT */
/* Files that are there whole or not at all. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "put_file.h"
#include "run_suites.h"

static char directory[] = "/tmp/mps-put-file-XXXXXX";
static char path[sizeof(directory) + 16];

/* The file has that text and mode. */
static int
is(const char *text, mode_t mode)
{
    char *found = cli_get_file(path);
    struct stat status;
    int result = found != NULL && strcmp(found, text) == 0 &&
                 stat(path, &status) == 0 && (status.st_mode & 07777) == mode;

    free(found);
    return result;
}

/* rmdir(2) fails where a file of another name is left. */
static int
is_alone(void)
{
    (void)unlink(path);
    return rmdir(directory) == 0 && mkdir(directory, 0700) == 0;
}

static void
test_replace(void)
{
    CU_ASSERT_EQUAL(cli_put_file(path, 0600, "old", 3), 0);
    CU_ASSERT(is("old", 0600));
    umask(077);
    CU_ASSERT_EQUAL(cli_put_file(path, 0644, "newer", 4), 0);
    umask(022);
    CU_ASSERT(is("newe", 0644));
    CU_ASSERT(is_alone());
}

/* The first write(2) is a short one, as on a full disk. */
static void
test_short_write(void)
{
    const struct rlimit small = {10, RLIM_INFINITY};
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

    CU_ASSERT_EQUAL(cli_put_file(path, 0600, "old", 3), 0);
    signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    errno = 0;
    CU_ASSERT_EQUAL(cli_put_file(path, 0644, "longer than that", 16), -1);
    CU_ASSERT_EQUAL(errno, EFBIG);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &none), 0);
    CU_ASSERT(is("old", 0600));
    CU_ASSERT(is_alone());
}

static void
test_no_directory(void)
{
    CU_ASSERT_EQUAL(cli_put_file("/nowhere/file", 0644, "x", 1), -1);
    CU_ASSERT_EQUAL(errno, ENOENT);
}

static CU_TestInfo tests[] = {
    {"in the place of another", test_replace},
    {"a write that fails", test_short_write},
    {"no directory", test_no_directory},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {.pName = "cli_put_file", .pTests = tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    int status;

    if (mkdtemp(directory) == NULL) {
        return 99;
    }
    snprintf(path, sizeof(path), "%s/file", directory);
    status = run_suites(suites);
    (void)unlink(path);
    (void)rmdir(directory);
    return status;
}
