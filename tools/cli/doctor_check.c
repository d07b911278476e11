/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "doctor_check.h"

#include <stdarg.h>
#include <stdio.h>

#include "src/utf8.h"

void
cli_doctor_find(struct cli_doctor_finding *finding,
                enum cli_doctor_state state, const char *format, ...)
{
    char text[sizeof(finding->meaning)];
    va_list list;

    va_start(list, format);
    (void)vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    finding->state = state;
    finding->advice[0] = '\0';
    mpsc_utf8_copy(finding->meaning, sizeof(finding->meaning), text);
}

void
cli_doctor_advise(struct cli_doctor_finding *finding, const char *format, ...)
{
    char text[sizeof(finding->advice)];
    va_list list;

    va_start(list, format);
    (void)vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    mpsc_utf8_copy(finding->advice, sizeof(finding->advice), text);
}
