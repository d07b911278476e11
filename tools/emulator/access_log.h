/* SPDX-License-Identifier: MIT */
/* One line per request. */

#ifndef EMU_ACCESS_LOG_H
#define EMU_ACCESS_LOG_H

#include <stdio.h>

#include "answer.h"
#include "request.h"

/* Writes a line for the request and its answer: time, method, business_id,
 * status and fault, and nothing that could be a token.  log may be NULL: then
 * nothing is written.  Safe in any thread. */
void emu_access_log(FILE *log, const struct emu_request *request,
                    const struct emu_answer *answer);

#endif
