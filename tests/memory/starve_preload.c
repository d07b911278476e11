/* SPDX-License-Identifier: MIT */
/*
 * starve_preload: a program's memory that runs out, for one that isn't ours
 * to link: preloaded, with the variables STARVE_OWNERS (bits), STARVE_TURN and
 * STARVE_SEEN, the file that gets the number of allocations when the program
 * ends by itself.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "starve.h"

static char seen[256];

static unsigned
number(const char *name)
{
    const char *text = getenv(name);

    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void
begin(void)
{
    const char *path = getenv("STARVE_SEEN");

    snprintf(seen, sizeof(seen), "%s", path != NULL ? path : "");
    starve_know(NULL);
    starve_begin(number("STARVE_OWNERS"), number("STARVE_TURN"), 0);
}

__attribute__((destructor)) static void
end(void)
{
    int fd;

    starve_end();
    fd = open(seen, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)dprintf(fd, "%u %u\n", starve_seen(), starve_failed());
        close(fd);
    }
}
