/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "epoch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "runtime_dir.h"

#define EPOCH_FILE "epoch"

/* No number of ours gets there, and none beyond can be counted up for long. */
#define NUMBER_MAX (UINT64_C(1) << 53)

/* The file's line: three numbers and a boot id. */
#define LINE_SIZE 160

/* For a boot id that can't be read. */
#define NO_BOOT_ID "-"

/* "generation-" and 16 digits. */
#define NAME_SIZE 32

/* The callers are the helper and the CLI, and no host waits for them longer
 * than it has set: they can afford to wait for one that was stopped. */
#define LOCK_MS 1000

/* Reads a decimal number up to NUMBER_MAX and the byte `end` behind it; 0 or
 * -1. */
static int
read_number(const char **text, char end, uint64_t *number)
{
    const char *at = *text;

    *number = 0;
    do {
        if (*at < '0' || *at > '9') {
            return -1;
        }
        *number = *number * 10 + (uint64_t)(*at - '0');
        if (*number > NUMBER_MAX) {
            return -1;
        }
    } while (*++at != end);
    *text = at + 1;
    return 0;
}

/* The next number. Without the lock two processes may raise one number at a
 * time: what they make of it must not be the same. */
static uint64_t
next_number(uint64_t number, int is_locked)
{
    uint64_t next = number + (is_locked ? 1 : 1 + (uint64_t)getpid());

    return next <= NUMBER_MAX ? next : 1;
}

/* A time of this boot; else 0. */
static int64_t
believe(uint64_t ms, int is_this_boot, int64_t now_ms)
{
    return is_this_boot && (int64_t)ms <= now_ms ? (int64_t)ms : 0;
}

/* Takes the file's line apart; all zero where it is none. */
static void
parse_epoch(const char *line, struct mpsc_epoch *epoch)
{
    char boot_id[MPSC_BOOT_ID_SIZE];
    char ours[MPSC_BOOT_ID_SIZE + 1];
    struct mpsc_time now;
    uint64_t number;
    uint64_t raised;
    uint64_t all_before;
    int same;

    if (read_number(&line, ' ', &number) != 0 ||
        read_number(&line, ' ', &raised) != 0 ||
        read_number(&line, ' ', &all_before) != 0) {
        return;
    }
    mpsc_clock_boot_id(boot_id);
    mpsc_clock_system(&now);
    snprintf(ours, sizeof(ours), "%s\n", boot_id);
    same = boot_id[0] != '\0' && strcmp(line, ours) == 0;
    epoch->number = number;
    epoch->raised_ms = believe(raised, same, now.boot_ms);
    epoch->all_before_ms = believe(all_before, same, now.boot_ms);
}

static void
load_epoch(int dir, struct mpsc_epoch *epoch)
{
    char line[LINE_SIZE];

    memset(epoch, 0, sizeof(*epoch));
    if (mpsc_runtime_read(dir, EPOCH_FILE, line, sizeof(line)) > 0) {
        parse_epoch(line, epoch);
    }
}

int
mpsc_epoch_read(const char *runtime_dir, struct mpsc_epoch *epoch)
{
    int saved = errno;
    int dir = mpsc_runtime_dir_open(runtime_dir);

    memset(epoch, 0, sizeof(*epoch));
    if (dir >= 0) {
        load_epoch(dir, epoch);
        (void)close(dir);
    }
    errno = saved;
    return dir >= 0 ? 0 : -1;
}

static int
store_epoch(int dir, const struct mpsc_epoch *epoch)
{
    char boot_id[MPSC_BOOT_ID_SIZE];
    char line[LINE_SIZE];
    int len;

    mpsc_clock_boot_id(boot_id);
    len = snprintf(line, sizeof(line),
                   "%" PRIu64 " %" PRId64 " %" PRId64 " %s\n", epoch->number,
                   epoch->raised_ms, epoch->all_before_ms,
                   boot_id[0] != '\0' ? boot_id : NO_BOOT_ID);
    return mpsc_runtime_replace(dir, EPOCH_FILE, line, (size_t)len);
}

int
mpsc_epoch_raise(const char *runtime_dir, int all, struct mpsc_epoch *raised)
{
    struct mpsc_epoch epoch;
    struct mpsc_time now;
    int saved = errno;
    int dir = mpsc_runtime_dir_open(runtime_dir);
    int result;
    int lock;

    if (dir < 0) {
        return -1;
    }
    lock = mpsc_runtime_lock(dir, LOCK_MS);
    load_epoch(dir, &epoch);
    mpsc_clock_system(&now);
    epoch.number = next_number(epoch.number, lock >= 0);
    epoch.raised_ms = now.boot_ms;
    if (all) {
        epoch.all_before_ms = now.boot_ms;
    }
    result = store_epoch(dir, &epoch);
    if (result != 0) {
        saved = errno;
    } else if (raised != NULL) {
        *raised = epoch;
    }
    mpsc_runtime_unlock(lock);
    (void)close(dir);
    errno = saved;
    return result;
}

/*
 * FNV-1a: two keyrings that meet in one file only read a page too often. Not
 * SHA-256, because the helper would have to load libcrypto for it.
 */
static uint64_t
hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static void
generation_file(const char *endpoint, const char *solution_id,
                char name[NAME_SIZE])
{
    uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), endpoint);

    hash = hash_text(hash_text(hash, "\n"), solution_id);
    snprintf(name, NAME_SIZE, "generation-%016" PRIx64, hash);
}

static uint64_t
load_generation(int dir, const char *name)
{
    char line[LINE_SIZE];
    const char *text = line;
    uint64_t number;

    if (mpsc_runtime_read(dir, name, line, sizeof(line)) > 0 &&
        read_number(&text, '\n', &number) == 0 && *text == '\0') {
        return number;
    }
    return 0;
}

int
mpsc_generation_read(const char *runtime_dir, const char *endpoint,
                     const char *solution_id, uint64_t *generation)
{
    char name[NAME_SIZE];
    int saved = errno;
    int dir = mpsc_runtime_dir_open(runtime_dir);

    *generation = 0;
    if (dir >= 0) {
        generation_file(endpoint, solution_id, name);
        *generation = load_generation(dir, name);
        (void)close(dir);
    }
    errno = saved;
    return dir >= 0 ? 0 : -1;
}

/* No number that was there before the file was taken away: nobody writes a
 * page in a microsecond. */
static uint64_t
fresh_number(void)
{
    struct timespec now = {0, 0};

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int
mpsc_generation_raise(int dir, const char *endpoint, const char *solution_id)
{
    char name[NAME_SIZE];
    char line[LINE_SIZE];
    int saved = errno;
    uint64_t number;
    int result;
    int lock;
    int len;

    generation_file(endpoint, solution_id, name);
    lock = mpsc_runtime_lock(dir, LOCK_MS);
    number = load_generation(dir, name);
    if (number == 0) {
        number = fresh_number();
    }
    len = snprintf(line, sizeof(line), "%" PRIu64 "\n",
                   next_number(number, lock >= 0));
    result = mpsc_runtime_replace(dir, name, line, (size_t)len);
    if (result != 0) {
        saved = errno;
        (void)unlinkat(dir, name, 0);
    }
    mpsc_runtime_unlock(lock);
    errno = saved;
    return result;
}
