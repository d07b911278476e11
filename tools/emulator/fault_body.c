/* SPDX-License-Identifier: MIT */
/* Faults that lie in what an answer says. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "fault_body.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "token.h"

#define GARBAGE_SIZE 512
#define DEPTH 10000
#define OVERSIZED ((size_t)(1 << 20) + 4096)

static int print_body(struct emu_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int
print_body(struct emu_answer *answer, const char *format, ...)
{
    char *body = NULL;
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vasprintf(&body, format, arguments);
    va_end(arguments);
    return n < 0 ? -1 : emu_answer_body(answer, body, (size_t)n);
}

static int
rate_limited(struct emu_answer *answer,
             const struct emu_fault_context *context)
{
    (void)context;
    return emu_answer_error(answer, emu_graph_error_of_status(429), NULL);
}

static int
bad_utf8(struct emu_answer *answer, const struct emu_fault_context *context)
{
    /* A lone continuation byte, and a lead byte that nothing follows. */
    if (answer->status == 200) {
        return print_body(answer,
                          "{\"access_token\":\"%s\x80\xc3\","
                          "\"expires_at\":%lld}",
                          context->grant->token,
                          (long long)context->grant->expires_at);
    }
    return print_body(answer,
                      "{\"error\":{\"message\":\"Not UTF-8: \x80\xc3\","
                      "\"type\":\"OAuthException\",\"code\":1}}");
}

static int
with_token(struct emu_answer *answer, const struct emu_fault_context *context,
           const char *token)
{
    struct emu_grant grant = *context->grant;

    grant.token = token;
    return emu_answer_token(answer, &grant);
}

static int
control_token(struct emu_answer *answer,
              const struct emu_fault_context *context)
{
    return with_token(answer, context, "EAAcontrol\x01 space\r\nX: \xc3\xa9");
}

static int
empty_token(struct emu_answer *answer, const struct emu_fault_context *context)
{
    return with_token(answer, context, "");
}

static int
date_skew(struct emu_answer *answer, const struct emu_fault_context *context)
{
    return emu_answer_date(answer, context->now + answer->parameter);
}

static int
deep(struct emu_answer *answer, const struct emu_fault_context *context)
{
    char *open = malloc(DEPTH + 1);
    char *close = malloc(DEPTH + 1);
    int result = -1;

    if (open && close) {
        memset(open, '[', DEPTH);
        memset(close, ']', DEPTH);
        open[DEPTH] = close[DEPTH] = '\0';
        result = print_body(answer,
                            "{\"deep\":%s%s,\"access_token\":\"%s\","
                            "\"expires_at\":%lld}",
                            open, close, context->grant->token,
                            (long long)context->grant->expires_at);
    }
    free(open);
    free(close);
    answer->status = 200;
    return result;
}

static int
duplicate_keys(struct emu_answer *answer,
               const struct emu_fault_context *context)
{
    const char *token = context->grant->token;
    long long expires = (long long)context->grant->expires_at;

    answer->status = 200;
    return print_body(answer,
                      "{\"access_token\":\"%s\",\"expires_at\":%lld,"
                      "\"access_token\":\"%s2\",\"expires_at\":%lld}",
                      token, expires, token, expires + 1);
}

static int
empty(struct emu_answer *answer, const struct emu_fault_context *context)
{
    (void)context;
    answer->status = 200;
    return print_body(answer, "%s", "");
}

static int
error_in_200(struct emu_answer *answer,
             const struct emu_fault_context *context)
{
    (void)context;
    if (answer->status == 200 &&
        emu_answer_error(answer, emu_graph_error_of_status(400), NULL)) {
        return -1;
    }
    answer->status = 200;
    return 0;
}

static int
error_string(struct emu_answer *answer,
             const struct emu_fault_context *context)
{
    (void)context;
    if (answer->status == 200) {
        answer->status = 400;
    }
    return print_body(answer, "{\"error\":\"something went wrong\"}");
}

static int
garbage(struct emu_answer *answer, const struct emu_fault_context *context)
{
    char *bytes = malloc(GARBAGE_SIZE);

    (void)context;
    if (!bytes || emu_random(bytes, GARBAGE_SIZE)) {
        free(bytes);
        return -1;
    }
    answer->status = 200;
    return emu_answer_body(answer, bytes, GARBAGE_SIZE);
}

