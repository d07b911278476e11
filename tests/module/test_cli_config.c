/* SPDX-License-Identifier: MIT */
/* The installed command, mps-credential config: each option in effect, and
 * where it comes from. */
#include <CUnit/Basic.h>
#include <json-c/json.h>
#include <string.h>

#include "world.h"

static char output[WORLD_OUTPUT];

static int
is(const char *part)
{
    return strstr(output, part) != NULL;
}

static int
config(const char *words)
{
    return world_command(output, "config %s 2>&1", words);
}

static void
write_conf(const char *text)
{
    world_write("conf", 0644, text);
}

static void
test_origins(void)
{
    char line[512];

    write_conf("# the solution\n"
               "solution_id = 17\n"
               "token_file = /etc/a.token\n"
               "deadline_ms = 5000\n"
               "app_secret_file = /etc/a.secret\n"
               "[billing]\n"
               "solution_id = 18\n"
               "token_credential = partner\n");
    CU_ASSERT_EQUAL(config(""), MPS_OK);
    snprintf(line, sizeof(line), "\nsolution_id = 17    # %s:2\n",
             world_path("conf"));
    CU_ASSERT_TRUE(is(line));
    snprintf(line, sizeof(line), "\ntoken_file = /etc/a.token    # %s:3\n",
             world_path("conf"));
    CU_ASSERT_TRUE(is(line));
    CU_ASSERT_TRUE(is("\n#token_credential =    # not set\n"));
    CU_ASSERT_TRUE(is("\nattempts = 3    # default\n"));
    CU_ASSERT_TRUE(is("\nkeyring_bus = "));
    CU_ASSERT_TRUE(is("    # found on this machine\n"));

    /* A group's own key, and the one that it takes the place of. */
    CU_ASSERT_EQUAL(config("--profile=billing"), MPS_OK);
    CU_ASSERT_TRUE(is("# profile billing\n"));
    snprintf(line, sizeof(line), "\nsolution_id = 18    # %s:7\n",
             world_path("conf"));
    CU_ASSERT_TRUE(is(line));
    CU_ASSERT_TRUE(is("\n#token_file =    # not set\n"));
    snprintf(line, sizeof(line), "\ntoken_credential = partner    # %s:8\n",
             world_path("conf"));
    CU_ASSERT_TRUE(is(line));
    snprintf(line, sizeof(line), "\ndeadline_ms = 5000    # %s:4\n",
             world_path("conf"));
    CU_ASSERT_TRUE(is(line));
}

static void
test_json(void)
{
    struct json_object *json;
    struct json_object *list = NULL;

    CU_ASSERT_EQUAL(config("--json --profile=billing"), MPS_OK);
    json = json_tokener_parse(output);
    CU_ASSERT_TRUE_FATAL(json_object_object_get_ex(json, "options", &list));
    CU_ASSERT(json_object_array_length(list) >= 20);
    json_object_put(json);
    CU_ASSERT_TRUE(is("{\"key\":\"solution_id\",\"value\":\"18\",\"origin\":"
                      "\"file\",\"file\":\""));
    CU_ASSERT_TRUE(is("\"line\":7}"));
    CU_ASSERT_TRUE(is("{\"key\":\"token_file\",\"origin\":\"none\"}"));
    CU_ASSERT_TRUE(
        is("{\"key\":\"attempts\",\"value\":\"3\",\"origin\":\"default\"}"));
}

/* What the module says of it. */
static void
test_errors(void)
{
    write_conf("solution_id = 17\ntoken_file = /t\nattempts = many\n");
    CU_ASSERT_EQUAL(config(""), MPS_E_CONFIG);
    CU_ASSERT_TRUE(is(":3: attempts is \"many\""));
    CU_ASSERT_EQUAL(config("--json"), MPS_E_CONFIG);
    CU_ASSERT_TRUE(is("\"code\":\"MPS_E_CONFIG\""));
    CU_ASSERT_EQUAL(config("x"), MPS_E_INVALID);
}

/* A token where its file should be named. */
static void
test_secret(void)
{
    write_conf("solution_id = 17\n"
               "token_credential = EAAGm0PX4ZCpsBAKZCsecretsecretsecret\n");
    CU_ASSERT_EQUAL(config(""), MPS_OK);
    CU_ASSERT_TRUE(is("token_credential = [redacted]"));
    CU_ASSERT_FALSE(is("secretsecret"));
    CU_ASSERT_EQUAL(config("--json"), MPS_OK);
    CU_ASSERT_FALSE(is("secretsecret"));
}

static CU_TestInfo tests[] = {
    {"origins", test_origins}, {"--json", test_json},
    {"errors", test_errors},   {"a secret in the wrong place", test_secret},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {.pName = "mps-credential config", .pTests = tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
