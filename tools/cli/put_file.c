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

int
cli_put_file(const char *path, mode_t mode, const char *text)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    char temporary[PATH_MAX];
    size_t len = strlen(text);
    int saved;
    int fd;

    snprintf(temporary, sizeof(temporary), "%s.new", path);
    fd = open(temporary, flags, 0600);
    if (fd < 0) {
        return -1;
    }
    if (write(fd, text, len) == (ssize_t)len && fchmod(fd, mode) == 0 &&
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
