/* SPDX-License-Identifier: MIT */
/* Buffers that wipe themselves. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run_suites.h"
#include "secret.h"

static int unmapped;      /* how often */
static size_t left_bytes; /* bytes other than 0 in what was unmapped */

/* Stands in place of the C library's for this program: what a buffer gives
 * back must be wiped by then, with whatever optimisation this was built. */
int
munmap(void *address, size_t length)
{
    const volatile char *bytes = address;

    unmapped++;
    for (size_t i = 0; i < length; i++) {
        left_bytes += bytes[i] != 0;
    }
    return (int)syscall(SYS_munmap, address, length);
}

/* At the end, when it grows, and when it is replaced. */
static void
test_wiped(void)
{
    struct mpsc_secret secret = MPSC_SECRET_EMPTY;
    struct mpsc_secret other = MPSC_SECRET_EMPTY;
    static char bytes[10000];

    memset(bytes, 'x', sizeof(bytes));
    unmapped = 0;
    left_bytes = 0;
    CU_ASSERT_EQUAL(mpsc_secret_set(&secret, bytes, 100), 0);
    CU_ASSERT_EQUAL(unmapped, 0);
    CU_ASSERT_EQUAL(mpsc_secret_append(&secret, bytes, sizeof(bytes)), 0);
    CU_ASSERT_EQUAL(unmapped, 1);
    CU_ASSERT_EQUAL(mpsc_secret_set(&secret, bytes, 100), 0);
    CU_ASSERT_EQUAL(unmapped, 2);
    CU_ASSERT_EQUAL(mpsc_secret_set(&other, bytes, 100), 0);
    mpsc_secret_move(&secret, &other);
    CU_ASSERT_EQUAL(unmapped, 3);
    mpsc_secret_free(&secret);
    CU_ASSERT_EQUAL(unmapped, 4);
    CU_ASSERT_EQUAL(left_bytes, 0);
}

static void
test_append(void)
{
    struct mpsc_secret secret = MPSC_SECRET_EMPTY;
    size_t total = 0;

    for (size_t i = 0; i < 1000; i++) {
        char piece[123];

        memset(piece, (int)('a' + i % 26), sizeof(piece));
        CU_ASSERT_EQUAL_FATAL(
            mpsc_secret_append(&secret, piece, sizeof(piece)), 0);
        total += sizeof(piece);
        CU_ASSERT_EQUAL(secret.len, total);
        CU_ASSERT(secret.cap > secret.len);
        CU_ASSERT_EQUAL(secret.data[secret.len], '\0');
    }
    for (size_t i = 0; i < total; i++) {
        if (secret.data[i] != (char)('a' + i / 123 % 26)) {
            CU_FAIL("bytes changed while growing");
            break;
        }
    }
    CU_ASSERT_EQUAL(mpsc_secret_append(&secret, "", 0), 0);
    CU_ASSERT_EQUAL(secret.len, total);
    mpsc_secret_free(&secret);
    CU_ASSERT_PTR_NULL(secret.data);
    CU_ASSERT_EQUAL(secret.len, 0);
    CU_ASSERT_EQUAL(secret.cap, 0);
    mpsc_secret_free(&secret);
}

/* Lengths at the border of a page leave room for the NUL. */
static void
test_borders(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *bytes = malloc(2 * page + 1);

    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    memset(bytes, 'x', 2 * page + 1);
    for (size_t len = page - 2; len <= 2 * page + 1; len++) {
        struct mpsc_secret secret = MPSC_SECRET_EMPTY;

        CU_ASSERT_EQUAL(mpsc_secret_set(&secret, bytes, len), 0);
        CU_ASSERT_EQUAL(secret.data[len], '\0');
        CU_ASSERT_EQUAL(strlen(secret.data), len);
        mpsc_secret_free(&secret);
    }
    free(bytes);
}

