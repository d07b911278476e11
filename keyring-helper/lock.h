/* SPDX-License-Identifier: MIT */
/*
 * lock: the locks among one user's processes, single bytes of one file.
 *
 * They are locks of the open file (F_OFD_SETLK): they end with this process,
 * however it ends, and it never forks.
 */
#ifndef MPSK_LOCK_H
#define MPSK_LOCK_H

#include <stdint.h>

/*
 * Opens the lock file in the directory, makes it if needed, and locks its
 * byte at `offset`. wait 0: only where that is possible at once. Returns the
 * lock's descriptor; -1 where another holds the byte (wait 0 alone); -2
 * where the file can't be had or locked. Blocks as long as it takes: bound it
 * with a deadline.
 */
int mpsk_lock_open(int dir, int64_t offset, int wait);

/* Locks one more byte of the same file, waiting. 0; -1 also where the file in
 * the directory is no longer that one. */
int mpsk_lock_more(int dir, int lock, int64_t offset);

#endif
