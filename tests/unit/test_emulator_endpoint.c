/* SPDX-License-Identifier: MIT */
/* What the emulated endpoint answers, and when. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "endpoint.h"
#include "run_suites.h"

#define PARTNER "EAApartner"

/* The specification's examples, byte for byte. */
#define TRACE "\"fbtrace_id\":\"AXsgnV2Cm3ZMGF3dF_cfYIn\""
static const struct {
    const char *status;
    const char *body;
} documented[] = {
    {"400",
     "{\"error\":{\"message\":\"Invalid parameter: business_id must be a "
     "valid numeric string\",\"type\":\"OAuthException\",\"code\":100," TRACE
     "}}"},
    {"401",
     "{\"error\":{\"message\":\"Invalid OAuth access token\",\"type\":"
     "\"OAuthException\",\"code\":190,\"error_subcode\":463," TRACE "}}"},
    {"403",
     "{\"error\":{\"message\":\"Your app doesn't have permission to access "
     "this Multi-Partner Solution or the specified business\",\"type\":"
     "\"OAuthException\",\"code\":200,\"error_subcode\":1349174," TRACE
     ",\"error_user_title\":\"Permission Denied\",\"error_user_msg\":\"Your "
     "app doesn't have permission to access this resource\"}}"},
    {"404",
     "{\"error\":{\"message\":\"Multi-Partner Solution or specified business "
     "not found\",\"type\":\"GraphMethodException\",\"code\":803," TRACE "}}"},
    {"422",
     "{\"error\":{\"message\":\"The specified business has not shared a WABA "
     "with this Multi-Partner Solution\",\"type\":\"GraphMethodException\","
     "\"code\":100," TRACE "}}"},
    {"429",
     "{\"error\":{\"message\":\"Application request limit reached\",\"type\":"
     "\"OAuthException\",\"code\":4,\"error_subcode\":2446079," TRACE
     ",\"is_transient\":true}}"},
    {"500",
     "{\"error\":{\"message\":\"An unexpected error occurred. Please retry "
     "your request\",\"type\":\"GraphMethodException\",\"code\":2," TRACE
     ",\"is_transient\":true}}"},
};

static struct emu_endpoint *endpoint;
static struct emu_answer answer;

static void
set(const char *business_id, const char *key, const char *value)
{
    const struct emu_pair pair = {key, value};
    struct emu_error error = {""};

    if (emu_endpoint_set(endpoint, business_id, &pair, 1, &error))
        CU_FAIL("a good setting was refused");
}

/* Runs before each test. */
static void
begin(void)
{
    endpoint = emu_endpoint_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(endpoint);
    set(NULL, "partner_token", PARTNER);
    CU_ASSERT_EQUAL(emu_endpoint_keep(endpoint), 0);
}

/* Runs after each test. */
static void
end(void)
{
    emu_answer_clear(&answer);
    emu_endpoint_free(endpoint);
    endpoint = NULL;
}

static void
ask(const char *business_id)
{
    const struct emu_request request = {
        .method = "GET",
        .path = "/v25.0/1234567890123456/access_token",
        .authorization = "Bearer " PARTNER,
        .business_id = business_id,
        .business_ids = 1,
    };

    emu_answer_clear(&answer);
    CU_ASSERT_EQUAL_FATAL(emu_endpoint_answer(endpoint, &request, &answer), 0);
}

static const char *
header(const char *name)
{
    for (size_t i = 0; i < answer.header_count; i++) {
        if (strcmp(answer.headers[i].name, name) == 0) {
            return answer.headers[i].value;
        }
    }
    return NULL;
}

/* The answer's token in a buffer of its own; "" when it has none. */
static const char *
token(void)
{
    static char text[2][512];
    static unsigned turn;
    char *to = text[turn++ % 2];
    struct json_object *body = json_tokener_parse(answer.body);
    struct json_object *value = NULL;

    to[0] = '\0';
    if (json_object_object_get_ex(body, "access_token", &value)) {
        (void)snprintf(to, sizeof text[0], "%s",
                       json_object_get_string(value));
    }
    json_object_put(body);
    return to;
}

static void
test_documented_errors(void)
{
    for (size_t i = 0; i < sizeof documented / sizeof documented[0]; i++) {
        set("1", "status", documented[i].status);
        ask("1");
        CU_ASSERT_EQUAL(answer.status, strtoul(documented[i].status, 0, 10));
        CU_ASSERT_STRING_EQUAL(answer.body, documented[i].body);
        CU_ASSERT_EQUAL(header("WWW-Authenticate") != NULL,
                        answer.status == 401);
    }
}

static void
test_headers(void)
{
    ask("1");
    CU_ASSERT_STRING_EQUAL(header("Content-Type"),
                           "application/json; charset=UTF-8");
    CU_ASSERT_STRING_EQUAL(header("facebook-api-version"), "v25.0");
    CU_ASSERT_PTR_NOT_NULL(header("Date"));
    CU_ASSERT_PTR_NOT_NULL(header("x-fb-request-id"));
    CU_ASSERT_PTR_NOT_NULL(header("x-fb-trace-id"));
    CU_ASSERT_PTR_NOT_NULL(header("X-App-Usage"));
    CU_ASSERT_PTR_NULL(header("Retry-After"));
    CU_ASSERT_PTR_NULL(header("X-Business-Use-Case-Usage"));
}

