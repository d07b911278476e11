/* SPDX-License-Identifier: MIT */
/*
 * Pages that others have edited or destroyed: nothing in them passes for a
 * token, the endpoint's comes, and the page is mended or, where it isn't ours
 * to mend, left alone.
 */
#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "desk.h"
#include "fault.h"
#include "world.h"

#define MIB ((size_t)1 << 20)

/* What a planted token begins with: none that is served may. */
#define PLANTED "EAAplanted"

/* The one page that there is, and whose it is. */
static struct {
    char id[24];
    char endpoint[128];
    char number[16];
} page;

/* Runs a program beside this one; its exit status. */
static int
plant(const char *bytes, size_t len)
{
    char command[1200];
    FILE *pipe;

    snprintf(command, sizeof(command),
             "'%s' xdg:schema io.github.mps_credential.Page application "
             "mps-credential endpoint '%s' solution %s page %s",
             world_program_path("plant"), page.endpoint, WORLD_SOLUTION,
             page.number);
    pipe = popen(command, "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, len, pipe), len);
    return pclose(pipe);
}

static void
plant_text(const char *text)
{
    CU_ASSERT_EQUAL(plant(text, strlen(text)), 0);
}

/* The page's secret, where it is no binary one. */
static void
look(char *text)
{
    (void)world_shell(text, "secret-tool lookup application mps-credential");
}

static void
attribute(const char *dump, const char *name, char *value, size_t size)
{
    const char *at = strstr(dump, name);

    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    at += strlen(name) + strlen(" = ");
    snprintf(value, size, "%.*s", (int)strcspn(at, "\n"), at);
}

/* An empty keyring, then one business on one page. */
static void
begin(void)
{
    char text[WORLD_OUTPUT];
    struct world_got got;

    (void)world_shell(NULL, "secret-tool clear application mps-credential");
    CU_ASSERT_EQUAL(world_keyring_items(), 0);
    snprintf(page.id, sizeof(page.id), "%s", world_business());
    world_configure(FAULT_PATIENT);
    CU_ASSERT_EQUAL(world_get(page.id, &got), MPS_OK);
    /* This waits until the store is done. */
    CU_ASSERT_EQUAL(world_host(text, "", "get %s", page.id), MPS_OK);
    CU_ASSERT_EQUAL(world_number(text, "source"), MPS_SOURCE_KEYRING);
    world_keyring_dump(text, sizeof(text));
    attribute(text, "attribute.page", page.number, sizeof(page.number));
    attribute(text, "attribute.endpoint", page.endpoint,
              sizeof(page.endpoint));
}

static void
check(int holds, const char *what, const char *name,
      const struct world_got *got)
{
    CU_ASSERT(holds);
    if (!holds) {
        printf("\n    %.60s: %s: %d, source %d, token %.20s: %s\n", name, what,
               got->code, got->source, got->token, got->error.message);
    }
}

/* After this page: the endpoint is asked once, the page is mended, and there
 * is nothing to tell. */
static void
check_mended(const char *name)
{
    long before = world_requests(page.id);
    char output[WORLD_OUTPUT];
    struct world_got got;

    world_log_take();
    world_forget();
    world_get(page.id, &got);
    check(got.code == MPS_OK, "code", name, &got);
    check(got.source == MPS_SOURCE_ENDPOINT, "source", name, &got);
    check(strlen(got.token) == 200, "token", name, &got);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", page.id), MPS_OK);
    check(world_number(output, "source") == MPS_SOURCE_KEYRING, "mended", name,
          &got);
    check(strcmp(world_value(output, "token_id"), got.token_id) == 0, "same",
          name, &got);
    check(world_requests(page.id) == before + 1, "requests", name, &got);
    CU_ASSERT_EQUAL(world_keyring_items(), 1);
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, ""), 0);
}

/* --- whole pages ----------------------------------------------------------
 */

static void
test_rubbish(void)
{
    static const char *const texts[] = {
        "",
        "rubbish",
        "{",
        "null",
        "[]",
        "7",
        "\"\"",
        "{}",
        "{\"format\":1}",
        "{\"format\":0,\"records\":{}}",
        "{\"format\":-1,\"records\":{}}",
        "{\"format\":\"1\",\"records\":{}}",
        "{\"format\":1.5,\"records\":{}}",
        "{\"format\":1e400,\"records\":{}}",
        "{\"format\":null,\"records\":{}}",
        "{\"format\":1,\"records\":[]}",
        "{\"format\":1,\"records\":\"x\"}",
        "{\"format\":1,\"records\":null}",
        "{\"records\":{}}",
        "{\"format\":1,\"records\":{}}trailing",
        "{\"format\":1,\"records\":{\"\":{}}}",
        "{\"format\":1,\"records\":{\"../x\":7}}",
        "\xff\xfe{\"format\":1}",
        "{\"format\":1,\"records\":{\"\xc3\":{}}}",
    };

    begin();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        plant_text(texts[i]);
        check_mended(texts[i]);
    }
}

