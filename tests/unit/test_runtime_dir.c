/* SPDX-License-Identifier: MIT */
/* Which directories are taken; whole files in them; the lock among processes,
 * threads and after a fork. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_suites.h"
#include "runtime_dir.h"

/* Longer than any machine takes for what a test does meanwhile. */
#define LONG_MS 60000

#define OTHER_USER 12345

#define PROCESSES 4
#define ROUNDS 100

static char directory[] = "/tmp/mpsc-runtime-XXXXXX";
static int dir = -1;

static const char *
path_of(const char *name)
{
    static char path[200];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static int
begin_suite(void)
{
    if (mkdtemp(directory) == NULL) {
        return 1;
    }
    dir = mpsc_runtime_dir_open(path_of("run"));
    return dir < 0;
}

static int
end_suite(void)
{
    char command[200];

    close(dir);
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command) != 0;
}

/* How many files are in the directory, the lock's aside. */
static int
count_files(int in)
{
    DIR *list = fdopendir(openat(in, ".", O_RDONLY | O_DIRECTORY));
    const struct dirent *entry;
    int count = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(list);
    while ((entry = readdir(list)) != NULL) {
        count += strcmp(entry->d_name, ".") != 0 &&
                 strcmp(entry->d_name, "..") != 0 &&
                 strcmp(entry->d_name, "files-lock") != 0;
    }
    closedir(list);
    return count;
}

/* Ends with the child; its exit status. */
static int
await(pid_t child)
{
    int status = -1;

    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    return status;
}

static void
refuse_dir(const char *path, int why)
{
    errno = 0;
    CU_ASSERT_EQUAL(mpsc_runtime_dir_open(path), -1);
    CU_ASSERT_EQUAL(errno, why);
}

static void
test_open(void)
{
    struct stat status;
    char target[200];
    int fd;

    errno = EXDEV;
    fd = mpsc_runtime_dir_open(path_of("new"));
    CU_ASSERT(fd >= 0);
    CU_ASSERT_EQUAL(errno, EXDEV);
    CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CU_ASSERT_EQUAL(fstat(fd, &status), 0);
    CU_ASSERT_EQUAL(status.st_mode, S_IFDIR | 0700);
    close(fd);

    refuse_dir(NULL, EINVAL);
    refuse_dir("", EINVAL);
    refuse_dir("tmp", EINVAL);
    refuse_dir(path_of("no/such"), ENOENT);
    CU_ASSERT_EQUAL(chmod(path_of("new"), 0750), 0);
    refuse_dir(path_of("new"), EPERM);
    CU_ASSERT_EQUAL(chmod(path_of("new"), 0700), 0);
    if (geteuid() == 0) {
        CU_ASSERT_EQUAL(chown(path_of("new"), OTHER_USER, 0), 0);
        refuse_dir(path_of("new"), EPERM);
        CU_ASSERT_EQUAL(chown(path_of("new"), 0, 0), 0);
    }
    snprintf(target, sizeof(target), "%s", path_of("new"));
    CU_ASSERT_EQUAL(symlink(target, path_of("link")), 0);
    refuse_dir(path_of("link"), ENOTDIR);
    refuse_dir("/dev/null", ENOTDIR);
}

static void
put(const char *name, const char *text)
{
    errno = EXDEV;
    CU_ASSERT_EQUAL(mpsc_runtime_replace(dir, name, text, strlen(text)), 0);
    CU_ASSERT_EQUAL(errno, EXDEV);
}

/* Reads with a buffer of `size`. */
static void
check_file(const char *name, size_t size, const char *text)
{
    char bytes[64];

    errno = EXDEV;
    memset(bytes, '#', sizeof(bytes));
    CU_ASSERT_EQUAL(mpsc_runtime_read(dir, name, bytes, size),
                    (ssize_t)strlen(text));
    CU_ASSERT_EQUAL(memcmp(bytes, text, strlen(text) + 1), 0);
    CU_ASSERT_EQUAL(errno, EXDEV);
}

