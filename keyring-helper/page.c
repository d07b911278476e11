/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "page.h"

#include <json-c/json.h>
#include <mps/credential.h>
#include <string.h>

#include "lifetime.h"
#include "secret_json.h"

/* Page, records, record, and room for what a later writer of the same
 * format may add. */
#define DEPTH_MAX 8

static enum mpsk_page_result
new_page(struct mpsk_page *page)
{
    struct json_object *format = json_object_new_int(MPSK_PAGE_FORMAT);

    page->json = json_object_new_object();
    page->records = json_object_new_object();
    if (page->json == NULL || format == NULL || page->records == NULL ||
        json_object_object_add(page->json, "format", format) != 0) {
        json_object_put(format);
        json_object_put(page->records);
        mpsk_page_free(page);
        return MPSK_PAGE_NO_MEMORY;
    }
    if (json_object_object_add(page->json, "records", page->records) != 0) {
        json_object_put(page->records);
        mpsk_page_free(page);
        return MPSK_PAGE_NO_MEMORY;
    }
    return MPSK_PAGE_OK;
}

/* The format's number; 0 where it has none that makes sense. */
static int64_t
format_of(struct json_object *json)
{
    struct json_object *format;

    if (!json_object_object_get_ex(json, "format", &format) ||
        !json_object_is_type(format, json_type_int)) {
        return 0;
    }
    return json_object_get_int64(format);
}

static int
business_id_ok(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= MPS_BUSINESS_ID_MAX && text[digits] == '\0';
}

/* Drops a member, its strings wiped first. */
static void
drop(struct json_object *records, const char *name)
{
    struct json_object *json = NULL;

    if (json_object_object_get_ex(records, name, &json)) {
        /* A reference of our own, so that the wipe comes first. */
        json_object_get(json);
        mpsc_secret_json_free(json);
        json_object_object_del(records, name);
    }
}

static int
expired(const struct mpsc_record *record, const struct mpsc_time *now,
        const char boot_id[MPSC_BOOT_ID_SIZE])
{
    return mpsc_lifetime_end_ms(record, now, boot_id) <= now->boot_ms;
}

/*
 * Drops the records that make no sense and those that have expired; with
 * `now` NULL the former alone. Their number.
 */
static size_t
sift(struct json_object *records, const struct mpsc_time *now,
     const char boot_id[MPSC_BOOT_ID_SIZE])
{
    struct json_object_iterator at = json_object_iter_begin(records);
    struct json_object_iterator end = json_object_iter_end(records);
    struct mpsc_record record = {.token = MPSC_SECRET_EMPTY};
    size_t dropped = 0;

    while (!json_object_iter_equal(&at, &end)) {
        const char *name = json_object_iter_peek_name(&at);
        struct json_object *json = json_object_iter_peek_value(&at);

        json_object_iter_next(&at);
        if (!business_id_ok(name) || mpsc_record_read(json, &record) != 0 ||
            (now != NULL && expired(&record, now, boot_id))) {
            drop(records, name);
            dropped++;
        }
    }
    mpsc_record_free(&record);
    return dropped;
}

enum mpsk_page_result
mpsk_page_parse(const char *bytes, size_t len, struct mpsk_page *page)
{
    int parsed;

    page->json = NULL;
    page->records = NULL;
    if (len > MPSK_PAGE_BYTES_MAX) {
        return MPSK_PAGE_TOO_LARGE;
    }
    parsed = mpsc_secret_json_parse(bytes, len, DEPTH_MAX, &page->json);
    if (parsed < 0) {
        return MPSK_PAGE_NO_MEMORY;
    }
    if (parsed == 0 && format_of(page->json) > MPSK_PAGE_FORMAT) {
        mpsk_page_free(page);
        return MPSK_PAGE_NEWER;
    }
    if (parsed != 0 || format_of(page->json) != MPSK_PAGE_FORMAT ||
        !json_object_object_get_ex(page->json, "records", &page->records) ||
        !json_object_is_type(page->records, json_type_object)) {
        mpsk_page_free(page);
        return new_page(page);
    }
    sift(page->records, NULL, NULL);
    return MPSK_PAGE_OK;
}

enum mpsk_page_result
mpsk_page_write(const struct mpsk_page *page, struct mpsc_secret *out)
{
    enum mpsk_page_result result = MPSK_PAGE_OK;

    if (mpsc_secret_json_write(page->json, out) != 0) {
        result = MPSK_PAGE_NO_MEMORY;
    } else if (out->len > MPSK_PAGE_BYTES_MAX) {
        result = MPSK_PAGE_TOO_LARGE;
    }
    if (result != MPSK_PAGE_OK) {
        mpsc_secret_free(out);
    }
    return result;
}

int
mpsk_page_get(const struct mpsk_page *page, const char *business_id,
              const struct mpsc_time *now,
              const char boot_id[MPSC_BOOT_ID_SIZE],
              struct mpsc_record *record)
{
    struct json_object *json;

    if (!json_object_object_get_ex(page->records, business_id, &json) ||
        mpsc_record_from_json(json, record) != 0) {
        return 0;
    }
    if (expired(record, now, boot_id)) {
        mpsc_record_free(record);
        return 0;
    }
    return 1;
}

void
mpsk_page_each(const struct mpsk_page *page, const struct mpsc_time *now,
               const char boot_id[MPSC_BOOT_ID_SIZE],
               mpsk_page_record_fn *each, void *arg)
{
    struct json_object_iterator at = json_object_iter_begin(page->records);
    struct json_object_iterator end = json_object_iter_end(page->records);
    struct mpsc_record record = {.token = MPSC_SECRET_EMPTY};

    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        /* It fails for want of memory alone: the page was sifted before. */
        if (mpsc_record_read(json_object_iter_peek_value(&at), &record) == 0 &&
            !expired(&record, now, boot_id)) {
            each(arg, json_object_iter_peek_name(&at), &record);
        }
    }
    mpsc_record_free(&record);
}

int
mpsk_page_put(struct mpsk_page *page, const char *business_id,
              const struct mpsc_record *record)
{
    struct json_object *json = mpsc_record_to_json(record);

    if (json == NULL) {
        return -1;
    }
    drop(page->records, business_id);
    if (json_object_object_add(page->records, business_id, json) != 0) {
        mpsc_secret_json_free(json);
        return -1;
    }
    return 0;
}

int
mpsk_page_remove(struct mpsk_page *page, const char *business_id)
{
    int there =
        json_object_object_get_ex(page->records, business_id, NULL) != 0;

    drop(page->records, business_id);
    return there;
}

void
mpsk_page_clear(struct mpsk_page *page)
{
    struct json_object_iterator at = json_object_iter_begin(page->records);
    struct json_object_iterator end = json_object_iter_end(page->records);

    while (!json_object_iter_equal(&at, &end)) {
        const char *name = json_object_iter_peek_name(&at);

        json_object_iter_next(&at);
        drop(page->records, name);
    }
}

size_t
mpsk_page_prune(struct mpsk_page *page, const struct mpsc_time *now,
                const char boot_id[MPSC_BOOT_ID_SIZE])
{
    return sift(page->records, now, boot_id);
}

void
mpsk_page_free(struct mpsk_page *page)
{
    mpsc_secret_json_free(page->json);
    page->json = NULL;
    page->records = NULL;
}