static int
html(struct emu_answer *answer, const struct emu_fault_context *context)
{
    (void)context;
    answer->status = 502;
    if (emu_answer_header(answer, "Content-Type", "text/html")) {
        return -1;
    }
    return print_body(answer, "<html>\r\n<head><title>502 Bad Gateway</title>"
                              "</head>\r\n<body>\r\n<center><h1>502 Bad "
                              "Gateway</h1></center>\r\n<hr><center>proxy"
                              "</center>\r\n</body>\r\n</html>\r\n");
}

static int
no_token(struct emu_answer *answer, const struct emu_fault_context *context)
{
    answer->status = 200;
    return print_body(answer, "{\"expires_at\":%lld}",
                      (long long)context->grant->expires_at);
}

/* Valid JSON whose padding makes it too large to accept. */
static int
oversized(struct emu_answer *answer, const struct emu_fault_context *context)
{
    char *padding = malloc(OVERSIZED + 1);
    int result;

    if (!padding) {
        return -1;
    }
    memset(padding, 'x', OVERSIZED);
    padding[OVERSIZED] = '\0';
    answer->status = 200;
    result = print_body(answer,
                        "{\"access_token\":\"%s\",\"expires_at\":%lld,"
                        "\"padding\":\"%s\"}",
                        context->grant->token,
                        (long long)context->grant->expires_at, padding);
    free(padding);
    return result;
}

static int
redirect(struct emu_answer *answer, const struct emu_fault_context *context)
{
    answer->status = 302;
    if (emu_answer_header(answer, "Location", "%s%s?business_id=%s",
                          context->path, EMU_REDIRECTED,
                          context->business_id)) {
        return -1;
    }
    return print_body(answer, "%s", "");
}

static int
trailing(struct emu_answer *answer, const struct emu_fault_context *context)
{
    char *body = malloc(answer->size + 32);
    int n;

    (void)context;
    if (!body) {
        return -1;
    }
    memcpy(body, answer->body, answer->size);
    n = snprintf(body + answer->size, 32, "}trailing garbage");
    return emu_answer_body(answer, body, answer->size + (size_t)n);
}

static int
two_entries(struct emu_answer *answer, const struct emu_fault_context *context)
{
    const char *token = context->grant->token;

    answer->status = 200;
    return print_body(answer,
                      "{\"data\":[{\"access_token\":\"%s\"},"
                      "{\"access_token\":\"%s2\"}]}",
                      token, token);
}

typedef int body_fn(struct emu_answer *answer,
                    const struct emu_fault_context *context);

static body_fn *const bodies[EMU_FAULTS] = {
    [EMU_FAULT_429] = rate_limited,
    [EMU_FAULT_BAD_UTF8] = bad_utf8,
    [EMU_FAULT_CONTROL_TOKEN] = control_token,
    [EMU_FAULT_DATE_SKEW] = date_skew,
    [EMU_FAULT_DEEP] = deep,
    [EMU_FAULT_DUPLICATE_KEYS] = duplicate_keys,
    [EMU_FAULT_EMPTY] = empty,
    [EMU_FAULT_EMPTY_TOKEN] = empty_token,
    [EMU_FAULT_ENDLESS] = empty,
    [EMU_FAULT_ERROR_IN_200] = error_in_200,
    [EMU_FAULT_ERROR_STRING] = error_string,
    [EMU_FAULT_GARBAGE] = garbage,
    [EMU_FAULT_HTML] = html,
    [EMU_FAULT_NO_TOKEN] = no_token,
    [EMU_FAULT_OVERSIZED] = oversized,
    [EMU_FAULT_REDIRECT] = redirect,
    [EMU_FAULT_TRAILING] = trailing,
    [EMU_FAULT_TWO_ENTRIES] = two_entries,
};

int
emu_fault_body(struct emu_answer *answer,
               const struct emu_fault_context *context)
{
    body_fn *body = bodies[answer->fault];

    return body ? body(answer, context) : 0;
}
