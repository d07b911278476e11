/* SPDX-License-Identifier: MIT */
/*
 * The installed command, mps-credential forget: what it drops and what it
 * leaves, and what it says where a part can't be done.
 */
#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <stdlib.h>
#include <string.h>

#include "desk.h"
#include "world.h"

/* Runs the command with these words; its exit status. */
static int
forget(char *output, const char *words)
{
    return world_shell(output, "\"$MPS_TEST_BINDIR\"/mps-credential forget %s",
                       words);
}

/* Where a new process gets the business's credential; 0 = nowhere. */
static int
source_of(const char *id)
{
    char output[WORLD_OUTPUT];

    if (world_host(output, "", "get %s", id) != 0) {
        return 0;
    }
    return (int)world_number(output, "source");
}

/* Fetches a credential and waits until it is in the keyring: the store goes on
 * when the caller has it, and would be lost with what is forgotten then. Who
 * comes next waits for it. */
static void
keep(const char *id)
{
    CU_ASSERT_EQUAL(source_of(id), MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(source_of(id), MPS_SOURCE_KEYRING);
}

static int
is(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void
check_json(const char *output, const char *pointer, const char *expected)
{
    struct json_object *json = json_tokener_parse(output);
    struct json_object *value = NULL;

    CU_ASSERT_STRING_EQUAL(output + strcspn(output, "\n"), "\n");
    (void)json_pointer_get(json, pointer, &value);
    CU_ASSERT_STRING_EQUAL(
        value != NULL ? json_object_get_string(value) : "(absent)", expected);
    json_object_put(json);
}

static void
test_named(void)
{
    char output[WORLD_OUTPUT];
    char words[128];
    const char *ids[] = {world_business(), world_business(), world_business()};

    world_configure("%s", "");
    world_reset();
    for (int i = 0; i < 3; i++) {
        keep(ids[i]);
    }
    /* One twice, and one that nobody has ever asked for. */
    snprintf(words, sizeof(words), "%s %s %s 999", ids[0], ids[2], ids[0]);
    CU_ASSERT_EQUAL(forget(output, words), MPS_OK);
    CU_ASSERT_TRUE(is(output, "running programs of this user drop"));
    CU_ASSERT_TRUE(is(output, "Erased from the keyring: 2 tokens.\n"));
    CU_ASSERT_TRUE(is(output, "At Meta"));
    CU_ASSERT_EQUAL(source_of(ids[0]), MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(source_of(ids[1]), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(source_of(ids[2]), MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(world_requests(""), 5);
    /* What came after the purge is believed. */
    CU_ASSERT_EQUAL(source_of(ids[0]), MPS_SOURCE_KEYRING);
}

static void
test_all(void)
{
    char output[WORLD_OUTPUT];
    char *ids[20];

    world_configure("%s", "");
    world_reset();
    CU_ASSERT_EQUAL(forget(output, "--all"), MPS_OK);
    for (int i = 0; i < 20; i++) {
        ids[i] = world_business();
        keep(ids[i]);
    }
    CU_ASSERT_EQUAL(forget(output, "--all </dev/null"), MPS_OK);
    CU_ASSERT_TRUE(is(output, "Erased from the keyring: 20 tokens.\n"));
    CU_ASSERT_EQUAL(forget(output, "--all"), MPS_OK);
    CU_ASSERT_TRUE(is(output, "Erased from the keyring: 0 tokens.\n"));
    CU_ASSERT_EQUAL(forget(output, "--all 2>&1 >/dev/full"), 74);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL(source_of(ids[i]), MPS_SOURCE_ENDPOINT);
    }
    CU_ASSERT_EQUAL(world_requests(""), 40);
}

/* Gets a credential under the profile b, in a process without memory. */
static int
source_under_b(const char *id)
{
    const struct mps_request request = {
        .size = sizeof(request), .business_id = id, .profile = "b"};
    struct world_got got;

    mps.shutdown();
    return world_get_with(&request, &got) == MPS_OK ? got.source : 0;
}

/* Another endpoint's tokens are on pages of their own, which stay. But after
 * --all no process believes what is older, wherever it is. */
static void
test_profile(void)
{
    char output[WORLD_OUTPUT];
    char words[128];
    const char *id = world_business();
    const char *kept = world_business();
    const char *base_url = world_second_emulator("b", NULL);

    world_configure("[b]\nbase_url = %s\n"
                    "token_file = %s/b/partner_token\n"
                    "ca_file = %s/b/ca.pem\n",
                    base_url, desk_dir(), desk_dir());
    keep(id);
    CU_ASSERT_EQUAL(source_under_b(id), MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(source_under_b(kept), MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(source_under_b(kept), MPS_SOURCE_KEYRING);
    snprintf(words, sizeof(words), "--profile=b %s", id);
    CU_ASSERT_EQUAL(forget(output, words), MPS_OK);
    CU_ASSERT_TRUE(is(output, ": 1 token.\n"));
    CU_ASSERT_EQUAL(source_of(id), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(source_under_b(kept), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(source_under_b(id), MPS_SOURCE_ENDPOINT);
    CU_ASSERT_EQUAL(forget(output, "--all"), MPS_OK);
    CU_ASSERT_EQUAL(source_under_b(kept), MPS_SOURCE_ENDPOINT);
}

static void
test_usage(void)
{
    static const struct {
        const char *words;
        int status;
        const char *text; /* on standard error */
    } rows[] = {
        {"", MPS_E_INVALID, "needs a BUSINESS_ID, or --all"},
        {"--all 1", MPS_E_INVALID, "not both"},
        {"1 x", MPS_E_INVALID, "1 to 20 digits"},
        {"123456789012345678901", MPS_E_INVALID, "1 to 20 digits"},
        {"--profile= 1", MPS_E_INVALID, "--profile needs a name"},
        {"--nonsense 1", MPS_E_INVALID, "forget --help"},
        {"--profile=none 1", MPS_E_CONFIG, "\"none\""},
    };
    char output[WORLD_OUTPUT];
    const char *id = world_business();

    world_configure("%s", "");
    keep(id);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char words[128];

        snprintf(words, sizeof(words), "2>&1 >/dev/null %s", rows[i].words);
        CU_ASSERT_EQUAL(forget(output, words), rows[i].status);
        CU_ASSERT_TRUE(is(output, rows[i].text));
    }
    /* Nothing was forgotten with any of them. */
    CU_ASSERT_EQUAL(source_of(id), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(forget(output, "--help"), 0);
    CU_ASSERT_TRUE(is(output, "--all"));
}

static void
test_json(void)
{
    char output[WORLD_OUTPUT];
    char words[128];
    const char *id = world_business();

    world_configure("%s", "");
    keep(id);
    snprintf(words, sizeof(words), "--json 999 %s", id);
    CU_ASSERT_EQUAL(forget(output, words), MPS_OK);
    check_json(output, "/code", "MPS_OK");
    check_json(output, "/all", "false");
    check_json(output, "/businesses/1", id);
    check_json(output, "/programs_told", "true");
    check_json(output, "/keyring", "erased");
    check_json(output, "/records", "1");
    check_json(output, "/message", "(absent)");
    CU_ASSERT_EQUAL(forget(output, "--json --all"), MPS_OK);
    check_json(output, "/all", "true");
    check_json(output, "/businesses", "[ ]");
    CU_ASSERT_EQUAL(forget(output, "--json --all --profile=x 2>/dev/null"),
                    MPS_E_CONFIG);
    check_json(output, "/code", "MPS_E_CONFIG");
    check_json(output, "/programs_told", "false");
    check_json(output, "/keyring", "failed");
    check_json(output, "/class/1", "alert");
}

static void
test_keyring_off(void)
{
    char output[WORLD_OUTPUT];

    world_configure("keyring = off\n");
    CU_ASSERT_EQUAL(forget(output, "--all"), MPS_OK);
    CU_ASSERT_TRUE(is(output, "running programs of this user drop"));
    CU_ASSERT_TRUE(is(output, "keyring = off"));
    CU_ASSERT_FALSE(is(output, "Erased"));
    CU_ASSERT_EQUAL(forget(output, "--json 1"), MPS_OK);
    check_json(output, "/keyring", "off");
}

/* Programs could be told, but not those that have no such directory either. */
static void
test_no_runtime_dir(void)
{
    char output[WORLD_OUTPUT];

    world_configure("runtime_dir = /proc/self/fd\n");
    CU_ASSERT_EQUAL(forget(output, "--all 2>&1"), MPS_E_CONFIG);
    CU_ASSERT_TRUE(is(output, "restart them"));
    CU_ASSERT_TRUE(is(output, "(/proc/self/fd)"));
    CU_ASSERT_FALSE(is(output, "At Meta"));
    world_configure("runtime_dir = /proc/self/fd\nkeyring = off\n");
    CU_ASSERT_EQUAL(forget(output, "--json 1 2>/dev/null"), MPS_E_CONFIG);
    check_json(output, "/programs_told", "false");
}

struct holding {
    const char *id;
    const char *token_id;
};

static int
is_dropped(void *arg)
{
    const struct holding *holding = arg;
    struct world_got got;

    return world_get(holding->id, &got) == MPS_OK &&
           strcmp(got.token_id, holding->token_id) != 0;
}

/* The keyring can't be purged; the memory of running processes can. */
static void
check_without_keyring(const char *text)
{
    char output[WORLD_OUTPUT];
    struct holding holding = {.id = world_business()};
    struct world_got got;

    CU_ASSERT_EQUAL(world_get(holding.id, &got), MPS_OK);
    holding.token_id = got.token_id;
    CU_ASSERT_EQUAL(forget(output, "--all 2>&1"), MPS_E_KEYRING);
    CU_ASSERT_TRUE(is(output, "running programs of this user drop"));
    CU_ASSERT_TRUE(is(output, text));
    CU_ASSERT_TRUE(is(output, "then forget again"));
    CU_ASSERT_FALSE(is(output, "Erased"));
    CU_ASSERT_TRUE(world_await(is_dropped, &holding));
}

static void
test_without_keyring(void)
{
    char output[WORLD_OUTPUT];

    world_configure("keyring_bus = unix:path=/nonexistent\n");
    check_without_keyring("no D-Bus bus can be reached");
    world_configure("keyring_bus = %s\nkeyring_deadline_ms = 300\n",
                    world_mute_bus());
    check_without_keyring("the keyring does not answer");
    world_configure("%s", "");
    world_keyring_lock();
    check_without_keyring("the keyring is locked; unlock it; a service's: ");
    CU_ASSERT_FALSE(desk_started_prompter());
    CU_ASSERT_EQUAL(forget(output, "--json 1 2>/dev/null"), MPS_E_KEYRING);
    check_json(output, "/programs_told", "true");
    check_json(output, "/keyring", "failed");
    desk_stop_keyring();
    check_without_keyring("no Secret Service is on the bus");
    CU_ASSERT_FALSE(desk_started_service());
}

static CU_TestInfo tests[] = {
    {"named businesses", test_named},
    {"--all", test_all},
    {"--profile", test_profile},
    {"usage", test_usage},
    {"--json", test_json},
    {"keyring = off", test_keyring_off},
    {"no runtime directory", test_no_runtime_dir},
    /* the last one: it takes the keyring away */
    {"keyring locked, silent or absent", test_without_keyring},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"forget", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
