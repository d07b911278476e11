/* SPDX-License-Identifier: MIT */
/* Memory that many small secrets share. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_suites.h"
#include "vault.h"

#define KIB 1024
#define MANY 20000
#define THREADS 8
#define ROUNDS 20000
#define HELD 16
#define FLAGS 512

static size_t mapped;       /* bytes that are mapped by the program */
static int no_mappings;     /* from now on mmap() fails */
static size_t left_bytes;   /* bytes other than 0 in what was unmapped and
                             * look_at is in */
static const char *look_at; /* NULL = nowhere */

/* These stand in place of the C library's for this program; behind them are
 * those of a sanitizer, where there is one. */

static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static int (*real_munmap)(void *, size_t);

/* Once, before there are threads: a forked child can't. */
static void
find_real(void)
{
    void *found[] = {dlsym(RTLD_NEXT, "mmap"), dlsym(RTLD_NEXT, "munmap")};

    if (found[0] == NULL || found[1] == NULL) {
        abort();
    }
    memcpy(&real_mmap, &found[0], sizeof(real_mmap));
    memcpy(&real_munmap, &found[1], sizeof(real_munmap));
}

void *
mmap(void *where, size_t length, int rights, int flags, int fd, off_t offset)
{
    if (real_mmap == NULL) {
        find_real();
    }
    if (no_mappings) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    __atomic_add_fetch(&mapped, length, __ATOMIC_RELAXED);
    return real_mmap(where, length, rights, flags, fd, offset);
}

/* Reads as nothing looks over its shoulder. */
static size_t
count_bytes(const void *memory, size_t length)
{
    static char bytes[128 * KIB];
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    size_t count = 0;

    CU_ASSERT_FATAL(length <= sizeof(bytes));
    CU_ASSERT_EQUAL_FATAL(pread(fd, bytes, length, (off_t)(uintptr_t)memory),
                          (ssize_t)length);
    close(fd);
    for (size_t i = 0; i < length; i++) {
        count += bytes[i] != 0;
    }
    return count;
}

int
munmap(void *address, size_t length)
{
    const char *begin = address;

    if (real_munmap == NULL) {
        find_real();
    }
    if (look_at != NULL && look_at >= begin && look_at < begin + length) {
        left_bytes += count_bytes(look_at, (size_t)(begin + length - look_at));
    }
    __atomic_sub_fetch(&mapped, length, __ATOMIC_RELAXED);
    return real_munmap(address, length);
}

static char *
new_piece(size_t size)
{
    char *piece = mpsc_vault_new(size);

    CU_ASSERT_PTR_NOT_NULL_FATAL(piece);
    return piece;
}

static int
is_mapped(const void *memory)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned char in_core;

    return mincore((void *)((uintptr_t)memory / page * page), 1, &in_core) ==
           0;
}

/* First of all: who needs none has none. */
static void
test_nothing(void)
{
    errno = EXDEV;
    mpsc_vault_free(NULL);
    CU_ASSERT_EQUAL(mapped, 0);
    CU_ASSERT_PTR_NULL(mpsc_vault_new(SIZE_MAX));
    CU_ASSERT_PTR_NULL(mpsc_vault_new(SIZE_MAX / 2));
    CU_ASSERT_EQUAL(mapped, 0);
    CU_ASSERT_EQUAL(errno, EXDEV);
}

/* All lengths: zeroed, aligned, apart from each other, and good to the last
 * byte. */
static void
test_sizes(void)
{
    static char *pieces[9000];
    size_t count = 0;

    for (size_t size = 1; size < 9000; size += size < 600 ? 1 : 97) {
        char *piece = new_piece(size);

        CU_ASSERT_EQUAL((uintptr_t)piece % sizeof(int64_t), 0);
        for (size_t i = 0; i < size; i++) {
            if (piece[i] != 0) {
                CU_FAIL("not zeroed");
                break;
            }
        }
        memset(piece, (int)(size % 255 + 1), size);
        pieces[count++] = piece;
    }
    count = 0;
    for (size_t size = 1; size < 9000; size += size < 600 ? 1 : 97) {
        char *piece = pieces[count++];

        for (size_t i = 0; i < size; i++) {
            if ((unsigned char)piece[i] != size % 255 + 1) {
                CU_FAIL("overwritten");
                break;
            }
        }
        mpsc_vault_free(piece);
    }
    CU_ASSERT_EQUAL(mapped, 0);
}

