/* SPDX-License-Identifier: MIT */
/*
 * audit: who got which token when, one line an event to the security log
 * (LOG_AUTHPRIV), whatever `log` says and wherever the host's log goes.
 *
 * logfmt: event=... program=... profile=... business=... source=... code=...
 * http=... fbtrace=... token_id=... expires=...; "-" stands for nothing.
 */
#ifndef MPSC_AUDIT_H
#define MPSC_AUDIT_H

#include "configuration.h"
#include "log.h"

struct mpsc_audit_event {
    enum mpsc_audit level; /* MPSC_AUDIT_USE: only with `audit = use` */
    const char *event;     /* "fetch", "use", "invalidate" */
    const char *business;
    const char *source;   /* NULL = none, here and below */
    const char *token_id; /* at least 12 digits, of which 12 are written */
    int64_t expires;      /* 0 = none */
    const struct mps_error *error; /* NULL = success */
    int http_status;
};

/* Writes the event of that profile, where its `audit` asks for it. */
void mpsc_audit(struct mpsc_log *log,
                const struct mpsc_configuration *configuration,
                const struct mpsc_audit_event *event);

/* The `source` of an MPS_SOURCE_. */
const char *mpsc_audit_source(int source);

#endif
