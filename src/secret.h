/* SPDX-License-Identifier: MIT */
/*
 * secret: an owned, growing byte buffer for tokens and whatever holds one.
 *
 * Its memory is its own mapping: kept out of core dumps, locked into RAM as
 * far as the limit allows, and wiped before it is given back. data is always
 * NUL-terminated where it is not NULL. Not safe for use by two threads at
 * once; a mapping made before fork(2) may be used and freed in the child.
 */
#ifndef MPSC_SECRET_H
#define MPSC_SECRET_H

#include <stddef.h>

struct mpsc_secret {
    char *data; /* NULL while empty */
    size_t len; /* bytes used, without the NUL */
    size_t cap; /* bytes mapped */
};

#define MPSC_SECRET_EMPTY                                                     \
    {                                                                         \
        NULL, 0, 0                                                            \
    }

/* Makes room for `len` bytes in all. 0, or -1 without memory. */
int mpsc_secret_reserve(struct mpsc_secret *secret, size_t len);

/* Adds bytes to the end. 0, or -1 without memory (nothing changed). */
int mpsc_secret_append(struct mpsc_secret *secret, const void *bytes,
                       size_t len);

/* Replaces the contents. 0, or -1 without memory. */
int mpsc_secret_set(struct mpsc_secret *secret, const void *bytes, size_t len);

/* Moves the contents; `to` is wiped first, `from` is empty afterwards. */
void mpsc_secret_move(struct mpsc_secret *to, struct mpsc_secret *from);

/* Wipes, unmaps and empties. Fine on an empty one. */
void mpsc_secret_free(struct mpsc_secret *secret);

#endif
