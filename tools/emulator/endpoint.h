/* SPDX-License-Identifier: MIT */
/* The emulated endpoint: its settings, its businesses, its answers. */

#ifndef EMU_ENDPOINT_H
#define EMU_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "answer.h"
#include "error.h"
#include "request.h"

/* All its functions may be called from any thread, but for new and free. */
struct emu_endpoint;

struct emu_pair {
    const char *key;
    const char *value;
};

/* A new endpoint with the default settings and no partner token; NULL without
 * memory.  Ends with emu_endpoint_free. */
struct emu_endpoint *emu_endpoint_new(void);

/* Frees it, secrets wiped; NULL is fine. */
void emu_endpoint_free(struct emu_endpoint *endpoint);

/* Sets all count pairs, or none, for the business of that id (listed from now
 * on) or, with NULL, for the endpoint.  What ends by fault_count begins anew.
 * Returns 0, or -1 with error naming key and value. */
int emu_endpoint_set(struct emu_endpoint *endpoint, const char *business_id,
                     const struct emu_pair *pairs, size_t count,
                     struct emu_error *error);

/* Copies the solution's ID, which is shorter than EMU_SOLUTION_SIZE. */
#define EMU_SOLUTION_SIZE 128
void emu_endpoint_solution(struct emu_endpoint *endpoint,
                           char to[EMU_SOLUTION_SIZE]);

/* Whether a partner token is set. */
bool emu_endpoint_has_token(struct emu_endpoint *endpoint);

/* Makes the settings as they are the ones that undo and reset go back to.
 * Returns 0, or -1 without memory. */
int emu_endpoint_keep(struct emu_endpoint *endpoint);

/* Takes back what was set since emu_endpoint_keep, for one business or, with
 * NULL, for the endpoint alone.  Returns 0, or -1 without memory. */
int emu_endpoint_undo(struct emu_endpoint *endpoint, const char *business_id);

/* Takes all of that back, for all, and zeroes the counters.  Returns 0, or -1
 * without memory. */
int emu_endpoint_reset(struct emu_endpoint *endpoint);

/* Fills answer, which is empty, with the answer to the request, and counts
 * both.  Returns 0, or -1 without memory or randomness.  In both cases the
 * caller clears answer. */
int emu_endpoint_answer(struct emu_endpoint *endpoint,
                        const struct emu_request *request,
                        struct emu_answer *answer);

/* The counters as JSON.  The caller frees it; NULL without memory. */
char *emu_endpoint_stats(struct emu_endpoint *endpoint);

/* Counts a connection that was opened or, opened false, closed. */
void emu_endpoint_connection(struct emu_endpoint *endpoint, bool opened);

#endif
