/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "which.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "account.h"
#include "json.h"
#include "output.h"
#include "src/digest.h"
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
    "command line is wrong, or another code of a failure; see\n"
    "mps-credential(1).\n";

static const struct option long_options[] = {
    CLI_COMMON_OPTIONS,
    {NULL, 0, NULL, 0},
};

/* Reads the first line, or up to the end; how much that is, or -1 with errno.
 */
static ssize_t
read_line(char *to, size_t size)
{
    size_t len = 0;

    while (len < size && memchr(to, '\n', len) == NULL) {
        ssize_t got = read(STDIN_FILENO, to + len, size - len);

        if (got == 0) {
            break;
        }
        if (got > 0) {
            len += (size_t)got;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return (ssize_t)len;
}

/* On a terminal it is typed, or pasted, without being seen. */
static ssize_t
read_hidden(char *to, size_t size)
{
    struct termios shown;
    struct termios hidden;
    ssize_t len;

    if (tcgetattr(STDIN_FILENO, &shown) != 0) {
        return read_line(to, size);
    }
    /* Without ICANON, since a line is cut at 4096 bytes with it. */
    hidden = shown;
    hidden.c_lflag &= (tcflag_t) ~(ECHO | ICANON);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    fputs("The token, which is not shown: ", stderr);
    len = read_line(to, size);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    return len;
}

/* The digest of the token on standard input; 0, or the exit status. */
static int
read_digest(char digest[MPSC_DIGEST_HEX_SIZE])
{
    static char bytes[TOKEN_MAX + 1];
    ssize_t len = read_hidden(bytes, TOKEN_MAX);
    const char *token = bytes + strspn(bytes, BLANKS);
    size_t token_len = strcspn(token, BLANKS);
    int status = 0;

    if (len < 0) {
        fprintf(stderr, CLI_PROGRAM ": can't read standard input: %s\n",
                strerror(errno));
        status = CLI_EXIT_USAGE;
    } else if (token_len == 0) {
        fputs(CLI_PROGRAM ": which needs a token on standard input\n", stderr);
        status = CLI_EXIT_USAGE;
    } else if (mpsc_digest_sha256(token, token_len, digest) != 0) {
        fputs(CLI_PROGRAM ": out of memory\n", stderr);
        status = MPS_E_NO_MEMORY;
    }
    explicit_bzero(bytes, sizeof(bytes));
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
