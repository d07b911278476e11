/* SPDX-License-Identifier: MIT */
/*
 * error: the return codes, their texts and classes, and struct mps_error on
 * its way up through the layers.
 *
 * Inside the module an mps_error always has its full size; the caller's size
 * counts only in mpsc_error_export(). No secret may be written into one.
 */
#ifndef MPSC_ERROR_H
#define MPSC_ERROR_H

#include <mps/credential.h>

/* The symbolic name, e.g. "MPS_E_AUTH"; "unknown" for an unknown code. */
const char *mpsc_error_name(int code);

/* What credential_strerror() and credential_class() return. */
const char *mpsc_error_string(int code);
unsigned mpsc_error_class(int code);

/* How bad a code is for an administrator: a larger one is heard first. */
unsigned mpsc_error_severity(int code);

/* Empties an error: size full, code MPS_OK, texts "". */
void mpsc_error_clear(struct mps_error *error);

/*
 * Clears `error` and sets code and message (as printf(3); cut at a UTF-8
 * boundary, control bytes replaced). Returns code, so that a function can
 * end in `return mpsc_error_set(...)`.
 */
int mpsc_error_set(struct mps_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Replaces the message alone, under the same rules. */
void mpsc_error_message(struct mps_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts which business and endpoint the error is about in front of its message,
 * under the same rules; how long that is. */
size_t mpsc_error_subject(struct mps_error *error, const char *business_id,
                          const char *base_url);

/* True where a caller's size is one that an mps_error can have. */
int mpsc_error_size_ok(size_t size);

/*
 * Gives an error to a caller whose struct may be of another version: writes
 * to->size bytes at most and leaves to->size as it is.
 */
void mpsc_error_export(struct mps_error *to, const struct mps_error *from);

#endif
