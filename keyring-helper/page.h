/* SPDX-License-Identifier: MIT */
/*
 * page: the pages that tokens are packed into, as bytes.
 *
 * This header fixes the format on which all processes of a user must agree:
 *
 * - how many pages each endpoint and solution has, and which one a business
 *   is on: keyring_page.h; the lock bytes: place.h;
 * - a page is one item of the default collection, with the attributes of
 *   secret_service.c. The format's number is not among them: a page must be
 *   found, and left alone, whatever its format, and not be doubled;
 * - its secret is one line (a newline would destroy a gnome-keyring with an
 *   empty password) of JSON:
 *       {"format":1,"records":{"<business_id>":{record}, ...}}
 *   with the records of src/record.h.
 *
 * Pure. A page holds tokens: free it.
 */
#ifndef MPSK_PAGE_H
#define MPSK_PAGE_H

#include <json-c/json_types.h>
#include <stddef.h>

#include "clock.h"
#include "record.h"
#include "secret.h"

#define MPSK_PAGE_FORMAT 1

/* Far more than a page needs, far less than a bus takes. */
#define MPSK_PAGE_BYTES_MAX ((size_t)16 * 1024 * 1024)

struct mpsk_page {
    struct json_object *json;    /* the whole */
    struct json_object *records; /* in it */
};

enum mpsk_page_result {
    MPSK_PAGE_OK,
    MPSK_PAGE_NEWER,     /* of a later format: leave it alone */
    MPSK_PAGE_TOO_LARGE, /* likewise */
    MPSK_PAGE_NO_MEMORY
};

/*
 * Reads a page; no bytes are an empty one. So is one that makes no sense: it
 * is replaced by the next write, since nothing in it can be used. A record
 * that makes no sense is dropped alone. The page is set with MPSK_PAGE_OK
 * only.
 */
enum mpsk_page_result mpsk_page_parse(const char *bytes, size_t len,
                                      struct mpsk_page *page);

/* Appends the page to `out` as one line; `out` is emptied on failure. */
enum mpsk_page_result mpsk_page_write(const struct mpsk_page *page,
                                      struct mpsc_secret *out);

/* Copies the record of a business, unless it has expired as lifetime.h sees
 * it. 1 with the record, 0 where there is none. */
int mpsk_page_get(const struct mpsk_page *page, const char *business_id,
                  const struct mpsc_time *now,
                  const char boot_id[MPSC_BOOT_ID_SIZE],
                  struct mpsc_record *record);

/* Calls `each` for every record that has not expired. The record is the
 * callee's until it returns. */
typedef void mpsk_page_record_fn(void *arg, const char *business_id,
                                 const struct mpsc_record *record);
void mpsk_page_each(const struct mpsk_page *page, const struct mpsc_time *now,
                    const char boot_id[MPSC_BOOT_ID_SIZE],
                    mpsk_page_record_fn *each, void *arg);

/* Sets a business's record. 0, or -1 without memory. */
int mpsk_page_put(struct mpsk_page *page, const char *business_id,
                  const struct mpsc_record *record);

/* Drops a business's record; 1 where there was one, else 0. */
int mpsk_page_remove(struct mpsk_page *page, const char *business_id);

/* Drops all records. */
void mpsk_page_clear(struct mpsk_page *page);

/* Drops the records that have expired by now; their number. */
size_t mpsk_page_prune(struct mpsk_page *page, const struct mpsc_time *now,
                       const char boot_id[MPSC_BOOT_ID_SIZE]);

/* Wipes and empties; fine on an empty one. */
void mpsk_page_free(struct mpsk_page *page);

#endif
