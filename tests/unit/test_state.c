/* SPDX-License-Identifier: MIT */
/* The view of the shared state: what others write is seen, what is changed is
 * seen by others, and all goes on in memory where nothing can be shared. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run_suites.h"
#include "runtime_dir.h"
#include "state.h"

#define ENDPOINT "https://graph.facebook.com"
#define SOLUTION "1234"
#define BOOT_ID "01234567-89ab-cdef-0123-456789abcdef"
#define DIGEST                                                                \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER_DIGEST                                                          \
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define PROCESSES 3
#define CHANGES 5

/* A machine may be too busy for most rounds to prove anything. */
#define ROUNDS 300

static char top[] = "/tmp/mpsc-state-XXXXXX";
static char directory[64];
static int dir = -1;

/* Two processes' views, as far as these functions can tell. */
static struct mpsc_state *ours;
static struct mpsc_state *theirs;

static int64_t now_ms;

static void
clock_of_test(struct mpsc_time *now)
{
    *now = (struct mpsc_time){.wall_s = 1700000000, .boot_ms = now_ms};
}

static struct mpsc_state *
new_state(void)
{
    struct mpsc_state *state =
        mpsc_state_new(ENDPOINT, SOLUTION, BOOT_ID, clock_of_test);

    CU_ASSERT_PTR_NOT_NULL_FATAL(state);
    return state;
}

static void
begin_test(void)
{
    snprintf(directory, sizeof(directory), "%s/run", top);
    dir = mpsc_runtime_dir_open(directory);
    now_ms = 5000000;
    ours = new_state();
    theirs = new_state();
}

static void
end_test(void)
{
    char command[200];

    mpsc_state_free(&ours);
    CU_ASSERT_PTR_NULL(ours);
    mpsc_state_free(&ours);
    mpsc_state_free(&theirs);
    close(dir);
    snprintf(command, sizeof(command), "rm -rf %s/*", top);
    CU_ASSERT_EQUAL(system(command), 0);
}

static int
begin_suite(void)
{
    return mkdtemp(top) == NULL;
}

static int
end_suite(void)
{
    return rmdir(top) != 0;
}

static unsigned
look_at(struct mpsc_state *state, const char *path, const char *digest)
{
    struct mpsc_shared shared;

    memset(&shared, '#', sizeof(shared));
    errno = EXDEV;
    mpsc_state_look(state, path, digest, &shared);
    CU_ASSERT_EQUAL(errno, EXDEV);
    return shared.limits.failures;
}

static unsigned
look(struct mpsc_state *state)
{
    return look_at(state, directory, DIGEST);
}

static void
add_failures(struct mpsc_shared *shared, void *arg)
{
    shared->limits.failures += *(unsigned *)arg;
}

static unsigned
change_at(struct mpsc_state *state, const char *path, const char *digest,
          unsigned by)
{
    struct mpsc_shared shared;

    memset(&shared, '#', sizeof(shared));
    errno = EXDEV;
    mpsc_state_change(state, path, digest, add_failures, &by, &shared);
    CU_ASSERT_EQUAL(errno, EXDEV);
    return shared.limits.failures;
}

static unsigned
change(struct mpsc_state *state, unsigned by)
{
    return change_at(state, directory, DIGEST, by);
}

/* The only file there is, that of the lock aside. */
static const char *
find_file(void)
{
    static char path[200];
    char command[100];
    FILE *list;

    snprintf(command, sizeof(command), "ls -d %s/state-*", directory);
    list = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(list);
    CU_ASSERT_EQUAL(fscanf(list, "%199s", path), 1);
    CU_ASSERT_EQUAL(fscanf(list, "%*s"), EOF);
    CU_ASSERT_EQUAL(pclose(list), 0);
    return path;
}

static int
read_file(char *bytes, size_t size)
{
    return (int)mpsc_runtime_read(dir, strrchr(find_file(), '/') + 1, bytes,
                                  size);
}

/* Writes into the file as it is, so that its inode stays. */
static void
overwrite(const char *bytes, size_t len)
{
    int fd = open(find_file(), O_WRONLY | O_TRUNC);

    CU_ASSERT_EQUAL(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

/* Gives the file the time of its last change. */
static void
set_time(struct timespec time)
{
    const struct timespec times[2] = {{0, UTIME_OMIT}, time};

    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, find_file(), times, 0), 0);
}

