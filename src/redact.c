/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "redact.h"

#include <string.h>

#include "utf8.h"

static const char mark[] = "[redacted]";

#define MARK_LENGTH (sizeof(mark) - 1)

/* Meta's tokens have no fixed form; its own user and system-user tokens begin
 * with this. */
static const char prefix[] = "EAA";

/* Graph's message for a token that is none ends with that token, in whatever
 * form: it may be the password that was put into the wrong file. */
static const char malformed[] = "Malformed access token ";

#define PREFIXED_RUN 20
#define LONG_RUN 40

static int
is_token_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '|' || c == '.' ||
           c == '-';
}

/* The length of the run at `text` that looks like a token, or 0. *skip is
 * how much of the text is then known not to begin one. */
static size_t
token_length(const char *text, size_t *skip)
{
    size_t run = 0;
    size_t prefixed;

    while (is_token_byte(text[run])) {
        run++;
    }
    *skip = run > 0 ? run : 1;
    if (run >= LONG_RUN) {
        return run;
    }
    for (prefixed = 0; prefixed + PREFIXED_RUN <= run; prefixed++) {
        if (strncmp(text + prefixed, prefix, sizeof(prefix) - 1) == 0) {
            return run;
        }
    }
    return 0;
}

/* Replaces `length` bytes at `at`; returns the first byte behind. */
static char *
replace(char *at, size_t length)
{
    if (length < MARK_LENGTH) {
        memset(at, '*', length);
        return at + length;
    }
    memcpy(at, mark, MARK_LENGTH);
    memmove(at + MARK_LENGTH, at + length, strlen(at + length) + 1);
    return at + MARK_LENGTH;
}

static void
redact_secret(char *text, const struct mpsc_secret *secret)
{
    if (secret == NULL || secret->len == 0) {
        return;
    }
    while ((text = strstr(text, secret->data)) != NULL) {
        text = replace(text, secret->len);
    }
}

void
mpsc_redact_known(char *text, const struct mpsc_secret *const *secrets,
                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        redact_secret(text, secrets[i]);
    }
}

void
mpsc_redact(char *text, const struct mpsc_secret *const *secrets, size_t count)
{
    char *rest;

    mpsc_redact_known(text, secrets, count);
    rest = strcasestr(text, malformed);
    if (rest != NULL && rest[sizeof(malformed) - 1] != '\0') {
        rest += sizeof(malformed) - 1;
        replace(rest, strlen(rest));
    }
    while (*text != '\0') {
        size_t skip;
        size_t length = token_length(text, &skip);

        text = length > 0 ? replace(text, length) : text + skip;
    }
}

void
mpsc_redact_copy(char *to, size_t size, const char *from)
{
    struct mpsc_secret copy = MPSC_SECRET_EMPTY;

    to[0] = '\0';
    if (mpsc_secret_set(&copy, from, strlen(from)) == 0) {
        mpsc_redact(copy.data, NULL, 0);
        mpsc_utf8_copy(to, size, copy.data);
    }
    mpsc_secret_free(&copy);
}
