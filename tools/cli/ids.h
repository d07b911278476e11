/* SPDX-License-Identifier: MIT */
/* ids: a list of business ids, one a line. */
#ifndef CLI_IDS_H
#define CLI_IDS_H

#include <stddef.h>
#include <stdio.h>

/* The most bad lines that are kept; those beyond are only counted. */
#define CLI_IDS_BAD_MAX 20

struct cli_ids {
    char **ids; /* each once, in the order of their first lines */
    size_t count;
    size_t bad[CLI_IDS_BAD_MAX]; /* the numbers of bad lines, from 1 */
    size_t bad_count;
};

/* True for 1 to 20 decimal digits. */
int cli_ids_ok(const char *id);

/*
 * Reads all lines: blank ones and what follows a `#` mean nothing, blanks and
 * a carriage return around an id neither. *ids must be zero before and is the
 * caller's afterwards, whatever is returned. Returns 0, also where there are
 * bad lines; -1 with errno where the stream can't be read to its end, or
 * without memory.
 */
int cli_ids_read(FILE *in, struct cli_ids *ids);

/* Frees all and empties it. */
void cli_ids_free(struct cli_ids *ids);

#endif
