/* SPDX-License-Identifier: MIT */
/*
 * utf8: what is UTF-8 (RFC 3629), and text from outside made fit for messages
 * and logs.
 */
#ifndef MPSC_UTF8_H
#define MPSC_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* How many of the `len` bytes at `from` are its first character, with *point
 * set; 0 where they begin with none. */
size_t mpsc_utf8_decode(const char *from, size_t len, uint32_t *point);

/*
 * Copies the string `from` into to[size] (size at least 1). Control bytes and
 * what is not UTF-8 become '?', so that no text can forge a log
 * line or a terminal sequence. Cut at a character's boundary, always
 * terminated.
 */
void mpsc_utf8_copy(char *to, size_t size, const char *from);

#endif
