/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "doctor_processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the kernel puts behind the name of a mapped file that is gone. */
#define GONE ".so (deleted)\n"

/* The modules' own directory, whatever the prefix and architecture. */
#define MODULES "/mps-credential/"

/* A file of /proc/PID; NULL where it can't be read, or the process is gone. */
static FILE *
open_file(const char *pid, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%.16s/%.16s", pid, name);
    return fopen(path, "re");
}

static int
is_of_user(const char *pid, uid_t user)
{
    FILE *status = open_file(pid, "status");
    unsigned long effective = 0;
    int is_found = 0;
    char line[256];

    while (status != NULL && !is_found &&
           fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, "Uid:", 4) == 0) {
            char *end = NULL;

            (void)strtoul(line + 4, &end, 10); /* the real one */
            effective = strtoul(end, NULL, 10);
            is_found = 1;
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    return is_found && effective == user;
}

/* A line of maps that shows a module of ours whose file is gone. */
static int
is_stale(const char *line)
{
    const char *name = strrchr(line, '/');
    size_t len = strlen(line);

    return len >= sizeof(GONE) &&
           strcmp(line + len - (sizeof(GONE) - 1), GONE) == 0 &&
           name - line >= (ptrdiff_t)sizeof(MODULES) - 2 &&
           strncmp(name - (sizeof(MODULES) - 2), MODULES,
                   sizeof(MODULES) - 1) == 0;
}

/* 1 = yes, 0 = no, -1 = not to be told. */
static int
maps_a_stale_module(const char *pid)
{
    FILE *maps = open_file(pid, "maps");
    char *line = NULL;
    size_t size = 0;
    int result = 0;

    if (maps == NULL) {
        return -1;
    }
    while (result == 0 && getline(&line, &size, maps) > 0) {
        result = is_stale(line);
    }
    /* To be opened is not to be read: EACCES may come as late as here. */
    if (result == 0 && ferror(maps)) {
        result = -1;
    }
    free(line);
    fclose(maps);
    return result;
}

static void
list_process(struct cli_doctor_processes *processes, const char *pid)
{
    size_t len = strlen(processes->list);
    FILE *comm = open_file(pid, "comm");
    char name[32] = "";

    if (comm != NULL) {
        if (fgets(name, sizeof(name), comm) != NULL) {
            name[strcspn(name, "\n")] = '\0';
        }
        fclose(comm);
    }
    snprintf(processes->list + len, sizeof(processes->list) - len, "%s%s %s",
             len > 0 ? ", " : "", name, pid);
}

void
cli_doctor_look_at_processes(struct cli_doctor_processes *processes,
                             const uid_t *user)
{
    DIR *all = opendir("/proc");
    const struct dirent *entry;

    memset(processes, 0, sizeof(*processes));
    if (all == NULL) {
        processes->error = errno;
        return;
    }
    while ((entry = readdir(all)) != NULL) {
        int stale;

        if (!isdigit((unsigned char)entry->d_name[0]) ||
            (user != NULL && !is_of_user(entry->d_name, *user))) {
            continue;
        }
        stale = maps_a_stale_module(entry->d_name);
        processes->seen += stale >= 0;
        if (stale > 0) {
            processes->stale++;
            list_process(processes, entry->d_name);
        }
    }
    closedir(all);
    if (processes->seen == 0) {
        processes->error = EACCES;
    }
}

void
cli_doctor_processes(struct cli_doctor *doctor,
                     struct cli_doctor_finding *finding)
{
    const struct cli_doctor_processes *processes = &doctor->processes;

    if (processes->error != 0) {
        cli_doctor_find(finding, CLI_DOCTOR_NOT_TRIED,
                        "no process can be read in /proc: %s",
                        strerror(processes->error));
    } else if (processes->stale > 0) {
        cli_doctor_find(finding, CLI_DOCTOR_WARNING,
                        "%u still %s a module that was replaced since: %s",
                        processes->stale,
                        processes->stale == 1 ? "runs" : "run",
                        processes->list);
        cli_doctor_advise(finding, "restart what is named");
    } else {
        cli_doctor_find(finding, CLI_DOCTOR_OK,
                        "none of the %u that can be read here runs a module "
                        "that was replaced since",
                        processes->seen);
    }
}
