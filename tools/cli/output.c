/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "text.h"

/* What ends the line of a token in JSON, which is the last member. */
#define JSON_END "\"}\n"

static int
flush(FILE *out)
{
    return ferror(out) || fflush(out) != 0 ? -1 : 0;
}

int
cli_output_text(FILE *out, const char *text)
{
    return fputs(text, out) == EOF ? -1 : flush(out);
}

/* Writes to the descriptor behind a flushed stream. */
static int
put_bytes(FILE *out, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fileno(out), bytes, len);

        if (written < 0 && errno != EINTR) {
            return -1;
        }
        if (written > 0) {
            bytes += written;
            len -= (size_t)written;
        }
    }
    return 0;
}

/* A secret as the inside of a JSON string. */
static int
put_json_escaped(FILE *out, const char *secret)
{
    char escape[8];

    while (*secret != '\0') {
        size_t plain = 0;
        unsigned char c;

        while ((c = (unsigned char)secret[plain]) >= ' ' && c != '"' &&
               c != '\\' && c != 0x7f) {
            plain++;
        }
        if (put_bytes(out, secret, plain) != 0) {
            return -1;
        }
        secret += plain;
        if (c != '\0') {
            int len = snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)c);

            if (put_bytes(out, escape, (size_t)len) != 0) {
                return -1;
            }
            secret++;
        }
    }
    return 0;
}

int
cli_output_token(FILE *out, const struct mps_credential *credential)
{
    const char *token = credential->access_token;

    if (flush(out) != 0 || put_bytes(out, token, strlen(token)) != 0) {
        return -1;
    }
    return put_bytes(out, "\n", 1);
}

int
cli_output_list(FILE *out, const char *business,
                const struct mps_credential *credential, int is_shown,
                int64_t now)
{
    char when[CLI_WHEN_SIZE];

    cli_text_when(when, sizeof(when), credential->expires_at, now);
    fprintf(out,
            "business      %s\n"
            "token_id      %s\n"
            "expires       %s\n"
            "source        %s\n",
            business, credential->token_id, when,
            cli_text_source(credential->source));
    if (!is_shown) {
        return cli_output_text(out, "\n"
                                    "The token is not shown on a terminal: "
                                    "pipe the output, or add --show.\n");
    }
    fputs("access_token  ", out);
    return cli_output_token(out, credential);
}

/* An object with the members that any answer has; NULL without memory.
 * business: NULL = of none. */
static struct json_object *
new_answer(const char *business, int code)
{
    struct json_object *answer = json_object_new_object();

    if (answer == NULL) {
        return NULL;
    }
    if (cli_json_add_code(answer, code) != 0 ||
        (business != NULL &&
         cli_json_add_typed(answer, "business", business) != 0)) {
        json_object_put(answer);
        return NULL;
    }
    return answer;
}

/* The object with the token as one more member. */
static int
put_object_and_token(FILE *out, struct json_object *object, const char *token)
{
    size_t len = 0;
    const char *text =
        json_object_to_json_string_length(object, CLI_JSON_FLAGS, &len);

    if (text == NULL) {
        errno = ENOMEM;
        return -1;
    }
    /* All but the brace that closes it. */
    if (fwrite(text, 1, len - 1, out) != len - 1 ||
        cli_output_text(out, ",\"access_token\":\"") != 0 ||
        put_json_escaped(out, token) != 0) {
        return -1;
    }
    return put_bytes(out, JSON_END, sizeof(JSON_END) - 1);
}

int
cli_output_json(FILE *out, const char *business,
                const struct mps_credential *credential, int is_shown)
{
    struct json_object *answer = new_answer(business, MPS_OK);
    int result = -1;

    if (answer == NULL ||
        cli_json_add_text(answer, "token_id", credential->token_id) != 0 ||
        cli_json_add_number(answer, "expires_at", credential->expires_at) !=
            0 ||
        cli_json_add_number(answer, "endpoint_expires_at",
                            credential->endpoint_expires_at) != 0 ||
        cli_json_add_text(answer, "source",
                          cli_text_source(credential->source)) != 0) {
        errno = ENOMEM;
        goto out;
    }
    result = is_shown
                 ? put_object_and_token(out, answer, credential->access_token)
                 : cli_json_put(out, answer);
out:
    json_object_put(answer);
    return result;
}

int
cli_output_error_json(FILE *out, const char *business,
                      const struct mps_error *error, unsigned classes)
{
    struct json_object *answer = new_answer(business, error->code);
    int result = -1;

    if (answer == NULL || cli_json_add_error(answer, error, classes) != 0) {
        errno = ENOMEM;
        goto out;
    }
    result = cli_json_put(out, answer);
out:
    json_object_put(answer);
    return result;
}

/* Meta's words for people, where it had any. */
static void
put_user_texts(FILE *err, const struct mps_error *error)
{
    const char *title = error->user_title;
    const char *text = error->user_message;

    if (title[0] != '\0' && text[0] != '\0') {
        fprintf(err, "  Meta says: %s: %s\n", title, text);
    } else if (title[0] != '\0' || text[0] != '\0') {
        fprintf(err, "  Meta says: %s%s\n", title, text);
    }
}

static void
put_retry(FILE *err, const struct mps_error *error, unsigned classes,
          int64_t now)
{
    int is_to_mend = (classes & MPS_CLASS_ALERT) != 0;

    if (error->retry_at > now) {
        char when[CLI_WHEN_SIZE];

        cli_text_when(when, sizeof(when), error->retry_at, now);
        fprintf(err, "  Ask again%s, but not before %s.\n",
                is_to_mend ? " when that is mended" : "", when);
    } else {
        fprintf(err, "  Ask again %s.\n",
                is_to_mend ? "when that is mended" : "in a while");
    }
}

/* What the message does not say already: who is to act, and when. */
static void
put_advice(FILE *err, const struct mps_error *error, unsigned classes,
           int64_t now)
{
    if (error->code == MPS_E_INVALID) {
        fputs("  Try '" CLI_PROGRAM " --help'.\n", err);
    } else if (error->code == MPS_E_INTERNAL) {
        fputs("  It is a bug of the module: please report it, with what the "
              "system's log has of it.\n",
              err);
    } else if ((classes & MPS_CLASS_CALLER) != 0) {
        fputs("  The same request will get the same answer.\n", err);
    }
    if ((classes & MPS_CLASS_ALERT) != 0) {
        fputs("  Tell the administrator of this machine.\n", err);
    }
    if ((classes & MPS_CLASS_BUSINESS) != 0) {
        fputs("  Suspend this business in your programs until that is "
              "settled; don't delete it.\n",
              err);
    }
    if ((classes & MPS_CLASS_RETRY) != 0) {
        put_retry(err, error, classes, now);
    }
}

void
cli_output_error(FILE *err, const struct mps_error *error, unsigned classes,
                 int64_t now)
{
    fprintf(err, CLI_PROGRAM ": %s: %s\n", cli_text_code(error->code),
            error->message);
    put_user_texts(err, error);
    put_advice(err, error, classes, now);
    if (error->fbtrace_id[0] != '\0') {
        fprintf(err, "  For Meta's support: fbtrace_id %s\n",
                error->fbtrace_id);
    }
}

int
cli_output_failed(void)
{
    fprintf(stderr, CLI_PROGRAM ": can't write to standard output: %s\n",
            strerror(errno));
    return CLI_EXIT_OUTPUT;
}
