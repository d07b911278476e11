/* SPDX-License-Identifier: MIT */
/* replace: a file that readers see whole, the old one or the new. */
#ifndef CLI_REPLACE_H
#define CLI_REPLACE_H

#include <stddef.h>

/* Writes the file beside `path`, with mode 0644, and renames it. 0, or -1
 * after it has said on stderr what failed, with the old one as it was. */
int cli_replace_file(const char *path, const char *bytes, size_t len);

#endif
