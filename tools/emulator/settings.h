/* SPDX-License-Identifier: MIT */
/* The keys of a scenario: their names, their rules, their values. */

#ifndef EMU_SETTINGS_H
#define EMU_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

enum emu_key {
    EMU_APP_SECRET,
    EMU_APP_USAGE,
    EMU_BODY,
    EMU_DRIP_MS,
    EMU_EXPIRES_AT,
    EMU_FAULT,
    EMU_FAULT_COUNT,
    EMU_LATENCY_MS,
    EMU_LIFETIME_S,
    EMU_PARTNER_TOKEN,
    EMU_REGAIN_MINUTES,
    EMU_RETRY_AFTER,
    EMU_ROTATION,
    EMU_SHAPE,
    EMU_SOLUTION_ID,
    EMU_STATUS,
    EMU_TOKEN_LENGTH,
    EMU_UNKNOWN_BUSINESS,
    EMU_KEYS
};

/* The number of a key that was set to "absent". */
#define EMU_ABSENT INT64_MIN

enum emu_rotation { EMU_ROTATION_ALWAYS, EMU_ROTATION_SAME };
enum emu_shape { EMU_SHAPE_FLAT, EMU_SHAPE_DATA };
enum emu_unknown { EMU_UNKNOWN_404, EMU_UNKNOWN_TOKEN };

struct emu_value {
    bool set;
    int64_t number;    /* of keys that are numbers, choices or faults */
    int64_t parameter; /* of a fault that takes a number */
    char *text;        /* of keys that are text: owned, NUL-terminated */
    size_t size;       /* bytes of text; a body may hold NULs */
};

/* What one group of a scenario sets.  All zero is a valid, empty one. */
struct emu_settings {
    struct emu_value value[EMU_KEYS];
};

/* Where a key may stand; also the bits of a row's scope. */
enum emu_scope { EMU_SCOPE_ENDPOINT = 1, EMU_SCOPE_BUSINESS = 2 };

/* Sets the key of that name from text, as a scenario file or the control
 * plane gives it; the names that end in _file read that file at once.
 * Returns 0, or -1 with error naming key and value (never a secret one) and
 * settings as it was. */
int emu_settings_set(struct emu_settings *settings, enum emu_scope scope,
                     const char *name, const char *text,
                     struct emu_error *error);

/* The name of the key at that index, in the order of the list; NULL past the
 * last one.  Static. */
const char *emu_settings_name(size_t index);

/* Makes *copy, which holds nothing yet, equal to *settings.  Returns 0, or -1
 * without memory and with *copy empty. */
int emu_settings_copy(struct emu_settings *copy,
                      const struct emu_settings *settings);

/* Frees what settings holds, secrets wiped, and leaves it empty. */
void emu_settings_clear(struct emu_settings *settings);

/* The value of key for a business: its own, else the endpoint's, else the
 * default, whose "set" is false.  business may be NULL.  Never NULL. */
const struct emu_value *emu_settings_get(const struct emu_settings *business,
                                         const struct emu_settings *endpoint,
                                         enum emu_key key);

/* Prints the sorted table of the keys with what each does. */
void emu_settings_list(FILE *out);

#endif
