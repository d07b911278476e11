/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <stdlib.h>
#include <string.h>

struct mps_api mps;
const char **host_ids;
size_t host_count;

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(2);
}

static void
add(char *line)
{
    host_ids = realloc(host_ids, (host_count + 1) * sizeof(*host_ids));
    line[strcspn(line, "\n")] = '\0';
    line = strdup(line);
    if (host_ids == NULL || line == NULL) {
        die("the list", "out of memory");
    }
    host_ids[host_count++] = line;
}

void
host_open(const char *module, const char *list)
{
    char line[64];
    FILE *file;

    if (mps_load(&mps, module) != 0) {
        die(module, mps.load_error);
    }
    file = fopen(list, "re");
    if (file == NULL) {
        die(list, "can't be read");
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        add(line);
    }
    fclose(file);
}

int
host_prefetch(void)
{
    int code =
        mps.prefetch_credentials(NULL, host_ids, host_count, NULL, NULL);

    if (code != MPS_OK) {
        struct mps_error error = {.size = sizeof(error)};

        mps.error(&error);
        fprintf(stderr, "prefetch: %s\n", error.message);
    }
    return code;
}
