/* SPDX-License-Identifier: MIT */
/*
 * graph_request: the request to Meta's Multi-Partner Solution endpoint. Pure.
 */
#ifndef MPSC_GRAPH_REQUEST_H
#define MPSC_GRAPH_REQUEST_H

#include <stdint.h>

#include "configuration.h"
#include "http.h"

/* What stands before the token in the authorization header line. */
#define MPSC_GRAPH_BEARER "Authorization: Bearer "

/*
 * Fills url, authorization, ca_file, proxy and connect_timeout_ms of
 * `request` (which is empty before; the strings of `configuration` are
 * borrowed):
 *
 *   {base_url}/{api_version}/{solution_id}/access_token?business_id=...
 *   Authorization: Bearer {token}
 *
 * app_secret NULL: no proof; else appsecret_proof (HMAC-SHA256 of
 * "token|now", Meta's newer form) and appsecret_time=now are added.
 * now: Unix seconds by the endpoint's clock as far as known.
 * Returns MPS_OK or MPS_E_NO_MEMORY.
 */
int mpsc_graph_request_build(const struct mpsc_configuration *configuration,
                             const char *business_id,
                             const struct mpsc_secret *token,
                             const struct mpsc_secret *app_secret, int64_t now,
                             struct mpsc_http_request *request);

#endif
