/* SPDX-License-Identifier: MIT */
/* From Meta's error objects and headers to codes, texts and times. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "graph_error.h"
#include "run_suites.h"

#define NOW INT64_C(1700000000)

static void
test_code_ranges(void)
{
    static const struct {
        int first, last, expected;
    } rows[] = {
        {0, 0, MPS_E_AUTH},
        {1, 2, MPS_E_SERVER},
        {3, 3, MPS_E_FORBIDDEN},
        {4, 4, MPS_E_RATE_LIMITED},
        {10, 10, MPS_E_FORBIDDEN},
        {17, 17, MPS_E_RATE_LIMITED},
        {32, 32, MPS_E_RATE_LIMITED},
        {100, 100, MPS_E_BAD_REQUEST},
        {102, 102, MPS_E_AUTH},
        {104, 104, MPS_E_AUTH},
        {190, 190, MPS_E_AUTH},
        {200, 299, MPS_E_FORBIDDEN},
        {341, 341, MPS_E_RATE_LIMITED},
        {368, 368, MPS_E_FORBIDDEN},
        {613, 613, MPS_E_RATE_LIMITED},
        {803, 803, MPS_E_NOT_FOUND},
        {2500, 2500, MPS_E_BAD_REQUEST},
        {80000, 80014, MPS_E_RATE_LIMITED},
        {130429, 130429, MPS_E_RATE_LIMITED},
        {131000, 131000, MPS_E_SERVER},
        {131005, 131005, MPS_E_FORBIDDEN},
        {131008, 131009, MPS_E_BAD_REQUEST},
        {131016, 131016, MPS_E_SERVER},
        {131031, 131031, MPS_E_FORBIDDEN},
        {131048, 131048, MPS_E_RATE_LIMITED},
        {131056, 131056, MPS_E_RATE_LIMITED},
        {133016, 133016, MPS_E_RATE_LIMITED},
    };
    struct mpsc_graph_facts facts = {
        .http_status = 418, .has_object = 1, .has_code = 1};

    /* All codes up to the greatest, those in no row too: they leave it to
     * the status, and 418 is a 400 to those who don't know it. */
    for (facts.code = -2; facts.code < 140000; facts.code++) {
        int expected = MPS_E_BAD_REQUEST;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (facts.code >= rows[i].first && facts.code <= rows[i].last) {
                expected = rows[i].expected;
            }
        }
        if (mpsc_graph_error_code(&facts) != expected) {
            printf("code %d\n", facts.code);
            CU_FAIL("wrong code");
        }
    }
    CU_PASS("all codes");
}

