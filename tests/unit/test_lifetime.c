/* SPDX-License-Identifier: MIT */
/* When a token ends, by which clock, and whether it may be handed out. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "lifetime.h"
#include "run_suites.h"

#define BOOT "11111111-2222-3333-4444-555555555555"
#define OTHER "99999999-2222-3333-4444-555555555555"
#define UNKNOWN ""
#define WALL INT64_C(1700000000)
#define BOOT_MS INT64_C(50000000)
#define DAY 86400

static const struct mpsc_time at_receipt = {WALL, BOOT_MS, BOOT_MS - 1000};
static const struct mpsc_lifetime_rules rules = {1800, 7200};

/* The clocks `s` seconds after receipt, the wall clock stepped by `step`. */
static struct mpsc_time
later(int64_t s, int64_t step)
{
    struct mpsc_time now = at_receipt;

    now.wall_s += s + step;
    now.boot_ms += s * 1000;
    now.mono_ms += s * 1000;
    return now;
}

static void
copy_boot_id(char to[MPSC_BOOT_ID_SIZE], const char *id)
{
    memset(to, 0, MPSC_BOOT_ID_SIZE);
    snprintf(to, MPSC_BOOT_ID_SIZE, "%s", id);
}

static struct mpsc_record
receive(int64_t endpoint_expires_at, int64_t date, const char *boot)
{
    struct mpsc_record record;
    char id[MPSC_BOOT_ID_SIZE];

    copy_boot_id(id, boot);
    memset(&record, 0x55, sizeof(record));
    record.token = (struct mpsc_secret)MPSC_SECRET_EMPTY;
    mpsc_lifetime_begin(&record, &rules, endpoint_expires_at, date,
                        &at_receipt, id);
    return record;
}

static void
test_begin(void)
{
    static const struct {
        int64_t endpoint_expires_at;
        int64_t date;
        int64_t expires_at;
        int64_t offset;
    } rows[] = {
        {WALL + 3600, 0, WALL + 3600, 0},
        {WALL + 3600, WALL, WALL + 3600, 0},
        /* Below the threshold the difference says nothing. */
        {WALL + 3600, WALL + MPSC_LIFETIME_SKEW_S - 1, WALL + 3600, 0},
        {WALL + 3600, WALL - MPSC_LIFETIME_SKEW_S + 1, WALL + 3600, 0},
        {WALL + 3600, WALL + MPSC_LIFETIME_SKEW_S,
         WALL + 3600 - MPSC_LIFETIME_SKEW_S, MPSC_LIFETIME_SKEW_S},
        {WALL + 3600, WALL - MPSC_LIFETIME_SKEW_S,
         WALL + 3600 + MPSC_LIFETIME_SKEW_S, -MPSC_LIFETIME_SKEW_S},
        /* The local clock is a day behind, or ahead: still an hour. */
        {WALL + DAY + 3600, WALL + DAY, WALL + 3600, DAY},
        {WALL - DAY + 3600, WALL - DAY, WALL + 3600, -DAY},
        {0, 0, WALL + 7200, 0},
        {0, WALL + DAY, WALL + 7200, DAY},
        {-1, 0, WALL + 1800, 0},
        {-1, WALL - DAY, WALL + 1800, -DAY},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mpsc_record record =
            receive(rows[i].endpoint_expires_at, rows[i].date, BOOT);

        CU_ASSERT_EQUAL(record.expires_at, rows[i].expires_at);
        CU_ASSERT_EQUAL(record.endpoint_expires_at,
                        rows[i].endpoint_expires_at);
        CU_ASSERT_EQUAL(record.clock_offset_s, rows[i].offset);
        CU_ASSERT_EQUAL(record.received_at, WALL);
        CU_ASSERT_EQUAL(record.received_boot_ms, BOOT_MS);
        CU_ASSERT_STRING_EQUAL(record.boot_id, BOOT);
    }
}

