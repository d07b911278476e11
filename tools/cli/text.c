/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "text.h"

#include <inttypes.h>
#include <mps/credential.h>
#include <stdio.h>
#include <time.h>

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* The ABI has texts for codes, no names: a host compares numbers. */
static const char *const code_names[] = {
    [MPS_OK] = "MPS_OK",
    [MPS_E_INVALID] = "MPS_E_INVALID",
    [MPS_E_CONFIG] = "MPS_E_CONFIG",
    [MPS_E_BAD_REQUEST] = "MPS_E_BAD_REQUEST",
    [MPS_E_AUTH] = "MPS_E_AUTH",
    [MPS_E_FORBIDDEN] = "MPS_E_FORBIDDEN",
    [MPS_E_NOT_FOUND] = "MPS_E_NOT_FOUND",
    [MPS_E_UNPROCESSABLE] = "MPS_E_UNPROCESSABLE",
    [MPS_E_RATE_LIMITED] = "MPS_E_RATE_LIMITED",
    [MPS_E_SERVER] = "MPS_E_SERVER",
    [MPS_E_NETWORK] = "MPS_E_NETWORK",
    [MPS_E_TLS] = "MPS_E_TLS",
    [MPS_E_TIMEOUT] = "MPS_E_TIMEOUT",
    [MPS_E_PROTOCOL] = "MPS_E_PROTOCOL",
    [MPS_E_KEYRING] = "MPS_E_KEYRING",
    [MPS_E_NO_MEMORY] = "MPS_E_NO_MEMORY",
    [MPS_E_AGAIN] = "MPS_E_AGAIN",
    [MPS_E_INTERNAL] = "MPS_E_INTERNAL",
};

const char *
cli_text_code(int code)
{
    if (code < 0 ||
        (size_t)code >= sizeof(code_names) / sizeof(code_names[0])) {
        return "unknown code";
    }
    return code_names[code];
}

const char *
cli_text_source(int source)
{
    switch (source) {
    case MPS_SOURCE_ENDPOINT:
        return "endpoint";
    case MPS_SOURCE_KEYRING:
        return "keyring";
    case MPS_SOURCE_FILE:
        return "file";
    default:
        return "unknown";
    }
}

const char *
cli_text_take_class(unsigned *classes)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {
        {MPS_CLASS_RETRY, "retry"},
        {MPS_CLASS_ALERT, "alert"},
        {MPS_CLASS_BUSINESS, "business"},
        {MPS_CLASS_CALLER, "caller"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((*classes & names[i].bit) != 0) {
            *classes &= ~names[i].bit;
            return names[i].name;
        }
    }
    return NULL;
}

/* Never less than two of a larger unit, so that little is rounded away and
 * only a second needs its singular. */
void
cli_text_length(char *to, size_t size, int64_t seconds)
{
    int64_t count = seconds;
    const char *unit = seconds == 1 ? "second" : "seconds";

    if (seconds >= 2 * DAY) {
        count = seconds / DAY;
        unit = "days";
    } else if (seconds >= 2 * HOUR) {
        count = seconds / HOUR;
        unit = "hours";
    } else if (seconds >= 2 * MINUTE) {
        count = seconds / MINUTE;
        unit = "minutes";
    }
    snprintf(to, size, "%" PRId64 " %s", count, unit);
}

void
cli_text_distance(char *to, size_t size, int64_t seconds)
{
    char length[32];

    if (seconds == 0) {
        snprintf(to, size, "now");
        return;
    }
    cli_text_length(length, sizeof(length), seconds < 0 ? -seconds : seconds);
    snprintf(to, size, "%s%s%s", seconds > 0 ? "in " : "", length,
             seconds > 0 ? "" : " ago");
}

void
cli_text_when(char *to, size_t size, int64_t when, int64_t now)
{
    const time_t seconds = (time_t)when;
    char distance[48];
    char local[40];
    struct tm parts;

    /* What no calendar holds is shown as the number that it is. */
    if ((int64_t)seconds != when || localtime_r(&seconds, &parts) == NULL ||
        strftime(local, sizeof(local), "%Y-%m-%d %H:%M:%S %z", &parts) == 0) {
        snprintf(to, size, "@%" PRId64, when);
        return;
    }
    cli_text_distance(distance, sizeof(distance), when - now);
    snprintf(to, size, "%s (%s)", local, distance);
}
