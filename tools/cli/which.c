/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "which.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "account.h"
#include "interrupt.h"
#include "json.h"
#include "output.h"
#include "src/digest.h"
#include "src/secret.h"
#include "survey.h"

/* Longer than any token. */
#define TOKEN_MAX 65536

/* None is part of a token. */
#define BLANKS " \t\r\n"

#define NOT_FOUND 1

static const char help[] =
    "Usage: mps-credential which [OPTION]... <FILE\n"
    "Name the business whose token this is, of those in the keyring: for one\n"
    "that turned up where it should not be. It is read from standard input.\n"
    "\n" CLI_COMMON_HELP "\n"
    "The exit status is 0, 1 where no business has that token, 64 where the\n"
    "command line is wrong, 128 and the number of a signal that came at the\n"
    "prompt, or another code of a failure; see\n"
    "mps-credential(1).\n";

static const struct option long_options[] = {
    CLI_COMMON_OPTIONS,
    {NULL, 0, NULL, 0},
};

/* Waits for input. 0, or the number of a signal that has come; interrupts: -1
 * where these act by themselves. */
static int
await_input(int interrupts)
{
    struct pollfd ends[] = {
        {.fd = interrupts, .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
    };

    (void)poll(ends, 2, -1);
    return ends[0].revents != 0 ? cli_interrupt_take(interrupts) : 0;
}

/* Reads the first line, or up to the end. 0, the number of a signal, or -1
 * with errno. */
static int
read_line(struct mpsc_secret *line, int interrupts)
{
    if (mpsc_secret_reserve(line, TOKEN_MAX) != 0) {
        errno = ENOMEM;
        return -1;
    }
    while (line->len < TOKEN_MAX &&
           memchr(line->data, '\n', line->len) == NULL) {
        int interrupted = await_input(interrupts);
        ssize_t got;

        if (interrupted != 0) {
            return interrupted;
        }
        got =
            read(STDIN_FILENO, line->data + line->len, TOKEN_MAX - line->len);
        if (got == 0) {
            break;
        }
        if (got > 0) {
            line->len += (size_t)got;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    line->data[line->len] = '\0';
    return 0;
}

/* On a terminal it is typed, or pasted, without being seen; whatever ends
 * that, the terminal is as it was. Returns as read_line() does. */
static int
read_hidden(struct mpsc_secret *line)
{
    struct termios shown;
    struct termios hidden;
    int interrupts;
    int result;

    if (tcgetattr(STDIN_FILENO, &shown) != 0) {
        return read_line(line, -1);
    }
    interrupts = cli_interrupt_open();
    if (interrupts < 0) {
        return -1;
    }
    /* Without ICANON, since a line is cut at 4096 bytes with it. */
    hidden = shown;
    hidden.c_lflag &= (tcflag_t) ~(ECHO | ICANON);
    hidden.c_cc[VQUIT] = _POSIX_VDISABLE;
    hidden.c_cc[VSUSP] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    fputs("The token, which is not shown: ", stderr);
    result = read_line(line, interrupts);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    cli_interrupt_close(interrupts);
    return result;
}

/* The digest of the token in the line; 0, or the exit status. */
static int
digest_token(const char *line, char digest[MPSC_DIGEST_HEX_SIZE])
{
    const char *token = line + strspn(line, BLANKS);
    size_t len = strcspn(token, BLANKS);

    if (len == 0) {
        fputs(CLI_PROGRAM ": which needs a token on standard input\n", stderr);
        return CLI_EXIT_USAGE;
    }
    if (mpsc_digest_sha256(token, len, digest) != 0) {
        fputs(CLI_PROGRAM ": out of memory\n", stderr);
        return MPS_E_NO_MEMORY;
    }
    return 0;
}

/* The digest of the token on standard input; 0, or the exit status. */
static int
read_digest(char digest[MPSC_DIGEST_HEX_SIZE])
{
    struct mpsc_secret line = MPSC_SECRET_EMPTY;
    int status = read_hidden(&line);

    if (status < 0) {
        fprintf(stderr, CLI_PROGRAM ": can't read standard input: %s\n",
                strerror(errno));
        status = CLI_EXIT_USAGE;
    } else if (status > 0) {
        status += 128;
    } else {
        status = digest_token(line.data, digest);
    }
    mpsc_secret_free(&line);
    return status;
}

static int
is_match(const struct mpsc_survey_token *token, const char *digest)
{
    return strcmp(token->digest, digest) == 0;
}

static int
print_text(const struct mpsc_survey *found, const char *digest)
{
    for (size_t i = 0; i < found->count; i++) {
        if (is_match(&found->tokens[i], digest)) {
            printf("%s\n", found->tokens[i].business_id);
        }
    }
    return cli_output_text(stdout, "");
}

static struct json_object *
new_match(const struct mpsc_survey_token *token)
{
    struct json_object *match = json_object_new_object();

    if (match != NULL &&
        (cli_json_add_text(match, "business", token->business_id) != 0 ||
         cli_json_add_number(match, "expires_at", token->expires_at) != 0 ||
         cli_json_add(match, "served",
                      json_object_new_boolean(cli_survey_is_served(token))) !=
             0)) {
        json_object_put(match);
        match = NULL;
    }
    return match;
}

static int
print_json(const struct mpsc_survey *found, const char *digest, int count)
{
    struct json_object *answer = json_object_new_object();
    struct json_object *matches = json_object_new_array();
    int result = -1;

    if (answer == NULL || cli_json_add_code(answer, MPS_OK) != 0 ||
        cli_json_add(answer, "found", json_object_new_boolean(count > 0)) !=
            0 ||
        cli_json_add(
            answer, "token_id",
            json_object_new_string_len(digest, MPSC_TOKEN_ID_DIGITS)) != 0) {
        json_object_put(matches);
        errno = ENOMEM;
        goto out;
    }
    if (cli_json_add(answer, "matches", matches) != 0) {
        errno = ENOMEM;
        goto out;
    }
    for (size_t i = 0; i < found->count; i++) {
        if (is_match(&found->tokens[i], digest) &&
            cli_json_append(matches, new_match(&found->tokens[i])) != 0) {
            errno = ENOMEM;
            goto out;
        }
    }
    result = cli_json_put(stdout, answer);
out:
    json_object_put(answer);
    return result;
}

static int
run(const struct cli_common *common)
{
    char digest[MPSC_DIGEST_HEX_SIZE];
    struct cli_survey survey;
    struct mps_error error;
    int count = 0;
    int status = read_digest(digest);

    if (status != 0) {
        return status;
    }
    if (cli_account_become(common->user, &error) != MPS_OK) {
        (void)cli_survey_fail(common, &error);
        return CLI_EXIT_USAGE;
    }
    if (cli_survey_take(common, &survey, &error) != MPS_OK) {
        return cli_survey_fail(common, &error);
    }
    if (cli_survey_check_keyring(&survey, &error) != MPS_OK) {
        status = cli_survey_fail(common, &error);
        goto out;
    }
    for (size_t i = 0; i < survey.found.count; i++) {
        count += is_match(&survey.found.tokens[i], digest);
    }
    status = count > 0 ? 0 : NOT_FOUND;
    if ((common->is_json ? print_json(&survey.found, digest, count)
                         : print_text(&survey.found, digest)) != 0) {
        status = cli_output_failed();
    }
    if (count == 0 && !common->is_json) {
        fputs(CLI_PROGRAM ": no business has that token in this keyring, "
                          "endpoint and solution\n",
              stderr);
    }
out:
    cli_survey_free(&survey);
    return status;
}

int
cli_which(int argc, char **argv)
{
    struct cli_common common;
    enum cli_action action =
        cli_common_parse(argc, argv, long_options, &common, NULL, NULL);

    /* What was given by mistake may be the token: it is not repeated. */
    if (action == CLI_ACTION_RUN && optind < argc) {
        fputs(CLI_PROGRAM ": which takes no operand: a token on a command "
                          "line is seen by all users\n",
              stderr);
        action = CLI_ACTION_USAGE;
    }
    if (action == CLI_ACTION_USAGE) {
        (void)cli_usage_end(action, "which", help);
        return CLI_EXIT_USAGE;
    }
    return action == CLI_ACTION_RUN ? run(&common)
                                    : cli_usage_end(action, "which", help);
}
