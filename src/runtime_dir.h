/* SPDX-License-Identifier: MIT */
/*
 * runtime_dir: the directory that the processes of one user share: opened
 * where it is safe, small files in it, and a lock for those who change them.
 *
 * Module, helper and CLI use it. All are safe for any thread, and in a child
 * of fork(2) at any time. Where one fails, errno says why; else it is kept.
 */
#ifndef MPSC_RUNTIME_DIR_H
#define MPSC_RUNTIME_DIR_H

#include <stddef.h>
#include <sys/types.h>

/* How long a thread of a host may wait for the lock. */
#define MPSC_RUNTIME_LOCK_MS 20

/*
 * Opens the directory at an absolute path; makes it (0700) where only its
 * last component is missing. Returns a descriptor that the caller closes, or
 * -1 where path is NULL or relative, or what is there is not a directory of
 * the effective user with nothing for group and others, is a symbolic link,
 * or lies on a file system whose locks other machines share or which a
 * program serves: a lock there may hang or mean nothing.
 *
 * No descriptor is kept from call to call: hosts close those that they don't
 * know, and use the numbers again.
 */
int mpsc_runtime_dir_open(const char *path);

#define MPSC_RUNTIME_NAME_SIZE 32

/*
 * The name of the file of this kind (at most 14 bytes) and subject:
 * "KIND-HASH", 16 digits of the SHA-256 of subject and more, one behind the
 * other. 0, or -1 without memory and name empty.
 */
int mpsc_runtime_name(const char *kind, const char *subject, const char *more,
                      char name[MPSC_RUNTIME_NAME_SIZE]);

/*
 * Reads the whole file `name` into bytes[size] and puts a NUL behind it.
 * Returns its length, less than `size`; -1 where there is none, it is not a
 * regular file of the effective user, or it is larger. The contents may be
 * anything: another program of the user may have written them.
 */
ssize_t mpsc_runtime_read(int dir, const char *name, char *bytes, size_t size);

/*
 * Replaces the file `name` (at most 64 bytes long) as a whole, or makes it,
 * with mode 0600 whatever the umask: a reader sees the old or the new one,
 * never a part. Not synced: nothing here need survive the machine's end. 0,
 * or -1 with the old one as it was and nothing left behind (a process that is
 * killed in here may leave a file with a dot before its name). Never raises
 * SIGXFSZ.
 */
int mpsc_runtime_replace(int dir, const char *name, const char *bytes,
                         size_t len);

/*
 * Locks out all others who change files of this directory under this lock,
 * threads of this process included, for at most wait_ms. Hold it for the time
 * of a read and a write, and for nothing else. Returns what
 * mpsc_runtime_unlock() takes, or -1 where it can't be had in time; the
 * caller then goes on without it: a lost update does less harm than a host
 * that hangs.
 */
int mpsc_runtime_lock(int dir, unsigned wait_ms);

/* -1 is fine. errno is kept. */
void mpsc_runtime_unlock(int lock);

#endif
