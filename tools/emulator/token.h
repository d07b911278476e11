/* SPDX-License-Identifier: MIT */
/* Tokens that look like Meta's. */

#ifndef EMU_TOKEN_H
#define EMU_TOKEN_H

#include <stddef.h>

/* A fresh random token of length characters (at least 4): "EAA", then letters
 * and digits.  The caller frees it.  NULL without memory or randomness. */
char *emu_token_new(size_t length);

/* Fills size bytes with random ones.  Returns 0, or -1. */
int emu_random(void *bytes, size_t size);

#endif
