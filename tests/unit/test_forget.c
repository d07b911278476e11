/* SPDX-License-Identifier: MIT */
/*
 * forget: what is raised and erased, what is told and audited, and what the
 * caller hears where a part can't be done.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epoch.h"
#include "fake_keyring.h"
#include "fake_sweep.h"
#include "forget.h"
#include "run_suites.h"

static char directory[] = "/tmp/test_forget.XXXXXX";
static char logged[8192];

/* In place of the C library's: what would go to /dev/log. */
ssize_t
sendto(int fd, const void *bytes, size_t len, int flags,
       __CONST_SOCKADDR_ARG address, socklen_t address_len)
{
    size_t used = strlen(logged);

    (void)fd;
    (void)flags;
    (void)address;
    (void)address_len;
    snprintf(logged + used, sizeof(logged) - used, "%.*s\n", (int)len,
             (const char *)bytes);
    return (ssize_t)len;
}

static const struct fake_sweep_entry entries[] = {
    {"1", "one", 0, 0},
    {"2", "two", 0, 0},
    {"3", "three", 0, 1}, /* another process is at it */
    {"4", NULL, 0, 0},
};

/* Forgets under this plan of the keyring and these settings; the code. */
static int
forget(const struct fake_keyring_plan *plan,
       struct mpsc_configuration *configuration,
       const char *const *business_ids, size_t count,
       struct mpsc_forget_report *report, struct mps_error *error)
{
    struct mpsc_profile profile = {.name = NULL,
                                   .configuration = configuration};
    struct mpsc_log log;
    int code;

    configuration->base_url = (char *)"https://localhost";
    configuration->solution_id = (char *)"7";
    configuration->keyring_bus = (char *)"unix:path=/nowhere";
    configuration->keyring_deadline_ms = 10;
    if (configuration->runtime_dir == NULL) {
        configuration->runtime_dir = directory;
    }
    profile.means.configuration = configuration;
    profile.means.keyring = &fake_keyring;
    profile.means.clock = mpsc_clock_system;
    logged[0] = '\0';
    fake_keyring_plan(plan);
    fake_sweep_plan(entries, sizeof(entries) / sizeof(entries[0]));
    CU_ASSERT_EQUAL_FATAL(mpsc_log_init(&log, NULL), 0);
    code = mpsc_forget(&profile, &log, business_ids, count, report, error);
    mpsc_log_destroy(&log);
    CU_ASSERT_EQUAL(code, error->code);
    CU_ASSERT_EQUAL(fake_keyring_open_count(), 0);
    CU_ASSERT_EQUAL(fake_keyring_unfinished(), 0);
    CU_ASSERT_EQUAL(fake_keyring_mistakes(), 0);
    return code;
}

static struct mpsc_epoch
epoch_now(void)
{
    struct mpsc_epoch epoch;

    CU_ASSERT_EQUAL(mpsc_epoch_read(directory, &epoch), 0);
    return epoch;
}

static void
test_named(void)
{
    static const char *const ids[] = {"1", "3", "4", "5", "1"};
    const struct fake_keyring_plan plan = {.no_trace = 1};
    struct mpsc_configuration configuration = {.runtime_dir = NULL};
    struct mpsc_epoch before = epoch_now();
    struct mpsc_forget_report report;
    struct mps_error error;

    CU_ASSERT_EQUAL(forget(&plan, &configuration, ids, 5, &report, &error),
                    MPS_OK);
    CU_ASSERT_TRUE(report.told);
    CU_ASSERT_EQUAL(report.keyring, MPSC_FORGET_ERASED);
    CU_ASSERT_EQUAL(report.records, 2);
    CU_ASSERT_PTR_NULL(fake_sweep_token("1"));
    CU_ASSERT_PTR_NOT_NULL(fake_sweep_token("2"));
    CU_ASSERT_PTR_NULL(fake_sweep_token("3"));
    /* The epoch was there before the session; "all" was not said. */
    CU_ASSERT_EQUAL(epoch_now().number, before.number + 1);
    CU_ASSERT_EQUAL(epoch_now().all_before_ms, before.all_before_ms);
    CU_ASSERT_EQUAL(fake_keyring_query().epoch, before.number + 1);
    CU_ASSERT_PTR_NULL(fake_keyring_query().business_id);
}

