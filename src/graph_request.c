/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "graph_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "digest.h"

/* "|" or "&appsecret_time=" and a 64-bit number. */
#define TIME_SIZE 48

static int
append_text(struct mpsc_secret *to, const char *text)
{
    return mpsc_secret_append(to, text, strlen(text));
}

static int
build_url(const struct mpsc_configuration *configuration,
          const char *business_id, struct mpsc_secret *url)
{
    const char *const parts[] = {configuration->base_url,
                                 "/",
                                 configuration->api_version,
                                 "/",
                                 configuration->solution_id,
                                 "/access_token?business_id=",
                                 business_id};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (append_text(url, parts[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
append_proof(const struct mpsc_secret *token,
             const struct mpsc_secret *app_secret, int64_t now,
             struct mpsc_secret *url)
{
    struct mpsc_secret message = MPSC_SECRET_EMPTY;
    char proof[MPSC_DIGEST_HEX_SIZE] = "";
    char time[TIME_SIZE];
    int result = -1;

    snprintf(time, sizeof(time), "|%" PRId64, now);
    if (mpsc_secret_set(&message, token->data, token->len) != 0 ||
        append_text(&message, time) != 0 ||
        mpsc_digest_hmac_sha256(app_secret->data, app_secret->len,
                                message.data, message.len, proof) != 0) {
        goto out;
    }
    snprintf(time, sizeof(time), "&appsecret_time=%" PRId64, now);
    if (append_text(url, "&appsecret_proof=") != 0 ||
        append_text(url, proof) != 0 || append_text(url, time) != 0) {
        goto out;
    }
    result = 0;
out:
    /* The proof acts as a password for five minutes. */
    explicit_bzero(proof, sizeof(proof));
    mpsc_secret_free(&message);
    return result;
}

int
mpsc_graph_request_build(const struct mpsc_configuration *configuration,
                         const char *business_id,
                         const struct mpsc_secret *token,
                         const struct mpsc_secret *app_secret, int64_t now,
                         struct mpsc_http_request *request)
{
    if (build_url(configuration, business_id, &request->url) != 0 ||
        (app_secret != NULL &&
         append_proof(token, app_secret, now, &request->url) != 0) ||
        append_text(&request->authorization, MPSC_GRAPH_BEARER) != 0 ||
        mpsc_secret_append(&request->authorization, token->data, token->len) !=
            0) {
        mpsc_secret_free(&request->url);
        mpsc_secret_free(&request->authorization);
        return MPS_E_NO_MEMORY;
    }
    request->ca_file = configuration->ca_file;
    request->proxy = configuration->proxy;
    request->connect_timeout_ms = configuration->connect_timeout_ms;
    return MPS_OK;
}
