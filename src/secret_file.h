/* SPDX-License-Identifier: MIT */
/*
 * secret_file: reads the partner's token, the app secret, or a document with
 * secrets from a file that only those may read who should.
 */
#ifndef MPSC_SECRET_FILE_H
#define MPSC_SECRET_FILE_H

#include <mps/credential.h>

#include "secret.h"

/*
 * Reads `path` into `secret`, without the line end at its end.
 *
 * Accepted is a regular file that is owned by the effective user with nothing
 * for group and others, or owned by root, at most group-readable, nothing for
 * others. The file must hold one line of 1 byte to 64 KiB of printable ASCII
 * without space. Never blocks on a FIFO or device.
 *
 * key: the option that names the file, for the message. Returns MPS_OK,
 * MPS_E_CONFIG (the message says what is wrong and the command that mends it)
 * or MPS_E_NO_MEMORY.
 */
int mpsc_secret_file_read(const char *path, const char *key,
                          struct mpsc_secret *secret, struct mps_error *error);

/*
 * The same for a document: from a file that is accepted by the same rule, all
 * that is in it, 1 byte to 16 MiB of whatever.
 */
int mpsc_secret_file_read_document(const char *path, const char *key,
                                   struct mpsc_secret *secret,
                                   struct mps_error *error);

/*
 * The same as the first for systemd's credentials: the file `name` in
 * `directory`
 * ($CREDENTIALS_DIRECTORY; NULL = not set, which is MPS_E_CONFIG). The
 * directory is systemd's and private to the unit, so owner and mode are not
 * looked at.
 */
int mpsc_secret_file_read_credential(const char *directory, const char *name,
                                     const char *key,
                                     struct mpsc_secret *secret,
                                     struct mps_error *error);

#endif
