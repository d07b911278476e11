/* SPDX-License-Identifier: MIT */
/*
 * What can be wrong with the Secret Service: tokens come all the same, or the
 * code does, in time; it is told once; and when it is over the keyring is used
 * again.
 */
#include <CUnit/Basic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "desk.h"
#include "fault.h"
#include "world.h"

/* The keyring's share of a call, where it is mute. */
#define SHARE_MS 2500

/* And where it isn't: long enough for a machine that is busy with other
 * tests. */
#define PATIENT_MS 20000

/* --- a program that takes a name on the bus -------------------------------
 */

static pid_t fake_pid;

static int
fake_is_ready(void *arg)
{
    (void)arg;
    return world_shell(NULL, "grep -qsx ready '%s'", world_path("calls")) == 0;
}

static void
fake_start(const char *what, const char *number)
{
    const char *program = world_program_path("bus_fake");

    unlink(world_path("calls"));
    fake_pid = fork();
    if (fake_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(program, program, what, world_path("calls"), number, NULL);
        _exit(127);
    }
    CU_ASSERT_FATAL(world_await(fake_is_ready, NULL));
}

static void
fake_end(void)
{
    kill(fake_pid, SIGKILL);
    waitpid(fake_pid, NULL, 0);
}

/* How often a method was called; "" = any. */
static long
fake_calls(const char *method)
{
    char output[WORLD_OUTPUT];

    (void)world_shell(output, "grep -vx ready '%s' | grep -c '^%s'",
                      world_path("calls"), method);
    return strtol(output, NULL, 10);
}

/* --- what every fault has in common ---------------------------------------
 */

struct fault {
    const char *word; /* in what is told */
    /* Gives what the configuration needs more, or "". */
    const char *(*begin)(void);
    void (*end)(void);
    int is_mute; /* a process that has met it leaves the keyring alone for a
                  * while, which another one knows nothing of */
};

static void
configure(const struct fault *fault, const char *lines, const char *more)
{
    world_configure(FAULT_LINES "keyring_deadline_ms = %d\n%s%s",
                    fault->is_mute ? SHARE_MS : PATIENT_MS, lines, more);
}

static void
check_required(const struct fault *fault, const char *lines)
{
    const char *id = world_business();
    struct world_got got;

    configure(fault, lines, "keyring = required\n");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_KEYRING);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, fault->word));
    CU_ASSERT(got.took_ms <=
              (fault->is_mute ? SHARE_MS : PATIENT_MS) + world_margin());
    CU_ASSERT_EQUAL(world_requests(id), 0);
    if (strstr(got.error.message, fault->word) == NULL) {
        printf("\n    %s: %s\n", fault->word, got.error.message);
    }
}

/* Tokens come, from the endpoint and from memory, and one line tells. */
static void
check_served(const struct fault *fault)
{
    const char *first = world_business();
    int64_t begin = world_ms();
    struct world_got got;

    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(world_get(i == 0 ? first : world_business(), &got),
                        MPS_OK);
        CU_ASSERT_EQUAL(got.source, MPS_SOURCE_ENDPOINT);
    }
    if (fault->is_mute) {
        /* its share of a call once, not four times */
        CU_ASSERT(world_ms() - begin <= SHARE_MS + 6 * world_margin());
    }
    CU_ASSERT_EQUAL(world_get(first, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(first), 1);
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, "keyring_degraded: "), 1);
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, fault->word), 1);
    CU_ASSERT_EQUAL(world_log_count(-1, "keyring_degraded"), 1);
    if (world_log_count(LOG_WARNING, fault->word) != 1) {
        world_log_show();
    }
}

static void
check_fault(const struct fault *fault)
{
    char lines[512];

    snprintf(lines, sizeof(lines), "%s", fault->begin());
    check_required(fault, lines);
    configure(fault, lines, "");
    world_log_take();
    check_served(fault);
    fault->end();
    if (fault->is_mute) {
        world_reconfigure(FAULT_PATIENT);
        world_restart();
    }
    CU_ASSERT(world_await(fault_is_told_over, NULL));
    CU_ASSERT_EQUAL(world_log_count(-1, "keyring_degraded: "), 1);
    fault_check_used();
}

/* --- the faults -----------------------------------------------------------
 */

static const char *
no_bus(void)
{
    static char line[300];

    snprintf(line, sizeof(line), "keyring_bus = unix:path=%s\n",
             world_path("later"));
    return line;
}