static const struct {
    struct mpsc_graph_facts facts;
    int expected;
} decision_rows[] = {
    /* status, has_object, has_code, code, subcode, is_transient */
    /* The code decides whatever the status says. */
    {{403, 1, 1, 4, 0, 1}, MPS_E_RATE_LIMITED},
    {{400, 1, 1, 4, 2446079, 0}, MPS_E_RATE_LIMITED},
    {{400, 1, 1, 190, 463, 0}, MPS_E_AUTH},
    {{500, 1, 1, 190, 0, 1}, MPS_E_AUTH},
    {{404, 1, 1, 10, 0, 1}, MPS_E_FORBIDDEN},
    {{403, 1, 1, 803, 0, 1}, MPS_E_NOT_FOUND},
    {{200, 1, 1, 190, 0, 0}, MPS_E_AUTH},
    {{400, 0, 1, 190, 0, 0}, MPS_E_AUTH},
    /* 100 says only "invalid". */
    {{400, 1, 1, 100, 0, 0}, MPS_E_BAD_REQUEST},
    {{400, 1, 1, 100, 33, 0}, MPS_E_NOT_FOUND},
    {{401, 1, 1, 100, 0, 0}, MPS_E_AUTH},
    {{403, 1, 1, 100, 0, 0}, MPS_E_FORBIDDEN},
    {{404, 1, 1, 100, 0, 0}, MPS_E_NOT_FOUND},
    {{422, 1, 1, 100, 0, 0}, MPS_E_UNPROCESSABLE},
    {{422, 1, 1, 100, 33, 0}, MPS_E_NOT_FOUND},
    {{500, 1, 1, 100, 0, 0}, MPS_E_BAD_REQUEST},
    {{400, 1, 1, 100, 0, 1}, MPS_E_SERVER},
    {{404, 1, 1, 2500, 0, 0}, MPS_E_BAD_REQUEST},
    {{400, 1, 1, 2500, 0, 1}, MPS_E_SERVER},
    /* An absent code is not code 0: the status decides. */
    {{400, 1, 0, 0, 0, 0}, MPS_E_BAD_REQUEST},
    {{401, 1, 0, 0, 0, 0}, MPS_E_AUTH},
    {{403, 1, 0, 0, 0, 0}, MPS_E_FORBIDDEN},
    {{404, 1, 0, 0, 0, 0}, MPS_E_NOT_FOUND},
    {{422, 1, 0, 0, 0, 0}, MPS_E_UNPROCESSABLE},
    {{429, 1, 0, 0, 0, 0}, MPS_E_RATE_LIMITED},
    {{429, 1, 0, 0, 0, 1}, MPS_E_RATE_LIMITED},
    {{405, 1, 0, 0, 0, 0}, MPS_E_BAD_REQUEST},
    {{500, 1, 0, 0, 0, 0}, MPS_E_SERVER},
    {{403, 1, 0, 0, 0, 1}, MPS_E_SERVER},
    {{200, 1, 0, 0, 0, 1}, MPS_E_SERVER},
    {{200, 1, 0, 0, 0, 0}, MPS_E_PROTOCOL},
    {{302, 1, 0, 0, 0, 0}, MPS_E_PROTOCOL},
    {{404, 1, 1, 999999, 0, 0}, MPS_E_NOT_FOUND},
    /* Not Graph's word. */
    {{400, 0, 0, 0, 0, 0}, MPS_E_PROTOCOL},
    {{401, 0, 0, 0, 0, 0}, MPS_E_PROTOCOL},
    {{403, 0, 0, 0, 0, 0}, MPS_E_PROTOCOL},
    {{404, 0, 0, 0, 0, 0}, MPS_E_PROTOCOL},
    {{404, 0, 1, 404, 0, 0}, MPS_E_PROTOCOL},
    {{422, 0, 0, 0, 0, 0}, MPS_E_PROTOCOL},
    {{429, 0, 0, 0, 0, 0}, MPS_E_RATE_LIMITED},
    {{500, 0, 0, 0, 0, 0}, MPS_E_SERVER},
    {{502, 0, 0, 0, 0, 0}, MPS_E_SERVER},
    {{599, 0, 0, 0, 0, 0}, MPS_E_SERVER},
    {{0, 0, 0, 0, 0, 0}, MPS_E_PROTOCOL},
    {{600, 0, 0, 0, 0, 0}, MPS_E_PROTOCOL},
};

static void
test_decision(void)
{
    for (size_t i = 0; i < sizeof(decision_rows) / sizeof(decision_rows[0]);
         i++) {
        int code = mpsc_graph_error_code(&decision_rows[i].facts);

        if (code != decision_rows[i].expected) {
            printf("row %zu: %d\n", i, code);
        }
        CU_ASSERT_EQUAL(code, decision_rows[i].expected);
    }
}

static struct mpsc_http_response response;
static struct mps_error error;

/* Fills `error` from the text of an error object (NULL = none). */
static int
fill(const char *object, int status)
{
    struct json_object *json =
        object != NULL ? json_tokener_parse(object) : NULL;
    int code;

    CU_ASSERT_TRUE_FATAL(object == NULL || json != NULL);
    memset(&error, 'x', sizeof(error));
    response.status = status;
    code = mpsc_graph_error_fill(json, &response, NOW, &error);
    CU_ASSERT_EQUAL(code, error.code);
    CU_ASSERT_EQUAL(error.size, sizeof(error));
    CU_ASSERT_EQUAL(error.http_status, status);
    json_object_put(json);
    return code;
}

