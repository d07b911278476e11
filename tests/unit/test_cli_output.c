/* SPDX-License-Identifier: MIT */
/* What the tool prints of a credential and of an error. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "output.h"
#include "run_suites.h"

#define NOW 1700000000 /* 2023-11-14 22:13:20 UTC */
#define TOKEN "EAAsecret"

static const struct mps_credential credential = {
    .size = sizeof(credential),
    .access_token = TOKEN,
    .expires_at = NOW + 3599,
    .endpoint_expires_at = NOW + 3600,
    .source = MPS_SOURCE_KEYRING,
    .token_id = "0123456789ab",
};

/* The token goes to the descriptor, so no memory stream will do. */
static FILE *out;
static char text[4096];

static void
begin(void)
{
    out = tmpfile();
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
}

static const char *
written(void)
{
    size_t len;

    rewind(out);
    len = fread(text, 1, sizeof(text) - 1, out);
    text[len] = '\0';
    fclose(out);
    return text;
}

/* The one line as an object, which the caller puts back. */
static struct json_object *
written_json(void)
{
    struct json_object *object;
    const char *line = written();

    CU_ASSERT_PTR_EQUAL(strchr(line, '\n'), line + strlen(line) - 1);
    object = json_tokener_parse(line);
    CU_ASSERT_PTR_NOT_NULL_FATAL(object);
    return object;
}

static const char *
text_of(struct json_object *object, const char *key)
{
    const char *found =
        json_object_get_string(json_object_object_get(object, key));

    return found != NULL ? found : "(absent)";
}

static void
test_token(void)
{
    begin();
    CU_ASSERT_EQUAL(cli_output_token(out, &credential), 0);
    CU_ASSERT_STRING_EQUAL(written(), TOKEN "\n");
}

static void
test_list(void)
{
    begin();
    CU_ASSERT_EQUAL(cli_output_list(out, "42", &credential, 0, NOW), 0);
    CU_ASSERT_STRING_EQUAL(
        written(), "business      42\n"
                   "token_id      0123456789ab\n"
                   "expires       2023-11-14 23:13:19 +0000 (in 59 minutes)\n"
                   "source        keyring\n"
                   "\n"
                   "The token is not shown on a terminal: pipe the output, or "
                   "add --show.\n");
    begin();
    CU_ASSERT_EQUAL(cli_output_list(out, "42", &credential, 1, NOW), 0);
    CU_ASSERT_STRING_EQUAL(
        written(), "business      42\n"
                   "token_id      0123456789ab\n"
                   "expires       2023-11-14 23:13:19 +0000 (in 59 minutes)\n"
                   "source        keyring\n"
                   "access_token  " TOKEN "\n");
}

static void
test_json(void)
{
    static const char *const tokens[] = {
        "",     TOKEN,   "\"",           "\\",
        "a\\",  "\"\"b", "\x01\x1f\x7f", "tab\tnewline\nreturn\r",
        "</s>", "\u00e9"};
    struct mps_credential other = credential;
    struct json_object *object;

    begin();
    CU_ASSERT_EQUAL(cli_output_json(out, "42", &credential, 0), 0);
    object = written_json();
    CU_ASSERT_PTR_NULL(strstr(text, TOKEN));
    CU_ASSERT_EQUAL(json_object_object_length(object), 7);
    CU_ASSERT_STRING_EQUAL(text_of(object, "code"), "MPS_OK");
    CU_ASSERT_STRING_EQUAL(text_of(object, "code_number"), "0");
    CU_ASSERT_STRING_EQUAL(text_of(object, "business"), "42");
    CU_ASSERT_STRING_EQUAL(text_of(object, "token_id"), "0123456789ab");
    CU_ASSERT_STRING_EQUAL(text_of(object, "expires_at"), "1700003599");
    CU_ASSERT_STRING_EQUAL(text_of(object, "endpoint_expires_at"),
                           "1700003600");
    CU_ASSERT_STRING_EQUAL(text_of(object, "source"), "keyring");
    json_object_put(object);

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        other.access_token = tokens[i];
        begin();
        CU_ASSERT_EQUAL(cli_output_json(out, "42", &other, 1), 0);
        object = written_json();
        CU_ASSERT_EQUAL(json_object_object_length(object), 8);
        CU_ASSERT_STRING_EQUAL(text_of(object, "access_token"), tokens[i]);
        json_object_put(object);
    }
}

