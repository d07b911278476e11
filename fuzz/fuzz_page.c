/* SPDX-License-Identifier: MIT */
/*
 * A page of the keyring, which other programs can write. Whatever it holds,
 * the page that is made of it can be written as one line and read again, and
 * its records are such as the module writes itself.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "target.h"

static const struct mpsc_time now = {FUZZ_NOW, FUZZ_NOW_BOOT_MS,
                                     FUZZ_NOW_BOOT_MS};
static const char boot_id[MPSC_BOOT_ID_SIZE] = FUZZ_BOOT_ID;

struct count {
    struct mpsk_page *page;
    size_t records;
    char first[MPS_BUSINESS_ID_MAX + 1]; /* a business of the page */
};

static void
see_record(void *arg, const char *business_id,
           const struct mpsc_record *record)
{
    struct count *count = arg;
    struct mpsc_record again;
    size_t digits = strspn(business_id, "0123456789");

    MUST(digits > 0 && digits <= MPS_BUSINESS_ID_MAX);
    MUST(business_id[digits] == '\0');
    fuzz_must_be_record(record);
    MUST(mpsk_page_get(count->page, business_id, &now, boot_id, &again) == 1);
    fuzz_must_equal(record, &again);
    mpsc_record_free(&again);
    memcpy(count->first, business_id, digits + 1);
    count->records++;
}

static size_t
count_records(struct mpsk_page *page, char first[MPS_BUSINESS_ID_MAX + 1])
{
    struct count count = {page, 0, ""};

    mpsk_page_each(page, &now, boot_id, see_record, &count);
    memcpy(first, count.first, sizeof(count.first));
    return count.records;
}

/* Writes the page, which is one line, reads it again and has it written once
 * more: the same bytes. */
static void
must_survive(struct mpsk_page *page, size_t records)
{
    struct mpsc_secret out = MPSC_SECRET_EMPTY;
    struct mpsc_secret out2 = MPSC_SECRET_EMPTY;
    struct mpsk_page again;
    char first[MPS_BUSINESS_ID_MAX + 1];

    MUST(mpsk_page_write(page, &out) == MPSK_PAGE_OK);
    for (size_t i = 0; i < out.len; i++) {
        MUST((unsigned char)out.data[i] >= 0x20);
    }
    MUST(mpsk_page_parse(out.data, out.len, &again) == MPSK_PAGE_OK);
    MUST(count_records(&again, first) == records);
    MUST(mpsk_page_write(&again, &out2) == MPSK_PAGE_OK);
    MUST(out.len == out2.len);
    MUST(memcmp(out.data, out2.data, out.len) == 0);
    mpsk_page_free(&again);
    mpsc_secret_free(&out);
    mpsc_secret_free(&out2);
}

/* What a helper does with a page: a record is moved from one business to
 * another, what has expired goes, and then all of it. */
static void
must_change(struct mpsk_page *page, size_t records, const char *first)
{
    struct mpsc_record record;
    char left[MPS_BUSINESS_ID_MAX + 1];

    mpsk_page_prune(page, &now, boot_id);
    MUST(mpsk_page_prune(page, &now, boot_id) == 0);
    MUST(count_records(page, left) == records);
    if (records > 0) {
        MUST(mpsk_page_get(page, first, &now, boot_id, &record) == 1);
        MUST(mpsk_page_remove(page, first) == 1);
        MUST(mpsk_page_remove(page, first) == 0);
        MUST(count_records(page, left) == records - 1);
        MUST(mpsk_page_put(page, first, &record) == 0);
        MUST(mpsk_page_put(page, first, &record) == 0);
        MUST(count_records(page, left) == records);
        mpsc_record_free(&record);
    }
    must_survive(page, records);
    mpsk_page_clear(page);
    MUST(count_records(page, left) == 0);
    must_survive(page, 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mpsk_page page;
    char first[MPS_BUSINESS_ID_MAX + 1];
    size_t records;
    char *text = fuzz_string(data, size);
    enum mpsk_page_result result = mpsk_page_parse(text, size, &page);

    if (result == MPSK_PAGE_OK) {
        records = count_records(&page, first);
        must_survive(&page, records);
        must_change(&page, records, first);
        mpsk_page_free(&page);
    } else {
        /* A page that nobody has to leave alone is never left alone. */
        MUST(result == MPSK_PAGE_NEWER || size > MPSK_PAGE_BYTES_MAX);
        MUST(result != MPSK_PAGE_NO_MEMORY);
        MUST(page.json == NULL && page.records == NULL);
    }
    free(text);
    return 0;
}