/* What is given back is wiped at once, while others are in the mapping, and
 * comes back zeroed. */
static void
test_wiped(void)
{
    char *stays = new_piece(200);
    char *goes = new_piece(200);

    memset(stays, 's', 200);
    memset(goes, 'x', 200);
    CU_ASSERT_EQUAL(count_bytes(goes, 200), 200);
    mpsc_vault_free(goes);
    CU_ASSERT_EQUAL(count_bytes(goes, 200), 0);
    CU_ASSERT_EQUAL(count_bytes(stays, 200), 200);
    CU_ASSERT_PTR_EQUAL(new_piece(200), goes);
    CU_ASSERT_EQUAL(count_bytes(goes, 200), 0);
    mpsc_vault_free(goes);
    /* And the last one before its mapping goes; a large one likewise. */
    left_bytes = 0;
    look_at = stays;
    mpsc_vault_free(stays);
    CU_ASSERT_FALSE(is_mapped(stays));
    stays = new_piece(50000);
    memset(stays, 's', 50000);
    look_at = stays;
    mpsc_vault_free(stays);
    CU_ASSERT_FALSE(is_mapped(stays));
    look_at = NULL;
    CU_ASSERT_EQUAL(left_bytes, 0);
}

/* Many take little more than their bytes; when they are gone, nothing. */
static void
test_packed(void)
{
    static char *pieces[MANY];
    size_t bytes = 0;

    for (size_t i = 0; i < MANY; i++) {
        size_t size = 280 + i % 8;

        bytes += size;
        pieces[i] = new_piece(size);
        pieces[i][0] = 'x';
    }
    CU_ASSERT(mapped < bytes + bytes / 32);
    for (size_t i = 0; i < MANY; i++) {
        mpsc_vault_free(pieces[i]);
    }
    CU_ASSERT_EQUAL(mapped, 0);
}

/* However they come and go: no more than was needed at one time. */
static void
test_rotation(void)
{
    static char *pieces[1000];
    size_t full;

    srandom(1);
    for (size_t i = 0; i < 1000; i++) {
        pieces[i] = new_piece(280 + i % 64);
    }
    full = mapped;
    for (size_t i = 0; i < 300000; i++) {
        size_t one = (size_t)random() % 1000;
        char *fresh = new_piece(280 + one % 64);

        mpsc_vault_free(pieces[one]);
        pieces[one] = fresh;
    }
    /* For each of 8 sizes there may be one new beside the old. */
    CU_ASSERT(mapped <= full + 8 * 64 * (size_t)KIB);
    for (size_t i = 0; i < 1000; i++) {
        mpsc_vault_free(pieces[i]);
    }
    CU_ASSERT_EQUAL(mapped, 0);
}

/* The kernel's flags of the mapping; "" where it tells none. */
static void
find_flags(const void *memory, char flags[FLAGS])
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    unsigned long from;
    unsigned long to;
    char line[FLAGS];
    int is_ours = 0;

    memset(flags, 0, FLAGS);
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            is_ours = (uintptr_t)memory >= from && (uintptr_t)memory < to;
        } else if (is_ours && strncmp(line, "VmFlags:", 8) == 0) {
            memcpy(flags, line, FLAGS - 1);
        }
    }
    if (maps != NULL) {
        fclose(maps);
    }
}

/* "dd": not in core dumps; "lo": locked, where the limit allows. */
static void
test_flags(void)
{
    const size_t sizes[] = {200, 50000};

    for (size_t i = 0; i < 2; i++) {
        char *piece = new_piece(sizes[i]);
        char flags[FLAGS];
        char plain[FLAGS];

        find_flags(piece, flags);
        find_flags(sizes, plain);
        /* A sandbox may have no smaps, or none with flags. */
        if (plain[0] != '\0') {
            CU_ASSERT_PTR_NOT_NULL(strstr(flags, " dd"));
            CU_ASSERT_PTR_NULL(strstr(plain, " dd"));
        }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        /* Sanitizers let nobody lock memory. */
        if (plain[0] != '\0' && mlock(piece, sizes[i]) == 0) {
            CU_ASSERT_PTR_NOT_NULL(strstr(flags, " lo"));
        }
#endif
        mpsc_vault_free(piece);
    }
}

