/* SPDX-License-Identifier: MIT */
/* What failed, in words for the person who can mend it. */

#ifndef EMU_ERROR_H
#define EMU_ERROR_H

/* One failure's text: what failed, where, and the next step.  Never holds a
 * token or an app secret. */
struct emu_error {
    char text[1024];
};

/* Formats a failure into error, cut to fit.  Always returns -1, so that
 * "return emu_fail(...)" reads well.  The arguments may not point into
 * error. */
int emu_fail(struct emu_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "where: " before the text that error holds.  Always returns -1. */
int emu_fail_at(struct emu_error *error, const char *where);

#endif
