/* SPDX-License-Identifier: MIT */
/* Scenario files. */

#ifndef EMU_SCENARIO_H
#define EMU_SCENARIO_H

#include "endpoint.h"
#include "error.h"

/* Sets endpoint from the scenario file at path.  Returns 0, or -1 with error
 * naming file, group, key and value. */
int emu_scenario_read(const char *path, struct emu_endpoint *endpoint,
                      struct emu_error *error);

#endif
