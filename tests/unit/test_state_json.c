/* SPDX-License-Identifier: MIT */
/* The shared state's file: all that is written is read again, and nothing
 * that makes no sense. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "run_suites.h"
#include "state_json.h"
#include "utc.h"

#define BOOT_ID "01234567-89ab-cdef-0123-456789abcdef"
#define NOW_MS INT64_C(5000000)
#define LAST_MS (NOW_MS + MPSC_STATE_AHEAD_MS)

#define LIMIT(code)                                                           \
    "{\"code\":" code ",\"until_ms\":5001000,\"step\":3,"                     \
    "\"http_status\":429,\"graph_code\":-7,\"graph_subcode\":2494055,"        \
    "\"is_transient\":1,\"type\":\"OAuthException\",\"fbtrace_id\":"          \
    "\"AbC\",\"message\":\"HTTP 429\"}"

static const char file[] =
    "{\"boot_id\":\"" BOOT_ID "\",\"rate\":" LIMIT("8") ",\"auth\":" LIMIT(
        "4") ",\"breaker\":" LIMIT("10") ",\"limits\":{\"failures\":5,"
                                         "\"probe_until_ms\":5002000,"
                                         "\"usage_until_ms\":5003000},"
                                         "\"trouble\":{\"since_s\":[1,2,3,4,5]"
                                         ",\"last_line_s\":[6,7,8,9,10],"
                                         "\"repeats\":[11,12,13,14,15],"
                                         "\"earliest_expiry_s\":16}}";

static struct mpsc_shared shared;

/* Of structs that were zeroed, their padding too. */
static int
is_same(const struct mpsc_shared *a, const struct mpsc_shared *b)
{
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
    return memcmp(a, b, sizeof(*a)) == 0;
}

static int
is_empty(void)
{
    static const struct mpsc_shared nothing;

    return is_same(&shared, &nothing);
}

static int
parse(const char *bytes, size_t len)
{
    int result;

    memset(&shared, '#', sizeof(shared));
    result = mpsc_state_from_json(bytes, len, BOOT_ID, NOW_MS, &shared);
    CU_ASSERT(result == 0 || result == -1);
    CU_ASSERT_EQUAL(is_empty(), result == -1);
    return result;
}

/* The file with the n-th place of `from` replaced. */
static int
parse_with(const char *from, int n, const char *to)
{
    char bytes[8192];
    const char *at = file;

    for (; n > 0; n--) {
        at = strstr(at, from);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        at += strlen(from);
    }
    snprintf(bytes, sizeof(bytes), "%.*s%s%s", (int)(at - strlen(from) - file),
             file, to, at);
    return parse(bytes, strlen(bytes));
}

static void
check_limit(const struct mpsc_limit *limit, int code)
{
    CU_ASSERT_EQUAL(limit->code, code);
    CU_ASSERT_EQUAL(limit->until_ms, 5001000);
    CU_ASSERT_EQUAL(limit->step, 3);
    CU_ASSERT_EQUAL(limit->http_status, 429);
    CU_ASSERT_EQUAL(limit->graph_code, -7);
    CU_ASSERT_EQUAL(limit->graph_subcode, 2494055);
    CU_ASSERT_EQUAL(limit->is_transient, 1);
    CU_ASSERT_STRING_EQUAL(limit->type, "OAuthException");
    CU_ASSERT_STRING_EQUAL(limit->fbtrace_id, "AbC");
    CU_ASSERT_STRING_EQUAL(limit->message, "HTTP 429");
}

static void
test_read(void)
{
    CU_ASSERT_EQUAL(parse(file, strlen(file)), 0);
    check_limit(&shared.limits.rate, MPS_E_RATE_LIMITED);
    check_limit(&shared.limits.auth, MPS_E_AUTH);
    check_limit(&shared.limits.breaker, MPS_E_NETWORK);
    CU_ASSERT_EQUAL(shared.limits.failures, 5);
    CU_ASSERT_EQUAL(shared.limits.probe_until_ms, 5002000);
    CU_ASSERT_EQUAL(shared.limits.usage_until_ms, 5003000);
    for (int i = 0; i < MPSC_TROUBLE_COUNT; i++) {
        CU_ASSERT_EQUAL(shared.trouble.since_s[i], 1 + i);
        CU_ASSERT_EQUAL(shared.trouble.last_line_s[i], 6 + i);
        CU_ASSERT_EQUAL(shared.trouble.repeats[i], 11u + (unsigned)i);
    }
    CU_ASSERT_EQUAL(shared.trouble.earliest_expiry_s, 16);
}

