/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <string.h>

#include "record.h"
#include "run_suites.h"
#include "secret_json.h"

#define BOOT "01234567-89ab-cdef-0123-456789abcdef"
#define REST                                                                  \
    "\"endpoint_expires_at\":0,\"received_at\":5,\"received_boot_ms\":6,"     \
    "\"boot_id\":\"" BOOT "\",\"clock_offset_s\":-7}"

static struct json_object *
parse(const char *text)
{
    struct json_object *json = NULL;

    CU_ASSERT_EQUAL_FATAL(mpsc_secret_json_parse(text, strlen(text), 8, &json),
                          0);
    return json;
}

static void
test_round_trip(void)
{
    struct mpsc_record from = {.expires_at = 1735689600,
                               .endpoint_expires_at = -1,
                               .received_at = 1735600000,
                               .received_boot_ms = 123456789,
                               .boot_id = BOOT,
                               .clock_offset_s = -3};
    struct mpsc_record to;
    struct mpsc_secret text = MPSC_SECRET_EMPTY;
    struct json_object *json;

    mpsc_secret_set(&from.token, "EA\"\\/~", 6);
    json = mpsc_record_to_json(&from);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    CU_ASSERT_EQUAL(mpsc_secret_json_write(json, &text), 0);
    mpsc_secret_json_free(json);
    CU_ASSERT_STRING_EQUAL(
        text.data, "{\"token\":\"EA\\\"\\\\/~\",\"expires_at\":1735689600,"
                   "\"endpoint_expires_at\":-1,\"received_at\":1735600000,"
                   "\"received_boot_ms\":123456789,\"boot_id\":\"" BOOT
                   "\",\"clock_offset_s\":-3}");
    json = parse(text.data);
    CU_ASSERT_EQUAL(mpsc_record_from_json(json, &to), 0);
    mpsc_secret_json_free(json);
    CU_ASSERT_EQUAL(from.token.len, to.token.len);
    CU_ASSERT_STRING_EQUAL(from.token.data, to.token.data);
    CU_ASSERT_EQUAL(to.expires_at, from.expires_at);
    CU_ASSERT_EQUAL(to.endpoint_expires_at, from.endpoint_expires_at);
    CU_ASSERT_EQUAL(to.received_at, from.received_at);
    CU_ASSERT_EQUAL(to.received_boot_ms, from.received_boot_ms);
    CU_ASSERT_STRING_EQUAL(to.boot_id, from.boot_id);
    CU_ASSERT_EQUAL(to.clock_offset_s, from.clock_offset_s);
    mpsc_secret_free(&text);
    mpsc_record_free(&from);
    mpsc_record_free(&to);
    CU_ASSERT_PTR_NULL(to.token.data);
}

static void
test_bad(void)
{
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {"{\"token\":\"T\",\"expires_at\":4," REST, 0},
        {"{\"token\":\"T\",\"expires_at\":4,\"more\":[1]," REST, 0},
        {"{\"token\":\"T\",\"expires_at\":0," REST, -1},
        {"{\"token\":\"T\",\"expires_at\":-4," REST, -1},
        {"{\"token\":\"T\",\"expires_at\":4.0," REST, -1},
        {"{\"token\":\"T\",\"expires_at\":\"4\"," REST, -1},
        {"{\"token\":\"T\",\"expires_at\":18446744073709551615," REST, -1},
        {"{\"token\":\"T\",\"expires_at\":null," REST, -1},
        {"{\"token\":\"T\"," REST, -1},
        {"{\"expires_at\":4," REST, -1},
        {"{\"token\":\"\",\"expires_at\":4," REST, -1},
        {"{\"token\":7,\"expires_at\":4," REST, -1},
        {"{\"token\":\"a b\",\"expires_at\":4," REST, -1},
        {"{\"token\":\"a\\n\",\"expires_at\":4," REST, -1},
        {"{\"token\":\"a\\u0000b\",\"expires_at\":4," REST, -1},
        {"{\"token\":\"\\u00e4\",\"expires_at\":4," REST, -1},
        {"{\"token\":\"T\",\"expires_at\":4,\"endpoint_expires_at\":-2,"
         "\"received_at\":5,\"received_boot_ms\":6,\"boot_id\":\"\","
         "\"clock_offset_s\":0}",
         -1},
        {"{\"token\":\"T\",\"expires_at\":4,\"endpoint_expires_at\":0,"
         "\"received_at\":5,\"received_boot_ms\":6,\"boot_id\":\"\","
         "\"clock_offset_s\":0}",
         0},
        {"{\"token\":\"T\",\"expires_at\":4,\"endpoint_expires_at\":0,"
         "\"received_at\":5,\"received_boot_ms\":6,\"boot_id\":\"short\","
         "\"clock_offset_s\":0}",
         -1},
        {"{\"token\":\"T\",\"expires_at\":4,\"endpoint_expires_at\":0,"
         "\"received_at\":5,\"received_boot_ms\":6,\"boot_id\":\"" BOOT BOOT
         "\",\"clock_offset_s\":0}",
         -1},
        {"{}", -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json_object *json = parse(cases[i].text);
        struct mpsc_record record;

        CU_ASSERT_EQUAL(mpsc_record_from_json(json, &record), cases[i].result);
        CU_ASSERT_EQUAL(record.token.data != NULL, cases[i].result == 0);
        mpsc_record_free(&record);
        mpsc_secret_json_free(json);
    }
}

