/* SPDX-License-Identifier: MIT */
/*
 * configuration_lines: which keys a configuration file sets, to what, and in
 * which lines.
 *
 * No library's reader, since each passes over in silence what is a slip here,
 * and none reads alike in all releases: libeconf 0.5 takes a line without "="
 * for more of the value before, of a key that is set twice the first, and for
 * some keys none; libeconf 0.7 refuses a comment with a second "#" in it.
 */
#ifndef MPSC_CONFIGURATION_LINES_H
#define MPSC_CONFIGURATION_LINES_H

#include <mps/credential.h>
#include <stddef.h>

struct mpsc_configuration_line {
    char *group;     /* NULL = before the first group */
    char *key;       /* NULL = the line is the group's [name] */
    char *value;     /* without blanks, then quotes, around it; NULL as the
                      * key */
    unsigned number; /* from 1 */
};

struct mpsc_configuration_lines {
    struct mpsc_configuration_line *line; /* in the order of the file */
    size_t count;
};

/*
 * Reads the lines of the file at `path` that begin a group or set a key.
 * MPS_OK and the caller frees them; else MPS_E_NO_MEMORY, or MPS_E_CONFIG
 * where the file can't be read, may be written by everybody, or has a line or
 * a duplicate that is none.
 */
int mpsc_configuration_lines_read(const char *path,
                                  struct mpsc_configuration_lines *lines,
                                  struct mps_error *error);

/* Frees and empties. */
void mpsc_configuration_lines_free(struct mpsc_configuration_lines *lines);

#endif
