/* SPDX-License-Identifier: MIT */
/*
 * graph_response: from an HTTP answer to a token or an error. Pure: no
 * socket, lock or clock.
 */
#ifndef MPSC_GRAPH_RESPONSE_H
#define MPSC_GRAPH_RESPONSE_H

#include <mps/credential.h>

#include "http.h"

/* What a good answer says. */
struct mpsc_graph_answer {
    struct mpsc_secret token;
    int64_t endpoint_expires_at; /* > 0; 0 = never expires; -1 = none given */
};

/*
 * Reads `response` (outcome MPSC_HTTP_ANSWERED).
 *
 * A 200 with a token in one of the two documented shapes: MPS_OK, and the
 * caller owns answer->token. Anything else: the code, with `error` full (its
 * message says what was wrong with the answer, or gives Meta's message;
 * retry_at from Retry-After and the usage headers, counted from `now`, Unix
 * seconds). Where the answer tells no time, retry_at is 0.
 *
 * A token that is past its expires_at by `now` is MPS_E_PROTOCOL. `now` is
 * the local wall clock; the response's Date, where it has one, is preferred.
 */
int mpsc_graph_response_read(const struct mpsc_http_response *response,
                             int64_t now, struct mpsc_graph_answer *answer,
                             struct mps_error *error);

/*
 * The same with the response of a call whose authorization was built by
 * mpsc_graph_request_build(): the partner's token isn't in the error's texts,
 * whatever it looks like. It is taken out of the body.
 */
int mpsc_graph_response_read_for(struct mpsc_http_call *call, int64_t now,
                                 struct mpsc_graph_answer *answer,
                                 struct mps_error *error);

/*
 * How much of the app's rate limit is used up, per cent: the greatest number
 * in X-App-Usage, which can pass 100. -1 where there is no such header, or it
 * is no JSON object with a number from 0.
 */
int mpsc_graph_response_usage(const struct mpsc_http_response *response);

#endif
