/* SPDX-License-Identifier: MIT */
/*
 * The module and the keyring: what a second process finds, what is written,
 * and what happens where the keyring can't be used.
 */
#include <CUnit/Basic.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "desk.h"
#include "world.h"

/* The keyring's share of a call in these tests. */
#define SHARE_MS 600
#define SHARE "keyring_deadline_ms = 600\n"

/* Long enough for a machine that is busy with other tests. */
#define PATIENT "keyring_deadline_ms = 8000\ndeadline_ms = 20000\n"

static void
test_two_processes(void)
{
    char first[WORLD_OUTPUT];
    char second[WORLD_OUTPUT];
    const char *id = world_business();

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_host(first, "", "get %s", id), 0);
    CU_ASSERT_EQUAL(world_host(second, "", "get %s", id), 0);
    CU_ASSERT_EQUAL(world_number(first, "source"), MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(world_number(second, "source"), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(strlen(world_value(first, "token_id")), 12);
    CU_ASSERT_STRING_EQUAL(world_value(first, "token_id"),
                           world_value(second, "token_id"));
    CU_ASSERT_STRING_EQUAL(world_value(first, "expires"),
                           world_value(second, "expires"));
    CU_ASSERT_STRING_EQUAL(world_value(first, "endpoint"),
                           world_value(second, "endpoint"));
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

/* Every shape of expiry survives the keyring. */
static void
test_expiry_is_kept(void)
{
    static const char *const queries[] = {"expires_at=0", "expires_at=absent",
                                          "shape=data"};
    char first[WORLD_OUTPUT];
    char second[WORLD_OUTPUT];

    world_configure(PATIENT);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        const char *id = world_business();

        world_emulate(id, queries[i]);
        CU_ASSERT_EQUAL(world_host(first, "", "get %s", id), 0);
        CU_ASSERT_EQUAL(world_host(second, "", "get %s", id), 0);
        CU_ASSERT_EQUAL(world_number(second, "source"), MPS_SOURCE_KEYRING);
        CU_ASSERT_STRING_EQUAL(world_value(first, "expires"),
                               world_value(second, "expires"));
        CU_ASSERT_STRING_EQUAL(world_value(first, "endpoint"),
                               world_value(second, "endpoint"));
    }
}

static void
test_attributes(void)
{
    char text[WORLD_OUTPUT];
    char *save = NULL;
    char id[32];
    struct world_got got;
    unsigned attributes = 0;

    snprintf(id, sizeof(id), "%s", "98989898989898");
    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    world_keyring_dump(text, sizeof(text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "attribute.application = "
                                        "mps-credential"));
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "secret = ", 9) == 0) {
            continue;
        }
        attributes += strncmp(line, "attribute.", 10) == 0;
        CU_ASSERT_PTR_NULL(strstr(line, id));
        CU_ASSERT_PTR_NULL(strstr(line, got.token));
        CU_ASSERT_PTR_NULL(strstr(line, got.token_id));
        CU_ASSERT_PTR_NULL(strstr(line, "EAA"));
    }
    CU_ASSERT(attributes >= 4);
}

/* A large customer's businesses don't make as many items. */
static void
test_pages(void)
{
    enum { BUSINESSES = 200 };
    static char ids[BUSINESSES][24];
    const char *list[BUSINESSES];
    char output[WORLD_OUTPUT];
    long items;

    for (unsigned i = 0; i < BUSINESSES; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%u", 31000 + 7 * i);
        list[i] = ids[i];
    }
    world_configure(PATIENT);
    CU_ASSERT_EQUAL(
        mps.prefetch_credentials(NULL, list, BUSINESSES, NULL, NULL), MPS_OK);
    mps.shutdown();
    items = world_keyring_items();
    CU_ASSERT(items > 1 && items <= 64);
    world_reset();
    CU_ASSERT_EQUAL(world_host(output, "", "get %s %s %s", ids[0], ids[100],
                               ids[BUSINESSES - 1]),
                    0);
    CU_ASSERT_EQUAL(world_requests(""), 0);
}

/* --- without a keyring ----------------------------------------------------
 */

