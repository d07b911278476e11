/* SPDX-License-Identifier: MIT */
/* The keys of a scenario: their names, their rules, their values. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "settings.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "file.h"

#define FILE_MOST ((size_t)16 << 20)
#define TOKEN_FILE_MOST ((size_t)64 << 10)
#define DAY_MS (INT64_C(86400) * 1000)
#define CENTURY_S (INT64_C(100) * 366 * 86400)

struct key_row;

typedef int parse_fn(const struct key_row *row, const char *text,
                     struct emu_value *value, struct emu_error *error);

struct key_row {
    const char *name;
    enum emu_key key;
    unsigned scope;
    parse_fn *parse;
    int64_t least; /* of a number */
    int64_t most;
    const char *choices[3]; /* of a choice: its number is the index */
    bool absent;            /* "absent" is allowed */
    bool secret;            /* never repeated in a message */
    const char *help;
};

static int
take_text(struct emu_value *value, const char *text, size_t size,
          struct emu_error *error)
{
    value->text = malloc(size + 1);
    if (!value->text) {
        return emu_fail(error, "out of memory");
    }
    memcpy(value->text, text, size);
    value->text[size] = '\0';
    value->size = size;
    return 0;
}

static int
parse_number(const struct key_row *row, const char *text,
             struct emu_value *value, struct emu_error *error)
{
    char *end = NULL;
    long long number;

    if (row->absent && strcmp(text, "absent") == 0) {
        value->number = EMU_ABSENT;
        return 0;
    }
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < row->least ||
        number > row->most) {
        return emu_fail(error, "give a number from %lld to %lld%s",
                        (long long)row->least, (long long)row->most,
                        row->absent ? ", or absent" : "");
    }
    value->number = number;
    return 0;
}

static int
parse_choice(const struct key_row *row, const char *text,
             struct emu_value *value, struct emu_error *error)
{
    for (int i = 0; row->choices[i]; i++) {
        if (strcmp(text, row->choices[i]) == 0) {
            value->number = i;
            return 0;
        }
    }
    return emu_fail(error, "give %s or %s", row->choices[0], row->choices[1]);
}

static int
parse_fault(const struct key_row *row, const char *text,
            struct emu_value *value, struct emu_error *error)
{
    enum emu_fault fault = EMU_FAULT_NONE;

    (void)row;
    if (emu_fault_parse(text, &fault, &value->parameter, error)) {
        return -1;
    }
    value->number = (int64_t)fault;
    return 0;
}

static int
parse_digits(const struct key_row *row, const char *text,
             struct emu_value *value, struct emu_error *error)
{
    (void)row;
    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0') {
        return emu_fail(error, "give digits only");
    }
    return take_text(value, text, strlen(text), error);
}

/* A secret goes into a header: visible ASCII, and something at all. */
static int
parse_secret(const struct key_row *row, const char *text,
             struct emu_value *value, struct emu_error *error)
{
    size_t size = 0;

    (void)row;
    while (text[size] > ' ' && text[size] < 0x7f) {
        size++;
    }
    if (size == 0 || text[size] != '\0') {
        return emu_fail(error, "it is empty, or has a space, a control or a "
                               "non-ASCII character");
    }
    return take_text(value, text, size, error);
}

static int
parse_secret_file(const struct key_row *row, const char *path,
                  struct emu_value *value, struct emu_error *error)
{
    size_t size = 0;
    char *text = emu_file_read(path, TOKEN_FILE_MOST, &size, error);
    int result;

    if (!text) {
        return -1;
    }
    text[strcspn(text, "\r\n")] = '\0';
    result = parse_secret(row, text, value, error);
    explicit_bzero(text, size);
    free(text);
    return result;
}

/* The value of a header or of JSON, put in as it stands. */
static int
parse_literal(const struct key_row *row, const char *text,
              struct emu_value *value, struct emu_error *error)
{
    size_t size = 0;

    (void)row;
    while ((unsigned char)text[size] >= ' ' && text[size] != 0x7f) {
        size++;
    }
    if (size == 0 || text[size] != '\0' || size > 256) {
        return emu_fail(error, "give 1 to 256 characters, none of them a "
                               "control character");
    }
    return take_text(value, text, size, error);
}