static void
begin(void)
{
    memset(&response, 0, sizeof(response));
}

/* The specification's example with all members. */
static void
test_full_object(void)
{
    CU_ASSERT_EQUAL(
        fill("{\"message\": \"Your app doesn't have permission\","
             " \"type\": \"OAuthException\", \"code\": 200,"
             " \"error_subcode\": 1349174,"
             " \"fbtrace_id\": \"AXsgnV2Cm3ZMGF3dF_cfYIn\","
             " \"error_user_title\": \"Permission Denied\","
             " \"error_user_msg\": \"Your app doesn't have permission to"
             " access this resource\"}",
             403),
        MPS_E_FORBIDDEN);
    CU_ASSERT_EQUAL(error.graph_code, 200);
    CU_ASSERT_EQUAL(error.graph_subcode, 1349174);
    CU_ASSERT_EQUAL(error.is_transient, 0);
    CU_ASSERT_EQUAL(error.retry_at, 0);
    CU_ASSERT_STRING_EQUAL(error.type, "OAuthException");
    CU_ASSERT_STRING_EQUAL(error.fbtrace_id, "AXsgnV2Cm3ZMGF3dF_cfYIn");
    CU_ASSERT_STRING_EQUAL(error.user_title, "Permission Denied");
    CU_ASSERT_STRING_EQUAL(error.user_message,
                           "Your app doesn't have permission to access this "
                           "resource");
    CU_ASSERT_STRING_EQUAL(error.message,
                           "HTTP 403, Graph code 200/1349174: \"Your app "
                           "doesn't have permission\"; check the permissions "
                           "of the partner's app and token");
}

/* Any member may be absent, null or of another type. */
static void
test_wrong_types(void)
{
    static const struct {
        const char *object;
        int status, expected;
    } rows[] = {
        {NULL, 404, MPS_E_PROTOCOL},
        {NULL, 502, MPS_E_SERVER},
        {NULL, 429, MPS_E_RATE_LIMITED},
        {"\"text\"", 401, MPS_E_PROTOCOL},
        {"[]", 401, MPS_E_PROTOCOL},
        {"[190]", 500, MPS_E_SERVER},
        {"190", 401, MPS_E_PROTOCOL},
        {"{}", 404, MPS_E_PROTOCOL},
        {"{\"code\": 404, \"message\": \"Not Found\"}", 404, MPS_E_PROTOCOL},
        {"{\"message\": \"m\"}", 404, MPS_E_PROTOCOL},
        {"{\"message\": \"m\", \"type\": \"T\"}", 404, MPS_E_NOT_FOUND},
        {"{\"type\": \"T\", \"code\": null}", 401, MPS_E_AUTH},
        {"{\"type\": \"T\", \"code\": \"4\"}", 403, MPS_E_FORBIDDEN},
        {"{\"type\": \"T\", \"code\": 4.0}", 403, MPS_E_FORBIDDEN},
        {"{\"type\": \"T\", \"code\": true}", 403, MPS_E_FORBIDDEN},
        {"{\"type\": \"T\", \"code\": 4294967300}", 403, MPS_E_FORBIDDEN},
        {"{\"type\": \"T\", \"code\": 99999999999999999999}", 403,
         MPS_E_FORBIDDEN},
        {"{\"code\": 190}", 400, MPS_E_AUTH},
        {"{\"code\": 0}", 400, MPS_E_AUTH},
        {"{\"code\": 190, \"type\": 5, \"message\": {}, \"fbtrace_id\": [],"
         " \"error_subcode\": \"463\", \"is_transient\": \"yes\","
         " \"error_user_title\": 1, \"error_user_msg\": null}",
         400, MPS_E_AUTH},
        {"{\"type\": \"T\", \"code\": 999, \"is_transient\": 1}", 403,
         MPS_E_FORBIDDEN},
        {"{\"type\": \"T\", \"code\": 999, \"is_transient\": true}", 403,
         MPS_E_SERVER},
        {"{\"fbtrace_id\": \"A\", \"code\": 100, \"error_subcode\": 33}", 400,
         MPS_E_NOT_FOUND},
        {"{\"fbtrace_id\": \"A\", \"code\": 100, \"error_subcode\": \"33\"}",
         400, MPS_E_BAD_REQUEST},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int code = fill(rows[i].object, rows[i].status);

        if (code != rows[i].expected) {
            printf("row %zu: %d\n", i, code);
        }
        CU_ASSERT_EQUAL(code, rows[i].expected);
        CU_ASSERT_NOT_EQUAL(error.message[0], '\0');
    }
}

