/* SPDX-License-Identifier: MIT */
/* The directory with the files for clients. */

#ifndef EMU_WORKDIR_H
#define EMU_WORKDIR_H

#include <limits.h>
#include <stdbool.h>

#include "error.h"

/* The files in it. */
#define EMU_CA_FILE "ca.pem"
#define EMU_URL_FILE "base_url"
#define EMU_TOKEN_FILE "partner_token"

struct emu_workdir {
    char path[PATH_MAX]; /* absolute */
    bool temporary;
};

/* Opens the directory at path, made (mode 0700) where there is none; with
 * NULL a temporary one.  A base_url left in it is removed.  Returns 0, or -1
 * with error filled. */
int emu_workdir_open(struct emu_workdir *workdir, const char *path,
                     struct emu_error *error);

/* Removes base_url and, if it is a temporary one, the directory. */
void emu_workdir_close(const struct emu_workdir *workdir);

#endif