static int
parse_body(const struct key_row *row, const char *text,
           struct emu_value *value, struct emu_error *error)
{
    (void)row;
    return take_text(value, text, strlen(text), error);
}

static int
parse_body_file(const struct key_row *row, const char *path,
                struct emu_value *value, struct emu_error *error)
{
    (void)row;
    value->text = emu_file_read(path, FILE_MOST, &value->size, error);
    return value->text ? 0 : -1;
}

#define ENDPOINT EMU_SCOPE_ENDPOINT
#define EITHER (EMU_SCOPE_ENDPOINT | EMU_SCOPE_BUSINESS)

/* Sorted by name: searched by bisection and printed as it stands. */
static const struct key_row rows[] = {
    {.name = "app_secret",
     .key = EMU_APP_SECRET,
     .scope = ENDPOINT,
     .parse = parse_secret,
     .secret = true,
     .help = "with it appsecret_proof is demanded and checked"},
    {.name = "app_usage",
     .key = EMU_APP_USAGE,
     .scope = EITHER,
     .parse = parse_number,
     .least = 0,
     .most = 1000,
     .absent = true,
     .help = "call_count in X-App-Usage, per cent; or absent (28)"},
    {.name = "body",
     .key = EMU_BODY,
     .scope = EITHER,
     .parse = parse_body,
     .help = "the answer's body, literally"},
    {.name = "body_file",
     .key = EMU_BODY,
     .scope = EITHER,
     .parse = parse_body_file,
     .help = "a file with the answer's body"},
    {.name = "drip_ms",
     .key = EMU_DRIP_MS,
     .scope = EITHER,
     .parse = parse_number,
     .least = 1,
     .most = DAY_MS,
     .help = "pause before each byte of the fault drip (100)"},
    {.name = "expires_at",
     .key = EMU_EXPIRES_AT,
     .scope = EITHER,
     .parse = parse_literal,
     .help = "a JSON value put in literally, a bare word as a string; "
             "or absent"},
    {.name = "fault",
     .key = EMU_FAULT,
     .scope = EITHER,
     .parse = parse_fault,
     .help = "see --list-faults (none)"},
    {.name = "fault_count",
     .key = EMU_FAULT_COUNT,
     .scope = EITHER,
     .parse = parse_number,
     .least = 1,
     .most = INT_MAX,
     .help = "fault, status and body of this group end after so many "
             "requests (never)"},
    {.name = "latency_ms",
     .key = EMU_LATENCY_MS,
     .scope = EITHER,
     .parse = parse_number,
     .least = 0,
     .most = DAY_MS,
     .help = "wait before the answer (0)"},
    {.name = "lifetime_s",
     .key = EMU_LIFETIME_S,
     .scope = EITHER,
     .parse = parse_number,
     .least = -CENTURY_S,
     .most = CENTURY_S,
     .help = "a token's life; negative: expired on arrival (3600)"},
    {.name = "partner_token",
     .key = EMU_PARTNER_TOKEN,
     .scope = ENDPOINT,
     .parse = parse_secret,
     .secret = true,
     .help = "the Bearer token demanded (one made at start)"},
    {.name = "partner_token_file",
     .key = EMU_PARTNER_TOKEN,
     .scope = ENDPOINT,
     .parse = parse_secret_file,
     .help = "a file with it in its first line"},
    {.name = "regain_minutes",
     .key = EMU_REGAIN_MINUTES,
     .scope = EITHER,
     .parse = parse_number,
     .least = 0,
     .most = INT_MAX,
     .absent = true,
     .help = "estimated_time_to_regain_access in "
             "X-Business-Use-Case-Usage; or absent"},
    {.name = "retry_after",
     .key = EMU_RETRY_AFTER,
     .scope = EITHER,
     .parse = parse_literal,
     .help = "Retry-After, literally: seconds or a date; or absent"},
    {.name = "rotation",
     .key = EMU_ROTATION,
     .scope = EITHER,
     .parse = parse_choice,
     .choices = {"always", "same"},
     .help = "always a new token, or the same until it expires (always)"},
    {.name = "shape",
     .key = EMU_SHAPE,
     .scope = EITHER,
     .parse = parse_choice,
     .choices = {"flat", "data"},
     .help = "flat: access_token and expires_at; data: an array, without "
             "expiry (flat)"},
    {.name = "solution_id",
     .key = EMU_SOLUTION_ID,
     .scope = ENDPOINT,
     .parse = parse_digits,
     .help = "the one solution there is (1234567890123456)"},
    {.name = "status",
     .key = EMU_STATUS,
     .scope = EITHER,
     .parse = parse_number,
     .least = 200,
     .most = 599,
     .help = "answer with this status and its documented body (200)"},
    {.name = "token_length",
     .key = EMU_TOKEN_LENGTH,
     .scope = EITHER,
     .parse = parse_number,
     .least = 4,
     .most = INT64_C(8) << 20,
     .help = "characters of a token (200)"},
    {.name = "unknown_business",
     .key = EMU_UNKNOWN_BUSINESS,
     .scope = ENDPOINT,
     .parse = parse_choice,
     .choices = {"404", "token"},
     .help = "what a business without a group gets (token)"},
};

