/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "metrics.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "metrics_text.h"
#include "output.h"
#include "put_file.h"
#include "src/error.h"
#include "status_json.h"

static const char help[] =
    "Usage: mps-credential metrics [OPTION]...\n"
    "Print numbers for monitoring as OpenMetrics, for the textfile collector\n"
    "of Prometheus' node exporter. No business is named.\n"
    "\n"
    "      --output=FILE   write the file whole and rename "
    "it\n" CLI_COMMON_HELP "\n"
    "--json prints what status --json does.\n"
    "\n"
    "The exit status is 0, or the code of the failure; see "
    "mps-credential(1).\n";

enum option_key { OPTION_OUTPUT = CLI_COMMON_END };

static const struct option long_options[] = {
    CLI_COMMON_OPTIONS,
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {NULL, 0, NULL, 0},
};

struct options {
    struct cli_common common;
    const char *output; /* NULL: standard output */
};

static int
take_option(int key, void *arg)
{
    struct options *options = arg;

    (void)key; /* it has this one */
    options->output = optarg;
    return 0;
}

static enum cli_action
parse(int argc, char **argv, struct options *options)
{
    enum cli_action action;

    memset(options, 0, sizeof(*options));
    action = cli_common_parse(argc, argv, long_options, &options->common,
                              take_option, options);
    if (action == CLI_ACTION_RUN && optind < argc) {
        fputs(CLI_PROGRAM ": metrics takes no operand\n", stderr);
        action = CLI_ACTION_USAGE;
    }
    return action;
}

/* Prints to a stream as the user that is asked for. Returns the exit status.
 */
static int
produce(const struct cli_common *common, FILE *out)
{
    struct cli_survey survey;
    struct mps_error error;
    const struct passwd *entry;
    char number[24];
    int result;

    if (cli_account_become(common->user, &error) != MPS_OK ||
        cli_survey_take(common, &survey, &error) != MPS_OK) {
        return cli_survey_fail(common, &error);
    }
    entry = getpwuid(geteuid());
    snprintf(number, sizeof(number), "%lu", (unsigned long)geteuid());
    mpsc_error_clear(&error);
    result = common->is_json
                 ? cli_status_json(out, &survey, &error, NULL)
                 : cli_metrics_text(out, &survey,
                                    entry != NULL ? entry->pw_name : number);
    cli_survey_free(&survey);
    return result == 0 ? MPS_OK : cli_output_failed();
}

/* Reads to the end; the bytes are the caller's. NULL with errno. */
static char *
read_all(int fd, size_t *len)
{
    char *bytes = NULL;
    FILE *into = open_memstream(&bytes, len);
    char piece[4096];
    ssize_t got = -1;

    if (into == NULL) {
        return NULL;
    }
    while ((got = read(fd, piece, sizeof(piece))) > 0) {
        (void)fwrite(piece, 1, (size_t)got, into);
    }
    if (fclose(into) != 0 || got < 0) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

/* What a child printed: who becomes a user can't write where root can. Returns
 * the exit status; *text is the caller's. */
static int
produce_apart(const struct cli_common *common, char **text, size_t *len)
{
    int ends[2];
    int status = 0;
    pid_t child;

    *text = NULL;
    if (pipe(ends) != 0 || (child = fork()) < 0) {
        return MPS_E_NO_MEMORY;
    }
    if (child == 0) {
        FILE *out = fdopen(ends[1], "w");

        close(ends[0]);
        status = out != NULL ? produce(common, out) : MPS_E_NO_MEMORY;
        _exit(out != NULL && fclose(out) == 0 ? status : CLI_EXIT_OUTPUT);
    }
    close(ends[1]);
    *text = read_all(ends[0], len);
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        continue;
    }
    if (!WIFEXITED(status)) {
        return MPS_E_INTERNAL;
    }
    return *text != NULL ? WEXITSTATUS(status) : MPS_E_NO_MEMORY;
}

static int
run(const struct options *options)
{
    char *text;
    size_t len;
    int status;

    if (options->output == NULL) {
        return produce(&options->common, stdout);
    }
    status = produce_apart(&options->common, &text, &len);
    if (status == MPS_OK &&
        cli_put_file(options->output, 0644, text, len) != 0) {
        fprintf(stderr, CLI_PROGRAM ": can't write %s: %s\n", options->output,
                strerror(errno));
        status = CLI_EXIT_OUTPUT;
    }
    free(text);
    return status;
}

int
cli_metrics(int argc, char **argv)
{
    struct options options;
    enum cli_action action = parse(argc, argv, &options);

    return action == CLI_ACTION_RUN ? run(&options)
                                    : cli_usage_end(action, "metrics", help);
}
