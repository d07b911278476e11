/* SPDX-License-Identifier: MIT */
/*
 * request: a caller's mps_request checked and brought to its full size. Pure.
 */
#ifndef MPSC_REQUEST_H
#define MPSC_REQUEST_H

#include <mps/credential.h>

/* What a function allows in a request. */
struct mpsc_request_rules {
    unsigned flags;      /* the flags that mean something there */
    int needs_business;  /* business_id is looked at */
    int allows_validity; /* min_validity_s means something there */
};

/* True where a caller's size is one that an mps_request can have. */
int mpsc_request_size_ok(size_t size);

/* True for 1 to MPS_BUSINESS_ID_MAX decimal digits. NULL is not. */
int mpsc_request_business_id_ok(const char *business_id);

/* True for a request of this version's size that any good token meets, and in
 * which nothing is wrong but perhaps the business_id. NULL is not. */
int mpsc_request_is_plain(const struct mps_request *request);

/*
 * Copies `from` into `to`, whatever version of the struct it is: missing
 * members are zero, members that this version doesn't know must be zero.
 * MPS_OK, or MPS_E_INVALID with a message that names the member.
 */
int mpsc_request_check(const struct mps_request *from,
                       const struct mpsc_request_rules *rules,
                       struct mps_request *to, struct mps_error *error);

#endif
