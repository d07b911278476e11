/* SPDX-License-Identifier: MIT */
/* What a process knows: its references, and what a purge epoch drops. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <string.h>

#include "holdings.h"
#include "run_suites.h"

#define BOOT_ID "11111111-2222-3333-4444-555555555555"
#define NOW_MS 1000000
#define RECEIVED_MS (NOW_MS - 5000)

static const struct mpsc_time now = {
    .wall_s = 1700000000, .boot_ms = NOW_MS, .mono_ms = NOW_MS};

static struct mpsc_gate gate;
static struct mpsc_holdings *holdings;

static void
begin(void)
{
    CU_ASSERT_EQUAL_FATAL(mpsc_gate_init(&gate), 0);
    holdings = mpsc_holdings_new("https://x.example", "99", BOOT_ID,
                                 mpsc_clock_system, &gate);
    CU_ASSERT_PTR_NOT_NULL_FATAL(holdings);
}

static void
end(void)
{
    mpsc_holdings_release(&holdings);
    CU_ASSERT_PTR_NULL(holdings);
    mpsc_gate_destroy(&gate);
}

/* A token that was received five seconds ago. */
static void
hold_token(void)
{
    struct mpsc_record record = {.token = MPSC_SECRET_EMPTY,
                                 .boot_id = BOOT_ID};
    struct mpsc_entry *entry = mpsc_cache_entry(holdings->cache, "4711");

    CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
    record.received_at = now.wall_s - 5;
    record.received_boot_ms = RECEIVED_MS;
    record.expires_at = now.wall_s + 3600;
    CU_ASSERT_EQUAL(mpsc_secret_set(&record.token, "EAA", 3), 0);
    mpsc_cache_put(
        holdings->cache, entry,
        mpsc_credential_new(&record, MPS_SOURCE_ENDPOINT, &now, BOOT_ID));
    CU_ASSERT_EQUAL(entry->credential->received_ms, RECEIVED_MS);
}

static int
has_token(void)
{
    return mpsc_cache_find(holdings->cache, "4711")->credential != NULL;
}

static void
see(uint64_t number, int64_t raised_ms, int64_t all_before_ms)
{
    const struct mpsc_epoch epoch = {number, raised_ms, all_before_ms};

    mpsc_holdings_purge(holdings, &epoch, &now);
    CU_ASSERT(holdings->epoch_known);
    CU_ASSERT_EQUAL(holdings->epoch, number);
}

static void
test_references(void)
{
    struct mpsc_holdings *second = mpsc_holdings_hold(holdings);

    CU_ASSERT_PTR_EQUAL(second, holdings);
    CU_ASSERT_EQUAL(holdings->references, 2);
    mpsc_holdings_release(&second);
    CU_ASSERT_PTR_NULL(second);
    CU_ASSERT_EQUAL(holdings->references, 1);
    mpsc_holdings_release(&second);
}

/* The first epoch that is seen is no purge, nor is the same once more. */
static void
test_same(void)
{
    hold_token();
    see(7, NOW_MS, 0);
    CU_ASSERT(has_token());
    holdings->swept = MPSC_HOLDINGS_SWEPT;
    see(7, NOW_MS, 0);
    CU_ASSERT(has_token());
    CU_ASSERT_EQUAL(holdings->swept, MPSC_HOLDINGS_SWEPT);
}

/* Another one drops what was received up to then, and only that; where the
 * time makes no sense, all. */
static void
test_other(void)
{
    static const struct {
        int64_t raised_ms;
        int kept;
    } rows[] = {
        {RECEIVED_MS - 1, 1}, {RECEIVED_MS, 0}, {NOW_MS, 0},
        {NOW_MS + 1, 0},      {0, 0},           {-1, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        see(7, 0, 0);
        hold_token();
        holdings->swept = MPSC_HOLDINGS_SWEPT;
        /* Also a smaller number is another one. */
        see(i % 2 == 0 ? 8 : 0, rows[i].raised_ms, 0);
        CU_ASSERT_EQUAL(has_token(), rows[i].kept);
        CU_ASSERT_EQUAL(holdings->swept, MPSC_HOLDINGS_UNSWEPT);
    }
}

static void
test_all_before(void)
{
    see(7, NOW_MS, 3);
    CU_ASSERT_EQUAL(holdings->all_before_ms, 3);
    see(8, NOW_MS, 5);
    CU_ASSERT_EQUAL(holdings->all_before_ms, 5);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"references", test_references},
        {"the same epoch", test_same},
        {"another epoch", test_other},
        {"all before", test_all_before},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"holdings", NULL, NULL, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
