/* SPDX-License-Identifier: MIT */
/*
 * mounts: file systems that only this program and its children see, where the
 * machine lets us: full ones, read-only ones, and files in place of others.
 */
#ifndef TEST_MOUNTS_H
#define TEST_MOUNTS_H

/* Enters a mount namespace: before any thread, and before the children that
 * are to see the mounts. Where it can't be, the others return -1. */
void mounts_open(void);

/* An empty file system in memory over the directory, with mount(8)'s options
 * for it. 0 or -1. */
int mounts_memory(const char *path, const char *options);

/* One file in place of another, which must be there, too. 0 or -1. */
int mounts_file(const char *file, const char *in_place_of);

/* Makes what is below the directory read-only. 0 or -1. */
int mounts_read_only(const char *path);

/* Takes the mount away again, though it is still used. */
void mounts_undo(const char *path);

#endif
