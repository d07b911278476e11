/* SPDX-License-Identifier: MIT */
/*
 * place: where a business's record and its locks are. With page.h this is
 * what all processes of a user must agree on; none of it may ever change.
 */
#ifndef MPSK_PLACE_H
#define MPSK_PLACE_H

#include <stdint.h>

/* Per endpoint and solution. */
#define MPSK_PAGES 64

/* Offsets of single bytes in the lock file. */
struct mpsk_place {
    unsigned page;         /* 0 to MPSK_PAGES - 1 */
    int64_t business_lock; /* bit 62 set */
    int64_t page_lock;     /* bit 62 clear: the two kinds never meet */
};

/*
 * The page is hash64(business_id) modulo MPSK_PAGES. The offsets are hash64
 * of "endpoint\nsolution\nbusiness" and of "endpoint\nsolution\npage" (the
 * page in decimal), of each the upper 62 bits. hash64 is that of
 * src/digest.h. Locks are taken in this order: business, page.
 */
void mpsk_place_find(const char *endpoint, const char *solution_id,
                     const char *business_id, struct mpsk_place *place);

/* Two parts of it alone. */
unsigned mpsk_place_page(const char *business_id);
int64_t mpsk_place_page_lock(const char *endpoint, const char *solution_id,
                             unsigned page);

#endif
