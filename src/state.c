/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "runtime_dir.h"

/* Three messages and what belongs to them, with room for escapes. */
#define FILE_MAX 16384

/*
 * A file is stamped with the time of the last clock tick (10 ms at most), and
 * a new one may get the inode of the one that it replaced: one that is
 * younger than this when it is read may yet be changed without a sign.
 */
#define SETTLED_MS 50

/* What tells one version of the file from another. */
struct version {
    int is_known; /* 0 = look at it, whatever it is */
    int exists;   /* 0 = so are all that follow */
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime;
};

/* Which file it is. */
struct place {
    char directory[PATH_MAX]; /* "" = memory only */
    char digest[MPSC_DIGEST_HEX_SIZE];
    char name[MPSC_RUNTIME_NAME_SIZE];
    char path[PATH_MAX + MPSC_RUNTIME_NAME_SIZE]; /* of both */
    unsigned number; /* another one for each place */
};

struct mpsc_state {
    char *subject; /* "endpoint\nsolution\n" */
    char boot_id[MPSC_BOOT_ID_SIZE];
    mpsc_clock_fn *clock;

    /* One change at a time. Held over the wait for other processes. */
    pthread_mutex_t changing;

    /* Guards what follows, taken after `changing`. */
    pthread_mutex_t lock;
    struct place place;
    struct version seen; /* the one that the view is of */
    struct mpsc_shared view;
};

struct mpsc_state *
mpsc_state_new(const char *endpoint, const char *solution_id,
               const char *boot_id, mpsc_clock_fn *clock)
{
    struct mpsc_state *state = calloc(1, sizeof(*state));

    if (state == NULL) {
        return NULL;
    }
    if (asprintf(&state->subject, "%s\n%s\n", endpoint, solution_id) < 0) {
        free(state);
        return NULL;
    }
    snprintf(state->boot_id, sizeof(state->boot_id), "%s", boot_id);
    state->clock = clock;
    pthread_mutex_init(&state->changing, NULL);
    pthread_mutex_init(&state->lock, NULL);
    return state;
}

void
mpsc_state_free(struct mpsc_state **state)
{
    if (*state != NULL) {
        pthread_mutex_destroy(&(*state)->changing);
        pthread_mutex_destroy(&(*state)->lock);
        free((*state)->subject);
        free(*state);
        *state = NULL;
    }
}

/* Turns to the caller's file; another than before makes an empty view. */
static void
turn_to(struct mpsc_state *state, const char *runtime_dir,
        const char *token_digest)
{
    struct place *place = &state->place;

    if (runtime_dir == NULL || strlen(runtime_dir) >= PATH_MAX ||
        state->boot_id[0] == '\0') {
        runtime_dir = "";
    }
    if (strcmp(place->directory, runtime_dir) == 0 &&
        strcmp(place->digest, token_digest) == 0) {
        return;
    }
    snprintf(place->directory, sizeof(place->directory), "%s", runtime_dir);
    snprintf(place->digest, sizeof(place->digest), "%s", token_digest);
    if (mpsc_runtime_name("state", state->subject, token_digest,
                          place->name) != 0) {
        place->directory[0] = '\0';
    }
    snprintf(place->path, sizeof(place->path), "%s/%s", place->directory,
             place->name);
    place->number++;
    memset(&state->seen, 0, sizeof(state->seen));
    memset(&state->view, 0, sizeof(state->view));
}

static void
find_version(const char *path, struct version *version)
{
    struct stat status;

    memset(version, 0, sizeof(*version));
    version->is_known = 1;
    if (fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        version->exists = 1;
        version->dev = status.st_dev;
        version->ino = status.st_ino;
        version->size = status.st_size;
        version->mtime = status.st_mtim;
    }
}

