/* SPDX-License-Identifier: MIT */
/*
 * runtime_dir: the directory of one user's locks, opened where it is safe.
 */
#ifndef MPSK_RUNTIME_DIR_H
#define MPSK_RUNTIME_DIR_H

/*
 * Opens the directory at an absolute path; makes it (0700) where only its
 * last component is missing. Returns a descriptor, or -1 where it is not a
 * directory of the effective user with nothing for group and others, is a
 * symbolic link, or lies on a file system whose locks other machines share
 * or which a program serves: a lock there may hang or mean nothing.
 */
int mpsk_runtime_dir_open(const char *path);

#endif