static void
bus_comes(void)
{
    CU_ASSERT_EQUAL(symlink(world_path("bus"), world_path("later")), 0);
}

static void
test_no_bus(void)
{
    static const struct fault fault = {"D-Bus", no_bus, bus_comes, 0};

    check_fault(&fault);
    unlink(world_path("later"));
}

static const char *
no_service(void)
{
    desk_stop_keyring();
    return "";
}

static void
test_no_service(void)
{
    static const struct fault fault = {"no Secret Service", no_service,
                                       desk_start_keyring, 0};

    check_fault(&fault);
    CU_ASSERT_FALSE(desk_started_service());
}

static const char *
mute_bus(void)
{
    static char line[300];

    snprintf(line, sizeof(line), "keyring_bus = %s\n", world_mute_bus());
    return line;
}

static void
nothing(void)
{
}

static void
test_mute_bus(void)
{
    static const struct fault fault = {"not answer", mute_bus, nothing, 1};

    check_fault(&fault);
}

static const char *
stopped(void)
{
    desk_signal_keyring(SIGSTOP);
    return "";
}

static void
go_on(void)
{
    desk_signal_keyring(SIGCONT);
}

static void
test_stopped(void)
{
    static const struct fault fault = {"not answer", stopped, go_on, 1};

    check_fault(&fault);
}

static const char *
locked(void)
{
    world_keyring_lock();
    return "";
}

static void
test_locked(void)
{
    static const struct fault fault = {"locked", locked, desk_restart_keyring,
                                       0};

    check_fault(&fault);
    CU_ASSERT_FALSE(desk_started_prompter());
}

static const char *
bare(void)
{
    desk_stop_keyring();
    desk_start_bare_keyring();
    return "";
}

static void
test_no_collection(void)
{
    static const struct fault fault = {"no default collection", bare,
                                       desk_restart_keyring, 0};

    check_fault(&fault);
    CU_ASSERT_FALSE(desk_started_prompter());
}

/* --- prompts --------------------------------------------------------------
 */

static int
prompter_is_asked(void *arg)
{
    (void)arg;
    return fake_calls("BeginPrompting") > 0;
}

/* A prompter that takes its call and never answers: the module asks for no
 * prompt, and waits for none that another program has asked for. */
static void
test_mute_prompter(void)
{
    static const struct fault fault = {"locked", locked, desk_restart_keyring,
                                       0};
    struct world_got got;
    char output[WORLD_OUTPUT];

    fake_start("prompter", "");
    check_fault(&fault);
    CU_ASSERT_EQUAL(fake_calls(""), 0);
    /* Another program's prompt, which would have been seen above. */
    world_keyring_lock();
    world_configure(FAULT_PATIENT);
    CU_ASSERT_EQUAL(
        world_shell(output,
                    "printf x | timeout 60 secret-tool store --label=other "
                    "kind other >/dev/null 2>&1 & echo $!"),
        0);
    CU_ASSERT(world_await(prompter_is_asked, NULL));
    CU_ASSERT_EQUAL(fake_calls("BeginPrompting"), 1);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    CU_ASSERT_EQUAL(got.source, MPS_SOURCE_ENDPOINT);
    world_configure(FAULT_PATIENT "keyring = required\n");
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_KEYRING);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "locked"));
    CU_ASSERT_EQUAL(fake_calls("BeginPrompting"), 1);
    if (strtol(output, NULL, 10) > 0) {
        kill((pid_t)strtol(output, NULL, 10), SIGTERM);
    }
    fake_end();
    desk_restart_keyring();
    world_configure(FAULT_PATIENT);
    fault_check_used();
}

/* --- answers of a moment --------------------------------------------------
 */

/* gnome-keyring 42 sometimes knows of no collection in its first answer to a
 * connection. */
static void
check_alias(const char *times_without, const char *word, long asked)
{
    struct world_got got;

    fake_start("secrets", times_without);
    world_configure(FAULT_PATIENT "keyring = required\n");
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_KEYRING);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, word));
    if (strstr(got.error.message, word) == NULL) {
        printf("\n    %s times: %s\n", times_without, got.error.message);
    }
    CU_ASSERT_EQUAL(fake_calls("ReadAlias"), asked);
    CU_ASSERT_EQUAL(fake_calls("Get$"), asked - strtol(times_without, 0, 10));
    /* and nothing else was asked */
    CU_ASSERT_EQUAL(fake_calls(""),
                    2 * asked - strtol(times_without, NULL, 10));
    fake_end();
}