/* The endpoint's token comes in time; or the code with keyring = required. */
static void
check_without(const char *lines, const char *word)
{
    struct world_got got;
    int64_t most = SHARE_MS + world_margin();

    world_configure(SHARE "%s", lines);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    CU_ASSERT_EQUAL(got.source, MPS_SOURCE_ENDPOINT);
    CU_ASSERT(got.took_ms <= most);
    world_configure(SHARE "keyring = required\n%s", lines);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_KEYRING);
    CU_ASSERT(got.took_ms <= most);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, word));
    if (strstr(got.error.message, word) == NULL) {
        printf("\n    %s: %s\n", word, got.error.message);
    }
}

static void
test_no_bus(void)
{
    check_without("keyring_bus = unix:path=/nonexistent/bus\n", "D-Bus");
}

static void
test_locked(void)
{
    world_keyring_lock();
    check_without("", "locked");
    CU_ASSERT_FALSE(desk_started_prompter());
    desk_restart_keyring();
}

static void
test_no_collection(void)
{
    desk_stop_keyring();
    desk_start_bare_keyring();
    check_without("", "collection");
    CU_ASSERT_FALSE(desk_started_prompter());
    desk_restart_keyring();
}

static void
test_absent(void)
{
    desk_stop_keyring();
    (void)desk_started_service();
    check_without("", "Secret Service");
    /* nor was it started */
    CU_ASSERT_FALSE(desk_started_service());
    desk_start_keyring();
}

static void
test_mute_bus(void)
{
    char line[256];

    snprintf(line, sizeof(line), "keyring_bus = %s\n", world_mute_bus());
    check_without(line, "answer");
}

static void
test_stopped_daemon(void)
{
    desk_signal_keyring(SIGSTOP);
    check_without("", "answer");
    desk_signal_keyring(SIGCONT);
}

/* A keyring that is mute is asked once, not once for each business. */
static void
test_mute_costs_once(void)
{
    struct world_got got;
    int64_t begin;

    desk_signal_keyring(SIGSTOP);
    world_configure("keyring_deadline_ms = 1000\n");
    begin = world_ms();
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    }
    CU_ASSERT(world_ms() - begin >= 900);
    CU_ASSERT(world_ms() - begin <= 1000 + 3 * world_margin());
    desk_signal_keyring(SIGCONT);
}

/* A caller in a hurry finds the keyring mute for itself alone. */
static void
test_hurry_mutes_nobody(void)
{
    const struct mps_request hurried = {.size = sizeof(hurried),
                                        .business_id = world_business(),
                                        .deadline_ms = 300};
    const char *id = world_business();
    char output[WORLD_OUTPUT];
    struct world_got got;

    desk_signal_keyring(SIGSTOP);
    world_configure(PATIENT);
    (void)world_get_with(&hurried, &got);
    desk_signal_keyring(SIGCONT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    /* The next process finds it: it was stored. */
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

/* With everything mute the deadline is all that ends a call. */
static void
test_all_mute(void)
{
    struct mps_request request = {.size = sizeof(request),
                                  .deadline_ms = 1200};
    struct world_got got;

    request.business_id = world_business();
    world_emulate(request.business_id, "fault=stall");
    world_configure("keyring_bus = %s\n", world_mute_bus());
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_E_TIMEOUT);
    CU_ASSERT(got.took_ms <= 1200 + world_margin());
    CU_ASSERT(got.took_ms >= 1100);
}

static void
test_restart(void)
{
    const char *before = world_business();
    const char *after = world_business();
    char output[WORLD_OUTPUT];
    struct world_got got;

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(before, &got), MPS_OK);
    /* This waits until the store is done. */
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", before), 0);
    desk_restart_keyring();
    CU_ASSERT_EQUAL(world_get(after, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", after), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", before), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
}

static int
is_there(const char *name)
{
    struct stat status;

    return lstat(world_path(name), &status) == 0;
}

/* The helper lives as long as its flight does: so it is seen while the
 * endpoint takes its time, and it isn't with keyring = off. */
static int
helper_during(const char *lines)
{
    struct world_host host;
    char output[WORLD_OUTPUT];
    const char *id = world_business();
    int64_t end = world_ms() + 20000;
    int seen = 0;

    world_configure("%s", lines);
    world_emulate(id, "latency_ms=500");
    world_host_start(&host, "get %s", id);
    world_host_go(&host);
    while (world_requests(id) == 0 && world_ms() < end) {
        seen |= world_helper_runs();
    }
    seen |= world_helper_runs();
    CU_ASSERT_EQUAL(world_host_end(&host, output), 0);
    return seen;
}

static void
test_off(void)
{
    char dir[300];
    long items = world_keyring_items();

    snprintf(dir, sizeof(dir), PATIENT "keyring = off\nruntime_dir = %s\n",
             world_path("off"));
    CU_ASSERT_FALSE(helper_during(dir));
    CU_ASSERT_FALSE(is_there("off/lock"));
    CU_ASSERT_EQUAL(world_keyring_items(), items);
    /* Both would have been seen. */
    snprintf(dir, sizeof(dir), PATIENT "runtime_dir = %s\n",
             world_path("off"));
    CU_ASSERT(helper_during(dir));
    CU_ASSERT(is_there("off/lock"));
}

/* --- what is served -------------------------------------------------------
 */

static void
test_bound_to_solution(void)
{
    struct world_got got;
    const char *id = world_business();

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    /* The emulator knows no other solution: a token would be the first's. */
    world_configure(PATIENT "solution_id = 999\n");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_NOT_FOUND);
}

