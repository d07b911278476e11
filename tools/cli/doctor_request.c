/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "doctor_request.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "src/error.h"
#include "src/graph_request.h"
#include "src/graph_response.h"

/* Well-formed, and nobody's. */
#define NOBODY "0"

/* libcurl keeps connect_timeout_ms by itself; what is later is an answer. */
#define SLACK_MS 1000

static void
call_done(struct mpsc_http_call *call, void *arg)
{
    int *is_done = arg;

    (void)call;
    *is_done = 1;
}

/* As fetch.c does it. MPS_OK, or a code with *error. */
static int
build(const struct cli_doctor *doctor, struct mpsc_http_call *call,
      struct mps_error *error)
{
    const struct mpsc_configuration *options = doctor->profile->configuration;
    const struct mpsc_fetch_prepared *prepared =
        atomic_load(&doctor->profile->prepared);
    struct mpsc_partner partner = MPSC_PARTNER_EMPTY;
    int code = mpsc_partner_read(
        options, doctor->profile->environment.credentials,
        prepared != NULL ? &prepared->partner : NULL, &partner, error);

    if (code == MPS_OK &&
        mpsc_graph_request_build(
            options, doctor->business != NULL ? doctor->business : NOBODY,
            &partner.token,
            partner.app_secret.len > 0 ? &partner.app_secret : NULL,
            (int64_t)time(NULL), &call->request) != MPS_OK) {
        code = mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    mpsc_partner_free(&partner);
    if (prepared != NULL) {
        call->request.ca_blob = &prepared->ca;
    }
    if (call->request.connect_timeout_ms > options->deadline_ms) {
        call->request.connect_timeout_ms = options->deadline_ms;
    }
    return code;
}

/* Sends it and waits. What there is to know is in the response. */
static void
fly(const struct cli_doctor *doctor, struct mpsc_http *http,
    struct mpsc_http_call *call)
{
    const struct mpsc_configuration *options = doctor->profile->configuration;
    int is_done = 0;
    struct mpsc_time now;
    int64_t end_ms;

    call->done = call_done;
    /* Done or cancelled before this returns. */
    /* cppcheck-suppress autoVariables */
    call->arg = &is_done;
    if (mpsc_http_curl.start(http, call) != 0) {
        return;
    }
    mpsc_clock_system(&now);
    end_ms = now.mono_ms + options->deadline_ms + SLACK_MS;
    while (!is_done && now.mono_ms < end_ms &&
           mpsc_http_curl.poll(http, NULL, 0, (int)(end_ms - now.mono_ms)) ==
               0) {
        mpsc_clock_system(&now);
    }
    if (!is_done) {
        mpsc_http_curl.cancel(http, call);
        call->response.outcome = MPSC_HTTP_NETWORK;
        call->response.step = MPSC_HTTP_SECURED;
        snprintf(call->response.detail, sizeof(call->response.detail),
                 "no answer came within %u ms", options->deadline_ms);
    }
}

static enum cli_doctor_id
blame(const struct mpsc_http_response *response, int has_proxy)
{
    switch (response->outcome) {
    case MPSC_HTTP_TLS:
    case MPSC_HTTP_CA_FILE:
        return CLI_DOCTOR_TLS;
    case MPSC_HTTP_ANSWERED:
    case MPSC_HTTP_NOT_HTTP:
    case MPSC_HTTP_TOO_LARGE:
        return CLI_DOCTOR_ANSWER;
    case MPSC_HTTP_NETWORK:
    case MPSC_HTTP_NO_MEMORY:
    case MPSC_HTTP_INTERNAL:
        break;
    }
    switch (response->step) {
    case MPSC_HTTP_BEGUN:
        return CLI_DOCTOR_NAME;
    case MPSC_HTTP_RESOLVED:
        return CLI_DOCTOR_CONNECTION;
    case MPSC_HTTP_CONNECTED:
        return has_proxy ? CLI_DOCTOR_PROXY : CLI_DOCTOR_TLS;
    case MPSC_HTTP_TUNNELLED:
        return CLI_DOCTOR_TLS;
    case MPSC_HTTP_SECURED:
        break;
    }
    return CLI_DOCTOR_ANSWER;
}

/* The token, where one came, is wiped unseen. */
static void
read_answer(struct cli_doctor_endpoint *endpoint, struct mpsc_http_call *call)
{
    struct mpsc_graph_answer answer = {MPSC_SECRET_EMPTY, 0};

    if (mpsc_graph_response_read_for(call, endpoint->after, &answer,
                                     &endpoint->error) == MPS_OK) {
        mpsc_error_clear(&endpoint->error);
    }
    mpsc_secret_free(&answer.token);
}

const struct cli_doctor_endpoint *
cli_doctor_ask(struct cli_doctor *doctor)
{
    struct cli_doctor_endpoint *endpoint = &doctor->endpoint;
    struct mpsc_http_call call;
    struct mpsc_http *http = NULL;

    if (endpoint->is_asked) {
        return endpoint;
    }
    memset(&call, 0, sizeof(call));
    endpoint->is_asked = 1;
    endpoint->before = (int64_t)time(NULL);
    call.response.outcome = MPSC_HTTP_NO_MEMORY;
    if (build(doctor, &call, &endpoint->error) == MPS_OK &&
        (http = mpsc_http_curl.open()) != NULL) {
        fly(doctor, http, &call);
    }
    endpoint->after = (int64_t)time(NULL);
    endpoint->outcome = call.response.outcome;
    endpoint->blamed =
        blame(&call.response, doctor->profile->configuration->proxy != NULL);
    endpoint->date = call.response.date;
    memcpy(endpoint->detail, call.response.detail, sizeof(endpoint->detail));
    if (endpoint->outcome == MPSC_HTTP_NO_MEMORY) {
        snprintf(endpoint->detail, sizeof(endpoint->detail), "out of memory");
    }
    if (endpoint->outcome == MPSC_HTTP_ANSWERED) {
        read_answer(endpoint, &call);
    }
    mpsc_http_call_clear(&call);
    mpsc_http_curl.close(&http);
    return endpoint;
}