static void
refuse_file(const char *name, size_t size, int why)
{
    char bytes[64];

    errno = 0;
    CU_ASSERT_EQUAL(mpsc_runtime_read(dir, name, bytes, size), -1);
    CU_ASSERT_EQUAL(errno, why);
}

static void
test_files(void)
{
    int before = count_files(dir);
    struct stat status;
    mode_t mask;

    refuse_file("file", 64, ENOENT);
    put("file", "one");
    check_file("file", 64, "one");
    check_file("file", 4, "one");
    refuse_file("file", 3, EFBIG);
    refuse_file("file", 1, EFBIG);
    /* Also where nothing is allowed to a new file. */
    mask = umask(0777);
    put("file", "");
    umask(mask);
    check_file("file", 64, "");
    check_file("file", 1, "");
    CU_ASSERT_EQUAL(fstatat(dir, "file", &status, 0), 0);
    CU_ASSERT_EQUAL(status.st_mode, S_IFREG | 0600);
    CU_ASSERT_EQUAL(count_files(dir), before + 1);

    CU_ASSERT_EQUAL(symlinkat("file", dir, "alias"), 0);
    refuse_file("alias", 64, ELOOP);
    CU_ASSERT_EQUAL(mkfifoat(dir, "pipe", 0600), 0);
    refuse_file("pipe", 64, EPERM);
    if (geteuid() == 0) {
        CU_ASSERT_EQUAL(fchownat(dir, "file", OTHER_USER, 0, 0), 0);
        refuse_file("file", 64, EPERM);
    }
    /* What is replaced may be anything, a link's target is left alone. */
    put("alias", "two");
    check_file("alias", 64, "two");
    put("pipe", "three");
    check_file("pipe", 64, "three");
}

static void
test_no_replace(void)
{
    int before;
    int other;

    put("old", "old");
    CU_ASSERT_EQUAL(mkdirat(dir, "folder", 0700), 0);
    before = count_files(dir);
    errno = 0;
    CU_ASSERT_EQUAL(mpsc_runtime_replace(dir, "folder", "new", 3), -1);
    CU_ASSERT_EQUAL(errno, EISDIR);
    CU_ASSERT_EQUAL(count_files(dir), before);
    /* A directory that is gone. */
    other = mpsc_runtime_dir_open(path_of("gone"));
    CU_ASSERT_EQUAL(rmdir(path_of("gone")), 0);
    CU_ASSERT_EQUAL(mpsc_runtime_replace(other, "new", "new", 3), -1);
    CU_ASSERT_EQUAL(errno, ENOENT);
    CU_ASSERT_EQUAL(mpsc_runtime_lock(other, 0), -1);
    close(other);
    check_file("old", 64, "old");
}

/* What killed processes have left, or others are about to write, is not
 * written to. */
static void
test_leftovers(void)
{
    char name[64];
    int before;
    int fd;

    for (unsigned i = 0; i < 2000; i += 2) {
        snprintf(name, sizeof(name), ".left.%lx-%x", (unsigned long)getpid(),
                 i);
        fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        CU_ASSERT(fd >= 0);
        close(fd);
    }
    before = count_files(dir);
    put("left", "one");
    put("left", "two");
    check_file("left", 64, "two");
    CU_ASSERT_EQUAL(count_files(dir), before + 1);
}

/* A host that may write no file lives on: SIGXFSZ would end it. */
static void
test_file_size_limit(void)
{
    const struct rlimit limit = {3, 3};
    int before;
    pid_t child;

    put("limited", "abc");
    before = count_files(dir);
    child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_DFL);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
            mpsc_runtime_replace(dir, "limited", "xyz", 3) != 0) {
            _exit(1);
        }
        errno = 0;
        _exit(mpsc_runtime_replace(dir, "limited", "four", 4) == -1 &&
                      errno == EFBIG
                  ? 0
                  : 2);
    }
    CU_ASSERT_EQUAL(await(child), 0);
    check_file("limited", 64, "xyz");
    CU_ASSERT_EQUAL(count_files(dir), before);
}