static void
test_binary(void)
{
    static const char nuls[] = "{\"format\":1,\0\"records\":{}}\0\0\0";
    char random[4096];
    char deep[2 * 4096];
    unsigned seed = 4711;

    begin();
    CU_ASSERT_EQUAL(plant(nuls, sizeof(nuls)), 0);
    check_mended("NULs");
    for (size_t i = 0; i < sizeof(random); i++) {
        random[i] = (char)rand_r(&seed);
    }
    CU_ASSERT_EQUAL(plant(random, sizeof(random)), 0);
    check_mended("random bytes");
    memset(deep, '[', sizeof(deep));
    CU_ASSERT_EQUAL(plant(deep, sizeof(deep)), 0);
    check_mended("deep");
}

static void
test_truncated(void)
{
    char text[WORLD_OUTPUT];
    size_t len;
    size_t step;

    begin();
    look(text);
    len = strlen(text);
    CU_ASSERT_FATAL(len > 300);
    step = len / world_scale(40);
    for (size_t cut = 1; cut < len; cut += step) {
        char name[32];

        snprintf(name, sizeof(name), "cut at %zu of %zu", cut, len);
        CU_ASSERT_EQUAL(plant(text, cut), 0);
        check_mended(name);
        look(text);
        /* Numbers of the next one may have other lengths. */
        CU_ASSERT_FATAL(strlen(text) > 300);
        len = len < strlen(text) ? len : strlen(text);
    }
}

/* --- records --------------------------------------------------------------
 */

/* The page as it is, with a member of the business's record replaced by a
 * JSON text; NULL = left out. */
static void
plant_member(const char *member, const char *value)
{
    char text[WORLD_OUTPUT];
    struct json_object *json;
    struct json_object *records = NULL;
    struct json_object *record = NULL;

    look(text);
    json = json_tokener_parse(text);
    CU_ASSERT_FATAL(json_object_object_get_ex(json, "records", &records));
    CU_ASSERT_FATAL(json_object_object_get_ex(records, page.id, &record));
    json_object_object_add(record, "token",
                           json_object_new_string(PLANTED "token"));
    if (value == NULL) {
        json_object_object_del(record, member);
    } else {
        json_object_object_add(record, member, json_tokener_parse(value));
    }
    plant_text(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
    json_object_put(json);
}

static void
test_records(void)
{
    static const struct {
        const char *member;
        const char *value;
    } cases[] = {
        {"token", NULL},
        {"token", "null"},
        {"token", "7"},
        {"token", "[\"" PLANTED "\"]"},
        {"token", "\"\""},
        {"token", "\"" PLANTED "\\u0000\""},
        {"token", "\"\\u0000" PLANTED "\""},
        {"token", "\"" PLANTED "\\r\\nX-Header: x\""},
        {"token", "\"" PLANTED " \""},
        {"token", "\"" PLANTED "\\u00e4\""},
        {"expires_at", NULL},
        {"expires_at", "0"},
        {"expires_at", "-1"},
        {"expires_at", "1"},
        {"expires_at", "\"4102444800\""},
        {"expires_at", "4102444800.5"},
        {"expires_at", "1e400"},
        {"expires_at", "9223372036854775807"},
        {"expires_at", "18446744073709551615"},
        {"expires_at", "{}"},
        {"endpoint_expires_at", NULL},
        {"endpoint_expires_at", "-2"},
        {"received_at", NULL},
        {"received_at", "-1"},
        {"received_at", "true"},
        {"received_at", "9007199254740992"},
        {"received_boot_ms", "\"x\""},
        {"received_boot_ms", "-9223372036854775808"},
        {"boot_id", "\"x\""},
        {"boot_id", "7"},
        {"boot_id", "\"../../../../../../../../../../../../\""},
        {"clock_offset_s", "9223372036854775807"},
        {"clock_offset_s", "null"},
    };

    begin();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[64];

        snprintf(name, sizeof(name), "%s: %s", cases[i].member,
                 cases[i].value != NULL ? cases[i].value : "left out");
        plant_member(cases[i].member, cases[i].value);
        check_mended(name);
    }
}

/* What is changed and makes sense is believed; so the tests above have
 * changed what they meant to. */
