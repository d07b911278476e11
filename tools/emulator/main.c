/* SPDX-License-Identifier: MIT */
/* mps-graph-emulator: from the command line to the end by a signal. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certificate.h"
#include "endpoint.h"
#include "error.h"
#include "faults.h"
#include "file.h"
#include "listener.h"
#include "options.h"
#include "scenario.h"
#include "server.h"
#include "settings.h"
#include "token.h"
#include "workdir.h"

#define PROGRAM "mps-graph-emulator"
#define PARTNER_TOKEN_LENGTH 200
#define EXIT_USAGE 2

/* The partner's token for those who bring none. */
static int
make_partner_token(struct emu_endpoint *endpoint,
                   const struct emu_workdir *workdir, struct emu_error *error)
{
    char *token = emu_token_new(PARTNER_TOKEN_LENGTH);
    const struct emu_pair pair = {"partner_token", token};
    int result = -1;

    if (!token) {
        return emu_fail(error, "cannot make a partner token: %s",
                        strerror(errno));
    }
    if (emu_file_write(workdir->path, EMU_TOKEN_FILE, 0600, token, error) ==
        0) {
        result = emu_endpoint_set(endpoint, NULL, &pair, 1, error);
    }
    explicit_bzero(token, PARTNER_TOKEN_LENGTH);
    free(token);
    return result;
}

static struct emu_endpoint *
make_endpoint(const struct emu_options *options,
              const struct emu_workdir *workdir, struct emu_error *error)
{
    struct emu_endpoint *endpoint = emu_endpoint_new();

    if (!endpoint) {
        (void)emu_fail(error, "out of memory");
        return NULL;
    }
    if (options->scenario &&
        emu_scenario_read(options->scenario, endpoint, error)) {
        goto fail;
    }
    if (!emu_endpoint_has_token(endpoint) &&
        make_partner_token(endpoint, workdir, error)) {
        goto fail;
    }
    if (emu_endpoint_keep(endpoint)) {
        (void)emu_fail(error, "out of memory");
        goto fail;
    }
    return endpoint;
fail:
    emu_endpoint_free(endpoint);
    return NULL;
}

static FILE *
open_log(const char *path, struct emu_error *error)
{
    FILE *log = fopen(path, "ae");

    if (!log) {
        (void)emu_fail(error, "--log: cannot open %.500s: %s", path,
                       strerror(errno));
    }
    return log;
}

/* As a module's configuration has it; the token's file where it is ours. */
static void
say_ready(const struct emu_workdir *workdir, const char *url,
          struct emu_endpoint *endpoint)
{
    char solution[EMU_SOLUTION_SIZE];
    char token_file[PATH_MAX + sizeof(EMU_TOKEN_FILE) + 1];

    emu_endpoint_solution(endpoint, solution);
    (void)printf("solution_id = %s\n"
                 "base_url = %s\n"
                 "ca_file = %s/" EMU_CA_FILE "\n",
                 solution, url, workdir->path);
    (void)snprintf(token_file, sizeof(token_file), "%s/" EMU_TOKEN_FILE,
                   workdir->path);
    if (access(token_file, F_OK) == 0) {
        (void)printf("token_file = %s\n", token_file);
    }
    (void)puts("# To stop: Ctrl-C, or SIGTERM.");
    (void)fflush(stdout);
}

/* Serves on the socket, which it takes over, until one of the signals comes;
 * they are blocked in all threads. */
static int
serve(int fd, const char *url, const struct emu_workdir *workdir,
      struct emu_server_parts *parts, const sigset_t *signals,
      struct emu_error *error)
{
    struct emu_server *server = emu_server_start(fd, parts, error);
    char line[EMU_URL_SIZE + 1];
    int taken = 0;
    int result;

    if (!server) {
        return -1;
    }
    (void)snprintf(line, sizeof line, "%s\n", url);
    result = emu_file_write(workdir->path, EMU_URL_FILE, 0644, line, error);
    if (result == 0) {
        say_ready(workdir, url, parts->endpoint);
        (void)sigwait(signals, &taken);
    }
    emu_server_stop(server);
    return result;
}

static int
run_in(const struct emu_options *options, const struct emu_workdir *workdir,
       const sigset_t *signals, struct emu_error *error)
{
    struct emu_certificate certificate = {NULL, NULL, NULL};
    struct emu_server_parts parts = {.certificate = &certificate,
                                     .priorities = options->priorities};
    char url[EMU_URL_SIZE];
    int fd = emu_listen(options->address, options->port, url, error);
    int result = -1;

    if (fd < 0) {
        return -1;
    }
    if (options->log) {
        parts.log = open_log(options->log, error);
        if (!parts.log) {
            goto out;
        }
    }
    parts.endpoint = make_endpoint(options, workdir, error);
    if (!parts.endpoint ||
        emu_certificate_make(&certificate, options->certificate,
                             options->address, error) ||
        emu_file_write(workdir->path, EMU_CA_FILE, 0644, certificate.ca_pem,
                       error)) {
        goto out;
    }
    result = serve(fd, url, workdir, &parts, signals, error);
    fd = -1;
out:
    if (fd >= 0) {
        (void)close(fd);
    }
    emu_certificate_clear(&certificate);
    emu_endpoint_free(parts.endpoint);
    if (parts.log) {
        (void)fclose(parts.log);
    }
    return result;
}

static int
run(const struct emu_options *options, struct emu_error *error)
{
    struct emu_workdir workdir;
    sigset_t signals;
    int result;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (emu_workdir_open(&workdir, options->dir, error)) {
        return -1;
    }
    result = run_in(options, &workdir, &signals, error);
    emu_workdir_close(&workdir);
    return result;
}

int
main(int argc, char **argv)
{
    struct emu_options options;
    struct emu_error error = {""};

    switch (emu_options_parse(argc, argv, &options, &error)) {
    case EMU_RUN:
        break;
    case EMU_SHOW_HELP:
        (void)fputs(emu_options_help, stdout);
        return EXIT_SUCCESS;
    case EMU_SHOW_VERSION:
        (void)puts(PROGRAM " " PACKAGE_VERSION);
        return EXIT_SUCCESS;
    case EMU_LIST_FAULTS:
        emu_fault_list(stdout);
        return EXIT_SUCCESS;
    case EMU_LIST_KEYS:
        emu_settings_list(stdout);
        return EXIT_SUCCESS;
    case EMU_USAGE_ERROR:
        (void)fprintf(stderr, PROGRAM ": %s; see " PROGRAM " --help\n",
                      error.text);
        return EXIT_USAGE;
    }
    if (run(&options, &error)) {
        (void)fprintf(stderr, PROGRAM ": %s\n", error.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
