/* SPDX-License-Identifier: MIT */
/*
 * progress: how far a long run has come, on one line of a terminal.
 *
 * Debian has no C library for a progress bar: those in other languages fit no
 * C program, and ncurses and newt take the whole screen. The line is drawn
 * with carriage returns and blanks alone, so that no terminal is too simple
 * for it.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A terminal's line is never taken for wider, so that no text of it is
 * longer than this buffer. */
#define CLI_PROGRESS_SIZE 256

struct cli_progress {
    size_t total;
    size_t done;   /* of them, failed ones included */
    size_t failed; /* of those done */
    double rate;   /* done per second of late; 0 = not known yet */
    int64_t begun_ms;
    int64_t noted_ms;
    size_t drawn; /* how many columns the line on the terminal has */
};

/* Begins a run; now_ms of any clock that doesn't step, here and below. */
void cli_progress_begin(struct cli_progress *progress, size_t total,
                        int64_t now_ms);

/* Notes how many are done; the rate follows. */
void cli_progress_note(struct cli_progress *progress, size_t done,
                       size_t failed, int64_t now_ms);

/*
 * Writes the line: at most `columns` - 1 bytes, since the last column would
 * begin a new line on some terminals, and CLI_PROGRESS_SIZE - 1. What has no
 * room is left out: first the bar, then rate, time left, failures.
 */
void cli_progress_format(const struct cli_progress *progress,
                         char to[CLI_PROGRESS_SIZE], unsigned columns);

/* Draws the line in place of the former one, as wide as the terminal of `out`
 * is now. */
void cli_progress_draw(struct cli_progress *progress, FILE *out);

/* Leaves an empty line, with the cursor at its beginning. */
void cli_progress_clear(struct cli_progress *progress, FILE *out);

#endif
