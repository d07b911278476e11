/* SPDX-License-Identifier: MIT */
/* What is kept of each business, and that nothing of it leaks. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "cache.h"
#include "error.h"
#include "run_suites.h"

#define MANY 5000

static struct mpsc_gate gate;
static struct mpsc_cache *cache;

static void
begin(void)
{
    CU_ASSERT_EQUAL_FATAL(mpsc_gate_init(&gate), 0);
    cache = mpsc_cache_new(&gate);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cache);
}

static void
end(void)
{
    mpsc_cache_free(&cache);
    CU_ASSERT_PTR_NULL(cache);
    mpsc_cache_free(&cache);
    mpsc_gate_destroy(&gate);
}

static struct mpsc_credential *
new_credential(void)
{
    struct mpsc_record record = {.token = MPSC_SECRET_EMPTY};
    const struct mpsc_time now = {1700000000, 1000, 1000};
    const char boot_id[MPSC_BOOT_ID_SIZE] = "";
    struct mpsc_credential *credential;

    CU_ASSERT_EQUAL_FATAL(mpsc_secret_set(&record.token, "EAAx", 4), 0);
    credential =
        mpsc_credential_new(&record, MPS_SOURCE_ENDPOINT, &now, boot_id);
    CU_ASSERT_PTR_NOT_NULL_FATAL(credential);
    return credential;
}

static void
test_entries(void)
{
    struct mpsc_entry *first;
    struct mpsc_entry *longest;

    CU_ASSERT_PTR_NULL(mpsc_cache_find(cache, "1"));
    first = mpsc_cache_entry(cache, "1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(first);
    CU_ASSERT_STRING_EQUAL(first->business_id, "1");
    CU_ASSERT_PTR_NULL(first->credential);
    CU_ASSERT_PTR_NULL(first->flight);
    CU_ASSERT_PTR_NULL(first->setbacks);
    CU_ASSERT_FALSE(mpsc_cache_is_dead(first, "x", 1));
    CU_ASSERT_PTR_EQUAL(mpsc_cache_entry(cache, "1"), first);
    CU_ASSERT_PTR_EQUAL(mpsc_cache_find(cache, "1"), first);
    /* Other digits are another business, leading zeros included. */
    CU_ASSERT_PTR_NULL(mpsc_cache_find(cache, "01"));
    CU_ASSERT_PTR_NULL(mpsc_cache_find(cache, "12"));
    longest = mpsc_cache_entry(cache, "12345678901234567890");
    CU_ASSERT_PTR_EQUAL(mpsc_cache_find(cache, "12345678901234567890"),
                        longest);
}

static void
check_many(const char *prefix)
{
    static struct mpsc_entry *entries[MANY];
    unsigned right = 0;
    char id[MPS_BUSINESS_ID_MAX + 1];

    for (int i = 0; i < MANY; i++) {
        snprintf(id, sizeof(id), "%s%d", prefix, i);
        entries[i] = mpsc_cache_entry(cache, id);
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(id, sizeof(id), "%s%d", prefix, i);
        right += entries[i] != NULL &&
                 mpsc_cache_find(cache, id) == entries[i] &&
                 strcmp(entries[i]->business_id, id) == 0;
    }
    CU_ASSERT_EQUAL(right, MANY);
    snprintf(id, sizeof(id), "%s%d", prefix, MANY);
    CU_ASSERT_PTR_NULL(mpsc_cache_find(cache, id));
}

/* Entries stay where they are while the table grows, wherever in the id they
 * differ. */
static void
test_many(void)
{
    check_many("");
    check_many("10000000");
    check_many("1000000000000000");
    CU_ASSERT_PTR_NULL(mpsc_cache_find(cache, "100000000000000000000"));
    CU_ASSERT_PTR_NULL(mpsc_cache_find(cache, "1000000000000000000000000"));
}

/* Each costs what its credential does and little more. */
static void
test_small(void)
{
    CU_ASSERT(sizeof(struct mpsc_entry) <= 24 + 8 + 4 * sizeof(void *));
}

static void
test_put(void)
{
    struct mpsc_entry *entry = mpsc_cache_entry(cache, "1");
    struct mpsc_credential *first = new_credential();
    struct mpsc_credential *second = new_credential();

    mpsc_cache_put(cache, entry, mpsc_credential_hold(first));
    CU_ASSERT_PTR_EQUAL(entry->credential, first);
    CU_ASSERT_EQUAL(first->references, 2);
    mpsc_cache_put(cache, entry, mpsc_credential_hold(second));
    CU_ASSERT_EQUAL(first->references, 1);
    CU_ASSERT_EQUAL(second->references, 2);
    mpsc_cache_put(cache, entry, NULL);
    CU_ASSERT_PTR_NULL(entry->credential);
    CU_ASSERT_EQUAL(second->references, 1);
    mpsc_credential_release(first);
    /* The cache lets go of what it holds. */
    mpsc_cache_put(cache, entry, mpsc_credential_hold(second));
    mpsc_cache_free(&cache);
    CU_ASSERT_EQUAL(second->references, 1);
    mpsc_credential_release(second);
}

static void
test_dead(void)
{
    struct mpsc_entry *entry = mpsc_cache_entry(cache, "1");

    struct mpsc_setbacks *setbacks = mpsc_setbacks_note(&entry->setbacks);

    CU_ASSERT_PTR_NOT_NULL_FATAL(setbacks);
    mpsc_rejected_add(&setbacks->rejected, "x", 1000);
    CU_ASSERT(mpsc_cache_is_dead(entry, "x", 5000));
    CU_ASSERT_FALSE(mpsc_cache_is_dead(entry, "y", 5000));
    setbacks->distrust_until_ms = 4000;
    CU_ASSERT(mpsc_cache_is_dead(entry, "y", 4000));
    CU_ASSERT_FALSE(mpsc_cache_is_dead(entry, "y", 4001));
}

static void
test_purge(void)
{
    struct mpsc_entry *old = mpsc_cache_entry(cache, "1");
    struct mpsc_entry *young = mpsc_cache_entry(cache, "2");
    struct mpsc_credential *credential = new_credential();

    mpsc_cache_put(cache, old, credential);
    old->credential->received_ms = 1000;
    mpsc_cache_put(cache, young, new_credential());
    young->credential->received_ms = 1001;
    (void)mpsc_cache_entry(cache, "3");
    mpsc_cache_purge(cache, 1000);
    CU_ASSERT_PTR_NULL(old->credential);
    CU_ASSERT_PTR_NOT_NULL(young->credential);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"entries", test_entries},
        {"many entries", test_many},
        {"small entries", test_small},
        {"credentials", test_put},
        {"dead", test_dead},
        {"purge", test_purge},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"cache", NULL, NULL, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
