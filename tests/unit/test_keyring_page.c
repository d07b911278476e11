/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "page.h"
#include "place.h"
#include "run_suites.h"

#define RECORD_OF(boot_id, token, expires)                                    \
    "{\"token\":\"" token "\",\"expires_at\":" expires                        \
    ",\"endpoint_expires_at\":0,\"received_at\":1,\"received_boot_ms\":2,"    \
    "\"boot_id\":\"" boot_id "\",\"clock_offset_s\":0}"
#define RECORD(token, expires) RECORD_OF("", token, expires)
#define BOOT "00000000-1111-2222-3333-444444444444"
#define DAY 86400
#define PAGE(records) "{\"format\":1,\"records\":{" records "}}"

/* What a page's bytes become after `change`, e.g. put or prune. */
static void
check(const char *from, void (*change)(struct mpsk_page *), const char *to)
{
    struct mpsc_secret out = MPSC_SECRET_EMPTY;
    struct mpsk_page page;

    CU_ASSERT_EQUAL_FATAL(mpsk_page_parse(from, strlen(from), &page),
                          MPSK_PAGE_OK);
    if (change != NULL) {
        change(&page);
    }
    CU_ASSERT_EQUAL(mpsk_page_write(&page, &out), MPSK_PAGE_OK);
    CU_ASSERT_STRING_EQUAL(out.data, to);
    CU_ASSERT_PTR_NULL(strchr(out.data, '\n'));
    mpsc_secret_free(&out);
    mpsk_page_free(&page);
}

static void
test_parse(void)
{
    static const char *const empty[] = {
        "",
        "rubbish",
        "[]",
        "{}",
        "{\"format\":1}",
        "{\"format\":1,\"records\":[]}",
        "{\"format\":0,\"records\":{\"1\":" RECORD("T", "9") "}}",
        "{\"format\":-1,\"records\":{}}",
        "{\"format\":\"1\",\"records\":{}}",
        "{\"format\":1,\"records\":{}}trailing",
        "{\"format\":1,\"records\":{}",
        /* records that make no sense */
        PAGE("\"1\":null"),
        PAGE("\"1\":{}"),
        PAGE("\"\":" RECORD("T", "9")),
        PAGE("\"x\":" RECORD("T", "9")),
        PAGE("\"123456789012345678901\":" RECORD("T", "9")),
        PAGE("\"1\":" RECORD("T T", "9")),
    };

    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        check(empty[i], NULL, PAGE(""));
    }
    check(PAGE("\"1\":" RECORD("A", "9") ",\"2\":7,\"3\":" RECORD("C", "9")),
          NULL, PAGE("\"1\":" RECORD("A", "9") ",\"3\":" RECORD("C", "9")));
    /* what a later writer of this format adds is kept */
    check("{\"format\":1,\"more\":[1.5,{}],\"records\":{}}", NULL,
          "{\"format\":1,\"more\":[1.5,{}],\"records\":{}}");
}

static void
test_not_ours(void)
{
    static const char newer[] = "{\"format\":2,\"anything\":true}";
    struct mpsk_page page;
    size_t len = MPSK_PAGE_BYTES_MAX + 1;
    char *large = calloc(1, len);

    CU_ASSERT_EQUAL(mpsk_page_parse(newer, sizeof(newer) - 1, &page),
                    MPSK_PAGE_NEWER);
    CU_ASSERT_PTR_NULL(page.json);
    CU_ASSERT_EQUAL(mpsk_page_parse(large, len, &page), MPSK_PAGE_TOO_LARGE);
    CU_ASSERT_PTR_NULL(page.json);
    free(large);
}

static void
put_two(struct mpsk_page *page)
{
    struct mpsc_record record = {
        .expires_at = 9, .received_at = 1, .received_boot_ms = 2};

    mpsc_secret_set(&record.token, "NEW", 3);
    CU_ASSERT_EQUAL(mpsk_page_put(page, "2", &record), 0);
    mpsc_record_free(&record);
}

static void
remove_two(struct mpsk_page *page)
{
    CU_ASSERT_EQUAL(mpsk_page_remove(page, "2"), 1);
    CU_ASSERT_EQUAL(mpsk_page_remove(page, "2"), 0);
}

static void
prune_at_nine(struct mpsk_page *page)
{
    const struct mpsc_time now = {.wall_s = 9, .boot_ms = 77};

    (void)mpsk_page_prune(page, &now, BOOT);
}

/* Of this boot: received at 2 ms, for 8 s, whatever the wall clock says. */
static void
prune_early(struct mpsk_page *page)
{
    const struct mpsc_time now = {.wall_s = 1 + DAY, .boot_ms = 8001};

    CU_ASSERT_EQUAL(mpsk_page_prune(page, &now, BOOT), 0);
}

static void
prune_late(struct mpsk_page *page)
{
    const struct mpsc_time now = {.wall_s = 1 - DAY, .boot_ms = 8002};

    CU_ASSERT_EQUAL(mpsk_page_prune(page, &now, BOOT), 1);
}

static void
test_change(void)
{
    check("", put_two, PAGE("\"2\":" RECORD("NEW", "9")));
    check(PAGE("\"1\":" RECORD("A", "9") ",\"2\":" RECORD("OLD", "8")),
          put_two,
          PAGE("\"1\":" RECORD("A", "9") ",\"2\":" RECORD("NEW", "9")));
    check(PAGE("\"1\":" RECORD("A", "9") ",\"2\":" RECORD("OLD", "8")),
          remove_two, PAGE("\"1\":" RECORD("A", "9")));
    check(PAGE("\"1\":" RECORD("A", "8") ",\"2\":" RECORD(
              "B", "10") ",\"3\":" RECORD("C", "9")),
          prune_at_nine, PAGE("\"2\":" RECORD("B", "10")));
    check(PAGE("\"1\":" RECORD("A", "8") ",\"2\":" RECORD("B", "10")),
          mpsk_page_clear, PAGE(""));
    check(PAGE("\"1\":" RECORD_OF(BOOT, "A", "9")), prune_early,
          PAGE("\"1\":" RECORD_OF(BOOT, "A", "9")));
    check(PAGE("\"1\":" RECORD_OF(BOOT, "A", "9")), prune_late, PAGE(""));
}

