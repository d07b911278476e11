/* SPDX-License-Identifier: MIT */
/* The directory with the files for clients. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "workdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

static int
open_temporary(struct emu_workdir *workdir, struct emu_error *error)
{
    const char *base = secure_getenv("TMPDIR");
    int n;

    if (!base || base[0] != '/') {
        base = "/tmp";
    }
    n = snprintf(workdir->path, sizeof workdir->path,
                 "%s/mps-graph-emulator.XXXXXX", base);
    if (n < 0 || (size_t)n >= sizeof workdir->path) {
        return emu_fail(error, "TMPDIR is too long");
    }
    if (!mkdtemp(workdir->path)) {
        return emu_fail(error,
                        "cannot make a directory in %s: %s; give one "
                        "with --dir",
                        base, strerror(errno));
    }
    workdir->temporary = true;
    return 0;
}

int
emu_workdir_open(struct emu_workdir *workdir, const char *path,
                 struct emu_error *error)
{
    memset(workdir, 0, sizeof *workdir);
    if (!path) {
        return open_temporary(workdir, error);
    }
    if (mkdir(path, 0700) && errno != EEXIST) {
        return emu_fail(error, "cannot make the directory %.500s: %s", path,
                        strerror(errno));
    }
    if (!realpath(path, workdir->path)) {
        return emu_fail(error, "cannot use the directory %.500s: %s", path,
                        strerror(errno));
    }
    emu_file_remove(workdir->path, EMU_URL_FILE);
    return 0;
}

void
emu_workdir_close(const struct emu_workdir *workdir)
{
    emu_file_remove(workdir->path, EMU_URL_FILE);
    if (!workdir->temporary) {
        return;
    }
    emu_file_remove(workdir->path, EMU_CA_FILE);
    emu_file_remove(workdir->path, EMU_TOKEN_FILE);
    (void)rmdir(workdir->path);
}
