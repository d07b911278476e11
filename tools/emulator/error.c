/* SPDX-License-Identifier: MIT */
/* What failed, in words for the person who can mend it. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "error.h"

#include <stdarg.h>
#include <stdio.h>

int
emu_fail(struct emu_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -1;
}

int
emu_fail_at(struct emu_error *error, const char *where)
{
    const struct emu_error inner = *error;

    /* Each part has a share of the room, so that neither hides the other. */
    return emu_fail(error, "%.400s: %.600s", where, inner.text);
}
