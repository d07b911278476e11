/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "all_users.h"

#include <dirent.h>
#include <errno.h>
#include <mps/credential.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output.h"

#define TOP "/run/mps-credential"

static int
is_user(const struct dirent *entry)
{
    size_t len = strspn(entry->d_name, "0123456789");

    return len > 0 && entry->d_name[len] == '\0';
}

static int
fail(const char *what)
{
    fprintf(stderr, CLI_PROGRAM ": %s: %s\n", what, strerror(errno));
    return MPS_E_NO_MEMORY;
}

static int
run_apart(cli_all_users_fn *run, const char *user, void *arg)
{
    int status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child < 0) {
        return fail("fork");
    }
    if (child == 0) {
        status = run(user, arg);
        _exit(fflush(stdout) == 0 ? status : cli_output_failed());
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return fail("waitpid");
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : MPS_E_INTERNAL;
}

int
cli_all_users(cli_all_users_fn *run, void *arg)
{
    struct dirent **entries;
    int count;
    int worst = MPS_OK;

    if (geteuid() != 0) {
        fputs(CLI_PROGRAM ": --all-users: only root can act for other users\n",
              stderr);
        return MPS_E_INVALID;
    }
    count = scandir(TOP, &entries, is_user, versionsort);
    if (count < 0) {
        fprintf(stderr, CLI_PROGRAM ": --all-users: %s: %s\n", TOP,
                strerror(errno));
        return MPS_E_CONFIG;
    }
    for (int i = 0; i < count; i++) {
        int status = run_apart(run, entries[i]->d_name, arg);

        worst = worst == MPS_OK ? status : worst;
        free(entries[i]);
    }
    free(entries);
    return worst;
}
