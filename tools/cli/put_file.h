/* SPDX-License-Identifier: MIT */
/* put_file: files that are there whole or not at all. */
#ifndef CLI_PUT_FILE_H
#define CLI_PUT_FILE_H

#include <sys/types.h>

/* Makes the directory of a path, where it is missing, with that mode; its own
 * has to be there. 0, or -1 with errno. */
int cli_put_directory(const char *path, mode_t mode);

/*
 * Writes a file as a whole with that mode, in the place of an old one, by way
 * of .NAME.XXXXXX beside it, which no reader of *.conf or *.prom takes. 0, or
 * -1 with errno and the old one as it was.
 */
int cli_put_file(const char *path, mode_t mode, const char *bytes, size_t len);

/* The file's text, which the caller frees; NULL with errno. For small ones. */
char *cli_get_file(const char *path);

#endif
