/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "all_users.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "src/clock.h"
#include "src/error.h"

#define TOP "/run/mps-credential"

/* How often it is looked whether a child has ended. */
#define LOOK_NS 10000000

static int
is_user(const struct dirent *entry)
{
    size_t len = strspn(entry->d_name, "0123456789");

    return len > 0 && entry->d_name[len] == '\0';
}

static int64_t
now_ms(void)
{
    struct mpsc_time now;

    mpsc_clock_system(&now);
    return now.boot_ms;
}

/* Waits for the end of the child, which the user may stop. MPS_OK with its
 * status, or a code with *error. */
static int
await_end(pid_t child, unsigned limit_s, int *status, struct mps_error *error)
{
    const struct timespec nap = {0, LOOK_NS};
    int64_t until = now_ms() + (int64_t)limit_s * 1000;
    pid_t ended;

    while ((ended = waitpid(child, status, WNOHANG)) == 0) {
        if (now_ms() >= until) {
            (void)kill(child, SIGKILL);
            (void)waitpid(child, status, 0);
            return mpsc_error_set(error, MPS_E_TIMEOUT,
                                  "not done within %u s, and given up: see "
                                  "what the user's processes do, and repeat "
                                  "it",
                                  limit_s);
        }
        (void)nanosleep(&nap, NULL);
    }
    if (ended < 0) {
        return mpsc_error_set(error, MPS_E_INTERNAL, "waitpid: %s",
                              strerror(errno));
    }
    if (!WIFEXITED(*status)) {
        return mpsc_error_set(error, MPS_E_INTERNAL,
                              "ended by signal %d: repeat it",
                              WTERMSIG(*status));
    }
    return MPS_OK;
}

static int
run_apart(const struct cli_all_users_job *job, const char *user)
{
    struct mps_error error;
    int status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        status = job->run(user, job->arg);
        _exit(fflush(stdout) == 0 ? status : cli_output_failed());
    }
    if (child < 0) {
        mpsc_error_set(&error, MPS_E_NO_MEMORY, "fork: %s", strerror(errno));
    } else if (await_end(child, job->limit_s, &status, &error) == MPS_OK) {
        return WEXITSTATUS(status);
    }
    return job->fail(user, &error, job->arg);
}

int
cli_all_users(const struct cli_all_users_job *job, struct mps_error *error)
{
    struct dirent **entries;
    int count;
    int worst = MPS_OK;

    mpsc_error_clear(error);
    if (geteuid() != 0) {
        return mpsc_error_set(error, MPS_E_INVALID,
                              "--all-users: only root can act for other "
                              "users");
    }
    count = scandir(TOP, &entries, is_user, versionsort);
    if (count < 0) {
        return mpsc_error_set(error, MPS_E_CONFIG,
                              "--all-users: nothing was done: " TOP ": %s",
                              strerror(errno));
    }
    if (count == 0) {
        free(entries);
        return mpsc_error_set(error, MPS_E_CONFIG,
                              "--all-users: nothing was done: no user has a "
                              "directory in " TOP);
    }
    for (int i = 0; i < count; i++) {
        int status = run_apart(job, entries[i]->d_name);

        worst = worst == MPS_OK ? status : worst;
        free(entries[i]);
    }
    free(entries);
    return worst;
}
