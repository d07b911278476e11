/* SPDX-License-Identifier: MIT */
/*
 * rejected: the tokens of one business that were reported dead. Not locked.
 *
 * The keyring, another process or the endpoint may bring such a token back.
 * From the keyring it is never believed; the endpoint is, once a back-off has
 * passed, since it must know better in the end: 30 s from the report, doubling
 * to 15 min each time that it was believed again and reported dead again.
 */
#ifndef MPSC_REJECTED_H
#define MPSC_REJECTED_H

#include <stdint.h>

/* More dead tokens than this are not remembered: the oldest are forgotten. */
#define MPSC_REJECTED_MAX 8

struct mpsc_rejected; /* a list; NULL = empty */

/* Adds a token by its SHA-256 in hex; where it is there already, a report
 * within its back-off changes nothing. now_ms: CLOCK_BOOTTIME. Without memory
 * it isn't remembered. */
void mpsc_rejected_add(struct mpsc_rejected **list, const char *digest,
                       int64_t now_ms);

/* 0, or until when the token isn't believed from the endpoint, either;
 * CLOCK_BOOTTIME. */
int64_t mpsc_rejected_until(const struct mpsc_rejected *list,
                            const char *digest);

/* Frees all; *list becomes NULL. */
void mpsc_rejected_free(struct mpsc_rejected **list);

#endif