static void
test_plausible(void)
{
    char output[WORLD_OUTPUT];

    begin();
    plant_member("token", "\"" PLANTED "token\"");
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", page.id), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(world_requests(page.id), 1);
}

/* A bad record takes no other one of its page along. */
static void
test_neighbour(void)
{
    char output[WORLD_OUTPUT];
    char text[WORLD_OUTPUT];
    char good[WORLD_OUTPUT];
    const char *record;

    begin();
    look(good);
    record = strstr(good, page.id);
    CU_ASSERT_PTR_NOT_NULL_FATAL(record);
    snprintf(text, sizeof(text),
             "{\"format\":1,\"records\":{\"x\":7,\"12\":{\"token\":\"" PLANTED
             "\"},\"%s",
             record);
    plant_text(text);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", page.id), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(world_requests(page.id), 1);
    CU_ASSERT_EQUAL(world_host(output, "", "get 12"), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_ENDPOINT);
    /* This waits until the store is done. */
    CU_ASSERT_EQUAL(world_host(output, "", "get 12"), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
}

/* --- not ours to mend -----------------------------------------------------
 */

static void
check_left_alone(const char *word)
{
    char output[WORLD_OUTPUT];
    struct world_got got;
    unsigned elsewhere = 0;

    world_log_take();
    world_forget();
    for (int i = 0; i < 2; i++) {
        world_get(page.id, &got);
        check(got.code == MPS_OK && got.source == MPS_SOURCE_ENDPOINT,
              "served", word, &got);
    }
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, "keyring_degraded: "), 1);
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, word), 1);
    if (world_log_count(LOG_WARNING, word) != 1) {
        world_log_show();
    }
    /* Nor are the other pages the worse for it. */
    for (int i = 0; i < 4; i++) {
        const char *id = world_business();

        CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), MPS_OK);
        CU_ASSERT_EQUAL(world_host(output, "", "get %s", id), MPS_OK);
        elsewhere += world_number(output, "source") == MPS_SOURCE_KEYRING;
    }
    CU_ASSERT(elsewhere >= 3);
    world_configure(FAULT_PATIENT "keyring = required\n");
    world_get(page.id, &got);
    check(got.code == MPS_E_KEYRING, "required", word, &got);
    check(strstr(got.error.message, word) != NULL, "why", word, &got);
    world_configure(FAULT_PATIENT);
}

static void
test_newer(void)
{
    static const char newer[] =
        "{\"format\":2,\"records\":{},\"more\":[\"" PLANTED "\"]}";
    char text[WORLD_OUTPUT];

    begin();
    plant_text(newer);
    check_left_alone("newer format");
    CU_ASSERT_EQUAL(
        world_shell(text,
                    "secret-tool lookup application mps-credential page %s",
                    page.number),
        0);
    CU_ASSERT_STRING_EQUAL(text, newer);
    /* When that is gone it is used again. */
    (void)world_shell(NULL, "secret-tool clear application mps-credential");
    world_forget();
    begin();
}

/* Megabytes: of records that are good for nothing, and of nothing at all. */
static void
test_huge(void)
{
    size_t size = world_scale(40) * MIB / 10;
    char *bytes = malloc(size + 64);

    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    begin();
    memset(bytes, ' ', size);
    CU_ASSERT_EQUAL(plant(bytes, size), 0);
    check_mended("blanks");
    memset(bytes, 'x', size);
    memcpy(bytes, "{\"format\":1,\"records\":{\"", 24);
    memcpy(bytes + size, "\":{}}}", 7);
    CU_ASSERT_EQUAL(plant(bytes, size + 6), 0);
    check_mended("a long name");
    free(bytes);
}

/* More than the helper takes for a page of ours. */
static void
test_enormous(void)
{
    size_t size = 17 * MIB;
    char *bytes = malloc(size);

    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    begin();
    memset(bytes, ' ', size);
    CU_ASSERT_EQUAL(plant(bytes, size), 0);
    free(bytes);
    check_left_alone("refused");
    (void)world_shell(NULL, "secret-tool clear application mps-credential");
    world_forget();
    begin();
}

static CU_TestInfo tests[] = {
    {"rubbish", test_rubbish},
    {"NULs, random bytes, depth", test_binary},
    {"cut off", test_truncated},
    {"a record's members", test_records},
    {"a change that makes sense", test_plausible},
    {"a bad record's neighbour", test_neighbour},
    {"a newer format is left alone", test_newer},
    {"huge", test_huge},
    {"larger than any of ours: left alone", test_enormous},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"pages edited by others", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
