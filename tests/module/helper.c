/* SPDX-License-Identifier: MIT */
#include "helper.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A process's name and parent; 0, or -1 where it is gone. */
static int
look_at(pid_t pid, char name[32], pid_t *parent)
{
    char path[64];
    FILE *file;
    int found;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    if (file == NULL) {
        return -1;
    }
    found = fscanf(file, "%*d (%31[^)]) %*c %d", name, parent);
    fclose(file);
    return found == 2 ? 0 : -1;
}

static int
is_helper_below(pid_t pid, pid_t above)
{
    char name[32];
    pid_t at;

    if (look_at(pid, name, &at) != 0 || strcmp(name, "keyring-helper") != 0) {
        return 0;
    }
    while (at > 1 && at != above) {
        if (look_at(at, name, &at) != 0) {
            return 0;
        }
    }
    return at == above;
}

pid_t
helper_below(pid_t above)
{
    DIR *all = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;

    if (all == NULL) {
        return -1;
    }
    while (found == 0 && (entry = readdir(all)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

        found = pid > 0 && is_helper_below(pid, above) ? pid : 0;
    }
    closedir(all);
    return found;
}
