/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "request.h"

#include <string.h>

#include "error.h"

/* Later versions append members; no caller has less than this. */
#define FIRST_SIZE                                                            \
    (offsetof(struct mps_request, error) + sizeof(struct mps_error *))

/* More than any version will have: a size beyond is uninitialised memory. */
#define LARGEST_SIZE 4096

int
mpsc_request_size_ok(size_t size)
{
    return size >= FIRST_SIZE && size <= LARGEST_SIZE;
}

int
mpsc_request_business_id_ok(const char *business_id)
{
    size_t len = 0;

    if (business_id == NULL) {
        return 0;
    }
    while (business_id[len] != '\0') {
        if (len == MPS_BUSINESS_ID_MAX || business_id[len] < '0' ||
            business_id[len] > '9') {
            return 0;
        }
        len++;
    }
    return len > 0;
}

static int
all_zero(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return 0;
        }
    }
    return 1;
}

static int
check_size(const struct mps_request *from, struct mps_error *error)
{
    if (from == NULL) {
        return mpsc_error_set(error, MPS_E_INVALID, "the request is NULL");
    }
    if (!mpsc_request_size_ok(from->size)) {
        return mpsc_error_set(error, MPS_E_INVALID,
                              "mps_request.size is %zu: set it to "
                              "sizeof(struct mps_request)",
                              from->size);
    }
    if (from->size > sizeof(*from) &&
        !all_zero((const char *)from + sizeof(*from),
                  from->size - sizeof(*from))) {
        return mpsc_error_set(error, MPS_E_INVALID,
                              "the request uses members that this version "
                              "of the module doesn't know; upgrade it");
    }
    return MPS_OK;
}

int
mpsc_request_is_plain(const struct mps_request *request)
{
    return request != NULL && request->size == sizeof(*request) &&
           request->min_validity_s == 0 &&
           (request->flags & ~MPS_NO_WAIT) == 0 &&
           (request->profile == NULL || request->profile[0] != '\0') &&
           (request->error == NULL ||
            mpsc_error_size_ok(request->error->size));
}

int
mpsc_request_check(const struct mps_request *from,
                   const struct mpsc_request_rules *rules,
                   struct mps_request *to, struct mps_error *error)
{
    int code = check_size(from, error);

    if (code != MPS_OK) {
        return code;
    }
    memset(to, 0, sizeof(*to));
    memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
    if (to->error != NULL && !mpsc_error_size_ok(to->error->size)) {
        to->error = NULL;
        return mpsc_error_set(error, MPS_E_INVALID,
                              "mps_error.size is wrong: set it to "
                              "sizeof(struct mps_error)");
    }
    if (rules->needs_business &&
        !mpsc_request_business_id_ok(to->business_id)) {
        return mpsc_error_set(error, MPS_E_INVALID,
                              "business_id must be 1 to %d decimal digits",
                              MPS_BUSINESS_ID_MAX);
    }
    if ((to->flags & ~rules->flags) != 0) {
        return mpsc_error_set(error, MPS_E_INVALID,
                              "flags 0x%x are unknown, or mean nothing here",
                              to->flags & ~rules->flags);
    }
    if (to->profile != NULL && to->profile[0] == '\0') {
        return mpsc_error_set(error, MPS_E_INVALID,
                              "profile is empty: use NULL for none");
    }
    if (to->min_validity_s != 0 && !rules->allows_validity) {
        return mpsc_error_set(error, MPS_E_INVALID,
                              "min_validity_s means nothing here");
    }
    return MPS_OK;
}
