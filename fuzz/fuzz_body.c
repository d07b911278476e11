/* SPDX-License-Identifier: MIT */
/*
 * The body of an answer: a line with the HTTP status, and what follows is the
 * body. A token that is taken obeys the rules, and an answer that is made of
 * it gives the same; whatever else comes is an error fit for a log.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "graph_response.h"
#include "secret_json.h"
#include "target.h"
#include "utc.h"

static void
must_be_answer(const struct mpsc_graph_answer *answer)
{
    MUST(answer->token.data != NULL);
    MUST(mpsc_record_token_ok(answer->token.data, answer->token.len));
    MUST(strlen(answer->token.data) == answer->token.len);
    MUST(answer->endpoint_expires_at == -1 ||
         answer->endpoint_expires_at == 0 ||
         (answer->endpoint_expires_at > FUZZ_NOW &&
          answer->endpoint_expires_at <= MPSC_UTC_MAX));
}

/* The answer in the shorter of the two shapes. */
static void
write_body(const struct mpsc_graph_answer *answer, struct mpsc_secret *body)
{
    static const char head[] = "{\"access_token\":\"";
    char tail[64] = "\"}";

    if (answer->endpoint_expires_at >= 0) {
        snprintf(tail, sizeof(tail), "\",\"expires_at\":%lld}",
                 (long long)answer->endpoint_expires_at);
    }
    MUST(mpsc_secret_append(body, head, sizeof(head) - 1) == 0);
    for (size_t i = 0; i < answer->token.len; i++) {
        const char *c = answer->token.data + i;

        if (*c == '"' || *c == '\\') {
            MUST(mpsc_secret_append(body, "\\", 1) == 0);
        }
        MUST(mpsc_secret_append(body, c, 1) == 0);
    }
    MUST(mpsc_secret_append(body, tail, strlen(tail)) == 0);
}

static void
must_survive(const struct mpsc_graph_answer *answer)
{
    struct mpsc_http_response *response = calloc(1, sizeof(*response));
    struct mpsc_graph_answer again;
    struct mps_error error;

    MUST(response != NULL);
    response->status = 200;
    write_body(answer, &response->body);
    MUST(mpsc_graph_response_read(response, FUZZ_NOW, &again, &error) ==
         MPS_OK);
    MUST(again.token.len == answer->token.len);
    MUST(strcmp(again.token.data, answer->token.data) == 0);
    MUST(again.endpoint_expires_at == answer->endpoint_expires_at);
    mpsc_secret_free(&again.token);
    mpsc_secret_free(&response->body);
    free(response);
}

static void
must_be_failure(const struct mpsc_http_response *response, int code,
                const struct mpsc_graph_answer *answer,
                const struct mps_error *error)
{
    fuzz_must_be_error(error, code);
    MUST(answer->token.data == NULL);
    MUST(error->http_status == response->status);
    switch (code) {
    case MPS_E_BAD_REQUEST:
    case MPS_E_AUTH:
    case MPS_E_FORBIDDEN:
    case MPS_E_NOT_FOUND:
    case MPS_E_UNPROCESSABLE:
    case MPS_E_RATE_LIMITED:
    case MPS_E_SERVER:
    case MPS_E_PROTOCOL:
        break;
    default:
        fuzz_broken("a code that the endpoint can cause", __FILE__, __LINE__);
    }
    /* A proxy's word must not suspend a customer. */
    if (response->body.len == 0) {
        MUST((mpsc_error_class(code) & MPS_CLASS_BUSINESS) == 0);
    }
    MUST(error->retry_at == 0);
}

/* The status in the first line; 200 where it has none. */
static int
read_status(const uint8_t **data, size_t *size)
{
    int status = 0;

    while (*size > 0 && **data >= '0' && **data <= '9' && status < 100) {
        status = status * 10 + (**data - '0');
        ++*data;
        --*size;
    }
    if (*size > 0 && **data == '\n') {
        ++*data;
        --*size;
    }
    return status > 0 ? status : 200;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mpsc_http_response *response = calloc(1, sizeof(*response));
    struct mpsc_graph_answer answer;
    struct mps_error error;
    int code;

    MUST(response != NULL);
    mpsc_error_clear(&error);
    response->status = read_status(&data, &size);
    if (size > 0) {
        MUST(mpsc_secret_set(&response->body, data, size) == 0);
    }
    code = mpsc_graph_response_read(response, FUZZ_NOW, &answer, &error);
    if (code == MPS_OK) {
        MUST(response->status == 200);
        must_be_answer(&answer);
        must_survive(&answer);
        mpsc_secret_free(&answer.token);
    } else {
        must_be_failure(response, code, &answer, &error);
    }
    mpsc_secret_free(&response->body);
    free(response);
    return 0;
}
