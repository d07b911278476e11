/* SPDX-License-Identifier: MIT */
/*
 * configuration_options: the one table of what can be configured, with types,
 * ranges and defaults, and the reading of one value.
 */
#ifndef MPSC_CONFIGURATION_OPTIONS_H
#define MPSC_CONFIGURATION_OPTIONS_H

#include <stddef.h>

#include "configuration.h"

/* One row of the table; opaque. */
struct mpsc_configuration_option;

/* The option of that name, or NULL. */
const struct mpsc_configuration_option *
mpsc_configuration_option_find(const char *name);

/* The options in the order of their names; NULL behind the last. */
const struct mpsc_configuration_option *
mpsc_configuration_option_at(size_t index);

const char *
mpsc_configuration_option_name(const struct mpsc_configuration_option *option);

/* The default; NULL = none. */
const char *mpsc_configuration_option_default(
    const struct mpsc_configuration_option *option);

/* True where a value may be the secret itself, by mistake. */
int mpsc_configuration_option_is_private(
    const struct mpsc_configuration_option *option);

/* The name of the option that `name` may be a slip of, or NULL. */
const char *mpsc_configuration_option_nearest(const char *name);

/*
 * Checks `value` and sets the option in `to`, whose former value is freed.
 * MPS_OK, MPS_E_NO_MEMORY or MPS_E_CONFIG. On failure `to` is as it was and
 * the error's message is the part behind file and key: the value and what is
 * allowed. A value that may be a secret in the wrong place isn't shown.
 */
int
mpsc_configuration_option_set(const struct mpsc_configuration_option *option,
                              const char *value, struct mpsc_configuration *to,
                              struct mps_error *error);

/* Sets every option of the empty `to` to its default. MPS_OK or
 * MPS_E_NO_MEMORY. */
int mpsc_configuration_option_defaults(struct mpsc_configuration *to);

/*
 * Two options of which at most one is set. Both rows are in the table; what
 * sets one removes what was set before of the other.
 */
struct mpsc_configuration_pair {
    const char *file;       /* the option that names a file */
    const char *credential; /* the one that names a systemd credential */
    size_t file_offset;     /* of the members, both char * */
    size_t credential_offset;
};

extern const struct mpsc_configuration_pair mpsc_configuration_pairs[2];

/* The members of a configuration that are strings of its own. */
void mpsc_configuration_option_free_all(struct mpsc_configuration *of);

#endif
