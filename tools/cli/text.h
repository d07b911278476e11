/* SPDX-License-Identifier: MIT */
/* text: what the tool calls codes, classes, sources and times. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Enough for any text of cli_text_when(). */
#define CLI_WHEN_SIZE 96

/* The code's name in <mps/credential.h>; "unknown code" for a later one. */
const char *cli_text_code(int code);

/* "endpoint" or "keyring"; "unknown" for a later one. */
const char *cli_text_source(int source);

/*
 * The name of the lowest class in *classes, which is taken out of it; NULL
 * where none that has a name is left.
 */
const char *cli_text_take_class(unsigned *classes);

/* Writes a length of time, 0 and more: "59 minutes". Rounded down. */
void cli_text_length(char *to, size_t size, int64_t seconds);

/* Writes how far a time is away, likewise: "in 59 minutes", "59 minutes ago",
 * "now". seconds: negative = it has passed. */
void cli_text_distance(char *to, size_t size, int64_t seconds);

/*
 * Writes `when` as local time and how far from `now` that is, both in Unix
 * seconds: "2026-01-31 12:00:00 +0100 (in 59 minutes)". Lengths are rounded
 * down: an expiry never looks later than it is.
 */
void cli_text_when(char *to, size_t size, int64_t when, int64_t now);

#endif
