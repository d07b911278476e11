/* SPDX-License-Identifier: MIT */
/* An answer: status, headers, body, and how it goes over the wire. */

#ifndef EMU_ANSWER_H
#define EMU_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults.h"
#include "graph_error.h"
#include "settings.h"

#define EMU_HEADERS 16

struct emu_header {
    const char *name; /* static */
    char *value;      /* owned */
};

/* All zero is a valid, empty answer. */
struct emu_answer {
    unsigned status;
    struct emu_header headers[EMU_HEADERS];
    size_t header_count;
    char *body; /* owned */
    size_t size;
    enum emu_fault fault;
    int64_t parameter; /* the fault's number */
    int64_t drip_ms;
    int64_t latency_ms; /* to wait before the answer begins */
};

/* The token of an answer. */
struct emu_grant {
    const char *token; /* borrowed */
    enum emu_shape shape;
    int64_t expires_at;     /* Unix seconds */
    const char *expires_as; /* what stands in its place; NULL: the number */
};

/* Sets a header, in the place of one of the same name if there is one.
 * Returns 0, or -1 without memory or room. */
int emu_answer_header(struct emu_answer *answer, const char *name,
                      const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets the headers that each answer of the Graph API has: the type, the
 * version, the traces, the date (Unix seconds, in UTC).  Returns 0 or -1. */
int emu_answer_graph_headers(struct emu_answer *answer, const char *version,
                             int64_t date);

/* Sets the Date header (Unix seconds, shown in UTC).  Returns 0 or -1. */
int emu_answer_date(struct emu_answer *answer, int64_t date);

/* Makes body (malloc'ed, owned by answer from now on) of size bytes the body;
 * NULL makes it fail with -1, else 0. */
int emu_answer_body(struct emu_answer *answer, char *body, size_t size);

/* Makes it the error, its message followed by detail (NULL: nothing), with
 * the error's status and the headers it needs.  Returns 0, or -1. */
int emu_answer_error(struct emu_answer *answer,
                     const struct emu_graph_error *error, const char *detail);

/* Makes it a 200 with the grant in its shape.  Returns 0, or -1. */
int emu_answer_token(struct emu_answer *answer, const struct emu_grant *grant);

/* Frees what the answer holds, the body wiped, and leaves it empty. */
void emu_answer_clear(struct emu_answer *answer);

#endif