/* Only root can have a file system that is full. */
static void
test_full(void)
{
    static char many[16384];
    int before;
    int full;

    CU_ASSERT_EQUAL(mkdir(path_of("full"), 0700), 0);
    if (mount("mpsc-test", path_of("full"), "tmpfs", 0, "size=8k,mode=0700") !=
        0) {
        return;
    }
    full = mpsc_runtime_dir_open(path_of("full"));
    CU_ASSERT(full >= 0);
    CU_ASSERT_EQUAL(mpsc_runtime_replace(full, "old", "old", 3), 0);
    before = count_files(full);
    errno = 0;
    CU_ASSERT_EQUAL(mpsc_runtime_replace(full, "old", many, sizeof(many)), -1);
    CU_ASSERT_EQUAL(errno, ENOSPC);
    CU_ASSERT_EQUAL(count_files(full), before);
    CU_ASSERT_EQUAL(mpsc_runtime_read(full, "old", many, sizeof(many)), 3);
    CU_ASSERT_STRING_EQUAL(many, "old");
    close(full);
    CU_ASSERT_EQUAL(umount(path_of("full")), 0);
}

/* Counts a file's number up `times` times; 0 where all went well. */
static int
count_up(int times)
{
    char text[16];

    for (int i = 0; i < times; i++) {
        int lock = mpsc_runtime_lock(dir, LONG_MS);
        int number;

        if (lock < 0 || mpsc_runtime_read(dir, "counter", text, 16) < 1) {
            return 1;
        }
        number = (int)strtol(text, NULL, 10);
        /* So that others come in between if they can. */
        usleep(100);
        snprintf(text, sizeof(text), "%d", number + 1);
        if (mpsc_runtime_replace(dir, "counter", text, strlen(text)) != 0) {
            return 2;
        }
        mpsc_runtime_unlock(lock);
    }
    return 0;
}

static void *
count_in_thread(void *arg)
{
    *(int *)arg = count_up(ROUNDS);
    return NULL;
}

/* Threads of one process and other processes, all at once. */
static void
test_exclusion(void)
{
    pthread_t threads[PROCESSES];
    int results[PROCESSES];
    pid_t children[PROCESSES];

    put("counter", "0");
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            _exit(count_up(ROUNDS));
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        CU_ASSERT_EQUAL_FATAL(
            pthread_create(&threads[i], NULL, count_in_thread, &results[i]),
            0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(results[i], 0);
        CU_ASSERT_EQUAL(await(children[i]), 0);
    }
    check_file("counter", 16, "800");
}

/* Neither another thread nor another process waits beyond its time; a thread
 * that fails leaves the lock of the one that has it alone. */
static void
test_bound(void)
{
    int lock = mpsc_runtime_lock(dir, LONG_MS);
    pid_t child;

    CU_ASSERT(lock >= 0);
    errno = 0;
    CU_ASSERT_EQUAL(mpsc_runtime_lock(dir, 0), -1);
    CU_ASSERT_EQUAL(errno, EAGAIN);
    CU_ASSERT_EQUAL(mpsc_runtime_lock(dir, 5), -1);
    child = fork();
    if (child == 0) {
        _exit(mpsc_runtime_lock(dir, 5) == -1 && errno == EAGAIN ? 0 : 1);
    }
    CU_ASSERT_EQUAL(await(child), 0);
    errno = EXDEV;
    mpsc_runtime_unlock(lock);
    mpsc_runtime_unlock(-1);
    CU_ASSERT_EQUAL(errno, EXDEV);
    lock = mpsc_runtime_lock(dir, 0);
    CU_ASSERT(lock >= 0);
    CU_ASSERT_EQUAL(errno, EXDEV);
    CU_ASSERT_EQUAL(fcntl(lock, F_GETFD), FD_CLOEXEC);
    mpsc_runtime_unlock(lock);
}