static void
test_clocks(void)
{
    static const struct {
        const char *received_in;
        const char *looked_at_in;
        int64_t after_s;
        int64_t step_s;
        int64_t end_ms;      /* after BOOT_MS */
        int64_t received_ms; /* likewise */
    } rows[] = {
        /* In one boot the wall clock means nothing. */
        {BOOT, BOOT, 0, 0, 3600000, 0},
        {BOOT, BOOT, 100, 0, 3600000, 0},
        {BOOT, BOOT, 100, DAY, 3600000, 0},
        {BOOT, BOOT, 100, -DAY, 3600000, 0},
        {BOOT, BOOT, 5000, 0, 3600000, 0},
        /* In another one there is nothing else. */
        {BOOT, OTHER, 100, 0, 3600000, 0},
        {BOOT, OTHER, 100, 1000, 2600000, -1000000},
        {BOOT, OTHER, 100, -50, 3650000, 50000},
        /* Never received after now, nor young where the clock went back. */
        {BOOT, OTHER, 100, -200, 3800000, 70000},
        {BOOT, OTHER, 100, -DAY, 3600000 + DAY * 1000, 70000},
        /* An unknown boot equals none, not even another unknown one. */
        {UNKNOWN, UNKNOWN, 100, 1000, 2600000, -1000000},
        {UNKNOWN, BOOT, 100, 1000, 2600000, -1000000},
        {BOOT, UNKNOWN, 100, 1000, 2600000, -1000000},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mpsc_record record =
            receive(WALL + 3600, 0, rows[i].received_in);
        struct mpsc_time now = later(rows[i].after_s, rows[i].step_s);
        char id[MPSC_BOOT_ID_SIZE];

        copy_boot_id(id, rows[i].looked_at_in);
        CU_ASSERT_EQUAL(mpsc_lifetime_end_ms(&record, &now, id),
                        BOOT_MS + rows[i].end_ms);
        CU_ASSERT_EQUAL(mpsc_lifetime_received_ms(&record, &now, id),
                        BOOT_MS + rows[i].received_ms);
    }
}

/* A record that was received later than now: a page that lies, or a wall clock
 * that was wrong. It is no young one, or nothing could refresh it. */
static void
test_received_ahead(void)
{
    struct mpsc_record record = receive(WALL + 3600, 0, BOOT);
    struct mpsc_time now = later(10, 0);

    record.received_boot_ms = now.boot_ms + 5000;
    CU_ASSERT_EQUAL(mpsc_lifetime_received_ms(&record, &now, BOOT),
                    now.boot_ms - MPSC_LIFETIME_BACKOFF_MS);
    record.received_at = now.wall_s + 86400;
    CU_ASSERT_EQUAL(mpsc_lifetime_received_ms(&record, &now, OTHER),
                    now.boot_ms - MPSC_LIFETIME_BACKOFF_MS);
}

/* The largest numbers that a page may hold: sanitizers look on. */
static void
test_extremes(void)
{
    const int64_t most = INT64_C(1) << 53;
    struct mpsc_record record = receive(WALL + 3600, 0, BOOT);
    struct mpsc_time now = later(0, 0);

    record.expires_at = most;
    record.received_at = 0;
    record.received_boot_ms = most;
    CU_ASSERT(mpsc_lifetime_end_ms(&record, &now, BOOT) > now.boot_ms);
    CU_ASSERT(mpsc_lifetime_end_ms(&record, &now, OTHER) > now.boot_ms);
    record.expires_at = 1;
    record.received_at = most;
    CU_ASSERT(mpsc_lifetime_end_ms(&record, &now, BOOT) < now.boot_ms);
    CU_ASSERT(mpsc_lifetime_end_ms(&record, &now, OTHER) < now.boot_ms);
    CU_ASSERT_EQUAL(mpsc_lifetime_received_ms(&record, &now, OTHER),
                    now.boot_ms - MPSC_LIFETIME_BACKOFF_MS);
}

static void
test_serves(void)
{
    static const struct {
        int64_t age_ms;
        int64_t left_ms;
        struct mpsc_lifetime_wish wish;
        int serves;
    } rows[] = {
        {60000, 1, {0, 0}, 1},
        {60000, 0, {0, 0}, 0},
        {60000, -1, {0, 0}, 0},
        {60000, 5000, {5, 0}, 1},
        {60000, 4999, {5, 0}, 0},
        {60000, INT64_C(4294967295000), {UINT32_MAX, 0}, 1},
        {60000, INT64_C(4294967294999), {UINT32_MAX, 0}, 0},
        {60000, 3600000, {0, 1}, 0},
        {60000, 3600000, {5, 1}, 0},
        /* Younger than the back-off: nothing better can be had. */
        {MPSC_LIFETIME_BACKOFF_MS - 1, 1000, {5, 0}, 1},
        {MPSC_LIFETIME_BACKOFF_MS - 1, 1000, {0, 1}, 1},
        {MPSC_LIFETIME_BACKOFF_MS - 1, 1000, {5, 1}, 1},
        {MPSC_LIFETIME_BACKOFF_MS, 1000, {5, 0}, 0},
        {MPSC_LIFETIME_BACKOFF_MS, 3600000, {0, 1}, 0},
        {0, 1, {5, 1}, 1},
        /* But never one that has ended. */
        {0, 0, {0, 0}, 0},
        {10, -1, {0, 1}, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(mpsc_lifetime_serves(BOOT_MS - rows[i].age_ms,
                                             BOOT_MS + rows[i].left_ms,
                                             BOOT_MS, &rows[i].wish),
                        rows[i].serves);
    }
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"begin", test_begin},
        {"clocks", test_clocks},
        {"received ahead", test_received_ahead},
        {"extremes", test_extremes},
        {"serves", test_serves},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"lifetime", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
