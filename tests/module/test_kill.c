/* SPDX-License-Identifier: MIT */
/*
 * kill -9 of hosts and helpers at random moments: no page is lost or torn, no
 * lock stays, the next call succeeds.
 */
#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <time.h>

#include "world.h"

/* Neither is anybody's limit here: what takes as long is a stuck lock, which a
 * waiter gives half of its deadline. */
#define DEADLINE_MS 20000
#define LINES "keyring_deadline_ms = 10000\ndeadline_ms = 20000\n"

/* On all pages there are, beside the victims' records. */
#define CONTROLS 128

#define KILLS 500
#define VICTIMS "640001 640002 640003 640004 640005 640006 640007 640008"

static char names[CONTROLS][24];
static const char *ids[CONTROLS];
static char tokens[CONTROLS][16];

static void
store_controls(void)
{
    struct world_got got;

    for (int i = 0; i < CONTROLS; i++) {
        snprintf(names[i], sizeof(names[i]), "%d", 630001 + i);
        ids[i] = names[i];
    }
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, CONTROLS, NULL, NULL),
                    MPS_OK);
    for (int i = 0; i < CONTROLS; i++) {
        CU_ASSERT_EQUAL(world_get(ids[i], &got), MPS_OK);
        snprintf(tokens[i], sizeof(tokens[i]), "%s", got.token_id);
    }
    world_restart(); /* waits until all is stored */
}

/* A new process finds each token that was stored before. */
static void
check_controls(void)
{
    struct world_got got;
    int lost = 0;
    int others = 0;

    world_restart();
    world_reset();
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, CONTROLS, NULL, NULL),
                    MPS_OK);
    for (int i = 0; i < CONTROLS; i++) {
        CU_ASSERT_EQUAL(world_get(ids[i], &got), MPS_OK);
        lost += got.source != MPS_SOURCE_KEYRING;
        others += strcmp(got.token_id, tokens[i]) != 0;
    }
    CU_ASSERT_EQUAL(lost, 0);
    CU_ASSERT_EQUAL(others, 0);
    CU_ASSERT_EQUAL(world_requests(""), 0);
}

/* Each page is one line of JSON with records. */
static void
check_pages(void)
{
    FILE *pipe = popen("secret-tool search --all application mps-credential "
                       "2>/dev/null | sed -n 's/^secret = //p'",
                       "re");
    char *line = NULL;
    size_t size = 0;
    unsigned pages = 0;
    unsigned torn = 0;
    int records = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    while (getline(&line, &size, pipe) > 0) {
        struct json_object *page = json_tokener_parse(line);
        struct json_object *all = NULL;

        pages++;
        if (json_object_object_get_ex(page, "records", &all)) {
            records += json_object_object_length(all);
        } else {
            torn++;
        }
        json_object_put(page);
    }
    free(line);
    pclose(pipe);
    CU_ASSERT(pages > 1);
    CU_ASSERT_EQUAL(torn, 0);
    CU_ASSERT(records >= CONTROLS);
}

static void
test_kills(void)
{
    char output[WORLD_OUTPUT];
    unsigned seed = (unsigned)time(NULL);
    unsigned kills = world_scale(KILLS);
    struct world_host host;

    world_configure(LINES);
    store_controls();
    world_emulate("", "latency_ms=5");
    printf("(seed %u) ", seed);
    world_load_start(&host, "load_host", "kills %u %u %s", kills, seed,
                     VICTIMS);
    CU_ASSERT_EQUAL(world_host_end(&host, output), 0);
    CU_ASSERT_EQUAL(world_number(output, "kills"), kills);
    CU_ASSERT(world_number(output, "helpers") > kills / 10);
    /* Half of the victims had got a token before. */
    CU_ASSERT(world_requests("") >= CONTROLS + (long)kills / 4);
    CU_ASSERT(world_number(output, "looks") >= kills / 25);
    CU_ASSERT_EQUAL(world_number(output, "failed"), 0);
    CU_ASSERT(world_number(output, "slowest") < DEADLINE_MS / 4);
    printf("(%ld requests) %s", world_requests(""), output);
    check_pages();
    check_controls();
}

static CU_TestInfo tests[] = {
    {"500 kills", test_kills},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"kill", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
