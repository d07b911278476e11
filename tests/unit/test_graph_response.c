/* SPDX-License-Identifier: MIT */
/* From an HTTP answer to a token or an error. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "graph_response.h"
#include "run_suites.h"

#define NOW INT64_C(1700000000)

static struct mpsc_http_response response;
static struct mpsc_graph_answer answer;
static struct mps_error error;

static int
read_bytes(int status, const char *body, size_t len)
{
    int code;

    mpsc_secret_free(&answer.token);
    mpsc_secret_free(&response.body);
    CU_ASSERT_EQUAL_FATAL(mpsc_secret_set(&response.body, body, len), 0);
    response.outcome = MPSC_HTTP_ANSWERED;
    response.status = status;
    memset(&error, 0, sizeof(error));
    code = mpsc_graph_response_read(&response, NOW, &answer, &error);
    if (code != MPS_OK) {
        CU_ASSERT_EQUAL(error.code, code);
        CU_ASSERT_EQUAL(error.http_status, status);
        CU_ASSERT_NOT_EQUAL(error.message[0], '\0');
        CU_ASSERT_PTR_NULL(answer.token.data);
    }
    return code;
}

static int
read_text(int status, const char *body)
{
    return read_bytes(status, body, strlen(body));
}

static void
end(void)
{
    mpsc_secret_free(&answer.token);
    mpsc_secret_free(&response.body);
    memset(&response, 0, sizeof(response));
}

static void
test_good(void)
{
    static const struct {
        const char *body, *token;
        int64_t expires_at;
    } rows[] = {
        {"{\"access_token\": \"T\", \"expires_at\": 1735689600}", "T",
         1735689600},
        {"{\"expires_at\":1735689600,\"access_token\":\"T|1-x_.\"}", "T|1-x_.",
         1735689600},
        {"{\"access_token\": \"T\"}", "T", -1},
        {"{\"access_token\": \"T\", \"expires_at\": 0}", "T", 0},
        {"{\"access_token\": \"T\", \"expires_at\": 1700000001}", "T",
         1700000001},
        {"{\"access_token\": \"T\", \"expires_at\": 253402300799}", "T",
         253402300799},
        {"{\"data\": [{\"access_token\": \"T\"}]}", "T", -1},
        {"{\"data\": [{\"access_token\": \"T\", \"expires_at\": "
         "1735689600}]}",
         "T", 1735689600},
        {"{\"data\": [{\"access_token\": \"T\", \"expires_at\": 0}]}", "T", 0},
        /* Members that one doesn't know, and blanks. */
        {" \r\n\t{\"access_token\": \"T\", \"token_type\": \"bearer\","
         " \"x\": {\"y\": [1, null, true]}}\n",
         "T", -1},
        {"{\"access_token\": \"\\u0054\\/+\"}", "T/+", -1},
        /* A key may come again in another object, and colons in strings. */
        {"{\"access_token\": \"a:b\\\":c'\", \"x\": {\"access_token\": 1}}",
         "a:b\":c'", -1},
        {"{\"access_token\": \"T\", \"error\": null}", "T", -1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int code = read_text(200, rows[i].body);

        if (code != MPS_OK) {
            printf("row %zu: %s\n", i, error.message);
        }
        CU_ASSERT_EQUAL_FATAL(code, MPS_OK);
        CU_ASSERT_STRING_EQUAL(answer.token.data, rows[i].token);
        CU_ASSERT_EQUAL(answer.token.len, strlen(rows[i].token));
        CU_ASSERT_EQUAL(answer.endpoint_expires_at, rows[i].expires_at);
    }
}