static void
copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static void
fill_error(struct mps_error *error, int code, int64_t retry_at)
{
    *error = (struct mps_error){
        .size = sizeof(*error), .code = code, .retry_at = retry_at};
    copy(error->message, sizeof(error->message), "business 42 at \"x\": no");
}

static void
test_error_json(void)
{
    struct json_object *object;
    struct mps_error error;

    fill_error(&error, MPS_E_FORBIDDEN, NOW);
    error.http_status = 403;
    error.graph_code = 10;
    error.graph_subcode = 33;
    error.is_transient = 1;
    copy(error.type, sizeof(error.type), "OAuthException");
    copy(error.fbtrace_id, sizeof(error.fbtrace_id), "AbC");
    copy(error.user_title, sizeof(error.user_title), "Title");
    copy(error.user_message, sizeof(error.user_message), "Message");
    begin();
    CU_ASSERT_EQUAL(
        cli_output_error_json(out, "42", &error,
                              MPS_CLASS_BUSINESS | MPS_CLASS_ALERT),
        0);
    object = written_json();
    CU_ASSERT_EQUAL(json_object_object_length(object), 14);
    CU_ASSERT_STRING_EQUAL(text_of(object, "code"), "MPS_E_FORBIDDEN");
    CU_ASSERT_STRING_EQUAL(text_of(object, "code_number"), "5");
    CU_ASSERT_STRING_EQUAL(text_of(object, "business"), "42");
    CU_ASSERT_EQUAL(
        json_object_array_length(json_object_object_get(object, "class")), 2);
    CU_ASSERT_STRING_EQUAL(text_of(object, "class"),
                           "[ \"alert\", \"business\" ]");
    CU_ASSERT_STRING_EQUAL(text_of(object, "message"), error.message);
    CU_ASSERT_STRING_EQUAL(text_of(object, "retry_at"), "1700000000");
    CU_ASSERT_STRING_EQUAL(text_of(object, "http_status"), "403");
    CU_ASSERT_STRING_EQUAL(text_of(object, "graph_code"), "10");
    CU_ASSERT_STRING_EQUAL(text_of(object, "graph_subcode"), "33");
    CU_ASSERT_STRING_EQUAL(text_of(object, "is_transient"), "true");
    CU_ASSERT_STRING_EQUAL(text_of(object, "type"), "OAuthException");
    CU_ASSERT_STRING_EQUAL(text_of(object, "fbtrace_id"), "AbC");
    CU_ASSERT_STRING_EQUAL(text_of(object, "user_title"), "Title");
    CU_ASSERT_STRING_EQUAL(text_of(object, "user_message"), "Message");
    json_object_put(object);
}

#define FIRST_LINE(code) "mps-credential: " code ": business 42 at \"x\": no\n"

