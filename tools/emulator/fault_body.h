/* SPDX-License-Identifier: MIT */
/* Faults that lie in what an answer says. */

#ifndef EMU_FAULT_BODY_H
#define EMU_FAULT_BODY_H

#include "answer.h"

struct emu_fault_context {
    const struct emu_grant *grant;
    const char *path;
    const char *business_id;
    int64_t now; /* Unix seconds */
};

/* Puts answer->fault into the status, headers and body of an answer that is
 * complete but for it; a fault of the wire alone changes nothing here.
 * Returns 0, or -1 without memory. */
int emu_fault_body(struct emu_answer *answer,
                   const struct emu_fault_context *context);

#endif