/* Without memory: NULL, and what was there stays good. */
static void
test_no_memory(void)
{
    char *piece = new_piece(1000);
    char *more;

    no_mappings = 1;
    errno = EXDEV;
    more = mpsc_vault_new(1000);
    CU_ASSERT_PTR_NOT_NULL(more);
    CU_ASSERT_PTR_NULL(mpsc_vault_new(2000));
    CU_ASSERT_PTR_NULL(mpsc_vault_new(100000));
    CU_ASSERT_EQUAL(errno, EXDEV);
    no_mappings = 0;
    mpsc_vault_free(more);
    mpsc_vault_free(piece);
    piece = new_piece(2000);
    mpsc_vault_free(piece);
    CU_ASSERT_EQUAL(mapped, 0);
}

/* --- threads ----------------------------------------------------------------
 */

static pthread_barrier_t barrier;
static char *passed_on[THREADS][HELD];

/* Takes and gives back; and gives back at the end what the next has taken. */
static void *
juggle(void *arg)
{
    char **held = arg;
    size_t me = (size_t)(held - passed_on[0]) / HELD;

    for (size_t i = 0; i < ROUNDS; i++) {
        char **one = &held[i % HELD];

        if (*one != NULL &&
            ((*one)[0] != (char)me + 1 || (*one)[199] != (char)me + 1)) {
            return arg;
        }
        mpsc_vault_free(*one);
        *one = mpsc_vault_new(200 + i % 200);
        if (*one == NULL) {
            return arg;
        }
        (*one)[0] = (char)(me + 1);
        (*one)[199] = (char)(me + 1);
    }
    pthread_barrier_wait(&barrier);
    held = passed_on[(me + 1) % THREADS];
    for (size_t i = 0; i < HELD; i++) {
        mpsc_vault_free(held[i]);
    }
    return NULL;
}

static void
test_threads(void)
{
    pthread_t threads[THREADS];

    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL_FATAL(
            pthread_create(&threads[i], NULL, juggle, passed_on[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *wrong = NULL;

        pthread_join(threads[i], &wrong);
        CU_ASSERT_PTR_NULL(wrong);
    }
    pthread_barrier_destroy(&barrier);
}

/* --- fork -------------------------------------------------------------------
 */

static atomic_bool is_over;

/* Holds the pool's lock as often as it can. */
static void *
be_busy(void *arg)
{
    (void)arg;
    while (!is_over) {
        mpsc_vault_free(mpsc_vault_new(200));
    }
    return NULL;
}

/* The child's exit status is 0 where all is right. */
static int
use_in_child(char *inherited)
{
    char *mine;
    int ok;

    alarm(60);
    mpsc_vault_forked();
    ok = strcmp(inherited, "parent's") == 0;
    mpsc_vault_free(inherited);
    ok = ok && count_bytes(inherited, 200) == 0;
    mine = mpsc_vault_new(200);
    ok = ok && mine != NULL && mine != inherited;
    memset(mine, 'x', 200);
    mpsc_vault_free(mine);
    return ok && !is_mapped(mine) && is_mapped(inherited) ? 0 : 1;
}

static void
fork_once(char *piece)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        _exit(use_in_child(piece));
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
}

/* In the child of a fork in the middle of whatever: the parent's pieces are
 * good and wiped, its lock isn't touched, and there is a pool of its own. */
static void
test_fork(void)
{
    char *piece = new_piece(200);
    char *large = new_piece(20000);
    pthread_t busy[2];

    strcpy(piece, "parent's");
    strcpy(large, "parent's");
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&busy[i], NULL, be_busy, NULL),
                              0);
    }
    for (int i = 0; i < 200; i++) {
        fork_once(i % 2 == 0 ? piece : large);
    }
    is_over = 1;
    for (int i = 0; i < 2; i++) {
        pthread_join(busy[i], NULL);
    }
    CU_ASSERT_STRING_EQUAL(piece, "parent's");
    CU_ASSERT_STRING_EQUAL(large, "parent's");
    mpsc_vault_free(piece);
    mpsc_vault_free(large);
    CU_ASSERT_FALSE(is_mapped(piece));
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"nothing", test_nothing},     {"sizes", test_sizes},
        {"wiped", test_wiped},         {"packed", test_packed},
        {"rotation", test_rotation},   {"flags", test_flags},
        {"no memory", test_no_memory}, {"threads", test_threads},
        {"fork", test_fork},           CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"vault", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
