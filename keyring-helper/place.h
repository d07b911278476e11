/* SPDX-License-Identifier: MIT */
/*
 * place: where a business's record and its locks are. With page.h this is
 * what all processes of a user must agree on; none of it may ever change.
 */
#ifndef MPSK_PLACE_H
#define MPSK_PLACE_H

#include <stdint.h>

#include "keyring_page.h"

/* Offsets of single bytes in the lock file. */
struct mpsk_place {
    unsigned page;         /* of keyring_page.h */
    int64_t business_lock; /* bit 62 set */
    int64_t page_lock;     /* bit 62 clear: the two kinds never meet */
};

/*
 * The offsets are mpsc_keyring_hash() of "endpoint\nsolution\nbusiness" and of
 * "endpoint\nsolution\npage" (the page in decimal), of each the upper 62 bits.
 * Locks are taken in this order: business, page.
 */
void mpsk_place_find(const char *endpoint, const char *solution_id,
                     const char *business_id, struct mpsk_place *place);

/* A part of it alone. */
int64_t mpsk_place_page_lock(const char *endpoint, const char *solution_id,
                             unsigned page);

#endif