static void
test_all(void)
{
    const struct fake_keyring_plan plan = {.no_trace = 1};
    struct mpsc_configuration configuration = {.runtime_dir = NULL};
    struct mpsc_epoch before = epoch_now();
    struct mpsc_forget_report report;
    struct mps_error error;

    CU_ASSERT_EQUAL(forget(&plan, &configuration, NULL, 0, &report, &error),
                    MPS_OK);
    CU_ASSERT_TRUE(report.told);
    CU_ASSERT_EQUAL(report.keyring, MPSC_FORGET_ERASED);
    CU_ASSERT_EQUAL(report.records, 3);
    CU_ASSERT_PTR_NULL(fake_sweep_token("1"));
    CU_ASSERT_PTR_NULL(fake_sweep_token("2"));
    CU_ASSERT_PTR_NULL(fake_sweep_token("3"));
    CU_ASSERT_EQUAL(epoch_now().number, before.number + 1);
    CU_ASSERT(epoch_now().all_before_ms > 0);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(logged, "event=purge program=test_forget profile=- business=* "
                       "source=- code=MPS_OK "));
}

/* More than the port takes at once. */
static void
test_many(void)
{
    enum { COUNT = 2 * MPSC_KEYRING_BATCH_MAX + 1 };
    static char texts[COUNT][12];
    static const char *ids[COUNT];
    struct fake_keyring_plan plan = {.no_trace = 1};
    struct mpsc_configuration configuration = {.audit = MPSC_AUDIT_OFF};
    struct mpsc_forget_report report;
    struct mps_error error;

    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof(texts[0]), "%d", COUNT - i);
        ids[i] = texts[i];
    }
    CU_ASSERT_EQUAL(forget(&plan, &configuration, ids, COUNT, &report, &error),
                    MPS_OK);
    CU_ASSERT_EQUAL(report.records, 3);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 3);
    CU_ASSERT_EQUAL(fake_sweep_largest_batch(), MPSC_KEYRING_BATCH_MAX);
    CU_ASSERT_PTR_NULL(fake_sweep_token("1"));
    CU_ASSERT_STRING_EQUAL(logged, "");
    /* A page that can't be changed says nothing of the others, a helper that
     * is gone does. */
    plan.change_state = MPSC_KEYRING_NEWER;
    CU_ASSERT_EQUAL(forget(&plan, &configuration, ids, COUNT, &report, &error),
                    MPS_E_KEYRING);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 3);
    plan.change = FAKE_KEYRING_DIES;
    CU_ASSERT_EQUAL(forget(&plan, &configuration, ids, COUNT, &report, &error),
                    MPS_E_KEYRING);
    CU_ASSERT_EQUAL(fake_sweep_batches(), 1);
}

static void
test_keyring_off(void)
{
    static const char *const ids[] = {"1"};
    /* It would not work, if it were asked. */
    const struct fake_keyring_plan plan = {.no_trace = 1,
                                           .load_state = MPSC_KEYRING_LOCKED};
    struct mpsc_configuration configuration = {.keyring = MPSC_KEYRING_OFF};
    struct mpsc_epoch before = epoch_now();
    struct mpsc_forget_report report;
    struct mps_error error;

    CU_ASSERT_EQUAL(forget(&plan, &configuration, ids, 1, &report, &error),
                    MPS_OK);
    CU_ASSERT_TRUE(report.told);
    CU_ASSERT_EQUAL(report.keyring, MPSC_FORGET_OFF);
    CU_ASSERT_PTR_NOT_NULL(fake_sweep_token("1"));
    CU_ASSERT_EQUAL(epoch_now().number, before.number + 1);
}

