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
 * Turns at the keyring, whose service does one thing after the other: with
 * some hundred helpers at once, as in a storm of cold starts, each would wait
 * longer for its answer than a mute service is given. They wait here instead,
 * a few at a time talk, and stores have a turn of their own, since others wait
 * for what is stored. Offsets like those of place.h, and as fixed.
 */
#define MPSK_LOCK_WRITER INT64_C(0)
#define MPSK_LOCK_READERS 3 /* behind it */

/* This process's turn among the readers: the offset of its byte. */
int64_t mpsk_lock_reader(void);

/*
 * Opens the lock file in the directory, makes it if needed, and locks its
 * byte at `offset`. wait 0: only where that is possible at once. Returns the
 * lock's descriptor; -1 where another holds the byte (wait 0 alone); -2
 * where the file can't be had or locked. Blocks as long as it takes: bound it
 * with a deadline.
 */
int mpsk_lock_open(int dir, int64_t offset, int wait);

/* Opens the lock file likewise, and locks nothing. The descriptor, or -1. */
int mpsk_lock_file(int dir);

/* Locks one more byte of the same file; one that is locked already stays so.
 * 0; -1 where another holds the byte (wait 0 alone), and where the file in the
 * directory is no longer that one. */
int mpsk_lock_more(int dir, int lock, int64_t offset, int wait);

/* Gives a byte back, whether it was locked or not. */
void mpsk_lock_drop(int lock, int64_t offset);

#endif