static void
test_not_an_object(void)
{
    struct json_object *json = json_object_new_int(1);
    struct mpsc_record record;

    CU_ASSERT_EQUAL(mpsc_record_from_json(json, &record), -1);
    CU_ASSERT_EQUAL(mpsc_record_from_json(NULL, &record), -1);
    mpsc_secret_json_free(json);
    mpsc_secret_json_free(NULL);
}

static void
test_token_ok(void)
{
    CU_ASSERT(mpsc_record_token_ok("EAAB-_.~!\"", 10));
    CU_ASSERT_FALSE(mpsc_record_token_ok("", 0));
    CU_ASSERT_FALSE(mpsc_record_token_ok("a b", 3));
    CU_ASSERT_FALSE(mpsc_record_token_ok("a\n", 2));
    CU_ASSERT_FALSE(mpsc_record_token_ok("a\177", 2));
    CU_ASSERT_FALSE(mpsc_record_token_ok("a\0b", 3));
    CU_ASSERT_FALSE(mpsc_record_token_ok("\xc3\xa4", 2));
}

/* What the wipe leaves is seen through a reference that outlives it. */
static void
test_wipe(void)
{
    struct json_object *json = parse("{\"a\":[{\"b\":\"secret\"}],\"c\":1}");
    struct json_object *list;
    struct json_object *text;

    json_object_object_get_ex(json, "a", &list);
    json_object_object_get_ex(json_object_array_get_idx(list, 0), "b", &text);
    json_object_get(text);
    mpsc_secret_json_free(json);
    CU_ASSERT_EQUAL(json_object_get_string_len(text), 6);
    CU_ASSERT_EQUAL(memcmp(json_object_get_string(text), "\0\0\0\0\0\0", 6),
                    0);
    json_object_put(text);
}

static void
test_json(void)
{
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {"{}", 0},
        {"{\"a\":1}", 0},
        {"", 1},
        {"{", 1},
        {"{}x", 1},
        {"[]", 1},
        {"1", 1},
        {"null", 1},
        {"\"a\"", 1},
        {"{\"a\":\"\xff\"}", 1},
        {"{\"a\":\"\xc3\"}", 1},
        {"{\"a\":\"\\\xc3\xa9\"}", 1},
        {"{\"a\":\"\\\\\xc3\xa9\"}", 0},
        {"{\xc3\xa9}", 1},
        {"{\"\xc3\xa9\":1}", 0},
        {"{\"a\":[[1]]}", 0},
        {"{\"a\":[[[1]]]}", 1},
        {"{\"a\":1,}", 1},
        {"{}{}", 1},
        {"{\"a\":tru}", 1},
    };
    struct json_object *json;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CU_ASSERT_EQUAL(mpsc_secret_json_parse(
                            cases[i].text, strlen(cases[i].text), 4, &json),
                        cases[i].result);
        CU_ASSERT_EQUAL(json != NULL, cases[i].result == 0);
        mpsc_secret_json_free(json);
    }
}

static void
test_json_write(void)
{
    static const char text[] =
        "{\"a\":[],\"b\":{},\"c\":[1,true,null,-2.5],\"d\":\"x\\\"\\\\/\\u0001"
        "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\",\"e\":\"\"}";
    struct json_object *json = parse(text);
    struct mpsc_secret out = MPSC_SECRET_EMPTY;

    CU_ASSERT_EQUAL(mpsc_secret_json_write(json, &out), 0);
    CU_ASSERT_STRING_EQUAL(out.data, text);
    mpsc_secret_free(&out);
    mpsc_secret_json_free(json);
}

static CU_TestInfo tests[] = {
    {"round trip", test_round_trip},
    {"bad members", test_bad},
    {"not an object", test_not_an_object},
    {"token bytes", test_token_ok},
    {"wipe", test_wipe},
    {"JSON in", test_json},
    {"JSON out", test_json_write},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"record", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    return run_suites(suites);
}
