/* SPDX-License-Identifier: MIT */
/* Whole files, read and written. */

#ifndef EMU_FILE_H
#define EMU_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/* Reads the file at path, at most limit bytes.  Returns its bytes with a NUL
 * after them, to be freed by the caller, and their number in *size; NULL with
 * error filled when it cannot be read or is larger. */
char *emu_file_read(const char *path, size_t limit, size_t *size,
                    struct emu_error *error);

/* Writes text to directory/name with the given mode (the umask plays no
 * part): whole under a temporary name, then renamed, so that a reader sees
 * all of it or nothing.  Returns 0, or -1 with error filled. */
int emu_file_write(const char *directory, const char *name, mode_t mode,
                   const char *text, struct emu_error *error);

/* Removes directory/name; one that is not there is no error. */
void emu_file_remove(const char *directory, const char *name);

#endif