/* Checks what is written against `text`, and what is read of that. */
static void
check_written(const char *text)
{
    struct json_object *json = mpsc_state_to_json(&shared, BOOT_ID);
    struct mpsc_shared before = shared;
    const char *written;

    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    written = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);
    if (text != NULL) {
        CU_ASSERT_STRING_EQUAL(written, text);
    }
    CU_ASSERT_EQUAL(parse(written, strlen(written)), 0);
    CU_ASSERT(is_same(&shared, &before));
    json_object_put(json);
}

static void
test_written(void)
{
    CU_ASSERT_EQUAL(parse(file, strlen(file)), 0);
    check_written(file);
    memset(&shared, 0, sizeof(shared));
    shared.limits.rate.graph_code = INT_MIN;
    shared.limits.rate.graph_subcode = INT_MAX;
    shared.limits.rate.until_ms = LAST_MS;
    shared.limits.failures = MPSC_LIMITS_COUNT_MAX;
    shared.trouble.repeats[0] = UINT_MAX;
    shared.trouble.since_s[0] = MPSC_UTC_MAX;
    strcpy(shared.limits.rate.message, "\"quoted\\\" \xc3\xa9 /");
    check_written(NULL);
    memset(shared.limits.rate.message, '"',
           sizeof(shared.limits.rate.message) - 1);
    check_written(NULL);
}

/* A file of nothing at all is one. */
static void
test_empty(void)
{
    struct json_object *json;
    const char *text;

    memset(&shared, 0, sizeof(shared));
    json = mpsc_state_to_json(&shared, BOOT_ID);
    text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);
    CU_ASSERT_EQUAL(
        mpsc_state_from_json(text, strlen(text), BOOT_ID, NOW_MS, &shared), 0);
    CU_ASSERT(is_empty());
    json_object_put(json);
}

static const struct {
    const char *from;
    int n;
    const char *to;
} refused[] = {
    {BOOT_ID, 1, "01234567-89ab-cdef-0123-456789abcdee"},
    {BOOT_ID, 1, ""},
    {"\"" BOOT_ID "\"", 1, "7"},
    {"\"" BOOT_ID "\"", 1, "null"},
    {"\"boot_id\"", 1, "\"boot\""},
    /* A code of another kind. */
    {"\"code\":8", 1, "\"code\":4"},
    {"\"code\":8", 1, "\"code\":-8"},
    {"\"code\":4", 1, "\"code\":8"},
    {"\"code\":10", 1, "\"code\":8"},
    {"\"code\":10", 1, "\"code\":13"},
    {"\"code\":10", 1, "\"code\":18446744073709551615"},
    /* Numbers out of their bounds. */
    {"5001000", 1, "-1"},
    {"5001000", 3, "-1"},
    {"5002000", 1, "-1"},
    {"5003000", 1, "-1"},
    {"\"step\":3", 1, "\"step\":-1"},
    {"\"step\":3", 2, "\"step\":1000001"},
    {"\"http_status\":429", 1, "\"http_status\":1000"},
    {"\"http_status\":429", 3, "\"http_status\":-1"},
    {"2494055", 1, "2147483648"},
    {"2494055", 1, "-2147483649"},
    {"\"is_transient\":1", 1, "\"is_transient\":2"},
    {"\"failures\":5", 1, "\"failures\":1000001"},
    {"\"failures\":5", 1, "\"failures\":-5"},
    {"[1,2,3,4,5]", 1, "[1,2,-3,4,5]"},
    {"[6,7,8,9,10]", 1, "[6,7,8,9,253402300800]"},
    {"[11,12,13,14,15]", 1, "[4294967296,12,13,14,15]"},
    {"_s\":16", 1, "_s\":253402300800"},
    {"_s\":16", 1, "_s\":-1"},
    /* Other types and shapes. */
    {"\"step\":3", 1, "\"step\":3.0"},
    {"\"step\":3", 1, "\"step\":\"3\""},
    {"\"step\":3", 1, "\"step\":null"},
    {"\"step\":3", 1, "\"step\":[3]"},
    {"\"step\":3,", 1, ""},
    {"\"type\":\"OAuthException\"", 1, "\"type\":7"},
    {"\"message\":\"HTTP 429\"", 3, "\"message\":null"},
    {"[1,2,3,4,5]", 1, "[1,2,3,4]"},
    {"[1,2,3,4,5]", 1, "[1,2,3,4,5,6]"},
    {"[1,2,3,4,5]", 1, "[1,2,3,4,null]"},
    {"[1,2,3,4,5]", 1, "[1,2,3,4,[5]]"},
    {"[1,2,3,4,5]", 1, "[]"},
    {"[1,2,3,4,5]", 1, "1"},
    {LIMIT("8"), 1, "null"},
    {LIMIT("8"), 1, "[]"},
    {LIMIT("10"), 1, "{}"},
    {"\"limits\":", 1, "\"other\":"},
    {"}}", 1, "}} {}"},
};

