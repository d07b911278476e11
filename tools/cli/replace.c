/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "replace.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

/* Takes over fd. 0, or -1 with errno. */
static int
fill(int fd, const char *bytes, size_t len)
{
    FILE *file = fdopen(fd, "w");
    int result;

    if (file == NULL) {
        close(fd);
        return -1;
    }
    result = fwrite(bytes, 1, len, file) == len && fflush(file) == 0 &&
                     fchmod(fd, 0644) == 0
                 ? 0
                 : -1;
    return fclose(file) == 0 ? result : -1;
}

int
cli_replace_file(const char *path, const char *bytes, size_t len)
{
    char name[PATH_MAX];
    int fd = -1;

    /* The collector reads *.prom alone. */
    if (snprintf(name, sizeof(name), "%s.XXXXXX", path) >= (int)sizeof(name)) {
        errno = ENAMETOOLONG;
    } else {
        fd = mkstemp(name);
    }
    if (fd >= 0 && fill(fd, bytes, len) == 0 && rename(name, path) == 0) {
        return 0;
    }
    fprintf(stderr, CLI_PROGRAM ": can't write %s: %s\n", path,
            strerror(errno));
    if (fd >= 0) {
        unlink(name);
    }
    return -1;
}
