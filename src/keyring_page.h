/* SPDX-License-Identifier: MIT */
/*
 * keyring_page: which page of the keyring a business's record is on. With the
 * helper's page.h and place.h this is what all processes of a user must agree
 * on; none of it may ever change.
 */
#ifndef MPSC_KEYRING_PAGE_H
#define MPSC_KEYRING_PAGE_H

#include <stdint.h>

/* Per endpoint and solution. */
#define MPSC_KEYRING_PAGES 64

/* The first 8 bytes of the text's SHA-256, big endian; 0 where libcrypto
 * refuses (no memory, the process exits), which the helper doesn't use. */
uint64_t mpsc_keyring_hash(const char *text);

/* 0 to MPSC_KEYRING_PAGES - 1: the business's hash modulo these. */
unsigned mpsc_keyring_page(const char *business_id);

#endif
