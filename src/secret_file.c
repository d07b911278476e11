/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "error.h"
#include "redact.h"

#define SECRET_MAX ((size_t)64 * 1024)
/* Tens of thousands of tokens. */
#define DOCUMENT_MAX ((size_t)16 * 1024 * 1024)

/* The file, for messages: "token_file /etc/x". */
struct subject {
    const char *key;
    const char *path;
};

static int
fail(const struct subject *subject, struct mps_error *error, const char *what)
{
    return mpsc_error_set(error, MPS_E_CONFIG, "%s %s %s", subject->key,
                          subject->path, what);
}

/* What mends it. */
static const char *
advice(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return "write the secret to it";
    case EACCES:
        return "give it the program's group (chgrp), mode 0640, and let the "
               "program enter its directory";
    default:
        return "check the file and its file system";
    }
}

static int
fail_errno(const struct subject *subject, int number, struct mps_error *error)
{
    char reason[64];

    return mpsc_error_set(
        error, MPS_E_CONFIG, "%s %s can't be read by user %u: %s; %s",
        subject->key, subject->path, (unsigned)geteuid(),
        strerror_r(number, reason, sizeof(reason)), advice(number));
}

static int
no_memory(const struct subject *subject, struct mps_error *error)
{
    return mpsc_error_set(error, MPS_E_NO_MEMORY, "no memory to read %s",
                          subject->key);
}

/* The rule of owner and mode. */
static int
check_access(const struct subject *subject, const struct stat *status,
             struct mps_error *error)
{
    unsigned mode = (unsigned)status->st_mode & 07777;
    uid_t user = geteuid();

    if (status->st_uid != 0 && status->st_uid != user) {
        return mpsc_error_set(error, MPS_E_CONFIG,
                              "%s %s belongs to user %u, not to root or user "
                              "%u: run 'chown %u %s'",
                              subject->key, subject->path,
                              (unsigned)status->st_uid, (unsigned)user,
                              (unsigned)user, subject->path);
    }
    if (status->st_uid == 0 && (mode & 037) != 0) {
        return mpsc_error_set(error, MPS_E_CONFIG,
                              "%s %s is open to %s (mode %04o): run 'chmod "
                              "0640 %s'",
                              subject->key, subject->path,
                              (mode & 07) != 0 ? "others"
                                               : "changes by a group",
                              mode, subject->path);
    }
    if (status->st_uid != 0 && (mode & 077) != 0) {
        return mpsc_error_set(error, MPS_E_CONFIG,
                              "%s %s is open to %s (mode %04o): run 'chmod "
                              "0600 %s'",
                              subject->key, subject->path,
                              (mode & 07) != 0 ? "others" : "its group", mode,
                              subject->path);
    }
    return MPS_OK;
}

static size_t
min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Room for another byte, of `most` and one more. 0, or -1 without memory. */
static int
make_room(struct mpsc_secret *secret, size_t most)
{
    if (secret->len + 1 < secret->cap) {
        return 0;
    }
    return mpsc_secret_reserve(secret, min(secret->cap * 2, most + 1));
}

/* Reads the whole file, which had so many bytes, or one byte more than
 * `most`. */
static int
read_all(const struct subject *subject, int fd, off_t size, size_t most,
         struct mpsc_secret *secret, struct mps_error *error)
{
    if (mpsc_secret_reserve(secret, min((size_t)size, most) + 1) != 0) {
        return no_memory(subject, error);
    }
    while (secret->len <= most) {
        size_t room;
        ssize_t got;

        if (make_room(secret, most) != 0) {
            return no_memory(subject, error);
        }
        room = min(secret->cap - 1, most + 1) - secret->len;
        got = read(fd, secret->data + secret->len, room);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_errno(subject, errno, error);
        }
        if (got == 0) {
            break;
        }
        secret->len += (size_t)got;
    }
    secret->data[secret->len] = '\0';
    return MPS_OK;
}

/* Takes the line end off and looks at what is left. */
static int
check_contents(const struct subject *subject, struct mpsc_secret *secret,
               struct mps_error *error)
{
    if (secret->len > 0 && secret->data[secret->len - 1] == '\n') {
        secret->len--;
        if (secret->len > 0 && secret->data[secret->len - 1] == '\r') {
            secret->len--;
        }
    }
    secret->data[secret->len] = '\0';
    if (secret->len == 0) {
        return fail(subject, error, "is empty: write the secret to it");
    }
    if (secret->len > SECRET_MAX) {
        return fail(subject, error,
                    "is longer than 64 KiB: it must hold the "
                    "secret alone");
    }
    for (size_t i = 0; i < secret->len; i++) {
        char c = secret->data[i];

        if (c == '\n' || c == '\r') {
            return fail(subject, error,
                        "has more than one line: it must hold "
                        "the secret alone, in one line");
        }
        if (c <= ' ' || c > '~') {
            return fail(subject, error,
                        "has a space or a byte that is not "
                        "printable ASCII: it must hold the "
                        "secret alone");
        }
    }
    return MPS_OK;
}

