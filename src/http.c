/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "http.h"

#include <string.h>

void
mpsc_http_call_clear(struct mpsc_http_call *call)
{
    mpsc_secret_free(&call->request.url);
    mpsc_secret_free(&call->request.authorization);
    mpsc_secret_free(&call->response.body);
    memset(call, 0, sizeof(*call));
}
