/* SPDX-License-Identifier: MIT */
/*
 * A good guest: the module's threads, and hosts that reload it, leave the file
 * system behind, or have a name server that never answers. For kinds of hosts
 * see tests/hosts/.
 */
#include <CUnit/Basic.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define PATIENT "keyring_deadline_ms = 8000\ndeadline_ms = 30000\n"

/* --- threads --------------------------------------------------------------
 */

/* The most threads that a host has while it works; -1 without an answer. */
static long
most_tasks(const char *lines)
{
    struct world_host host;
    struct stat status;
    char output[WORLD_OUTPUT];
    char path[64];
    const char *id = world_business();
    int64_t until = world_ms() + 450;
    long most = 0;

    world_configure(PATIENT "%s", lines);
    world_emulate(id, "latency_ms=400");
    world_host_start(&host, "get %s %s", id, world_business());
    snprintf(path, sizeof(path), "/proc/%d/task", (int)host.pid);
    world_host_go(&host);
    while (world_ms() < until && stat(path, &status) == 0) {
        long tasks = (long)status.st_nlink - 2;

        most = tasks > most ? tasks : most;
    }
    return world_host_end(&host, output) == 0 ? most : -1;
}

static void
test_no_threads(void)
{
    CU_ASSERT_EQUAL(most_tasks("threads = no\n"), 1);
    CU_ASSERT_EQUAL(most_tasks("threads = no\nkeyring = off\n"), 1);
    CU_ASSERT(most_tasks("threads = yes\n") >= 2); /* would have been seen */
}

static void
test_no_threads_works(void)
{
    char output[WORLD_OUTPUT];
    struct world_got got;
    const char *id = world_business();
    const char *bad = world_business();
    struct mps_request request = {
        .size = sizeof(request), .business_id = id, .flags = MPS_NO_WAIT};

    world_configure(PATIENT "threads = no\n");
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "threads = no"));
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(mps.invalidate_credential(id, got.token), MPS_OK);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), 2);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    world_emulate(bad, "status=422");
    CU_ASSERT_EQUAL(world_get(bad, &got), MPS_E_UNPROCESSABLE);
    request.flags = 0;
    request.business_id = world_business();
    request.deadline_ms = 600;
    world_emulate(request.business_id, "fault=stall");
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_E_TIMEOUT);
    CU_ASSERT(got.took_ms <= 600 + world_margin());
    CU_ASSERT_EQUAL(world_host(output, "", "race 8 %s", world_business()), 0);
    CU_ASSERT_EQUAL(world_number(output, "ok"), 8);
}

static long
tasks(void)
{
    struct stat status;
    long count = -1;

    if (stat("/proc/self/task", &status) == 0) {
        count = (long)status.st_nlink - 2;
    }
#ifdef __SANITIZE_THREAD__
    count -= count > 1; /* it starts one of its own beside the first */
#endif
    return count;
}

static void
test_thread_ends(void)
{
    struct world_got got;

    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    CU_ASSERT_EQUAL(tasks(), 2);
    mps.shutdown();
    CU_ASSERT_EQUAL(tasks(), 1);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
}

/* --- the life of a host ---------------------------------------------------
 */

static void
test_prepare_fails(void)
{
    struct mps_error error = {.size = sizeof(error)};
    struct mps_request request = {.size = sizeof(request), .error = &error};

    world_configure("keyring = off\ntoken_file = /nonexistent/token\n");
    CU_ASSERT_EQUAL(mps.prepare(&request), MPS_E_CONFIG);
    CU_ASSERT_EQUAL(error.code, MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "/nonexistent/token"));
    world_configure("keyring = off\nca_file = /nonexistent/ca.pem\n");
    CU_ASSERT_EQUAL(mps.prepare(&request), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "/nonexistent/ca.pem"));
    request.flags = MPS_NO_WAIT;
    CU_ASSERT_EQUAL(mps.prepare(&request), MPS_E_INVALID);
    world_configure("keyring = off\n");
    world_reset();
    CU_ASSERT_EQUAL(mps.prepare(NULL), MPS_OK);
    CU_ASSERT_EQUAL(world_stat("/connections"), 1); /* the question's own */
}

/* --- a name server that never answers -------------------------------------
 */

static void
check_mute_dns(const char *lines)
{
    char output[WORLD_OUTPUT];
    int status;

    world_configure("keyring = off\nbase_url = https://mute.example.com\n%s",
                    lines);
    world_write("resolv.conf", 0644, "nameserver 127.0.0.1\n");
    status = world_host(output, "", "--deadline=1500 mute-dns %s %s",
                        world_path("resolv.conf"), world_business());
    if (status == WORLD_CANNOT) {
        world_untried("a network namespace");
        return;
    }
    CU_ASSERT(status == MPS_E_TIMEOUT || status == MPS_E_NETWORK);
    CU_ASSERT_EQUAL(world_number(output, "asked"), 1);
    CU_ASSERT(world_number(output, "ms") >= 1000);
    CU_ASSERT(world_number(output, "ms") <= 1500 + world_margin());
}

static void
test_mute_dns(void)
{
    int64_t begin = world_ms();

    check_mute_dns("");
    check_mute_dns("threads = no\n");
    /* nor does the host's end wait for it */
    CU_ASSERT(world_ms() - begin < 4000 + 2 * world_margin());
}

static void
test_mute_dns_code(void)
{
    char output[WORLD_OUTPUT];
    int status;

    /* The connect's limit is no less than the deadline here. */
    world_configure("keyring = off\nbase_url = https://mute.example.com\n"
                    "connect_timeout_ms = 5000\n");
    world_write("resolv.conf", 0644, "nameserver 127.0.0.1\n");
    status = world_host(output, "", "--deadline=1000 mute-dns %s %s",
                        world_path("resolv.conf"), world_business());
    CU_ASSERT(status == MPS_E_TIMEOUT || status == WORLD_CANNOT);
}

static CU_TestInfo tests[] = {
    {"threads = no: no thread ever", test_no_threads},
    {"threads = no: all works", test_no_threads_works},
    {"the thread ends, the next call works", test_thread_ends},
    {"credential_prepare", test_prepare_fails},
    {"mute name server: the deadline holds", test_mute_dns},
    {"12 TIMEOUT by a mute name server", test_mute_dns_code},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"guest", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