static void
test_set_and_move(void)
{
    struct mpsc_secret a = MPSC_SECRET_EMPTY;
    struct mpsc_secret b = MPSC_SECRET_EMPTY;
    char *data;

    CU_ASSERT_EQUAL(mpsc_secret_set(&a, "first", 5), 0);
    CU_ASSERT_EQUAL(mpsc_secret_set(&a, "se\0cond", 7), 0);
    CU_ASSERT_EQUAL(a.len, 7);
    CU_ASSERT_EQUAL(memcmp(a.data, "se\0cond", 8), 0);
    /* From itself. */
    CU_ASSERT_EQUAL(mpsc_secret_set(&a, a.data + 3, 4), 0);
    CU_ASSERT_STRING_EQUAL(a.data, "cond");
    CU_ASSERT_EQUAL(mpsc_secret_set(&b, "other", 5), 0);
    data = a.data;
    mpsc_secret_move(&b, &a);
    CU_ASSERT_PTR_EQUAL(b.data, data);
    CU_ASSERT_STRING_EQUAL(b.data, "cond");
    CU_ASSERT_PTR_NULL(a.data);
    CU_ASSERT_EQUAL(a.len, 0);
    CU_ASSERT_EQUAL(mpsc_secret_set(&a, "", 0), 0);
    CU_ASSERT_STRING_EQUAL(a.data, "");
    mpsc_secret_free(&a);
    mpsc_secret_free(&b);
}

/* What can't be had leaves all as it was, errno too. */
static void
test_too_much(void)
{
    struct mpsc_secret secret = MPSC_SECRET_EMPTY;

    CU_ASSERT_EQUAL(mpsc_secret_set(&secret, "kept", 4), 0);
    errno = EXDEV;
    CU_ASSERT_EQUAL(mpsc_secret_append(&secret, "x", SIZE_MAX), -1);
    CU_ASSERT_EQUAL(mpsc_secret_append(&secret, "x", SIZE_MAX - 100), -1);
    /* What only the kernel refuses; a 32-bit machine may have that much. */
    if (sizeof(size_t) > 4) {
        CU_ASSERT_EQUAL(mpsc_secret_append(&secret, "x", SIZE_MAX / 2 - 100),
                        -1);
    }
    CU_ASSERT_EQUAL(mpsc_secret_reserve(&secret, SIZE_MAX), -1);
    CU_ASSERT_EQUAL(errno, EXDEV);
    CU_ASSERT_STRING_EQUAL(secret.data, "kept");
    CU_ASSERT_EQUAL(secret.len, 4);
    mpsc_secret_free(&secret);
}

/* Its pages are not written to core dumps: "dd" of the kernel's VmFlags. */
static void
test_not_dumped(void)
{
    struct mpsc_secret secret = MPSC_SECRET_EMPTY;
    FILE *maps = fopen("/proc/self/smaps", "re");
    unsigned long from;
    unsigned long to;
    char line[512];
    int is_ours = 0;
    int is_seen = 0;
    int has_flags = 0;

    CU_ASSERT_EQUAL(mpsc_secret_set(&secret, "token", 5), 0);
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            is_ours =
                (uintptr_t)secret.data >= from && (uintptr_t)secret.data < to;
        } else if (strncmp(line, "VmFlags:", 8) == 0) {
            has_flags = 1;
            if (is_ours) {
                is_seen = 1;
                CU_ASSERT_PTR_NOT_NULL(strstr(line, " dd"));
            }
        }
    }
    /* A sandbox may have no smaps, or none with flags. */
    CU_ASSERT_EQUAL(is_seen, has_flags);
    if (maps != NULL) {
        fclose(maps);
    }
    mpsc_secret_free(&secret);
}

/* After the end the memory is no longer mapped. */
static void
test_gone(void)
{
    struct mpsc_secret secret = MPSC_SECRET_EMPTY;
    unsigned char resident;
    char *data;

    CU_ASSERT_EQUAL(mpsc_secret_set(&secret, "token", 5), 0);
    data = secret.data;
    CU_ASSERT_EQUAL(mincore(data, 1, &resident), 0);
    mpsc_secret_free(&secret);
    CU_ASSERT_EQUAL(mincore(data, 1, &resident), -1);
    CU_ASSERT_EQUAL(errno, ENOMEM);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"wiped", test_wiped},       {"append", test_append},
        {"borders", test_borders},   {"set and move", test_set_and_move},
        {"too much", test_too_much}, {"not dumped", test_not_dumped},
        {"gone", test_gone},         CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"secret", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