static void
test_shared(void)
{
    CU_ASSERT_EQUAL(look(ours), 0);
    CU_ASSERT_EQUAL(look(theirs), 0);
    for (unsigned i = 1; i <= 20; i++) {
        CU_ASSERT_EQUAL(change(ours, 10), i * 11 - 1);
        CU_ASSERT_EQUAL(look(ours), i * 11 - 1);
        CU_ASSERT_EQUAL(look(theirs), i * 11 - 1);
        /* Also without a look before. */
        CU_ASSERT_EQUAL(change(theirs, 1), i * 11);
        CU_ASSERT_EQUAL(look(ours), i * 11);
    }
    mpsc_state_change(ours, directory, DIGEST, add_failures, &(unsigned){5},
                      NULL);
    CU_ASSERT_EQUAL(look(theirs), 225);
    CU_ASSERT_PTR_NULL(strstr(find_file(), "aaaa"));
}

/* Each endpoint, solution and token has a file of its own. */
static void
test_places(void)
{
    struct mpsc_state *others[] = {
        mpsc_state_new(ENDPOINT, "1235", BOOT_ID, clock_of_test),
        mpsc_state_new(ENDPOINT ":8443", SOLUTION, BOOT_ID, clock_of_test),
        mpsc_state_new(ENDPOINT, SOLUTION, "other", clock_of_test),
    };
    char elsewhere[100];

    snprintf(elsewhere, sizeof(elsewhere), "%s/else", top);
    CU_ASSERT_EQUAL(change(ours, 1), 1);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        CU_ASSERT_EQUAL(look(others[i]), 0);
        mpsc_state_free(&others[i]);
    }
    /* A new token of the partner's, and back to the old one. */
    CU_ASSERT_EQUAL(look_at(ours, directory, OTHER_DIGEST), 0);
    CU_ASSERT_EQUAL(change_at(ours, directory, OTHER_DIGEST, 2), 2);
    CU_ASSERT_EQUAL(look(ours), 1);
    CU_ASSERT_EQUAL(look_at(theirs, directory, OTHER_DIGEST), 2);
    /* Another directory. */
    CU_ASSERT_EQUAL(look_at(ours, elsewhere, DIGEST), 0);
    CU_ASSERT_EQUAL(change_at(ours, elsewhere, DIGEST, 4), 4);
    CU_ASSERT_EQUAL(look(ours), 1);
    CU_ASSERT_EQUAL(look_at(theirs, elsewhere, DIGEST), 4);
}

/* What another boot has left counts for nothing, and is replaced. */
static void
test_boot(void)
{
    struct mpsc_state *later =
        mpsc_state_new(ENDPOINT, SOLUTION,
                       "11234567-89ab-cdef-0123-456789abcdef", clock_of_test);

    CU_ASSERT_EQUAL(change(ours, 7), 7);
    CU_ASSERT_EQUAL(look(later), 0);
    CU_ASSERT_EQUAL(change(later, 1), 1);
    CU_ASSERT_EQUAL(look(later), 1);
    CU_ASSERT_EQUAL(look(ours), 0);
    mpsc_state_free(&later);
}