static int
same_version(const struct version *a, const struct version *b)
{
    return a->is_known && b->is_known && a->dev == b->dev &&
           a->ino == b->ino && a->size == b->size &&
           a->mtime.tv_sec == b->mtime.tv_sec &&
           a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/* False while another version might look the same. A stamp in the future is
 * that of a clock that was set. */
static int
is_settled(const struct version *version)
{
    struct timespec now = {0, 0};
    int64_t age_ms;

    clock_gettime(CLOCK_REALTIME, &now);
    age_ms = (int64_t)(now.tv_sec - version->mtime.tv_sec) * 1000 +
             (now.tv_nsec - version->mtime.tv_nsec) / 1000000;
    return age_ms < -SETTLED_MS || age_ms > SETTLED_MS;
}

/* Reads the file where it isn't the one that was seen last. It is looked at
 * before it is read: one that comes in between is read again. */
static void
catch_up(struct mpsc_state *state)
{
    char bytes[FILE_MAX];
    struct version version;
    struct mpsc_time now;
    ssize_t len;
    int dir;

    if (state->place.directory[0] == '\0') {
        return;
    }
    find_version(state->place.path, &version);
    if (same_version(&state->seen, &version)) {
        return;
    }
    if (!version.exists) {
        memset(&state->view, 0, sizeof(state->view));
        state->seen = version;
        return;
    }
    dir = mpsc_runtime_dir_open(state->place.directory);
    if (dir < 0) {
        return;
    }
    len = mpsc_runtime_read(dir, state->place.name, bytes, sizeof(bytes));
    (void)close(dir);
    state->clock(&now);
    (void)mpsc_state_from_json(bytes, len > 0 ? (size_t)len : 0,
                               state->boot_id, now.boot_ms, &state->view);
    version.is_known = is_settled(&version);
    state->seen = version;
}

void
mpsc_state_look(struct mpsc_state *state, const char *runtime_dir,
                const char *token_digest, struct mpsc_shared *shared)
{
    int saved = errno;

    pthread_mutex_lock(&state->lock);
    turn_to(state, runtime_dir, token_digest);
    catch_up(state);
    *shared = state->view;
    pthread_mutex_unlock(&state->lock);
    errno = saved;
}

/* 0, or -1 where it can't be written. */
static int
store(int dir, const char *name, const struct mpsc_shared *shared,
      const char *boot_id)
{
    struct json_object *json = mpsc_state_to_json(shared, boot_id);
    const char *text = NULL;
    int result = -1;
    size_t len;

    if (json != NULL) {
        text = json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN,
                                                 &len);
    }
    if (text != NULL) {
        result = mpsc_runtime_replace(dir, name, text, len);
    }
    json_object_put(json);
    return result;
}

/* A change on its way. */
struct change {
    char name[MPSC_RUNTIME_NAME_SIZE];
    unsigned place;
    struct version seen;
    struct mpsc_shared before;
    struct mpsc_shared after;
};

static void
begin_change(struct mpsc_state *state, const char *runtime_dir,
             const char *token_digest, struct change *change)
{
    pthread_mutex_lock(&state->lock);
    turn_to(state, runtime_dir, token_digest);
    catch_up(state);
    memcpy(change->name, state->place.name, sizeof(change->name));
    change->place = state->place.number;
    change->seen = state->seen;
    change->before = state->view;
    change->after = state->view;
    pthread_mutex_unlock(&state->lock);
}

/*
 * Takes the change over into the view, unless another thread has turned to
 * another file meanwhile. The file that was written is read at the next look,
 * since another process may have replaced it. Where none was, the view is
 * ahead of the file that it came from, until somebody writes another.
 */
static void
end_change(struct mpsc_state *state, const struct change *change, int written)
{
    pthread_mutex_lock(&state->lock);
    if (state->place.number == change->place) {
        state->view = change->after;
        state->seen = change->seen;
        state->seen.is_known = !written;
    }
    pthread_mutex_unlock(&state->lock);
}

void
mpsc_state_change(struct mpsc_state *state, const char *runtime_dir,
                  const char *token_digest, mpsc_state_change_fn *change,
                  void *arg, struct mpsc_shared *shared)
{
    struct change work;
    int saved = errno;
    int lock = -1;
    int dir = -1;

    pthread_mutex_lock(&state->changing);
    if (state->boot_id[0] != '\0') {
        dir = mpsc_runtime_dir_open(runtime_dir);
    }
    if (dir >= 0) {
        lock = mpsc_runtime_lock(dir, MPSC_RUNTIME_LOCK_MS);
    }
    begin_change(state, runtime_dir, token_digest, &work);
    change(&work.after, arg);
    /* Where but their padding differs it is written once too often. */
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
    if (memcmp(&work.before, &work.after, sizeof(work.after)) != 0) {
        int written = dir >= 0 &&
                      store(dir, work.name, &work.after, state->boot_id) == 0;

        end_change(state, &work, written);
    }
    mpsc_runtime_unlock(lock);
    if (dir >= 0) {
        (void)close(dir);
    }
    pthread_mutex_unlock(&state->changing);
    if (shared != NULL) {
        *shared = work.after;
    }
    errno = saved;
}