static void
test_refused(void)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        CU_ASSERT_EQUAL(
            parse_with(refused[i].from, refused[i].n, refused[i].to), -1);
    }
    CU_ASSERT_EQUAL(parse("", 0), -1);
    CU_ASSERT_EQUAL(parse("null", 4), -1);
    CU_ASSERT_EQUAL(parse("[]", 2), -1);
}

/* What is beside the bounds of a time or text is cut, not refused; what isn't
 * known is passed over. */
static void
test_taken(void)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"\"code\":8", "\"code\":0"},
        {"\"code\":10", "\"code\":9"},
        {"\"code\":10", "\"code\":11"},
        {"\"code\":10", "\"code\":12"},
        {"\"code\":10", "\"code\":0"},
        {"\"failures\":5", "\"failures\":1000000"},
        {"\"failures\":5", "\"failures\":5,\"more\":[{}]"},
        {"5001000", "0"},
        {"5001000", "9223372036854775807"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(parse_with(rows[i].from, 1, rows[i].to), 0);
    }
    CU_ASSERT_EQUAL(shared.limits.rate.until_ms, LAST_MS);
    CU_ASSERT_EQUAL(parse_with("5001000", 1, "94999999"), 0);
    CU_ASSERT_EQUAL(shared.limits.rate.until_ms, LAST_MS - 1);
    CU_ASSERT_EQUAL(parse_with("5002000", 1, "95000001"), 0);
    CU_ASSERT_EQUAL(shared.limits.probe_until_ms, LAST_MS);
    CU_ASSERT_EQUAL(parse_with("5003000", 1, "95000001"), 0);
    CU_ASSERT_EQUAL(shared.limits.usage_until_ms, LAST_MS);
}

static void
test_texts(void)
{
    char text[600];

    CU_ASSERT_EQUAL(parse_with("HTTP 429", 1, "a\\nb\\u001b[0m\\u0085\\u00e9"),
                    0);
    CU_ASSERT_STRING_EQUAL(shared.limits.rate.message, "a?b?[0m??\xc3\xa9");
    CU_ASSERT_EQUAL(parse_with("HTTP 429", 1, "a\\u0000b"), 0);
    CU_ASSERT_STRING_EQUAL(shared.limits.rate.message, "a");
    CU_ASSERT_EQUAL(parse_with("HTTP 429", 1, "\xff"), -1);
    memset(text, 'x', sizeof(text));
    text[500] = '\0';
    CU_ASSERT_EQUAL(parse_with("HTTP 429", 2, text), 0);
    CU_ASSERT_EQUAL(strlen(shared.limits.auth.message), 255);
    CU_ASSERT_EQUAL(parse_with("AbC", 2, text), 0);
    CU_ASSERT_EQUAL(strlen(shared.limits.auth.fbtrace_id), 63);
    CU_ASSERT_EQUAL(parse_with("OAuthException", 3, text), 0);
    CU_ASSERT_EQUAL(strlen(shared.limits.breaker.type), 63);
}

static int
in_bounds(const struct mpsc_limit *limit)
{
    return limit->until_ms >= 0 && limit->until_ms <= LAST_MS &&
           limit->step <= MPSC_LIMITS_COUNT_MAX &&
           memchr(limit->type, '\0', sizeof(limit->type)) != NULL &&
           memchr(limit->fbtrace_id, '\0', sizeof(limit->fbtrace_id)) !=
               NULL &&
           memchr(limit->message, '\0', sizeof(limit->message)) != NULL;
}

/* Every beginning of a file, and every file with one byte that is wrong. */
static void
test_torn(void)
{
    char bytes[sizeof(file)];
    int wrong = 0;

    for (size_t i = 0; i < strlen(file); i++) {
        wrong += parse(file, i) == 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (size_t i = 0; i < strlen(file); i++) {
        static const char with[] = {'\0', '"', '}', '9', '-', '\xff'};

        memcpy(bytes, file, sizeof(file));
        for (size_t j = 0; j < sizeof(with); j++) {
            bytes[i] = with[j];
            (void)parse(bytes, strlen(file));
            wrong += !in_bounds(&shared.limits.rate) ||
                     !in_bounds(&shared.limits.auth) ||
                     !in_bounds(&shared.limits.breaker) ||
                     shared.limits.failures > MPSC_LIMITS_COUNT_MAX;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"read", test_read},      {"written", test_written},
        {"empty", test_empty},    {"refused", test_refused},
        {"taken", test_taken},    {"texts", test_texts},
        {"torn file", test_torn}, CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"state_json", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
