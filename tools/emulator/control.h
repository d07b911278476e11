/* SPDX-License-Identifier: MIT */
/* The control plane: the paths that begin with /__. */

#ifndef EMU_CONTROL_H
#define EMU_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "endpoint.h"

/* Whether the path is the control plane's. */
bool emu_control_is(const char *path);

/* Does what method and path ask, with the pairs of the query, and fills
 * answer, which is empty.  Returns 0, or -1 without memory.  In both cases
 * the caller clears answer.  Safe in any thread. */
int emu_control(struct emu_endpoint *endpoint, const char *method,
                const char *path, const struct emu_pair *pairs, size_t count,
                struct emu_answer *answer);

#endif
