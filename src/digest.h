/* SPDX-License-Identifier: MIT */
/*
 * digest: SHA-256 and HMAC-SHA256 in lower-case hex, by OpenSSL's libcrypto.
 */
#ifndef MPSC_DIGEST_H
#define MPSC_DIGEST_H

#include <stddef.h>

/* 64 hex digits and a NUL. */
#define MPSC_DIGEST_HEX_SIZE 65

/* 0, or -1 where libcrypto refuses (no memory, the process exits). */
int mpsc_digest_sha256(const void *bytes, size_t len,
                       char hex[MPSC_DIGEST_HEX_SIZE]);

/* HMAC-SHA256 of bytes under key. 0 or -1, as above. */
int mpsc_digest_hmac_sha256(const void *key, size_t key_len, const void *bytes,
                            size_t len, char hex[MPSC_DIGEST_HEX_SIZE]);

#endif