static const struct {
    const char *body;
    const char *says; /* a part of the message */
} bad_rows[] = {
    {"", "empty"},
    {" ", "not a JSON object"},
    {"<html>ok</html>", "not a JSON object"},
    {"{\"access_token\": \"T\"", "not a JSON object"},
    {"{\"access_token\": \"T\"} x", "not a JSON object"},
    {"{\"access_token\": \"T\"}{}", "not a JSON object"},
    {"{\"access_token\": \"T\",}", "not a JSON object"},
    {"{\"access_token\": \"\xff\"}", "not a JSON object"},
    {"{\"access_token\": \"T\", \"x\": \"\x80\"}", "not a JSON object"},
    {"\xef\xbb\xbf{\"access_token\": \"T\"}", "not a JSON object"},
    {"null", "not a JSON object"},
    {"[]", "not a JSON object"},
    {"\"T\"", "not a JSON object"},
    {"[{\"access_token\": \"T\"}]", "not a JSON object"},
    {"{}", "no access_token"},
    {"{\"active_token\": {\"value\": {\"access_token\": \"T\"}}}",
     "no access_token"},
    {"{\"access_token\": null}", "not a string"},
    {"{\"access_token\": 5}", "not a string"},
    {"{\"access_token\": [\"T\"]}", "not a string"},
    {"{\"access_token\": \"\"}", "empty access_token"},
    {"{\"access_token\": \"a b\"}", "byte"},
    {"{\"access_token\": \"a\\nb\"}", "byte"},
    {"{\"access_token\": \"a\\r\\nHost: x\"}", "byte"},
    {"{\"access_token\": \"a\\u0000b\"}", "byte"},
    {"{\"access_token\": \"\\u0000\"}", "byte"},
    {"{\"access_token\": \"a\\u007f\"}", "byte"},
    {"{\"access_token\": \"\xc3\xa4\"}", "byte"},
    /* Twice. */
    {"{\"access_token\": \"T\", \"access_token\": \"U\"}", "twice"},
    {"{\"access_token\": \"T\", \"\\u0061ccess_token\": \"U\"}", "twice"},
    {"{\"access_token\": \"T\", \"expires_at\": 0, \"expires_at\": "
     "1735689600}",
     "twice"},
    {"{\"access_token\": \"T\", \"error\": {}, \"error\": null}", "twice"},
    {"{\"data\": [{\"access_token\": \"T\", \"access_token\": \"U\"}]}",
     "twice"},
    {"{'access_token': \"T\", 'access_token': \"U:\"}", "twice"},
    /* expires_at */
    {"{\"access_token\": \"T\", \"expires_at\": null}", "null"},
    {"{\"access_token\": \"T\", \"expires_at\": \"1735689600\"}",
     "not an integer"},
    {"{\"access_token\": \"T\", \"expires_at\": 1735689600.0}",
     "not an integer"},
    {"{\"access_token\": \"T\", \"expires_at\": 2e9}", "not an integer"},
    {"{\"access_token\": \"T\", \"expires_at\": NaN}", "not an integer"},
    {"{\"access_token\": \"T\", \"expires_at\": true}", "not an integer"},
    {"{\"access_token\": \"T\", \"expires_at\": [1]}", "not an integer"},
    {"{\"access_token\": \"T\", \"expires_at\": -1}", "negative"},
    /* json-c 0.18 takes no number that needs more than 64 bits for JSON. */
    {"{\"access_token\": \"T\", \"expires_at\": -99999999999999999999}", ""},
    {"{\"access_token\": \"T\", \"expires_at\": 99999999999999999999999}", ""},
    {"{\"access_token\": \"T\", \"expires_at\": 253402300800}", "9999"},
    {"{\"access_token\": \"T\", \"expires_at\": 1735689600000}", "9999"},
    {"{\"access_token\": \"T\", \"expires_at\": 9223372036854775808}", "9999"},
    {"{\"access_token\": \"T\", \"expires_at\": 1}", "on arrival"},
    {"{\"access_token\": \"T\", \"expires_at\": 1700000000}", "on arrival"},
    /* data */
    {"{\"data\": []}", "no entry"},
    {"{\"data\": [{\"access_token\": \"T\"}, {\"access_token\": "
     "\"U\"}]}",
     "more than one"},
    {"{\"data\": [{\"access_token\": \"T\"}, null]}", "more than one"},
    {"{\"data\": [null]}", "not an object"},
    {"{\"data\": [\"T\"]}", "not an object"},
    {"{\"data\": [[]]}", "not an object"},
    {"{\"data\": {\"access_token\": \"T\"}}", "not an array"},
    {"{\"data\": null}", "not an array"},
    {"{\"data\": [{}]}", "no access_token"},
    {"{\"data\": [{\"access_token\": \"T\", \"expires_at\": null}]}", "null"},
    {"{\"access_token\": \"T\", \"data\": [{\"access_token\": \"U\"}]}",
     "both"},
    /* error of another type: still an error */
    {"{\"access_token\": \"T\", \"error\": \"x\"}", "HTTP 200"},
    {"{\"access_token\": \"T\", \"error\": []}", "HTTP 200"},
    {"{\"access_token\": \"T\", \"error\": {}}", "HTTP 200"},
    {"{\"access_token\": \"T\", \"error\": false}", "HTTP 200"},
};

static void
test_bad(void)
{
    for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
        int code = read_text(200, bad_rows[i].body);

        if (code != MPS_E_PROTOCOL ||
            strstr(error.message, bad_rows[i].says) == NULL) {
            printf("row %zu: %d %s\n", i, code, error.message);
        }
        CU_ASSERT_EQUAL(code, MPS_E_PROTOCOL);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, bad_rows[i].says));
    }
}

