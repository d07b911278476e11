/* SPDX-License-Identifier: MIT */
/* The errors of the Graph API, as its specification documents them. */

#ifndef EMU_GRAPH_ERROR_H
#define EMU_GRAPH_ERROR_H

#include <stdbool.h>

#include "request.h"

struct emu_graph_error {
    unsigned status;
    const char *message;
    const char *type;
    int code;
    int subcode; /* 0: none is sent */
    bool transient;
    const char *user_title; /* NULL: none is sent */
    const char *user_msg;
};

/* The documented error of an HTTP status; an undocumented status has one of
 * code 1.  Static. */
const struct emu_graph_error *emu_graph_error_of_status(unsigned status);

/* The error that answers a request with that verdict; static.  Not for the
 * verdicts EMU_GOOD and EMU_FOLLOWED. */
const struct emu_graph_error *emu_graph_error_of(enum emu_verdict verdict);

/* The body {"error":{...}}, in the specification's order, its message followed
 * by detail (NULL: nothing).  The caller frees it; NULL without memory. */
char *emu_graph_error_body(const struct emu_graph_error *error,
                           const char *detail);

#endif