static void
test_bound_to_endpoint(void)
{
    struct world_got got;
    const char *id = world_business();
    char elsewhere[64];
    const char *const urls[] = {
        "https://127.0.0.1:9",
        elsewhere,
    };

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    snprintf(elsewhere, sizeof(elsewhere), "https://127.0.0.1:%s/v",
             world_port());
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        world_configure(PATIENT "attempts = 1\nbase_url = %s\n", urls[i]);
        CU_ASSERT_NOT_EQUAL(world_get(id, &got), MPS_OK);
    }
    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(got.source, MPS_SOURCE_KEYRING);
}

static void
test_expired_record(void)
{
    const struct timespec life = {2, 200 * 1000000L};
    char output[WORLD_OUTPUT];
    const char *id = world_business();

    world_configure(PATIENT);
    world_emulate(id, "lifetime_s=2");
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
    nanosleep(&life, NULL);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(world_requests(id), 2);
}

/* A fleet's purge: what was received before is not served. */
static void
test_distrust_before(void)
{
    char lines[128] = PATIENT;
    time_t soon;
    const struct timespec while_s = {1, 100 * 1000000L};
    struct world_got got;
    struct tm utc;
    const char *id = world_business();

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    soon = time(NULL) + 1; /* after the receipt, whatever second that was */
    nanosleep(&while_s, NULL);
    strftime(lines + strlen(lines), sizeof(lines) - strlen(lines),
             "distrust_before = %Y-%m-%dT%H:%M:%SZ\n", gmtime_r(&soon, &utc));
    world_configure("%s", lines);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(got.source, MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(world_requests(id), 2);
}

/* A time that is still to come must not make each call a fetch. */
static void
test_distrust_future(void)
{
    struct world_got got;
    const char *id = world_business();

    world_configure(PATIENT "distrust_before = 2100-01-01\n");
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), 1);
}

static void
test_invalidate(void)
{
    struct world_got got;
    struct world_got again;
    char output[WORLD_OUTPUT];
    const char *id = world_business();

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    /* another token: nothing is dropped */
    CU_ASSERT_EQUAL(mps.invalidate_credential(id, "EAAanother"), MPS_OK);
    CU_ASSERT_EQUAL(world_get(id, &again), MPS_OK);
    CU_ASSERT_EQUAL(again.source, MPS_SOURCE_ENDPOINT); /* from memory */
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(world_requests(id), 1);
    /* this token: here and there */
    CU_ASSERT_EQUAL(mps.invalidate_credential(id, got.token), MPS_OK);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(world_requests(id), 2);
    CU_ASSERT_EQUAL(world_get(id, &again), MPS_OK);
    CU_ASSERT_STRING_NOT_EQUAL(again.token_id, got.token_id);
    /* the second process's is good enough for this one */
    CU_ASSERT_EQUAL(again.source, MPS_SOURCE_KEYRING);
}