static void
test_nul_and_depth(void)
{
    static const char behind[] = "{\"access_token\": \"T\"}\0x";
    char deep[4000] = "";

    CU_ASSERT_EQUAL(read_bytes(200, behind, sizeof(behind) - 1),
                    MPS_E_PROTOCOL);
    CU_ASSERT_EQUAL(read_bytes(200, behind, sizeof(behind) - 2),
                    MPS_E_PROTOCOL);
    for (size_t i = 0; i < 500; i++) {
        strcat(deep, "{\"a\":");
    }
    CU_ASSERT_EQUAL(read_text(200, deep), MPS_E_PROTOCOL);
    memset(deep, '[', sizeof(deep) - 1);
    CU_ASSERT_EQUAL(read_text(200, deep), MPS_E_PROTOCOL);
    CU_ASSERT_EQUAL(read_text(500, deep), MPS_E_SERVER);
}

/* The endpoint's own clock, where it is told, decides on expiry. */
static void
test_date(void)
{
    static const char body[] =
        "{\"access_token\": \"T\", \"expires_at\": 1700000100}";

    CU_ASSERT_EQUAL(read_text(200, body), MPS_OK);
    response.date = NOW + 99;
    CU_ASSERT_EQUAL(read_text(200, body), MPS_OK);
    response.date = NOW + 100;
    CU_ASSERT_EQUAL(read_text(200, body), MPS_E_PROTOCOL);
    response.date = 0;
    CU_ASSERT_EQUAL(read_text(200, "{\"access_token\": \"T\", \"expires_at\": "
                                   "1699999999}"),
                    MPS_E_PROTOCOL);
    response.date = NOW - 3600;
    CU_ASSERT_EQUAL(read_text(200, "{\"access_token\": \"T\", \"expires_at\": "
                                   "1699999999}"),
                    MPS_OK);
}

static void
test_status(void)
{
    static const char good[] = "{\"access_token\": \"T\"}";
    static const struct {
        int status, expected;
        const char *says;
    } rows[] = {
        {100, MPS_E_PROTOCOL, "none that the endpoint gives"},
        {101, MPS_E_PROTOCOL, "none that the endpoint gives"},
        {201, MPS_E_PROTOCOL, "none that the endpoint gives"},
        {204, MPS_E_PROTOCOL, "none that the endpoint gives"},
        {206, MPS_E_PROTOCOL, "none that the endpoint gives"},
        {301, MPS_E_PROTOCOL, "a redirect"},
        {302, MPS_E_PROTOCOL, "a redirect"},
        {304, MPS_E_PROTOCOL, "a redirect"},
        {404, MPS_E_PROTOCOL, "no Graph error"},
        {429, MPS_E_RATE_LIMITED, "HTTP 429"},
        {502, MPS_E_SERVER, "HTTP 502"},
        {600, MPS_E_PROTOCOL, "none that the endpoint gives"},
        {0, MPS_E_PROTOCOL, "none that the endpoint gives"},
        {-1, MPS_E_PROTOCOL, "none that the endpoint gives"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(read_text(rows[i].status, good), rows[i].expected);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, rows[i].says));
    }
}

