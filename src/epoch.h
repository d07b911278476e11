/* SPDX-License-Identifier: MIT */
/*
 * epoch: two numbers in the user's runtime directory that processes look at
 * to see what others have done: the purge epoch, raised when tokens are to be
 * forgotten by all, and the generation of a keyring's pages, raised after
 * each write. Module, helper and CLI use them.
 *
 * What the files hold is believed only as far as it makes sense; a missing
 * file and rubbish count as 0. Compare numbers for equality alone: they
 * begin anew where a file was taken away.
 */
#ifndef MPSC_EPOCH_H
#define MPSC_EPOCH_H

#include <stdint.h>

/* The purge epoch: the file "epoch". */
struct mpsc_epoch {
    uint64_t number;       /* 0 = nothing was ever purged */
    int64_t raised_ms;     /* CLOCK_BOOTTIME, when it was raised last; 0 =
                            * never, or in another boot */
    int64_t all_before_ms; /* likewise, when all was purged last: a record
                            * received up to then is not believed, whatever
                            * page it is on; 0 = never, or in another boot */
};

/* 0, or -1 where the directory can't be used; *epoch is then all zero.
 * Keeps errno. */
int mpsc_epoch_read(const char *runtime_dir, struct mpsc_epoch *epoch);

/*
 * Raises the number by one; `all` sets all_before_ms, too, to now. *raised
 * (may be NULL): what is in the file now. Waits up to a second for a lock
 * that others hold. 0, or -1 with errno and nothing changed.
 */
int mpsc_epoch_raise(const char *runtime_dir, int all,
                     struct mpsc_epoch *raised);

/*
 * The keyring generation of an endpoint and solution. Of two equal ones that
 * are not 0, nothing was written between them; 0 says nothing at all. 0, or
 * -1 where the directory can't be used; *generation is then 0. Keeps errno.
 */
int mpsc_generation_read(const char *runtime_dir, const char *endpoint,
                         const char *solution_id, uint64_t *generation);

/*
 * Raises it, in an open runtime directory: to be called after a page is
 * written and before its lock is released. Waits up to a second for a lock
 * that others hold. 0, or -1 with errno; the generation is then 0, so that
 * nobody takes the page for unchanged.
 */
int mpsc_generation_raise(int dir, const char *endpoint,
                          const char *solution_id);

#endif