static void
test_error(void)
{
    static const struct {
        int code;
        unsigned classes;
        int64_t retry_at;
        const char *expected;
    } rows[] = {
        {MPS_E_INVALID, MPS_CLASS_CALLER, 0,
         FIRST_LINE("MPS_E_INVALID") "  Try 'mps-credential --help'.\n"},
        {MPS_E_BAD_REQUEST, MPS_CLASS_CALLER, 0,
         FIRST_LINE("MPS_E_BAD_REQUEST") "  The same request will get the "
                                         "same answer.\n"},
        {MPS_E_AUTH, MPS_CLASS_RETRY | MPS_CLASS_ALERT, 0,
         FIRST_LINE("MPS_E_AUTH") "  Tell the administrator of this machine.\n"
                                  "  Ask again when that is mended.\n"},
        {MPS_E_AUTH, MPS_CLASS_RETRY | MPS_CLASS_ALERT, NOW + 300,
         FIRST_LINE("MPS_E_AUTH") "  Tell the administrator of this machine.\n"
                                  "  Ask again when that is mended, but not "
                                  "before 2023-11-14 22:18:20 +0000 (in 5 "
                                  "minutes).\n"},
        {MPS_E_UNPROCESSABLE, MPS_CLASS_BUSINESS, 0,
         FIRST_LINE("MPS_E_UNPROCESSABLE") "  Suspend this business in your "
                                           "programs until that is settled; "
                                           "don't delete it.\n"},
        {MPS_E_RATE_LIMITED, MPS_CLASS_RETRY, NOW + 300,
         FIRST_LINE("MPS_E_RATE_LIMITED") "  Ask again, but not before "
                                          "2023-11-14 22:18:20 +0000 (in 5 "
                                          "minutes).\n"},
        {MPS_E_SERVER, MPS_CLASS_RETRY, NOW,
         FIRST_LINE("MPS_E_SERVER") "  Ask again in a while.\n"},
        {MPS_E_INTERNAL, MPS_CLASS_ALERT, 0,
         FIRST_LINE("MPS_E_INTERNAL") "  It is a bug of the module: please "
                                      "report it, with what the system's log "
                                      "has of it.\n"
                                      "  Tell the administrator of this "
                                      "machine.\n"},
        {18, 0, 0, FIRST_LINE("unknown code")},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mps_error error;

        fill_error(&error, rows[i].code, rows[i].retry_at);
        begin();
        cli_output_error(out, &error, rows[i].classes, NOW);
        CU_ASSERT_STRING_EQUAL(written(), rows[i].expected);
    }
}

static void
test_meta(void)
{
    static const struct {
        const char *title, *message, *fbtrace_id, *expected;
    } rows[] = {
        {"", "", "", ""},
        {"T", "", "", "  Meta says: T\n"},
        {"", "M", "", "  Meta says: M\n"},
        {"T", "M", "A1",
         "  Meta says: T: M\n  For Meta's support: fbtrace_id A1\n"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mps_error error;

        fill_error(&error, MPS_E_UNPROCESSABLE, 0);
        copy(error.user_title, sizeof(error.user_title), rows[i].title);
        copy(error.user_message, sizeof(error.user_message), rows[i].message);
        copy(error.fbtrace_id, sizeof(error.fbtrace_id), rows[i].fbtrace_id);
        begin();
        cli_output_error(out, &error, 0, NOW);
        CU_ASSERT_STRING_EQUAL(strchr(written(), '\n') + 1, rows[i].expected);
    }
}

/* A full device, and a stream that can't be written at all. */
static void
test_failures(void)
{
    static const struct {
        const char *path, *mode;
        int expected;
    } rows[] = {{"/dev/full", "w", ENOSPC}, {"/dev/null", "r", EBADF}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *path = rows[i].path;
        struct mps_error error;

        fill_error(&error, MPS_E_SERVER, 0);
        for (int which = 0; which < 5; which++) {
            int result = -2;

            out = fopen(path, rows[i].mode);
            CU_ASSERT_PTR_NOT_NULL_FATAL(out);
            errno = 0;
            switch (which) {
            case 0:
                result = cli_output_token(out, &credential);
                break;
            case 1:
                result = cli_output_list(out, "42", &credential, 0, NOW);
                break;
            case 2:
                result = cli_output_list(out, "42", &credential, 1, NOW);
                break;
            case 3:
                result = cli_output_json(out, "42", &credential, 1);
                break;
            case 4:
                result = cli_output_error_json(out, "42", &error, 0);
                break;
            }
            CU_ASSERT_EQUAL(result, -1);
            CU_ASSERT_EQUAL(errno, rows[i].expected);
            fclose(out);
        }
    }
}

static CU_TestInfo tests[] = {
    {"token", test_token},       {"list", test_list},
    {"JSON", test_json},         {"error as JSON", test_error_json},
    {"error", test_error},       {"Meta's texts", test_meta},
    {"failures", test_failures}, CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"cli output", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    if (setenv("TZ", "UTC0", 1) != 0) {
        return 1;
    }
    return run_suites(suites);
}