static void
test_late_collection(void)
{
    desk_stop_keyring();
    check_alias("0", "locked", 1);
    check_alias("1", "locked", 2);
    check_alias("2", "no default collection", 2);
    desk_start_keyring();
}

/* --- killed in mid-call ---------------------------------------------------
 */

static int
helper_runs(void *arg)
{
    (void)arg;
    return world_helper_runs();
}

static void
test_killed_in_load(void)
{
    char output[WORLD_OUTPUT];
    struct world_host host;
    const char *id = world_business();

    world_configure(FAULT_PATIENT);
    desk_signal_keyring(SIGSTOP);
    world_host_start(&host, "get %s", id);
    world_host_go(&host);
    CU_ASSERT(world_await(helper_runs, NULL));
    desk_restart_keyring();
    CU_ASSERT_EQUAL(world_host_end(&host, output), MPS_OK);
    CU_ASSERT(world_number(output, "ms") <= 60000 + world_margin());
    CU_ASSERT_EQUAL(world_requests(id), 1);
    fault_check_used();
}

/* Between load and store: what the endpoint gives is stored with the new
 * one. */
static void
test_killed_before_store(void)
{
    char output[WORLD_OUTPUT];
    struct world_host host;
    const char *id = world_business();

    world_configure(FAULT_PATIENT);
    world_emulate(id, "latency_ms=8000"); /* by then the new one is there */
    world_host_start(&host, "get %s", id);
    world_host_go(&host);
    CU_ASSERT(world_await_requests(id, 1));
    desk_restart_keyring();
    CU_ASSERT_EQUAL(world_host_end(&host, output), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(world_requests(id), 1);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    fault_check_used();
}

/* It doesn't come back before the call ends: the token comes all the same,
 * with keyring = required, too, and the next call is told. */
static void
test_killed_for_good(void)
{
    struct world_got got;
    char output[WORLD_OUTPUT];
    struct world_host host;
    const char *id = world_business();

    world_configure(FAULT_PATIENT "keyring = required\n");
    world_emulate(id, "latency_ms=1500");
    world_host_start(&host, "get %s", id);
    world_host_go(&host);
    CU_ASSERT(world_await_requests(id, 1));
    desk_stop_keyring();
    CU_ASSERT_EQUAL(world_host_end(&host, output), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_KEYRING);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "Secret Service"));
    desk_start_keyring();
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    world_configure(FAULT_PATIENT);
    fault_check_used();
}

/* Again and again, at whatever moment of a call. */
static void
test_killed_at_random(void)
{
    static const char *const latencies[] = {"1", "50", "200"};
    unsigned times = world_scale(10);
    char output[WORLD_OUTPUT];
    struct world_host host;

    world_configure(FAULT_PATIENT);
    for (unsigned i = 0; i < times; i++) {
        const char *ids[] = {world_business(), world_business(),
                             world_business()};

        for (size_t j = 0; j < 3; j++) {
            char query[32];

            snprintf(query, sizeof(query), "latency_ms=%s", latencies[j]);
            world_emulate(ids[j], query);
        }
        world_host_start(&host, "get %s %s %s", ids[0], ids[1], ids[2]);
        world_host_go(&host);
        world_nap(i * 17);
        desk_restart_keyring();
        CU_ASSERT_EQUAL(world_host_end(&host, output), MPS_OK);
        for (size_t j = 0; j < 3; j++) {
            CU_ASSERT_EQUAL(world_requests(ids[j]), 1);
        }
    }
    fault_check_used();
}

static CU_TestInfo tests[] = {
    {"no bus", test_no_bus},
    {"no service on the bus", test_no_service},
    {"mute socket", test_mute_bus},
    {"stopped daemon", test_stopped},
    {"locked", test_locked},
    {"no default collection", test_no_collection},
    {"prompter that never answers", test_mute_prompter},
    {"collection that the first answer leaves out", test_late_collection},
    {"killed in the load", test_killed_in_load},
    {"killed between load and store", test_killed_before_store},
    {"killed for good", test_killed_for_good},
    {"killed at whatever moment", test_killed_at_random},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"faults of the Secret Service", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
