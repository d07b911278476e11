/* SPDX-License-Identifier: MIT */
/*
 * The look once a second: a running process takes up a changed configuration,
 * keeps the old one where the new one is broken, and gives nothing of one
 * solution, endpoint or user to another.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "desk.h"
#include "world.h"

#define PATIENT "keyring_deadline_ms = 8000\ndeadline_ms = 30000\n"

static int64_t
bound_ms(void)
{
    return 1000 + world_margin();
}

/* True where the business (NULL = a new one each time) is answered with the
 * code in time, and not by this token (NULL = any). */
static int
becomes(const char *id, int code, const char *not_token_id)
{
    int64_t until = world_ms() + bound_ms();
    struct world_got got;

    do {
        (void)world_get(id != NULL ? id : world_business(), &got);
        if (got.code == code && (not_token_id == NULL ||
                                 strcmp(got.token_id, not_token_id) != 0)) {
            return 1;
        }
        world_nap(50);
    } while (world_ms() < until);
    printf("\n    still %d: %s", got.code, got.error.message);
    return 0;
}

static void
test_changed(void)
{
    struct world_got got;
    const char *held = world_business();
    char wrong[256];

    snprintf(wrong, sizeof(wrong), "%s", world_path("wrong"));
    world_write(wrong, 0600, "EAAwrong\n");
    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(held, &got), MPS_OK);
    world_reconfigure(PATIENT "token_file = %s\n", wrong);
    CU_ASSERT(becomes(NULL, MPS_E_AUTH, NULL));
    /* What is held is still the same solution's. */
    CU_ASSERT_EQUAL(world_get(held, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(held), 1);
    world_reconfigure(PATIENT);
    CU_ASSERT(becomes(NULL, MPS_OK, NULL));
}

static void
test_profile_changed(void)
{
    struct mps_request request = {.size = sizeof(request),
                                  .profile = "billing"};
    struct world_got got;

    request.business_id = world_business();
    world_configure(PATIENT "[billing]\nnegative_ttl_s = 10\n");
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_OK);
    world_reconfigure(PATIENT);
    world_nap(bound_ms());
    /* It is gone, so the file is wrong for it: the old one is kept. */
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(request.business_id), 1);
}

static void
test_broken(void)
{
    struct world_got got;
    const char *held = world_business();
    int64_t until;
    long failures = 0;

    world_configure(PATIENT "log = syslog\n");
    world_log_take();
    CU_ASSERT_EQUAL(world_get(held, &got), MPS_OK);
    world_reconfigure(PATIENT "log = syslog\ndead_line = 7\n");
    for (until = world_ms() + 3 * bound_ms(); world_ms() < until;) {
        failures += world_get(held, &got) != MPS_OK;
        failures += world_get(world_business(), &got) != MPS_OK;
        world_nap(100);
    }
    CU_ASSERT_EQUAL(failures, 0);
    /* told once, not at each look */
    CU_ASSERT_EQUAL(world_log_count(LOG_ERR, "dead_line"), 1);
    if (world_log_count(LOG_ERR, "dead_line") != 1) {
        world_log_show();
    }
    CU_ASSERT_EQUAL(world_requests(held), 1);
    /* and what mends it is taken up */
    world_reconfigure(PATIENT "solution_id = 999\n");
    CU_ASSERT(becomes(NULL, MPS_E_NOT_FOUND, NULL));
}

static void
test_other_solution(void)
{
    struct world_got got;
    struct world_got again;
    const char *id = world_business();

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    /* The emulator knows no other: a token would be the first's. */
    world_reconfigure(PATIENT "solution_id = 999\n");
    CU_ASSERT(becomes(id, MPS_E_NOT_FOUND, NULL));
    world_reconfigure(PATIENT);
    CU_ASSERT(becomes(id, MPS_OK, NULL));
    /* It began empty: what it has is from the keyring. */
    CU_ASSERT_EQUAL(world_get(id, &again), MPS_OK);
    CU_ASSERT_EQUAL(again.source, MPS_SOURCE_KEYRING);
    CU_ASSERT_STRING_EQUAL(again.token_id, got.token_id);
}

