/* SPDX-License-Identifier: MIT */
/*
 * vault: memory for what is secret, small and of a fixed size: a credential
 * with its token.
 *
 * Many pieces of one size share a mapping, which is kept out of core dumps
 * and locked into RAM as far as the limit allows; one that is large has a
 * mapping of its own. A piece is wiped when it is given back, and a mapping
 * goes back to the kernel with its last piece.
 *
 * Any thread. In a child of fork(2) the parent's pieces are good, and giving
 * one back wipes it and does no more: the parent's lock may be held there by
 * a thread that the child doesn't have.
 */
#ifndef MPSC_VAULT_H
#define MPSC_VAULT_H

#include <stddef.h>

/* A piece of `size` bytes, all 0, aligned for any integer or pointer. NULL
 * without memory. errno stays. */
void *mpsc_vault_new(size_t size);

/* Wipes and gives back. NULL is fine. errno stays. */
void mpsc_vault_free(void *piece);

/* In a forked child, before anything else. Async-signal-safe. */
void mpsc_vault_forked(void);

#endif
