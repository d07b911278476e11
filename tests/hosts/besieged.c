/* SPDX-License-Identifier: MIT */
/*
 * besieged CODE SOURCE RAISED BUSINESS: a program whose environment was set by
 * somebody else; with RAISED 1 a setuid one, which must believe none of it.
 * The get is to end with CODE, the credential to come from SOURCE (0 = none).
 * Meanwhile it looks for the helper, whose environment has to be empty.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/types.h>
#include <unistd.h>

#include "house.h"

static const char helper_name[] = "mps-credential-keyring-helper";

static struct {
    atomic_int stop;
    int found;
    int foul;
} watch;

/* The file's bytes, how many; -1 where the process is gone. */
static ssize_t
read_of(pid_t pid, const char *what, char *bytes, size_t size)
{
    char path[64];
    FILE *file;
    size_t len;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
    file = fopen(path, "re");
    if (file == NULL) {
        return -1;
    }
    len = fread(bytes, 1, size - 1, file);
    bytes[len] = '\0';
    fclose(file);
    return (ssize_t)len;
}

static pid_t
parent_of(pid_t pid)
{
    char stat[512];
    int parent = -1;
    const char *end;

    if (read_of(pid, "stat", stat, sizeof(stat)) > 0 &&
        (end = strrchr(stat, ')')) != NULL) {
        (void)sscanf(end, ") %*c %d", &parent);
    }
    return parent;
}

/* The intermediate is our child, the helper its. */
static void
look_at(pid_t pid)
{
    char text[4096];
    ssize_t len;

    if (pid <= 0 || parent_of(parent_of(pid)) != getpid() ||
        read_of(pid, "cmdline", text, sizeof(text)) !=
            (ssize_t)sizeof(helper_name) ||
        strcmp(text, helper_name) != 0) {
        return;
    }
    len = read_of(pid, "environ", text, sizeof(text));
    watch.found += len == 0;
    watch.foul += len > 0;
}

static void *
look_for_helper(void *arg)
{
    while (!atomic_load(&watch.stop)) {
        DIR *all = opendir("/proc");
        struct dirent *entry;

        while (all != NULL && (entry = readdir(all)) != NULL) {
            look_at((pid_t)strtol(entry->d_name, NULL, 10));
        }
        if (all != NULL) {
            closedir(all);
        }
        house_nap(5);
    }
    return arg;
}

int
main(int argc, char **argv)
{
    pthread_t thread;
    int source;

    if (argc != 5) {
        return 98;
    }
    house_open();
    house_expect((getauxval(AT_SECURE) != 0) == (argv[3][0] == '1'),
                 "AT_SECURE is %lu", getauxval(AT_SECURE));
    house_before();
    if (pthread_create(&thread, NULL, look_for_helper, NULL) != 0) {
        return 98;
    }
    source = house_get(argv[4], (int)strtol(argv[1], NULL, 10), 0);
    house_expect(source == (int)strtol(argv[2], NULL, 10),
                 "the credential is from %d", source);
    mps.shutdown();
    atomic_store(&watch.stop, 1);
    (void)pthread_join(thread, NULL);
    house_expect(watch.foul == 0, "the helper has an environment");
    house_tell("helper=%d", watch.found > 0);
    house_after();
    house_leave();
}