static void
test_limit_headers(void)
{
    set("1", "fault", "429");
    ask("1");
    CU_ASSERT_EQUAL(answer.status, 429);
    CU_ASSERT_STRING_EQUAL(header("Retry-After"), "60");
    CU_ASSERT_PTR_NOT_NULL(strstr(header("X-Business-Use-Case-Usage"),
                                  "\"estimated_time_to_regain_access\":1}"));
    set("1", "regain_minutes", "19");
    set("1", "retry_after", "absent");
    set("1", "app_usage", "absent");
    ask("1");
    CU_ASSERT_PTR_NULL(header("Retry-After"));
    CU_ASSERT_PTR_NULL(header("X-App-Usage"));
    CU_ASSERT_PTR_NOT_NULL(strstr(header("X-Business-Use-Case-Usage"),
                                  "\"estimated_time_to_regain_access\":19}"));
}

static void
test_tokens(void)
{
    const char *first;
    const char *second;

    ask("1");
    first = token();
    CU_ASSERT_EQUAL(strlen(first), 200);
    CU_ASSERT_EQUAL(strncmp(first, "EAA", 3), 0);
    ask("1");
    second = token();
    CU_ASSERT_STRING_NOT_EQUAL(first, second);
    set("1", "token_length", "40");
    ask("1");
    CU_ASSERT_EQUAL(strlen(token()), 40);
}

static void
test_rotation(void)
{
    const char *first;

    set("1", "rotation", "same");
    ask("1");
    first = token();
    ask("1");
    CU_ASSERT_STRING_EQUAL(first, token());
    set("2", "rotation", "same");
    set("2", "lifetime_s", "-5");
    ask("2");
    first = token();
    ask("2");
    CU_ASSERT_STRING_NOT_EQUAL(first, token());
}

static void
check_expiry(const char *value, const char *ending)
{
    size_t length = strlen(ending);

    set("1", "expires_at", value);
    ask("1");
    CU_ASSERT_FATAL(answer.size > length);
    CU_ASSERT_STRING_EQUAL(answer.body + answer.size - length, ending);
}

static void
test_expiry(void)
{
    struct json_object *body;
    int64_t life;

    set("1", "lifetime_s", "-60");
    ask("1");
    body = json_tokener_parse(answer.body);
    life = json_object_get_int64(json_object_object_get(body, "expires_at")) -
           (int64_t)time(NULL);
    json_object_put(body);
    CU_ASSERT(life >= -70 && life <= -60);
    check_expiry("null", "\",\"expires_at\":null}");
    check_expiry("1e400", "\",\"expires_at\":1e400}");
    check_expiry("-1", "\",\"expires_at\":-1}");
    check_expiry("99999999999999999999",
                 "\",\"expires_at\":99999999999999999999}");
    check_expiry("soon", "\",\"expires_at\":\"soon\"}");
    check_expiry("\"soon\"", "\",\"expires_at\":\"soon\"}");
    check_expiry("absent", "\"}");
    CU_ASSERT_PTR_NULL(strstr(answer.body, "expires_at"));
}

static void
test_data_shape(void)
{
    set("1", "shape", "data");
    ask("1");
    CU_ASSERT_EQUAL(
        strncmp(answer.body, "{\"data\":[{\"access_token\":\"EAA", 29), 0);
    CU_ASSERT_STRING_EQUAL(answer.body + answer.size - 4, "\"}]}");
}

static void
test_fault_count(void)
{
    set("1", "status", "500");
    set("1", "fault_count", "2");
    ask("1");
    CU_ASSERT_EQUAL(answer.status, 500);
    ask("1");
    CU_ASSERT_EQUAL(answer.status, 500);
    ask("1");
    CU_ASSERT_EQUAL(answer.status, 200);
    set(NULL, "fault", "html");
    ask("1");
    CU_ASSERT_EQUAL(answer.status, 502);
    set("1", "fault", "none");
    ask("1");
    CU_ASSERT_EQUAL(answer.status, 500);
}

static void
test_unknown_business(void)
{
    set(NULL, "unknown_business", "404");
    ask("1");
    CU_ASSERT_EQUAL(answer.status, 404);
    set("1", "latency_ms", "0");
    ask("1");
    CU_ASSERT_EQUAL(answer.status, 200);
    CU_ASSERT_EQUAL(emu_endpoint_undo(endpoint, "1"), 0);
    ask("1");
    CU_ASSERT_EQUAL(answer.status, 404);
    CU_ASSERT_EQUAL(emu_endpoint_undo(endpoint, NULL), 0);
    ask("1");
    CU_ASSERT_EQUAL(answer.status, 200);
}

static void
test_all_or_nothing(void)
{
    const struct emu_pair pairs[] = {{"status", "500"},
                                     {"latency_ms", "never"}};
    struct emu_error error = {""};

    CU_ASSERT_EQUAL(emu_endpoint_set(endpoint, "1", pairs, 2, &error), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "latency_ms = never"));
    ask("1");
    CU_ASSERT_EQUAL(answer.status, 200);
}

static void
test_counters(void)
{
    char *text;

    ask("1");
    set("1", "status", "403");
    ask("1");
    set("1", "fault", "reset");
    ask("1");
    text = emu_endpoint_stats(endpoint);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "\"1\":{\"requests\":3,\"by_status\":{\"200\":1,"
                     "\"403\":1,\"none\":1},\"faults\":{\"reset\":1}}"));
    free(text);
    CU_ASSERT_EQUAL(emu_endpoint_reset(endpoint), 0);
    text = emu_endpoint_stats(endpoint);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"requests\":0"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"businesses\":{}"));
    free(text);
    ask("1");
    CU_ASSERT_EQUAL(answer.status, 200);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"documented errors", test_documented_errors},
        {"headers", test_headers},
        {"headers of a limit", test_limit_headers},
        {"tokens", test_tokens},
        {"rotation", test_rotation},
        {"expires_at", test_expiry},
        {"data shape", test_data_shape},
        {"fault_count", test_fault_count},
        {"unknown_business and undo", test_unknown_business},
        {"all or nothing", test_all_or_nothing},
        {"counters and reset", test_counters},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"emulator: endpoint", NULL, NULL, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
