/* SPDX-License-Identifier: MIT */
/*
 * http_flight: a call of the real HTTP port, with what a test needs to wait
 * for it.
 */
#ifndef TEST_HTTP_FLIGHT_H
#define TEST_HTTP_FLIGHT_H

#include "http.h"

#define HTTP_FLIGHT_PARTNER "EAApartner"

struct http_flight {
    struct mpsc_http_call call;
    int done; /* how often done() ran */
};

/* Asks for that business's token. The caller clears the call. */
void http_flight_prepare(struct http_flight *flight, const char *base_url,
                         const char *ca_path, const char *business_id);

/* Polls until it is done, 20 s at most. */
void http_flight_wait(struct mpsc_http *http, struct http_flight *flight);

#endif