/* Whether the page has a usable record of the business at that time. */
static int
gets(const struct mpsk_page *page, const char *business_id, int64_t wall_s,
     int64_t boot_ms)
{
    const struct mpsc_time now = {.wall_s = wall_s, .boot_ms = boot_ms};
    struct mpsc_record record;
    int found = mpsk_page_get(page, business_id, &now, BOOT, &record);

    if (found) {
        CU_ASSERT_STRING_EQUAL(record.token.data, "A");
        mpsc_record_free(&record);
    }
    return found;
}

static void
test_get(void)
{
    static const char text[] =
        PAGE("\"1\":" RECORD("A", "9") ",\"3\":" RECORD_OF(BOOT, "A", "9"));
    struct mpsk_page page;

    CU_ASSERT_EQUAL_FATAL(mpsk_page_parse(text, sizeof(text) - 1, &page),
                          MPSK_PAGE_OK);
    CU_ASSERT(gets(&page, "1", 8, 8002));
    CU_ASSERT_FALSE(gets(&page, "1", 9, 2));
    CU_ASSERT_FALSE(gets(&page, "2", 8, 2));
    /* the wall clock has stepped by a day, forward or back */
    CU_ASSERT(gets(&page, "3", 1 + DAY, 8001));
    CU_ASSERT(gets(&page, "3", 1 - DAY, 8001));
    CU_ASSERT_FALSE(gets(&page, "3", 1 + DAY, 8002));
    CU_ASSERT_FALSE(gets(&page, "3", 1 - DAY, 8002));
    mpsk_page_free(&page);
    mpsk_page_free(&page);
}

/* What page_each() told, as "1=A 3=C ". */
static char told[64];

static void
note_record(void *arg, const char *business_id,
            const struct mpsc_record *record)
{
    size_t len = strlen(told);

    CU_ASSERT_PTR_EQUAL(arg, told);
    snprintf(told + len, sizeof(told) - len, "%s=%s ", business_id,
             record->token.data);
}

static void
test_each(void)
{
    /* the second is shorter than the first, the third longer, the last too
     * old */
    static const char text[] =
        PAGE("\"1\":" RECORD("AAAA", "9") ",\"2\":" RECORD(
            "B", "9") ",\"3\":" RECORD("CCCCCCCC", "9") ",\"4\":" RECORD("D",
                                                                         "8"));
    const struct mpsc_time now = {.wall_s = 8, .boot_ms = 77};
    struct mpsk_page page;

    CU_ASSERT_EQUAL_FATAL(mpsk_page_parse(text, sizeof(text) - 1, &page),
                          MPSK_PAGE_OK);
    told[0] = '\0';
    mpsk_page_each(&page, &now, BOOT, note_record, told);
    CU_ASSERT_STRING_EQUAL(told, "1=AAAA 2=B 3=CCCCCCCC ");
    mpsk_page_free(&page);
}

/* The first 8 bytes of the SHA-256, big endian, by the other library. */
static uint64_t
hash64(const char *text)
{
    char hex[MPSC_DIGEST_HEX_SIZE];

    CU_ASSERT_EQUAL(mpsc_digest_sha256(text, strlen(text), hex), 0);
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}

/* Fixed for ever: another version's processes lock the same bytes. */
static void
test_place(void)
{
    struct mpsk_place place;

    mpsk_place_find("https://graph.facebook.com", "1001", "4711", &place);
    CU_ASSERT_EQUAL(place.page, hash64("4711") % 64);
    CU_ASSERT_EQUAL(place.page, 42);
    CU_ASSERT_EQUAL((uint64_t)place.business_lock,
                    hash64("https://graph.facebook.com\n1001\n4711") >> 2 |
                        UINT64_C(1) << 62);
    CU_ASSERT_EQUAL((uint64_t)place.page_lock,
                    hash64("https://graph.facebook.com\n1001\n42") >> 2);
    CU_ASSERT_EQUAL(mpsc_keyring_page("4711"), 42);
    CU_ASSERT_EQUAL(
        mpsk_place_page_lock("https://graph.facebook.com", "1001", 42),
        place.page_lock);
}

static void
test_spread(void)
{
    unsigned used[MPSC_KEYRING_PAGES] = {0};
    struct mpsk_place place;
    char id[24];

    for (unsigned i = 0; i < 64 * 100; i++) {
        snprintf(id, sizeof(id), "%u", 100000 + i);
        mpsk_place_find("e", "s", id, &place);
        CU_ASSERT_FATAL(place.page < MPSC_KEYRING_PAGES);
        used[place.page]++;
    }
    for (unsigned i = 0; i < MPSC_KEYRING_PAGES; i++) {
        CU_ASSERT(used[i] > 50 && used[i] < 150);
    }
}

static CU_TestInfo tests[] = {
    {"parse", test_parse},   {"not ours", test_not_ours},
    {"change", test_change}, {"get", test_get},
    {"each", test_each},     {"place", test_place},
    {"spread", test_spread}, CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"keyring_page", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    return run_suites(suites);
}
