/* SPDX-License-Identifier: MIT */
/* What the endpoint was asked and what it answered, in numbers. */

#ifndef EMU_STATS_H
#define EMU_STATS_H

#include <stdbool.h>

#include "answer.h"
#include "request.h"

/* The counters.  Not locked: its owner serialises the calls. */
struct emu_stats;

/* New counters, all zero; NULL without memory.  Ends with emu_stats_free. */
struct emu_stats *emu_stats_new(void);

/* Frees the counters; NULL is fine. */
void emu_stats_free(struct emu_stats *stats);

/* Zeroes them, but for the connections that are open.  Returns 0, or -1
 * without memory and with the counters as they were. */
int emu_stats_reset(struct emu_stats *stats);

/* Counts a request and its answer; under the business's id too where that is
 * well-formed.  Returns 0, or -1 without memory. */
int emu_stats_request(struct emu_stats *stats,
                      const struct emu_request *request,
                      const struct emu_answer *answer);

/* Counts a token made, or a redirect followed. */
void emu_stats_issued(struct emu_stats *stats);
void emu_stats_followed(struct emu_stats *stats);

/* Counts a connection that was opened or, opened false, closed. */
void emu_stats_connection(struct emu_stats *stats, bool opened);

/* The counters as JSON.  The caller frees it; NULL without memory. */
char *emu_stats_json(struct emu_stats *stats);

/* Whether an answer with this fault has no status, or none that arrives. */
bool emu_stats_is_silent(enum emu_fault fault);

#endif
