/* SPDX-License-Identifier: MIT */
/* The request to the endpoint: its URL, its headers, its proof. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "graph_request.h"
#include "run_suites.h"

static struct mpsc_configuration configuration;
static struct mpsc_http_request request;
static struct mpsc_secret token;
static struct mpsc_secret app_secret;

static char base_url[] = "https://graph.example/proxy";
static char api_version[] = "v25.0";
static char solution_id[] = "1234567890123456";
static char ca_file[] = "/etc/ca.pem";
static char proxy[] = "http://proxy.example:3128";

static void
begin(void)
{
    memset(&configuration, 0, sizeof(configuration));
    memset(&request, 0, sizeof(request));
    configuration.base_url = base_url;
    configuration.api_version = api_version;
    configuration.solution_id = solution_id;
    configuration.ca_file = ca_file;
    configuration.proxy = proxy;
    configuration.connect_timeout_ms = 1234;
    CU_ASSERT_EQUAL(mpsc_secret_set(&token, "PARTNER|token", 13), 0);
    CU_ASSERT_EQUAL(mpsc_secret_set(&app_secret, "app-secret", 10), 0);
}

static void
end(void)
{
    mpsc_secret_free(&request.url);
    mpsc_secret_free(&request.authorization);
    mpsc_secret_free(&token);
    mpsc_secret_free(&app_secret);
}

static void
test_without_proof(void)
{
    CU_ASSERT_EQUAL(mpsc_graph_request_build(&configuration, "98765", &token,
                                             NULL, 1700000000, &request),
                    MPS_OK);
    CU_ASSERT_STRING_EQUAL(request.url.data,
                           "https://graph.example/proxy/v25.0/"
                           "1234567890123456/access_token?business_id=98765");
    CU_ASSERT_STRING_EQUAL(request.authorization.data,
                           "Authorization: Bearer PARTNER|token");
    CU_ASSERT_EQUAL(request.authorization.len, strlen(MPSC_GRAPH_BEARER) + 13);
    CU_ASSERT_PTR_EQUAL(request.ca_file, ca_file);
    CU_ASSERT_PTR_EQUAL(request.proxy, proxy);
    CU_ASSERT_EQUAL(request.connect_timeout_ms, 1234);
}

/* The token stays out of the URL, which servers log. */
static void
test_proof(void)
{
    /* printf %s 'PARTNER|token|1700000000' |
     *     openssl dgst -sha256 -hmac app-secret */
    static const char proof[] = "70f31f1a0caaa1258b0f28c91e6c5a55"
                                "dfc45bb83a34266df0b19b7fb854f148";
    char expected[400];

    CU_ASSERT_EQUAL(mpsc_graph_request_build(&configuration, "98765", &token,
                                             &app_secret, 1700000000,
                                             &request),
                    MPS_OK);
    snprintf(expected, sizeof(expected),
             "https://graph.example/proxy/v25.0/1234567890123456/"
             "access_token?business_id=98765&appsecret_proof=%s"
             "&appsecret_time=1700000000",
             proof);
    CU_ASSERT_STRING_EQUAL(request.url.data, expected);
    CU_ASSERT_PTR_NULL(strstr(request.url.data, "PARTNER"));
    CU_ASSERT_PTR_NULL(strstr(request.url.data, "app-secret"));
}

static void
test_long_token(void)
{
    static char text[50000];

    memset(text, 'x', sizeof(text));
    CU_ASSERT_EQUAL(mpsc_secret_set(&token, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(mpsc_graph_request_build(&configuration, "1", &token,
                                             &app_secret, 1, &request),
                    MPS_OK);
    CU_ASSERT_EQUAL(request.authorization.len,
                    strlen(MPSC_GRAPH_BEARER) + sizeof(text));
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"without proof", test_without_proof},
        {"with proof", test_proof},
        {"a long token", test_long_token},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"graph_request", NULL, NULL, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