#define ROWS (sizeof rows / sizeof rows[0])

static const struct emu_settings defaults = {
    .value =
        {
            [EMU_APP_USAGE] = {.number = 28},
            [EMU_DRIP_MS] = {.number = 100},
            [EMU_LIFETIME_S] = {.number = 3600},
            [EMU_REGAIN_MINUTES] = {.number = EMU_ABSENT},
            [EMU_STATUS] = {.number = 200},
            [EMU_TOKEN_LENGTH] = {.number = 200},
            [EMU_UNKNOWN_BUSINESS] = {.number = EMU_UNKNOWN_TOKEN},
        },
};

static void
clear_value(struct emu_value *value)
{
    if (value->text) {
        explicit_bzero(value->text, value->size);
        free(value->text);
    }
    memset(value, 0, sizeof *value);
}

static int
compare(const void *name, const void *row)
{
    return strcmp(name, ((const struct key_row *)row)->name);
}

int
emu_settings_set(struct emu_settings *settings, enum emu_scope scope,
                 const char *name, const char *text, struct emu_error *error)
{
    const struct key_row *row =
        bsearch(name, rows, ROWS, sizeof rows[0], compare);
    struct emu_value value = {.set = true};
    char where[200];

    if (!row) {
        return emu_fail(error,
                        "%.100s: there is no such key; "
                        "mps-graph-emulator --list-keys prints all",
                        name);
    }
    if (!(row->scope & (unsigned)scope)) {
        return emu_fail(error,
                        "%s: this key is the endpoint's, not a "
                        "business's",
                        name);
    }
    if (row->parse(row, text, &value, error)) {
        clear_value(&value);
        (void)snprintf(where, sizeof where, "%s = %.120s", name,
                       row->secret ? "(not shown)" : text);
        return emu_fail_at(error, where);
    }
    clear_value(&settings->value[row->key]);
    settings->value[row->key] = value;
    return 0;
}

const char *
emu_settings_name(size_t index)
{
    return index < ROWS ? rows[index].name : NULL;
}

int
emu_settings_copy(struct emu_settings *copy,
                  const struct emu_settings *settings)
{
    struct emu_error error = {""};

    memset(copy, 0, sizeof *copy);
    for (int i = 0; i < EMU_KEYS; i++) {
        const struct emu_value *from = &settings->value[i];

        copy->value[i] = *from;
        copy->value[i].text = NULL;
        if (from->text &&
            take_text(&copy->value[i], from->text, from->size, &error)) {
            emu_settings_clear(copy);
            return -1;
        }
    }
    return 0;
}

void
emu_settings_clear(struct emu_settings *settings)
{
    for (int i = 0; i < EMU_KEYS; i++) {
        clear_value(&settings->value[i]);
    }
}

const struct emu_value *
emu_settings_get(const struct emu_settings *business,
                 const struct emu_settings *endpoint, enum emu_key key)
{
    if (business && business->value[key].set) {
        return &business->value[key];
    }
    if (endpoint->value[key].set) {
        return &endpoint->value[key];
    }
    return &defaults.value[key];
}

void
emu_settings_list(FILE *out)
{
    for (size_t i = 0; i < ROWS; i++) {
        (void)fprintf(out, "  %-18s %s%s\n", rows[i].name, rows[i].help,
                      rows[i].scope == ENDPOINT ? " [endpoint only]" : "");
    }
}
