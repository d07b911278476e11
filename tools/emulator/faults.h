/* SPDX-License-Identifier: MIT */
/* The faults that the endpoint can be told to have. */

#ifndef EMU_FAULTS_H
#define EMU_FAULTS_H

#include <stdint.h>
#include <stdio.h>

#include "error.h"

enum emu_fault {
    EMU_FAULT_NONE,
    EMU_FAULT_429,
    EMU_FAULT_BAD_UTF8,
    EMU_FAULT_CONTROL_TOKEN,
    EMU_FAULT_CUT,
    EMU_FAULT_CUT_CHUNKED,
    EMU_FAULT_CUT_RESPONSE,
    EMU_FAULT_CUT_UNFRAMED,
    EMU_FAULT_DATE_SKEW,
    EMU_FAULT_DEEP,
    EMU_FAULT_DRIP,
    EMU_FAULT_DUPLICATE_KEYS,
    EMU_FAULT_EMPTY,
    EMU_FAULT_EMPTY_TOKEN,
    EMU_FAULT_ENDLESS,
    EMU_FAULT_ERROR_IN_200,
    EMU_FAULT_ERROR_STRING,
    EMU_FAULT_GARBAGE,
    EMU_FAULT_HTML,
    EMU_FAULT_NO_TOKEN,
    EMU_FAULT_OVERSIZED,
    EMU_FAULT_REDIRECT,
    EMU_FAULT_RESET,
    EMU_FAULT_RESET_BODY,
    EMU_FAULT_STALL,
    EMU_FAULT_STALL_BODY,
    EMU_FAULT_TRAILING,
    EMU_FAULT_TRUNCATED,
    EMU_FAULT_TWO_ENTRIES,
    EMU_FAULTS
};

/* Reads a fault as it stands in a scenario: "stall", or "cut=100" for one
 * that takes a number.  Fills *fault and *parameter (0 where there is none).
 * Returns 0, or -1 with error filled.  Safe in any thread. */
int emu_fault_parse(const char *text, enum emu_fault *fault,
                    int64_t *parameter, struct emu_error *error);

/* The fault's name without its parameter; static. */
const char *emu_fault_name(enum emu_fault fault);

/* Prints the sorted table of the faults with what each does. */
void emu_fault_list(FILE *out);

#endif