static void
test_texts(void)
{
    char object[3000];
    char filler[2000];

    /* No secret, no control byte. */
    fill("{\"message\": \"Malformed access token pass word\\n\","
         " \"type\": \"OAuth\\u001b[2J\\nException\", \"code\": 190,"
         " \"error_user_msg\": \"for EAABwzLixnjYBOzYmNMJJGfHq9DgNh\"}",
         400);
    CU_ASSERT_PTR_NULL(strstr(error.message, "pass"));
    CU_ASSERT_PTR_NULL(strchr(error.message, '\n'));
    CU_ASSERT_STRING_EQUAL(error.type, "OAuth?[2J?Exception");
    CU_ASSERT_STRING_EQUAL(error.user_message, "for [redacted]");
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "renew the partner's token"));

    /* A long text is cut at a character and leaves room for the hint. */
    for (size_t i = 0; i + 2 < sizeof(filler); i += 2) {
        memcpy(filler + i, "\xc3\xa4", 3);
    }
    snprintf(object, sizeof(object),
             "{\"message\": \"%s\", \"type\": \"T\", \"code\": 190}", filler);
    fill(object, 401);
    CU_ASSERT_PTR_NULL(strchr(error.message, '?'));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "renew the partner's token"));
    CU_ASSERT(strlen(error.message) < 200);

    /* A cut never leaves a piece of a token. */
    memset(filler, 'a', sizeof(filler));
    filler[sizeof(filler) - 1] = '\0';
    memset(filler, ' ', 80);
    snprintf(object, sizeof(object),
             "{\"message\": \"%s\", \"type\": \"T\", \"code\": 190}", filler);
    fill(object, 401);
    CU_ASSERT_PTR_NULL(strstr(error.message, "aaa"));
}

static void
test_trace(void)
{
    strcpy(response.trace, "FromHeader");
    fill("{\"type\": \"T\", \"code\": 2, \"fbtrace_id\": \"FromBody\"}", 500);
    CU_ASSERT_STRING_EQUAL(error.fbtrace_id, "FromBody");
    fill("{\"type\": \"T\", \"code\": 2, \"fbtrace_id\": null}", 500);
    CU_ASSERT_STRING_EQUAL(error.fbtrace_id, "FromHeader");
    fill(NULL, 502);
    CU_ASSERT_STRING_EQUAL(error.fbtrace_id, "FromHeader");
}

