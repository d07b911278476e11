/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "utf8.h"

/* What redact.h takes for a token whatever it begins with. */
#define LONG_RUN 40

void
fuzz_broken(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: doesn't hold: %s\n", file, line, condition);
    abort();
}

/* Not redact.c's way of looking, so that the two can differ. */
static size_t
longest_run(const char *text)
{
    size_t longest = 0;

    while (*text != '\0') {
        size_t run = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz"
                                  "0123456789_|.-");

        longest = run > longest ? run : longest;
        text += run > 0 ? run : 1;
    }
    return longest;
}

void
fuzz_must_hide_tokens(const char *text)
{
    MUST(longest_run(text) < LONG_RUN);
}

void
fuzz_must_be_text(const char *text, size_t size)
{
    char copy[1024];

    MUST(size <= sizeof(copy));
    MUST(memchr(text, '\0', size) != NULL);
    for (const char *at = text; *at != '\0'; at++) {
        MUST((unsigned char)*at >= 0x20 && *at != 0x7f);
    }
    /* What is clean already is left as it is. */
    mpsc_utf8_copy(copy, sizeof(copy), text);
    MUST(strcmp(copy, text) == 0);
    fuzz_must_hide_tokens(text);
}

void
fuzz_must_be_error(const struct mps_error *error, int code)
{
    MUST(error->size == sizeof(*error));
    MUST(error->code == code);
    MUST(code > MPS_OK && code <= MPS_E_INTERNAL);
    MUST(error->message[0] != '\0');
    MUST(error->is_transient == 0 || error->is_transient == 1);
    fuzz_must_be_text(error->type, sizeof(error->type));
    fuzz_must_be_text(error->fbtrace_id, sizeof(error->fbtrace_id));
    fuzz_must_be_text(error->message, sizeof(error->message));
    fuzz_must_be_text(error->user_title, sizeof(error->user_title));
    fuzz_must_be_text(error->user_message, sizeof(error->user_message));
}

void
fuzz_must_be_record(const struct mpsc_record *record)
{
    MUST(record->token.data != NULL);
    MUST(record->token.data[record->token.len] == '\0');
    MUST(mpsc_record_token_ok(record->token.data, record->token.len));
    MUST(strlen(record->token.data) == record->token.len);
    MUST(record->expires_at > 0);
    MUST(record->endpoint_expires_at >= -1);
    MUST(record->received_at >= 0);
    MUST(record->received_boot_ms >= 0);
    MUST(record->boot_id[0] == '\0' ||
         strlen(record->boot_id) == MPSC_BOOT_ID_SIZE - 1);
}

void
fuzz_must_equal(const struct mpsc_record *a, const struct mpsc_record *b)
{
    MUST(a->token.len == b->token.len);
    MUST(memcmp(a->token.data, b->token.data, a->token.len) == 0);
    MUST(a->expires_at == b->expires_at);
    MUST(a->endpoint_expires_at == b->endpoint_expires_at);
    MUST(a->received_at == b->received_at);
    MUST(a->received_boot_ms == b->received_boot_ms);
    MUST(a->clock_offset_s == b->clock_offset_s);
    MUST(strcmp(a->boot_id, b->boot_id) == 0);
}

char *
fuzz_string(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    MUST(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    return text;
}
