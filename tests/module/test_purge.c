/* SPDX-License-Identifier: MIT */
/*
 * mps-credential forget: no running process serves what was forgotten a second
 * later, and a fetch that is in flight at that moment is thrown away.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <time.h>

#include "world.h"

#define PATIENT "keyring_deadline_ms = 8000\ndeadline_ms = 30000\n"

/* One to look, and what a busy machine adds. */
static int64_t
bound_ms(void)
{
    return 1000 + world_margin();
}

/* When, after the command's end, another token came; -1 = in time none. */
static int64_t
await_another(const char *id, const char *token_id)
{
    int64_t begin = world_ms();
    struct world_got got;

    while (world_ms() < begin + 3 * bound_ms()) {
        if (world_get(id, &got) == MPS_OK &&
            strcmp(got.token_id, token_id) != 0) {
            return world_ms() - begin;
        }
        world_nap(20);
    }
    return -1;
}

/* This process and another one that holds the token in memory. */
static void
check_forget(const char *id, const char *what)
{
    struct world_host other;
    struct world_got got;
    char output[WORLD_OUTPUT];
    char token_id[16];
    int64_t took;

    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    world_serve_start(&other);
    CU_ASSERT_STRING_EQUAL(
        world_value(world_ask(&other, output, "get %s", id), "token_id"),
        got.token_id);
    snprintf(token_id, sizeof(token_id), "%s", got.token_id);
    CU_ASSERT_EQUAL(world_command(output, "forget %s 2>&1", what), 0);
    took = await_another(id, token_id);
    CU_ASSERT(took >= 0 && took <= bound_ms());
    /* The second is over for the other process too. */
    world_nap(bound_ms() > took ? bound_ms() - took : 0);
    CU_ASSERT_EQUAL(
        world_number(world_ask(&other, output, "get %s", id), "code"), 0);
    CU_ASSERT_STRING_NOT_EQUAL(world_value(output, "token_id"), token_id);
    /* One fetch for both; and a new process finds none of the old. */
    CU_ASSERT_EQUAL(world_requests(id), 2);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
    CU_ASSERT_STRING_NOT_EQUAL(world_value(output, "token_id"), token_id);
    world_serve_end(&other);
}

static void
test_forget_one(void)
{
    const char *id = world_business();
    const char *spared = world_business();
    struct world_got before;
    struct world_got after;

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(spared, &before), MPS_OK);
    check_forget(id, id);
    /* Another's token may have left the memory, but not the keyring. */
    CU_ASSERT_EQUAL(world_get(spared, &after), MPS_OK);
    CU_ASSERT_STRING_EQUAL(after.token_id, before.token_id);
    CU_ASSERT_EQUAL(world_requests(spared), 1);
}

static void
test_forget_all(void)
{
    char output[WORLD_OUTPUT];
    const char *id = world_business();
    const char *stored = world_business();

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", stored), 0);
    check_forget(id, "--all");
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", stored), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_ENDPOINT);
}

/* --- in flight ------------------------------------------------------------
 */

/* Begins a fetch of 1.5 s in another process, and purges in the middle of it.
 * What the endpoint does from then on is up to `query`. */
static void
purge_in_flight(struct world_host *host, const char *id, const char *query)
{
    char output[WORLD_OUTPUT];

    world_configure(PATIENT);
    world_emulate(id, "latency_ms=1500&lifetime_s=1000");
    world_serve_start(host);
    world_send(host, "get %s", id);
    CU_ASSERT(world_await_requests(id, 1));
    world_emulate(id, query);
    CU_ASSERT_EQUAL(world_command(output, "forget --all 2>&1"), 0);
}

/* The caller gets a token of a fetch that began after the purge. */
static void
test_fetched_anew(void)
{
    struct world_host host;
    char output[WORLD_OUTPUT];
    const char *id = world_business();

    purge_in_flight(&host, id, "latency_ms=0&lifetime_s=5000");
    world_receive(&host, output);
    CU_ASSERT_EQUAL(world_number(output, "code"), 0);
    CU_ASSERT(world_number(output, "expires") > time(NULL) + 3000);
    CU_ASSERT_EQUAL(world_requests(id), 2);
    world_serve_end(&host);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    CU_ASSERT(world_number(output, "expires") > time(NULL) + 3000);
    CU_ASSERT_EQUAL(world_requests(id), 2);
}

/* Where none can be had then, none is there: neither for the caller nor in
 * the keyring. */
static void
test_not_stored(void)
{
    struct world_host host;
    char output[WORLD_OUTPUT];
    const char *id = world_business();

    purge_in_flight(&host, id, "latency_ms=0&status=403");
    world_receive(&host, output);
    CU_ASSERT_EQUAL(world_number(output, "code"), MPS_E_FORBIDDEN);
    world_keyring_dump(output, sizeof(output));
    CU_ASSERT_PTR_NULL(strstr(output, "EAA"));
    CU_ASSERT_PTR_NULL(strstr(output, id));
    world_emulate(id, "status=200");
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_ENDPOINT);
    world_serve_end(&host);
    /* The dump would have shown one; the next process waits until the token
     * is stored. */
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), 0);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    world_keyring_dump(output, sizeof(output));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, id));
}

static CU_TestInfo tests[] = {
    {"forget BUSINESS: gone within a second", test_forget_one},
    {"forget --all", test_forget_all},
    {"in flight: fetched anew", test_fetched_anew},
    {"in flight: not stored", test_not_stored},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"purge", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
