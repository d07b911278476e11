/* SPDX-License-Identifier: MIT */
/*
 * configuration_lines: which keys a configuration file sets, and in which
 * lines.
 *
 * libeconf reads the values, but passes over in silence what is a slip: a
 * line without "=" (it continues the value before), a key that is set twice
 * (the first wins), a line of more than 8191 bytes (two lines). Its list of a
 * group's keys leaves out a key that the group before ended with, and its
 * list of groups one without keys. So the lines are looked at here, by
 * libeconf's own rules, and only the values are taken from it.
 */
#ifndef MPSC_CONFIGURATION_LINES_H
#define MPSC_CONFIGURATION_LINES_H

#include <mps/credential.h>
#include <stddef.h>

struct mpsc_configuration_line {
    char *group;     /* NULL = before the first group */
    char *key;       /* NULL = the line is the group's [name] */
    unsigned number; /* from 1 */
    int has_value;   /* there is more than blanks and quotes behind the "=" */
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
