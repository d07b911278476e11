/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "audit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "credential.h"
#include "error.h"

#define VALUE_SIZE 80

const char *
mpsc_audit_source(int source)
{
    switch (source) {
    case MPS_SOURCE_KEYRING:
        return "keyring";
    case MPS_SOURCE_FILE:
        return "file";
    default:
        return "endpoint";
    }
}

/* A value that can't be taken for more than one: the program's name is its
 * user's choice, and fbtrace_id the endpoint's. */
static const char *
clean(const char *value, char to[VALUE_SIZE])
{
    size_t len = 0;

    if (value == NULL || value[0] == '\0') {
        return "-";
    }
    for (; len < VALUE_SIZE - 1 && value[len] != '\0'; len++) {
        to[len] = value[len];
        if (to[len] <= ' ' || to[len] > '~' || to[len] == '"' ||
            to[len] == '=') {
            to[len] = '_';
        }
    }
    to[len] = '\0';
    return to;
}

void
mpsc_audit(struct mpsc_log *log,
           const struct mpsc_configuration *configuration,
           const struct mpsc_audit_event *event)
{
    enum mpsc_audit wanted = configuration->audit;
    const struct mps_error *error = event->error;
    char program[VALUE_SIZE];
    char name[VALUE_SIZE];
    char trace[VALUE_SIZE];

    if (wanted == MPSC_AUDIT_OFF ||
        (event->level == MPSC_AUDIT_USE && wanted != MPSC_AUDIT_USE)) {
        return;
    }
    mpsc_log_line(log, LOG_AUTHPRIV | LOG_INFO,
                  "event=%s program=%s profile=%s business=%s source=%s "
                  "code=%s http=%d fbtrace=%s token_id=%.*s expires=%" PRId64,
                  event->event, clean(program_invocation_short_name, program),
                  clean(configuration->profile, name), event->business,
                  event->source != NULL ? event->source : "-",
                  mpsc_error_name(error != NULL ? error->code : MPS_OK),
                  event->http_status,
                  clean(error != NULL ? error->fbtrace_id : NULL, trace),
                  MPSC_TOKEN_ID_DIGITS,
                  event->token_id != NULL ? event->token_id : "-",
                  event->expires);
}