static void
test_retry_after(void)
{
    static const struct {
        const char *value;
        int64_t date; /* the response's */
        int64_t wait; /* 0 = none */
    } rows[] = {
        {"", 0, 0},
        {"0", 0, 0},
        {"1", 0, 1},
        {"120", 0, 120},
        {"86400", 0, 86400},
        {"86401", 0, 86400},
        {"99999999999999999999999999", 0, 86400},
        {"-5", 0, 0},
        {"+5", 0, 0},
        {"5s", 0, 0},
        {"5.5", 0, 0},
        {"soon", 0, 0},
        /* 1700000060 */
        {"Tue, 14 Nov 2023 22:14:20 GMT", 0, 60},
        {"Tue, 14 Nov 2023 22:14:20 GMT", NOW + 30, 30},
        {"Tue, 14 Nov 2023 22:14:20 GMT", NOW + 90, 0},
        {"Tue, 14 Nov 2023 22:13:20 GMT", 0, 0},
        {"Wed, 14 Nov 2029 22:14:20 GMT", 0, 86400},
        {"Tue, 14 Nov 2023 22:14:20 CET", 0, 0},
        {"Tue, 14 nov 2023 22:14:20 GMT", 0, 0},
        {"Tue, 31 Nov 2023 22:14:20 GMT", 0, 0},
        {"Tue, 14 Nov 2023 25:14:20 GMT", 0, 0},
        {"Tue, 14 Nov 2023 22:14:20 GMT ", 0, 0},
        {"Tuesday, 14-Nov-23 22:14:20 GMT", 0, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t expected = rows[i].wait != 0 ? NOW + rows[i].wait : 0;

        strcpy(response.retry_after, rows[i].value);
        response.date = rows[i].date;
        fill(NULL, 429);
        if (error.retry_at != expected) {
            printf("row %zu: %lld\n", i, (long long)error.retry_at);
        }
        CU_ASSERT_EQUAL(error.retry_at, expected);
        fill(NULL, 503);
        CU_ASSERT_EQUAL(error.retry_at, expected);
        /* Of no other failure. */
        fill("{\"type\": \"T\", \"code\": 190}", 401);
        CU_ASSERT_EQUAL(error.retry_at, 0);
    }
}

#define ACCESS "\"estimated_time_to_regain_access\""

static void
test_usage(void)
{
    static const struct {
        const char *value;
        int64_t minutes;
    } rows[] = {
        {"", 0},
        {"{\"1\":[{\"type\":\"x\"," ACCESS ":19}]}", 19},
        {"{\"1\":[{" ACCESS " : 19}]}", 19},
        {"{\"1\":[{" ACCESS ":0}]}", 0},
        /* The greatest of all, repeated keys too. */
        {"{\"1\":[{" ACCESS ":5},{" ACCESS ":7}],\"2\":[{" ACCESS ":6}]}", 7},
        {"{\"1\":[{" ACCESS ":30}],\"1\":[{" ACCESS ":2}]}", 30},
        {"{\"1\":[{" ACCESS ":30," ACCESS ":2}]}", 30},
        /* Other types. */
        {"{\"1\":[{" ACCESS ":null}]}", 0},
        {"{\"1\":[{" ACCESS ":\"19\"}]}", 0},
        {"{\"1\":[{" ACCESS ":-19}]}", 0},
        {"{\"1\":[{" ACCESS ":{}}]}", 0},
        {"{\"1\":[{" ACCESS ":null},{" ACCESS ":4}]}", 4},
        {"{\"1\":[{\"type\":\"\\\"estimated_time_to_regain_access\\\":9\"}]}",
         0},
        {"{\"1\":[{\"type\":" ACCESS "}]}", 0},
        /* Absurd ones. */
        {"{\"1\":[{" ACCESS ":1440}]}", 1440},
        {"{\"1\":[{" ACCESS ":1441}]}", 1440},
        {"{\"1\":[{" ACCESS ":999999999999999999999}]}", 1440},
        {"nonsense", 0},
        {"{\"1\":[{" ACCESS ":", 0},
        {"{\"1\":[{" ACCESS, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t minutes = rows[i].minutes;

        strcpy(response.business_usage, rows[i].value);
        fill("{\"type\": \"T\", \"code\": 80008}", 400);
        if (error.retry_at != (minutes != 0 ? NOW + minutes * 60 : 0)) {
            printf("row %zu: %lld\n", i, (long long)error.retry_at);
        }
        CU_ASSERT_EQUAL(error.retry_at, minutes != 0 ? NOW + minutes * 60 : 0);
    }
    /* Retry-After comes first. */
    strcpy(response.business_usage, rows[1].value);
    strcpy(response.retry_after, "7");
    fill(NULL, 429);
    CU_ASSERT_EQUAL(error.retry_at, NOW + 7);
    strcpy(response.retry_after, "0");
    fill(NULL, 429);
    CU_ASSERT_EQUAL(error.retry_at, NOW + 19 * 60);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"all codes", test_code_ranges},
        {"decision", test_decision},
        {"a full object", test_full_object},
        {"wrong types", test_wrong_types},
        {"texts", test_texts},
        {"trace", test_trace},
        {"Retry-After", test_retry_after},
        {"usage header", test_usage},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"graph_error", NULL, NULL, begin, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