/* The running processes are told, whatever the keyring does. */
static void
test_keyring_fails(void)
{
    static const char *const ids[] = {"1"};
    static const struct {
        struct fake_keyring_plan plan;
        const char *text;
    } rows[] = {
        {{.open = MPSC_KEYRING_NO_BUS}, "no D-Bus bus"},
        {{.open = MPSC_KEYRING_NO_HELPER}, "helper cannot be run"},
        {{.load_state = MPSC_KEYRING_LOCKED}, "keyring@USER, then"},
        {{.load_state = MPSC_KEYRING_ABSENT}, "no Secret Service"},
        {{.load = FAKE_KEYRING_DIES}, "helper died"},
        {{.load = FAKE_KEYRING_MUTE}, "does not answer"},
        {{.hold = FAKE_KEYRING_DIES, .refuses_change = 1}, "helper died"},
        {{.refuses_change = 1}, "helper died"},
        {{.change_state = MPSC_KEYRING_NEWER}, "newer format"},
        {{.change = FAKE_KEYRING_DIES}, "helper died"},
        {{.change = FAKE_KEYRING_MUTE}, "does not answer"},
    };

    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake_keyring_plan plan = rows[i / 2].plan;
        struct mpsc_configuration configuration = {.runtime_dir = NULL};
        struct mpsc_epoch before = epoch_now();
        struct mpsc_forget_report report;
        struct mps_error error;

        plan.no_trace = 1;
        /* one of them, and all */
        CU_ASSERT_EQUAL(
            forget(&plan, &configuration, ids, i % 2, &report, &error),
            MPS_E_KEYRING);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, rows[i / 2].text));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "(unix:path=/nowhere)"));
        CU_ASSERT_TRUE(report.told);
        CU_ASSERT_EQUAL(report.keyring, MPSC_FORGET_FAILED);
        CU_ASSERT_EQUAL(epoch_now().number, before.number + 1);
        CU_ASSERT_PTR_NOT_NULL(strstr(logged, " code=MPS_E_KEYRING "));
        CU_ASSERT_PTR_NOT_NULL(fake_sweep_token("1"));
    }
}

static void
test_untold(void)
{
    static const char *const ids[] = {"1"};
    struct fake_keyring_plan plan = {.no_trace = 1};
    struct mpsc_configuration configuration = {.runtime_dir =
                                                   (char *)"/proc/self/fd"};
    struct mpsc_forget_report report;
    struct mps_error error;

    CU_ASSERT_EQUAL(forget(&plan, &configuration, ids, 1, &report, &error),
                    MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "restart them"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "(/proc/self/fd): "));
    CU_ASSERT_PTR_NULL(strstr(error.message, "keyring"));
    CU_ASSERT_FALSE(report.told);
    /* What can be done is done. */
    CU_ASSERT_EQUAL(report.keyring, MPSC_FORGET_ERASED);
    CU_ASSERT_PTR_NULL(fake_sweep_token("1"));
    plan.load_state = MPSC_KEYRING_LOCKED;
    CU_ASSERT_EQUAL(forget(&plan, &configuration, ids, 1, &report, &error),
                    MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "the keyring is locked"));
    CU_ASSERT_EQUAL(report.keyring, MPSC_FORGET_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "business=1 "));
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, " code=MPS_E_CONFIG "));
}

static int
make_directory(void)
{
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int
remove_directory(void)
{
    char command[64];

    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

static CU_TestInfo tests[] = {
    {"named businesses", test_named},
    {"all", test_all},
    {"many", test_many},
    {"keyring = off", test_keyring_off},
    {"the keyring fails", test_keyring_fails},
    {"no runtime directory", test_untold},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"forget", make_directory, remove_directory, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    return run_suites(suites);
}