static const struct {
    int status;
    const char *body;
    int expected;
} errors_rows[] = {
    /* A gRPC gateway's error: its code 10 is none of Graph's. */
    {409,
     "{\"error\": {\"code\": 10, \"message\": \"x\", \"status\": "
     "\"ABORTED\"}}",
     MPS_E_PROTOCOL},
    {503,
     "{\"error\": {\"code\": 4, \"message\": \"x\", \"status\": "
     "\"UNAVAILABLE\"}}",
     MPS_E_SERVER},
    /* Graph's decides though its type is missing. */
    {400, "{\"error\": {\"code\": 10, \"message\": \"x\"}}", MPS_E_FORBIDDEN},
    {400,
     "{\"error\": {\"message\": \"Invalid parameter: business_id must be "
     "a valid numeric string\", \"type\": \"OAuthException\", \"code\": "
     "100, \"fbtrace_id\": \"AXsgnV2Cm3ZMGF3dF_cfYIn\"}}",
     MPS_E_BAD_REQUEST},
    {401,
     "{\"error\": {\"message\": \"Invalid OAuth access token\", \"type\": "
     "\"OAuthException\", \"code\": 190, \"error_subcode\": 463}}",
     MPS_E_AUTH},
    {404,
     "{\"error\": {\"message\": \"Multi-Partner Solution or specified "
     "business not found\", \"type\": \"GraphMethodException\", \"code\": "
     "803}}",
     MPS_E_NOT_FOUND},
    {422,
     "{\"error\": {\"message\": \"The specified business has not shared a "
     "WABA\", \"type\": \"GraphMethodException\", \"code\": 100}}",
     MPS_E_UNPROCESSABLE},
    {429,
     "{\"error\": {\"message\": \"Application request limit reached\", "
     "\"type\": \"OAuthException\", \"code\": 4, \"error_subcode\": "
     "2446079, \"is_transient\": true}}",
     MPS_E_RATE_LIMITED},
    {500,
     "{\"error\": {\"message\": \"An unexpected error occurred.\", "
     "\"type\": \"GraphMethodException\", \"code\": 2, \"is_transient\": "
     "true}}",
     MPS_E_SERVER},
    {200,
     "{\"error\": {\"message\": \"Invalid OAuth access token\", \"type\": "
     "\"OAuthException\", \"code\": 190}}",
     MPS_E_AUTH},
    {200,
     "{\"access_token\": \"T\", \"error\": {\"message\": \"limit\", "
     "\"type\": \"OAuthException\", \"code\": 4}}",
     MPS_E_RATE_LIMITED},
    {502, "<html><h1>502 Bad Gateway</h1></html>", MPS_E_SERVER},
    {404, "<html>not here</html>", MPS_E_PROTOCOL},
    {404, "", MPS_E_PROTOCOL},
    {404, "{\"error\": \"not found\"}", MPS_E_PROTOCOL},
    {403, "{\"message\": \"Forbidden\"}", MPS_E_PROTOCOL},
    {503, "", MPS_E_SERVER},
    /* A key twice: which of the two is Meta's word is unknown. */
    {404, "{\"error\": {\"type\": \"T\", \"code\": 803, \"code\": 190}}",
     MPS_E_PROTOCOL},
};

/* Meta's own examples, and what stands before Meta. */
static void
test_errors(void)
{
    for (size_t i = 0; i < sizeof(errors_rows) / sizeof(errors_rows[0]); i++) {
        int code = read_text(errors_rows[i].status, errors_rows[i].body);

        if (code != errors_rows[i].expected) {
            printf("row %zu: %d %s\n", i, code, error.message);
        }
        CU_ASSERT_EQUAL(code, errors_rows[i].expected);
    }
}

/* A body of the greatest length that is taken. */
static void
test_large(void)
{
    static char body[MPSC_HTTP_BODY_MAX];
    static const char begin[] = "{\"access_token\": \"";
    static const char finish[] = "\"}";

    memset(body, 'x', sizeof(body));
    memcpy(body, begin, sizeof(begin) - 1);
    memcpy(body + sizeof(body) - 2, finish, 2);
    CU_ASSERT_EQUAL(read_bytes(200, body, sizeof(body)), MPS_OK);
    CU_ASSERT_EQUAL(answer.token.len, sizeof(body) - (sizeof(begin) - 1) - 2);
}

static void
test_usage(void)
{
    static const struct {
        const char *header;
        int usage;
    } rows[] = {
        {"", -1},
        {"{\"call_count\":28,\"total_time\":25,\"total_cputime\":25}", 28},
        {"{\"call_count\":0,\"total_time\":25,\"total_cputime\":96}", 96},
        {"{\"call_count\":0}", 0},
        {"{\"call_count\":137}", 137},
        {"{\"call_count\":94.2,\"total_time\":94}", 95},
        {"{\"call_count\":95.0}", 95},
        {"{\"call_count\":1e300}", INT_MAX},
        {"{\"call_count\":18446744073709551615}", INT_MAX},
        /* What is no number is passed over. */
        {"{\"call_count\":\"99\",\"x\":null,\"y\":{\"z\":99},"
         "\"total_time\":3}",
         3},
        {"{\"call_count\":true}", -1},
        {"{\"call_count\":-5}", -1},
        {"{\"call_count\":-5,\"total_time\":2}", 2},
        {"{\"call_count\":NaN}", -1},
        {"{}", -1},
        {"[28]", -1},
        {"28", -1},
        {"{\"call_count\":28", -1},
        {"{\"call_count\":28} x", -1},
        {"\xff", -1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(response.app_usage, sizeof(response.app_usage), "%s",
                 rows[i].header);
        CU_ASSERT_EQUAL(mpsc_graph_response_usage(&response), rows[i].usage);
    }
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"good", test_good},
        {"bad", test_bad},
        {"NUL and depth", test_nul_and_depth},
        {"whose clock", test_date},
        {"status", test_status},
        {"errors", test_errors},
        {"large", test_large},
        {"usage", test_usage},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"graph_response", NULL, NULL, NULL, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
