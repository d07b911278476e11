/* SPDX-License-Identifier: MIT */
/*
 * utf8: text from outside made fit for messages and logs.
 */
#ifndef MPSC_UTF8_H
#define MPSC_UTF8_H

#include <stddef.h>

/*
 * Copies the string `from` into to[size] (size at least 1). Control bytes and
 * what is not UTF-8 (RFC 3629) become '?', so that no text can forge a log
 * line or a terminal sequence. Cut at a character's boundary, always
 * terminated.
 */
void mpsc_utf8_copy(char *to, size_t size, const char *from);

#endif
