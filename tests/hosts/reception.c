/* SPDX-License-Identifier: MIT */
#include "reception.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
reception_configure(const char *lines)
{
    world_configure("keyring_deadline_ms = 8000\ndeadline_ms = 30000\n%s",
                    lines);
}

const char *
reception_host(const char *prefix, const char *arguments, ...)
{
    static char output[WORLD_OUTPUT];
    char line[2048];
    va_list list;
    int status;

    va_start(list, arguments);
    vsnprintf(line, sizeof(line), arguments, list);
    va_end(list);
    status = world_program(output, prefix, line);
    if (status == WORLD_CANNOT) {
        world_untried(line);
        return output;
    }
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_STRING_EQUAL(world_value(output, "house"), "ok");
    if (status != 0 || strcmp(world_value(output, "house"), "ok") != 0) {
        printf("\n    %s: exit status %d\n%s", line, status, output);
    }
    return output;
}