/* Opens a regular file. MPS_OK, or a code; *fd is -1 or open in any case. */
static int
open_file(const struct subject *subject, int *fd, struct stat *status,
          struct mps_error *error)
{
    /* A symbolic link is followed: tokens are rotated by replacing one. */
    *fd = mpsc_descriptor_lift(
        open(subject->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (*fd < 0 || fstat(*fd, status) != 0) {
        return fail_errno(subject, errno, error);
    }
    if (!S_ISREG(status->st_mode)) {
        return fail(subject, error,
                    S_ISDIR(status->st_mode) ? "is a directory, not a file"
                                             : "is not a regular file");
    }
    return MPS_OK;
}

static int
read_file(const struct subject *subject, int is_checked,
          struct mpsc_secret *secret, struct mps_error *error)
{
    struct mpsc_secret fresh = MPSC_SECRET_EMPTY;
    int saved = errno;
    struct stat status = {.st_size = 0};
    int code;
    int fd;

    mpsc_error_clear(error);
    code = open_file(subject, &fd, &status, error);
    if (code == MPS_OK && is_checked) {
        code = check_access(subject, &status, error);
    }
    if (code == MPS_OK) {
        /* A secret and its line end "\r\n". */
        code = read_all(subject, fd, status.st_size, SECRET_MAX + 2, &fresh,
                        error);
    }
    if (code == MPS_OK) {
        code = check_contents(subject, &fresh, error);
    }
    if (code == MPS_OK) {
        mpsc_secret_move(secret, &fresh);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    mpsc_secret_free(&fresh);
    errno = saved;
    return code;
}

int
mpsc_secret_file_read(const char *path, const char *key,
                      struct mpsc_secret *secret, struct mps_error *error)
{
    const struct subject subject = {key, path};

    return read_file(&subject, 1, secret, error);
}

int
mpsc_secret_file_read_document(const char *path, const char *key,
                               struct mpsc_secret *secret,
                               struct mps_error *error)
{
    const struct subject subject = {key, path};
    struct mpsc_secret fresh = MPSC_SECRET_EMPTY;
    int saved = errno;
    struct stat status = {.st_size = 0};
    size_t most = 0;
    int code;
    int fd;

    mpsc_error_clear(error);
    code = open_file(&subject, &fd, &status, error);
    if (code == MPS_OK) {
        code = check_access(&subject, &status, error);
    }
    if (code == MPS_OK) {
        most = min((size_t)status.st_size, DOCUMENT_MAX);
        code = read_all(&subject, fd, status.st_size, most, &fresh, error);
    }
    if (code == MPS_OK && fresh.len == 0) {
        code = fail(&subject, error, "is empty");
    }
    if (code == MPS_OK && fresh.len > most) {
        code = fail(&subject, error,
                    most == DOCUMENT_MAX
                        ? "is longer than 16 MiB"
                        : "grew while it was read: write another file and "
                          "rename it to this one");
    }
    if (code == MPS_OK) {
        mpsc_secret_move(secret, &fresh);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    mpsc_secret_free(&fresh);
    errno = saved;
    return code;
}

int
mpsc_secret_file_read_credential(const char *directory, const char *name,
                                 const char *key, struct mpsc_secret *secret,
                                 struct mps_error *error)
{
    struct subject subject = {key, NULL};
    int saved = errno;
    char *path = NULL;
    int code;

    if (directory == NULL) {
        return mpsc_error_set(error, MPS_E_CONFIG,
                              "%s is set, but systemd gives this program no "
                              "credentials: add LoadCredential= to its unit",
                              key);
    }
    if (name[0] == '\0' || strchr(name, '/') != NULL ||
        strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return mpsc_error_set(error, MPS_E_CONFIG,
                              "%s must be a name without a slash", key);
    }
    if (asprintf(&path, "%s/%s", directory, name) < 0) {
        errno = saved;
        return mpsc_error_set(error, MPS_E_NO_MEMORY,
                              "no memory to read a credential");
    }
    subject.path = path;
    code = read_file(&subject, 0, secret, error);
    if (code != MPS_OK) {
        /* The name may be the token itself, put into the wrong place. */
        mpsc_redact(error->message, NULL, 0);
    }
    free(path);
    return code;
}