static void
test_memory_only(void)
{
    struct mpsc_state *no_boot =
        mpsc_state_new(ENDPOINT, SOLUTION, "", clock_of_test);
    char longest[5000];

    memset(longest, '/', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    CU_ASSERT_EQUAL(look_at(ours, NULL, DIGEST), 0);
    CU_ASSERT_EQUAL(change_at(ours, NULL, DIGEST, 1), 1);
    CU_ASSERT_EQUAL(change_at(ours, NULL, DIGEST, 1), 2);
    CU_ASSERT_EQUAL(look_at(ours, NULL, DIGEST), 2);
    CU_ASSERT_EQUAL(look_at(theirs, NULL, DIGEST), 0);
    /* The token is another one. */
    CU_ASSERT_EQUAL(look_at(ours, NULL, OTHER_DIGEST), 0);

    CU_ASSERT_EQUAL(change_at(ours, longest, DIGEST, 3), 3);
    CU_ASSERT_EQUAL(look_at(ours, longest, DIGEST), 3);
    CU_ASSERT_EQUAL(change_at(ours, "/dev/null", DIGEST, 4), 4);
    CU_ASSERT_EQUAL(change_at(ours, "/dev/null", DIGEST, 4), 8);
    CU_ASSERT_EQUAL(look_at(ours, "/dev/null", DIGEST), 8);
    CU_ASSERT_EQUAL(change_at(ours, "relative", DIGEST, 5), 5);
    CU_ASSERT_EQUAL(look_at(ours, "relative", DIGEST), 5);

    CU_ASSERT_EQUAL(change(theirs, 1), 1);
    CU_ASSERT_EQUAL(change(no_boot, 6), 6);
    CU_ASSERT_EQUAL(look(theirs), 1);
    CU_ASSERT_EQUAL(change(theirs, 1), 2);
    CU_ASSERT_EQUAL(look(no_boot), 6);
    mpsc_state_free(&no_boot);
    /* And back. */
    set_time((struct timespec){1600000000, 0});
    CU_ASSERT_EQUAL(look(theirs), 2);
    CU_ASSERT_EQUAL(look_at(theirs, NULL, DIGEST), 0);
    CU_ASSERT_EQUAL(look(theirs), 2);
}

/* The directory can no longer be used; then it can. */
static void
test_directory_goes(void)
{
    CU_ASSERT_EQUAL(change(ours, 1), 1);
    CU_ASSERT_EQUAL(look(ours), 1);
    CU_ASSERT_EQUAL(chmod(directory, 0755), 0);
    CU_ASSERT_EQUAL(look(ours), 1);
    CU_ASSERT_EQUAL(change(ours, 1), 2);
    CU_ASSERT_EQUAL(look(ours), 2);
    CU_ASSERT_EQUAL(look(theirs), 0);
    CU_ASSERT_EQUAL(chmod(directory, 0700), 0);
    CU_ASSERT_EQUAL(change(ours, 1), 3);
    CU_ASSERT_EQUAL(look(theirs), 3);
}

static void
test_strange_files(void)
{
    char bytes[16385];

    CU_ASSERT_EQUAL(change(ours, 1), 1);
    overwrite("rubbish", 7);
    CU_ASSERT_EQUAL(look(ours), 0);
    CU_ASSERT_EQUAL(change(theirs, 2), 2);
    CU_ASSERT_EQUAL(look(ours), 2);
    memset(bytes, ' ', sizeof(bytes));
    overwrite(bytes, sizeof(bytes));
    CU_ASSERT_EQUAL(look(ours), 0);
    CU_ASSERT_EQUAL(change(theirs, 3), 3);
    CU_ASSERT_EQUAL(look(ours), 3);
    CU_ASSERT_EQUAL(unlink(find_file()), 0);
    CU_ASSERT_EQUAL(look(ours), 0);
    CU_ASSERT_EQUAL(change(ours, 4), 4);
    CU_ASSERT_EQUAL(look(theirs), 4);
}

static void
close_for_long(struct mpsc_shared *shared, void *arg)
{
    shared->limits.usage_until_ms = *(int64_t *)arg;
}

static int64_t
usage_until(struct mpsc_state *state)
{
    struct mpsc_shared shared;

    mpsc_state_look(state, directory, DIGEST, &shared);
    return shared.limits.usage_until_ms;
}

/* A time too far ahead, by the state's own clock, is cut when it is read. */
static void
test_clock(void)
{
    int64_t late = now_ms + MPSC_STATE_AHEAD_MS + 5000;

    mpsc_state_change(theirs, directory, DIGEST, close_for_long, &late, NULL);
    CU_ASSERT_EQUAL(usage_until(ours), late - 5000);
    now_ms += 5000;
    CU_ASSERT_EQUAL(look(theirs), 0);
    CU_ASSERT_EQUAL(usage_until(theirs), late);
}

/* Where nothing was written nothing is read: the file is other than the view
 * though it looks the same. */
static void
test_unchanged(void)
{
    struct timespec time = {1600000000, 123456789};
    char bytes[4096];
    char *digit;
    int len;

    CU_ASSERT_EQUAL(change(ours, 1), 1);
    set_time(time);
    CU_ASSERT_EQUAL(look(ours), 1);
    len = read_file(bytes, sizeof(bytes));
    CU_ASSERT_FATAL(len > 0);
    digit = strstr(bytes, "\"failures\":1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(digit);
    digit += strlen("\"failures\":");
    *digit = '2';
    overwrite(bytes, (size_t)len);
    set_time(time);
    CU_ASSERT_EQUAL(look(ours), 1);
    CU_ASSERT_EQUAL(look(theirs), 2);
    /* Any of its marks is enough: time, size, inode. */
    time.tv_nsec++;
    set_time(time);
    CU_ASSERT_EQUAL(look(ours), 2);
    *digit = '3';
    bytes[len] = ' ';
    overwrite(bytes, (size_t)len + 1);
    set_time(time);
    CU_ASSERT_EQUAL(look(ours), 3);
    *digit = '4';
    CU_ASSERT_EQUAL(mpsc_runtime_replace(dir, strrchr(find_file(), '/') + 1,
                                         bytes, (size_t)len + 1),
                    0);
    set_time(time);
    CU_ASSERT_EQUAL(look(ours), 4);
    /* A clock that was set back: the file is of tomorrow. */
    time.tv_sec = INT32_MAX;
    set_time(time);
    CU_ASSERT_EQUAL(look(ours), 4);
    *digit = '5';
    overwrite(bytes, (size_t)len + 1);
    set_time(time);
    CU_ASSERT_EQUAL(look(ours), 4);
}

/* True where it is less than 40 ms since then. */
static int
is_young(struct timespec time)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (now.tv_sec - time.tv_sec) * 1000 +
               (now.tv_nsec - time.tv_nsec) / 1000000 <
           40;
}

/* In the same tick of the clock a file may change without a sign: one that is
 * young when it is read is read again. */
static void
test_same_tick(void)
{
    char bytes[4096];
    char *digit;
    int proofs = 0;
    int len;

    CU_ASSERT_EQUAL(change(ours, 1), 1);
    len = read_file(bytes, sizeof(bytes));
    CU_ASSERT_FATAL(len > 0);
    digit = strstr(bytes, "\"failures\":") + strlen("\"failures\":");
    /* A busy machine may let it grow old before the look is over. */
    for (int i = 0; i < 1000 && proofs < 8; i++) {
        struct stat before;
        unsigned found;

        set_time((struct timespec){0, UTIME_NOW});
        CU_ASSERT_EQUAL(stat(find_file(), &before), 0);
        (void)look(ours);
        if (!is_young(before.st_mtim)) {
            continue;
        }
        *digit = "23456789"[proofs];
        overwrite(bytes, (size_t)len);
        set_time(before.st_mtim);
        found = look(ours);
        CU_ASSERT_EQUAL(found, (unsigned)(*digit - '0'));
        proofs++;
    }
    CU_ASSERT_EQUAL(proofs, 8);
}

/* Nothing is written where nothing is changed. */
static void
test_no_change(void)
{
    struct stat before;
    struct stat after;

    CU_ASSERT_EQUAL(change(ours, 0), 0);
    CU_ASSERT_EQUAL(change(ours, 3), 3);
    CU_ASSERT_EQUAL(stat(find_file(), &before), 0);
    CU_ASSERT_EQUAL(change(ours, 0), 3);
    CU_ASSERT_EQUAL(change(theirs, 0), 3);
    CU_ASSERT_EQUAL(stat(find_file(), &after), 0);
    CU_ASSERT_EQUAL(after.st_ino, before.st_ino);
    CU_ASSERT_EQUAL(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

/* Looks at another place in the middle of a change: as another thread may. */
static void
look_elsewhere(struct mpsc_shared *shared, void *arg)
{
    CU_ASSERT_EQUAL(look_at(ours, directory, OTHER_DIGEST), 2);
    add_failures(shared, arg);
}

static void
forget(struct mpsc_shared *shared, void *arg)
{
    CU_ASSERT_EQUAL(look_at(ours, NULL, OTHER_DIGEST), 0);
    add_failures(shared, arg);
}

static void
test_turned_away(void)
{
    unsigned by = 5;

    CU_ASSERT_EQUAL(change(ours, 1), 1);
    CU_ASSERT_EQUAL(change_at(ours, directory, OTHER_DIGEST, 2), 2);
    mpsc_state_change(ours, directory, DIGEST, look_elsewhere, &by, NULL);
    CU_ASSERT_EQUAL(look_at(ours, directory, OTHER_DIGEST), 2);
    CU_ASSERT_EQUAL(look(ours), 6);
    /* What is in memory alone is not kept for two. */
    mpsc_state_change(ours, NULL, DIGEST, forget, &by, NULL);
    CU_ASSERT_EQUAL(look_at(ours, NULL, OTHER_DIGEST), 0);
    CU_ASSERT_EQUAL(look_at(ours, NULL, DIGEST), 0);
}

/* After a change the file may be replaced by one that looks as the one before
 * it: an inode that was free again. */
static void
test_same_inode(void)
{
    char bytes[4096];
    char kept[100];
    struct stat old;
    int len;
    int fd;

    CU_ASSERT_EQUAL(change(ours, 1), 1);
    set_time((struct timespec){1600000000, 0});
    CU_ASSERT_EQUAL(look(ours), 1);
    CU_ASSERT_EQUAL(stat(find_file(), &old), 0);
    snprintf(kept, sizeof(kept), "%s/kept", directory);
    CU_ASSERT_EQUAL(link(find_file(), kept), 0);
    CU_ASSERT_EQUAL(change(ours, 1), 2);
    len = read_file(bytes, sizeof(bytes));
    CU_ASSERT_EQUAL_FATAL(len, old.st_size);
    *(strstr(bytes, "\"failures\":") + strlen("\"failures\":")) = '7';
    fd = open(kept, O_WRONLY);
    CU_ASSERT_EQUAL(write(fd, bytes, (size_t)len), len);
    close(fd);
    CU_ASSERT_EQUAL(rename(kept, find_file()), 0);
    set_time(old.st_mtim);
    CU_ASSERT_EQUAL(look(ours), 7);
}

/* 0 where it could be set for files to come. */
static int
limit_size(rlim_t size)
{
    const struct rlimit limit = {size, RLIM_INFINITY};

    return setrlimit(RLIMIT_FSIZE, &limit);
}

/* Another process writes, another thread of ours looks, and then we can't
 * write. */
static void
overtake(struct mpsc_shared *shared, void *arg)
{
    if (limit_size(RLIM_INFINITY) != 0 || change(theirs, 10) != 13 ||
        look(ours) != 13 || limit_size(10) != 0) {
        _exit(3);
    }
    add_failures(shared, arg);
}

/* A change that can't be written is kept in memory, until others write. */
static void
fail_to_write(void)
{
    unsigned by = 1;

    if (limit_size(10) != 0) {
        _exit(1);
    }
    if (change(ours, 1) != 4 || look(ours) != 4 || change(ours, 1) != 5 ||
        look(ours) != 5 || look(theirs) != 3) {
        _exit(2);
    }
    mpsc_state_change(ours, directory, DIGEST, overtake, &by, NULL);
    _exit(look(ours) == 13 ? 0 : 4);
}

static void
test_not_written(void)
{
    int status = -1;
    pid_t child;

    CU_ASSERT_EQUAL(change(ours, 3), 3);
    child = fork();
    if (child == 0) {
        fail_to_write();
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_EQUAL(look(ours), 13);
    /* Nothing was left behind. */
    CU_ASSERT_EQUAL(unlink(find_file()), 0);
    CU_ASSERT_EQUAL(unlinkat(dir, "files-lock", 0), 0);
    CU_ASSERT_EQUAL(rmdir(directory), 0);
}

/* One who keeps the lock holds up nobody for good. */
static void
test_stuck(void)
{
    int lock = mpsc_runtime_lock(dir, 0);

    CU_ASSERT(lock >= 0);
    CU_ASSERT_EQUAL(change(ours, 1), 1);
    CU_ASSERT_EQUAL(look(theirs), 1);
    mpsc_runtime_unlock(lock);
    CU_ASSERT_EQUAL(change(theirs, 1), 2);
}

static int64_t
mono_ms(void)
{
    struct mpsc_time now;

    mpsc_clock_system(&now);
    return now.mono_ms;
}

/* So that others come in between if they can; the text goes with the number,
 * so that one can be told from the other's. */
static void
count_slowly(struct mpsc_shared *shared, void *arg)
{
    struct mpsc_limits *limits = &shared->limits;

    (void)arg;
    limits->failures++;
    snprintf(limits->rate.message, sizeof(limits->rate.message), "%0200u",
             limits->failures);
    usleep(1000);
}

/* Makes the changes of one process; 0, or 1 where one took so long that it may
 * have been made without the lock. */
static int
count_up(struct mpsc_state *state)
{
    int unsure = 0;

    for (int i = 0; i < CHANGES; i++) {
        int64_t begin = mono_ms();

        mpsc_state_change(state, directory, DIGEST, count_slowly, NULL, NULL);
        unsure |= mono_ms() - begin >= MPSC_RUNTIME_LOCK_MS;
        usleep((useconds_t)(random() % 2000));
    }
    return unsure;
}

/* Looks until told to end; 0 where it never saw a torn file, nor a number that
 * had been a greater one (which a change without the lock may lead to). */
static int
watch(struct mpsc_state *state, int end)
{
    struct mpsc_shared shared;
    unsigned before = 0;
    int unsure = 0;
    char text[256];
    char byte;

    fcntl(end, F_SETFL, O_NONBLOCK);
    while (read(end, &byte, 1) < 0) {
        mpsc_state_look(state, directory, DIGEST, &shared);
        snprintf(text, sizeof(text), "%0200u", shared.limits.failures);
        if (shared.limits.failures == 0
                ? before > 0
                : strcmp(shared.limits.rate.message, text) != 0) {
            return 2;
        }
        unsure |= shared.limits.failures < before;
        before = shared.limits.failures;
    }
    return unsure;
}

static int
await(pid_t child)
{
    int status = -1;

    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* True where it is proved that no update was lost. */
static int
run_round(void)
{
    pid_t children[PROCESSES + 1];
    unsigned sum;
    int unsure = 0;
    int end[2];

    CU_ASSERT_EQUAL_FATAL(pipe(end), 0);
    for (int i = 0; i <= PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            close(end[1]);
            srandom((unsigned)getpid());
            _exit(i == PROCESSES ? watch(new_state(), end[0])
                                 : count_up(new_state()));
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        unsure |= await(children[i]);
    }
    close(end[1]);
    unsure |= await(children[PROCESSES]);
    CU_ASSERT(unsure < 2);
    close(end[0]);
    sum = look(ours);
    CU_ASSERT(unsure || sum == PROCESSES * CHANGES);
    CU_ASSERT(sum <= PROCESSES * CHANGES);
    CU_ASSERT_EQUAL(unlink(find_file()), 0);
    CU_ASSERT_EQUAL(look(ours), 0);
    return !unsure;
}

static void
test_processes(void)
{
    int rounds = 0;

    while (rounds < ROUNDS && !run_round()) {
        rounds++;
    }
    CU_ASSERT(rounds < ROUNDS);
}

static void *
count_in_thread(void *arg)
{
    (void)arg;
    for (int i = 0; i < CHANGES; i++) {
        struct mpsc_shared shared;

        mpsc_state_change(ours, NULL, DIGEST, count_slowly, NULL, NULL);
        mpsc_state_look(ours, NULL, DIGEST, &shared);
    }
    return NULL;
}

/* Threads of one process, which has its memory alone. */
static void
test_threads(void)
{
    pthread_t threads[PROCESSES];

    for (int i = 0; i < PROCESSES; i++) {
        CU_ASSERT_EQUAL_FATAL(
            pthread_create(&threads[i], NULL, count_in_thread, NULL), 0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(look_at(ours, NULL, DIGEST), PROCESSES * CHANGES);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"shared", test_shared},
        {"places", test_places},
        {"another boot", test_boot},
        {"memory only", test_memory_only},
        {"directory goes", test_directory_goes},
        {"strange files", test_strange_files},
        {"clock", test_clock},
        {"unchanged file", test_unchanged},
        {"same tick", test_same_tick},
        {"no change", test_no_change},
        {"turned away", test_turned_away},
        {"same inode", test_same_inode},
        {"not written", test_not_written},
        {"stuck", test_stuck},
        {"processes", test_processes},
        {"threads", test_threads},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"state", begin_suite, end_suite, begin_test, end_test, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