static void
test_invalidate_any(void)
{
    struct world_got got;
    struct world_got again;
    char output[WORLD_OUTPUT];
    const char *id = world_business();
    const char *refused = world_business();

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(mps.invalidate_credential(id, NULL), MPS_OK);
    CU_ASSERT_EQUAL(world_get(id, &again), MPS_OK);
    CU_ASSERT_EQUAL(again.source, MPS_SOURCE_ENDPOINT);
    CU_ASSERT_STRING_NOT_EQUAL(again.token_id, got.token_id);
    CU_ASSERT_EQUAL(world_requests(id), 2);
    CU_ASSERT_EQUAL(mps.invalidate_credential(id, NULL), MPS_OK);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_ENDPOINT);
    /* and a remembered no */
    world_emulate(refused, "status=422&fault_count=1");
    CU_ASSERT_EQUAL(world_get(refused, &got), MPS_E_UNPROCESSABLE);
    CU_ASSERT_EQUAL(mps.invalidate_credential(refused, NULL), MPS_OK);
    CU_ASSERT_EQUAL(world_get(refused, &got), MPS_OK);
}

/* --- runtime_dir ----------------------------------------------------------
 */

/* Unsafe: memory only, or the code; nothing is written to the keyring. */
static void
check_unsafe(const char *dir)
{
    struct world_got got;
    char output[WORLD_OUTPUT];
    const char *id = world_business();

    world_configure(PATIENT "runtime_dir = %s\n", dir);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(got.source, MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), 1);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_ENDPOINT);
    world_configure(PATIENT "keyring = required\nruntime_dir = %s\n", dir);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_KEYRING);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "runtime_dir"));
}

static void
test_runtime_dir(void)
{
    char path[256];

    snprintf(path, sizeof(path), "%s", world_path("open"));
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    CU_ASSERT_EQUAL(chmod(path, 0777), 0);
    check_unsafe(path);
    snprintf(path, sizeof(path), "%s", world_path("link"));
    CU_ASSERT_EQUAL(mkdir(world_path("behind"), 0700), 0);
    CU_ASSERT_EQUAL(symlink(world_path("behind"), path), 0);
    check_unsafe(path);
    snprintf(path, sizeof(path), "%s", world_path("no/such/parent"));
    check_unsafe(path);
    snprintf(path, sizeof(path), "%s", world_path("file"));
    world_write("file", 0600, "");
    check_unsafe(path);
    if (geteuid() == 0) {
        snprintf(path, sizeof(path), "%s", world_path("foreign"));
        CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
        CU_ASSERT_EQUAL(chown(path, 65534, 65534), 0);
        check_unsafe(path);
    } else {
        check_unsafe("/usr"); /* not ours */
    }
}

static CU_TestInfo tests[] = {
    {"two processes in a row: one request", test_two_processes},
    {"expiry is kept", test_expiry_is_kept},
    {"attributes hold nothing personal", test_attributes},
    {"200 businesses: at most 64 items", test_pages},
    {"no bus", test_no_bus},
    {"locked", test_locked},
    {"no collection", test_no_collection},
    {"absent service", test_absent},
    {"mute bus", test_mute_bus},
    {"stopped daemon", test_stopped_daemon},
    {"a mute keyring costs once", test_mute_costs_once},
    {"a caller in a hurry mutes nobody", test_hurry_mutes_nobody},
    {"everything mute: the deadline holds", test_all_mute},
    {"daemon restarted between two calls", test_restart},
    {"keyring = off: no helper", test_off},
    {"bound to the solution", test_bound_to_solution},
    {"bound to the endpoint", test_bound_to_endpoint},
    {"expired record", test_expired_record},
    {"distrust_before", test_distrust_before},
    {"distrust_before still to come", test_distrust_future},
    {"invalidate: that token and no other", test_invalidate},
    {"invalidate: whatever is held", test_invalidate_any},
    {"unsafe runtime_dir", test_runtime_dir},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"keyring", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