/* A child that is born while the parent has the lock neither has it nor finds
 * it taken when the parent has given it back. */
static void
test_fork(void)
{
    int lock = mpsc_runtime_lock(dir, LONG_MS);
    int ready[2];
    int done[2];
    char byte = 0;
    pid_t child;

    CU_ASSERT(lock >= 0);
    CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
    CU_ASSERT_EQUAL_FATAL(pipe(done), 0);
    child = fork();
    if (child == 0) {
        close(done[1]);
        /* The parent gives the lock back before it writes. */
        if (read(ready[0], &byte, 1) != 1 ||
            mpsc_runtime_lock(dir, LONG_MS) < 0) {
            _exit(1);
        }
        /* Lives on with all that it inherited, and with the lock. */
        _exit(read(done[0], &byte, 1) != 0);
    }
    mpsc_runtime_unlock(lock);
    /* Not kept by the child's copy of the descriptor. */
    lock = mpsc_runtime_lock(dir, 0);
    CU_ASSERT(lock >= 0);
    mpsc_runtime_unlock(lock);
    CU_ASSERT_EQUAL(write(ready[1], &byte, 1), 1);
    /* Now the child takes it. */
    while ((lock = mpsc_runtime_lock(dir, 0)) >= 0) {
        mpsc_runtime_unlock(lock);
    }
    close(done[1]);
    CU_ASSERT_EQUAL(await(child), 0);
    /* It ended with the lock. */
    lock = mpsc_runtime_lock(dir, 0);
    CU_ASSERT(lock >= 0);
    mpsc_runtime_unlock(lock);
    close(done[0]);
    close(ready[0]);
    close(ready[1]);
}

/* The lock file is taken away, made under a strict umask, is none. */
static void
test_lock_file(void)
{
    int lock = mpsc_runtime_lock(dir, LONG_MS);
    struct stat status;
    mode_t mask;

    CU_ASSERT(lock >= 0);
    CU_ASSERT_EQUAL(unlinkat(dir, "files-lock", 0), 0);
    mpsc_runtime_unlock(lock);
    mask = umask(0777);
    lock = mpsc_runtime_lock(dir, 0);
    umask(mask);
    CU_ASSERT(lock >= 0);
    CU_ASSERT_EQUAL(fstatat(dir, "files-lock", &status, 0), 0);
    CU_ASSERT_EQUAL(status.st_mode, S_IFREG | 0600);
    mpsc_runtime_unlock(lock);
    /* Nothing that can be locked; the next one isn't kept away. */
    CU_ASSERT_EQUAL(unlinkat(dir, "files-lock", 0), 0);
    CU_ASSERT_EQUAL(symlinkat("counter", dir, "files-lock"), 0);
    errno = 0;
    CU_ASSERT_EQUAL(mpsc_runtime_lock(dir, LONG_MS), -1);
    CU_ASSERT_EQUAL(errno, ELOOP);
    CU_ASSERT_EQUAL(unlinkat(dir, "files-lock", 0), 0);
    lock = mpsc_runtime_lock(dir, 0);
    CU_ASSERT(lock >= 0);
    mpsc_runtime_unlock(lock);
}

/* Other releases look for the same file. */
static void
test_name(void)
{
    char name[MPSC_RUNTIME_NAME_SIZE];

    /* printf 'subject\nmore' | sha256sum */
    CU_ASSERT_EQUAL(mpsc_runtime_name("kind", "subject\n", "more", name), 0);
    CU_ASSERT_STRING_EQUAL(name, "kind-8938727f5aceae07");
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"names", test_name},
        {"open", test_open},
        {"files", test_files},
        {"what can't be replaced", test_no_replace},
        {"leftovers", test_leftovers},
        {"file size limit", test_file_size_limit},
        {"full file system", test_full},
        {"mutual exclusion", test_exclusion},
        {"bounded wait", test_bound},
        {"fork", test_fork},
        {"lock file", test_lock_file},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"runtime_dir", begin_suite, end_suite, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
