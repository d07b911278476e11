/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

/* Later versions append members; no caller has less than this. */
#define FIRST_SIZE                                                            \
    (offsetof(struct mps_error, user_message) +                               \
     sizeof(((struct mps_error *)0)->user_message))

/* More than any version will have: a size beyond is uninitialised memory. */
#define LARGEST_SIZE 65536

struct code {
    const char *name;
    const char *text;
    unsigned class;
};

#define RETRY MPS_CLASS_RETRY
#define ALERT MPS_CLASS_ALERT
#define BUSINESS MPS_CLASS_BUSINESS
#define CALLER MPS_CLASS_CALLER

/* Indexed by code. */
static const struct code codes[] = {
    [MPS_OK] = {"MPS_OK", "success", 0},
    [MPS_E_INVALID] = {"MPS_E_INVALID", "invalid argument", CALLER},
    [MPS_E_CONFIG] = {"MPS_E_CONFIG", "configuration missing or wrong",
                      RETRY | ALERT},
    [MPS_E_BAD_REQUEST] = {"MPS_E_BAD_REQUEST",
                           "the endpoint refused the request as invalid",
                           CALLER},
    [MPS_E_AUTH] = {"MPS_E_AUTH",
                    "the partner's token is missing, expired or revoked",
                    RETRY | ALERT},
    [MPS_E_FORBIDDEN] = {"MPS_E_FORBIDDEN",
                         "no permission for this solution or business",
                         BUSINESS | ALERT},
    [MPS_E_NOT_FOUND] = {"MPS_E_NOT_FOUND", "no such solution or business",
                         BUSINESS | ALERT},
    [MPS_E_UNPROCESSABLE] = {"MPS_E_UNPROCESSABLE",
                             "the business shares nothing with the solution",
                             BUSINESS},
    [MPS_E_RATE_LIMITED] = {"MPS_E_RATE_LIMITED", "rate limit reached", RETRY},
    [MPS_E_SERVER] = {"MPS_E_SERVER", "the endpoint failed", RETRY},
    [MPS_E_NETWORK] = {"MPS_E_NETWORK", "the endpoint can't be reached",
                       RETRY},
    [MPS_E_TLS] = {"MPS_E_TLS", "no trusted TLS connection to the endpoint",
                   RETRY | ALERT},
    [MPS_E_TIMEOUT] = {"MPS_E_TIMEOUT", "the deadline passed", RETRY},
    [MPS_E_PROTOCOL] = {"MPS_E_PROTOCOL",
                        "the endpoint's answer makes no sense", RETRY | ALERT},
    [MPS_E_KEYRING] = {"MPS_E_KEYRING",
                       "the keyring is required and can't be used",
                       RETRY | ALERT},
    [MPS_E_NO_MEMORY] = {"MPS_E_NO_MEMORY", "out of memory", RETRY},
    [MPS_E_AGAIN] = {"MPS_E_AGAIN",
                     "nothing at hand yet, a fetch is under "
                     "way",
                     RETRY},
    [MPS_E_INTERNAL] = {"MPS_E_INTERNAL", "internal error of the module",
                        ALERT},
};

/* NULL for a code that is none. */
static const struct code *
find(int code)
{
    if (code < 0 || (size_t)code >= sizeof(codes) / sizeof(codes[0])) {
        return NULL;
    }
    return &codes[code];
}

const char *
mpsc_error_string(int code)
{
    const struct code *found = find(code);

    return found != NULL ? found->text : "unknown code";
}

unsigned
mpsc_error_class(int code)
{
    const struct code *found = find(code);

    return found != NULL ? found->class : ALERT;
}

/* From the best to the worst: first what concerns one business, then what
 * passes, then what only an administrator can mend for all of them. */
static const int by_severity[] = {
    MPS_OK,          MPS_E_AGAIN,       MPS_E_UNPROCESSABLE, MPS_E_NOT_FOUND,
    MPS_E_FORBIDDEN, MPS_E_BAD_REQUEST, MPS_E_INVALID,       MPS_E_TIMEOUT,
    MPS_E_SERVER,    MPS_E_NETWORK,     MPS_E_RATE_LIMITED,  MPS_E_NO_MEMORY,
    MPS_E_PROTOCOL,  MPS_E_KEYRING,     MPS_E_TLS,           MPS_E_AUTH,
    MPS_E_CONFIG,    MPS_E_INTERNAL,
};

unsigned
mpsc_error_severity(int code)
{
    unsigned count = sizeof(by_severity) / sizeof(by_severity[0]);

    for (unsigned i = 0; i < count; i++) {
        if (by_severity[i] == code) {
            return i;
        }
    }
    return count;
}

const char *
mpsc_error_name(int code)
{
    const struct code *found = find(code);

    return found != NULL ? found->name : "unknown";
}

void
mpsc_error_clear(struct mps_error *error)
{
    memset(error, 0, sizeof(*error));
    error->size = sizeof(*error);
}

static void __attribute__((format(printf, 2, 0)))
format_message(struct mps_error *error, const char *format, va_list args)
{
    /* Longer than the message, so that the cut is made with care below. */
    char text[sizeof(error->message) + 4];

    vsnprintf(text, sizeof(text), format, args);
    mpsc_utf8_copy(error->message, sizeof(error->message), text);
}

int
mpsc_error_set(struct mps_error *error, int code, const char *format, ...)
{
    va_list args;

    mpsc_error_clear(error);
    error->code = code;
    va_start(args, format);
    format_message(error, format, args);
    va_end(args);
    return code;
}

void
mpsc_error_message(struct mps_error *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    format_message(error, format, args);
    va_end(args);
}

size_t
mpsc_error_subject(struct mps_error *error, const char *business_id,
                   const char *base_url)
{
    char subject[sizeof(error->message)];
    char what[sizeof(error->message)];

    memcpy(what, error->message, sizeof(what));
    mpsc_error_message(error, "business %s at %s: ", business_id, base_url);
    memcpy(subject, error->message, sizeof(subject));
    mpsc_error_message(error, "%s%s", subject, what);
    return strlen(subject);
}

int
mpsc_error_size_ok(size_t size)
{
    return size >= FIRST_SIZE && size <= LARGEST_SIZE;
}

void
mpsc_error_export(struct mps_error *to, const struct mps_error *from)
{
    size_t size = to->size;
    size_t known = size < sizeof(*from) ? size : sizeof(*from);

    memset(to, 0, size);
    memcpy(to, from, known);
    to->size = size;
}
