/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "put_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_SMALL 4096

int
cli_put_directory(const char *path, mode_t mode)
{
    char directory[PATH_MAX];

    snprintf(directory, sizeof(directory), "%.*s",
             (int)(strrchr(path, '/') - path), path);
    if (mkdir(directory, mode) == 0) {
        /* Whatever the umask. */
        return chmod(directory, mode);
    }
    return errno == EEXIST ? 0 : -1;
}

/* 0, or -1 with errno. */
static int
write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);

        if (written < 0 && errno != EINTR) {
            return -1;
        }
        if (written > 0) {
            bytes += written;
            len -= (size_t)written;
        }
    }
    return 0;
}

int
cli_put_file(const char *path, mode_t mode, const char *bytes, size_t len)
{
    const char *base = strrchr(path, '/');
    char temporary[PATH_MAX];
    int saved;
    int fd;

    base = base != NULL ? base + 1 : path;
    if (snprintf(temporary, sizeof(temporary), "%.*s.%s.XXXXXX",
                 (int)(base - path), path, base) >= (int)sizeof(temporary)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    if (write_all(fd, bytes, len) == 0 && fchmod(fd, mode) == 0 &&
        fsync(fd) == 0 && rename(temporary, path) == 0) {
        close(fd);
        return 0;
    }
    saved = errno;
    close(fd);
    (void)unlink(temporary);
    errno = saved;
    return -1;
}

char *
cli_get_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd >= 0 ? malloc(SIZE_MAX_SMALL) : NULL;
    ssize_t len = text != NULL ? read(fd, text, SIZE_MAX_SMALL - 1) : -1;
    int saved = errno;

    if (fd >= 0) {
        close(fd);
    }
    if (len < 0) {
        free(text);
        errno = saved;
        return NULL;
    }
    text[len] = '\0';
    return text;
}