static void
test_other_endpoint(void)
{
    struct world_got got;
    const char *id = world_business();
    char url[64];

    snprintf(url, sizeof(url), "%s",
             world_second_emulator("second", "--log=/dev/null"));
    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    world_reconfigure(PATIENT "base_url = %s\ntoken_file = %s\n"
                              "ca_file = %s\n",
                      url, world_path("second/partner_token"),
                      world_path("second/ca.pem"));
    CU_ASSERT(becomes(id, MPS_OK, got.token_id));
    CU_ASSERT_EQUAL(world_requests(id), 1);
    world_speak_to(url);
    CU_ASSERT_EQUAL(world_requests(id), 1);
    world_speak_to(NULL);
}

static void
test_distrust(void)
{
    char lines[128];
    struct world_got got;
    struct world_got later;
    const char *id = world_business();
    struct tm utc;
    time_t now;

    world_configure(PATIENT);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    world_nap(1500); /* so that now's second is after the receipt's */
    now = time(NULL);
    strftime(lines, sizeof(lines), "distrust_before = %Y-%m-%dT%H:%M:%SZ\n",
             gmtime_r(&now, &utc));
    world_reconfigure(PATIENT "%s", lines);
    CU_ASSERT(becomes(id, MPS_OK, got.token_id));
    CU_ASSERT_EQUAL(world_requests(id), 2);
    /* The new one is believed, also when it is looked at again. */
    world_nap(bound_ms());
    CU_ASSERT_EQUAL(world_get(id, &later), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), 2);
}

/* --- another user ---------------------------------------------------------
 */

/* What both users may read. */
static void
open_to_all(void)
{
    char output[WORLD_OUTPUT];
    char token[256];

    CU_ASSERT_EQUAL(chmod(desk_dir(), 0755), 0);
    CU_ASSERT_EQUAL(chmod(world_path("emu"), 0755), 0);
    CU_ASSERT_EQUAL(chmod(world_path("emu/ca.pem"), 0644), 0);
    snprintf(token, sizeof(token), "%s", world_path("group_token"));
    CU_ASSERT_EQUAL(world_shell(output, "install -m 0640 %s %s",
                                world_path("emu/partner_token"), token),
                    0);
    world_configure(PATIENT "token_file = %s\n", token);
}

static void
test_other_user(void)
{
    struct world_host host;
    char output[WORLD_OUTPUT];
    const char *id = world_business();
    char mine[16];
    char theirs[16];

    if (geteuid() != 0) {
        world_untried("not root");
        return;
    }
    open_to_all();
    world_serve_start(&host);
    world_ask(&host, output, "get %s", id);
    CU_ASSERT_EQUAL(world_number(output, "code"), MPS_OK);
    snprintf(mine, sizeof(mine), "%s", world_value(output, "token_id"));
    CU_ASSERT_EQUAL(
        world_number(world_ask(&host, output, "seteuid 65534"), "code"), 0);
    world_nap(bound_ms());
    world_ask(&host, output, "get %s", id);
    CU_ASSERT_EQUAL(world_number(output, "code"), MPS_OK);
    snprintf(theirs, sizeof(theirs), "%s", world_value(output, "token_id"));
    CU_ASSERT_STRING_NOT_EQUAL(theirs, mine);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(world_requests(id), 2);
    /* and back: again nothing of the other's */
    CU_ASSERT_EQUAL(
        world_number(world_ask(&host, output, "seteuid 0"), "code"), 0);
    world_nap(bound_ms());
    world_ask(&host, output, "get %s", id);
    CU_ASSERT_EQUAL(world_number(output, "code"), MPS_OK);
    CU_ASSERT_STRING_EQUAL(world_value(output, "token_id"), mine);
    world_serve_end(&host);
}

static CU_TestInfo tests[] = {
    {"a changed key", test_changed},
    {"a profile that is gone", test_profile_changed},
    {"a broken file: told once, the old one kept", test_broken},
    {"another solution starts empty", test_other_solution},
    {"another endpoint starts empty", test_other_endpoint},
    {"distrust_before", test_distrust},
    {"another effective user", test_other_user},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"reload", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
