/* SPDX-License-Identifier: MIT */
/*
 * graph_error: from Meta's error object and the HTTP status to a code. Pure.
 */
#ifndef MPSC_GRAPH_ERROR_H
#define MPSC_GRAPH_ERROR_H

#include <json-c/json_types.h>
#include <mps/credential.h>

#include "http.h"

/* The members of an error object that decide, as far as they are there. */
struct mpsc_graph_facts {
    int http_status;
    int has_object; /* a valid Graph error object came */
    int has_code;   /* it had an integer code: an absent one is not code 0 */
    int code;
    int subcode; /* 0 = none */
    int is_transient;
};

/*
 * The MPS_E_ code. The Graph code decides first, in the order rate limit,
 * auth, permission, not found, server, bad request; then the HTTP status.
 * Never MPS_OK.
 */
int mpsc_graph_error_code(const struct mpsc_graph_facts *facts);

/*
 * Fills `error` from the value of the body's member "error" (NULL = there is
 * none, or the body is no JSON) and the response's status and headers.
 * retry_at: now + Retry-After (seconds or a date), else now + the greatest
 * estimated_time_to_regain_access (minutes), else 0; only for
 * MPS_E_RATE_LIMITED and MPS_E_SERVER. Returns the code.
 */
int mpsc_graph_error_fill(struct json_object *object,
                          const struct mpsc_http_response *response,
                          int64_t now, struct mps_error *error);

#endif
