/* SPDX-License-Identifier: MIT */
/* Whole files, read and written. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *
emu_file_read(const char *path, size_t limit, size_t *size,
              struct emu_error *error)
{
    FILE *file = fopen(path, "re");
    char *bytes = NULL;
    size_t got;

    if (!file) {
        (void)emu_fail(error, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    bytes = malloc(limit + 2);
    if (!bytes) {
        (void)emu_fail(error, "out of memory for %s", path);
        goto out;
    }
    got = fread(bytes, 1, limit + 1, file);
    if (ferror(file)) {
        (void)emu_fail(error, "cannot read %s: %s", path, strerror(errno));
    } else if (got > limit) {
        (void)emu_fail(error, "%s is larger than %zu bytes", path, limit);
    } else {
        bytes[got] = '\0';
        *size = got;
        goto out;
    }
    free(bytes);
    bytes = NULL;
out:
    (void)fclose(file);
    return bytes;
}

static int
write_all(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        text += n;
        left -= (size_t)n;
    }
    return 0;
}

int
emu_file_write(const char *directory, const char *name, mode_t mode,
               const char *text, struct emu_error *error)
{
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", directory, name);
    int m = snprintf(temporary, sizeof temporary, "%s/.%s.XXXXXX", directory,
                     name);
    int fd;

    if (n < 0 || m < 0 || (size_t)n >= sizeof path ||
        (size_t)m >= sizeof temporary) {
        return emu_fail(error, "the path %s is too long", directory);
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return emu_fail(error, "cannot create a file in %s: %s", directory,
                        strerror(errno));
    }
    if (write_all(fd, text) || fchmod(fd, mode) || rename(temporary, path)) {
        (void)emu_fail(error, "cannot write %s: %s", path, strerror(errno));
        (void)unlink(temporary);
        (void)close(fd);
        return -1;
    }
    (void)close(fd);
    return 0;
}

void
emu_file_remove(const char *directory, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", directory, name);

    if (n > 0 && (size_t)n < sizeof path) {
        (void)unlink(path);
    }
}
