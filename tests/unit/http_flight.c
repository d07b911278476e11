/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "http_flight.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CALL_MS 10000

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
on_done(struct mpsc_http_call *call, void *arg)
{
    struct http_flight *flight = arg;

    CU_ASSERT_PTR_EQUAL(call, &flight->call);
    flight->done++;
}

void
http_flight_prepare(struct http_flight *flight, const char *base_url,
                    const char *ca_path, const char *business_id)
{
    static const char line[] = "Authorization: Bearer " HTTP_FLIGHT_PARTNER;
    char url[256];

    memset(flight, 0, sizeof(*flight));
    snprintf(url, sizeof(url),
             "%s/v25.0/1234567890123456/access_token?business_id=%s", base_url,
             business_id);
    CU_ASSERT_EQUAL(
        mpsc_secret_set(&flight->call.request.url, url, strlen(url)), 0);
    CU_ASSERT_EQUAL(mpsc_secret_set(&flight->call.request.authorization, line,
                                    strlen(line)),
                    0);
    flight->call.request.ca_file = ca_path;
    flight->call.request.connect_timeout_ms = CALL_MS;
    flight->call.done = on_done;
    flight->call.arg = flight;
}

void
http_flight_wait(struct mpsc_http *http, struct http_flight *flight)
{
    int64_t until_ms = now_ms() + 2 * CALL_MS;

    while (!flight->done && now_ms() < until_ms) {
        CU_ASSERT_EQUAL(mpsc_http_curl.poll(http, NULL, 0, 1000), 0);
    }
    CU_ASSERT_EQUAL(flight->done, 1);
    CU_ASSERT_PTR_NULL(flight->call.handle);
}
