/* SPDX-License-Identifier: MIT */
/* The faults that the endpoint can be told to have. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "faults.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct fault_row {
    const char *name;
    enum emu_fault fault;
    const char *parameter; /* what the number is; NULL: takes none */
    int64_t least;
    int64_t most;
    const char *help;
};

#define CUT_MOST (INT64_C(1) << 24)
#define SKEW_MOST (INT64_C(10) * 366 * 86400)

/* Sorted by name: searched by bisection and printed as it stands. */
static const struct fault_row rows[] = {
    {"429", EMU_FAULT_429, NULL, 0, 0,
     "429 with Retry-After and the usage headers at their limit"},
    {"bad-utf8", EMU_FAULT_BAD_UTF8, NULL, 0, 0,
     "bytes that are no UTF-8 in the token, or in an error's message"},
    {"control-token", EMU_FAULT_CONTROL_TOKEN, NULL, 0, 0,
     "a token with control, space and non-ASCII characters"},
    {"cut", EMU_FAULT_CUT, "N", 0, CUT_MOST,
     "the connection ends after N bytes of the body"},
    {"cut-chunked", EMU_FAULT_CUT_CHUNKED, "N", 0, CUT_MOST,
     "like cut-response, with the body in chunks"},
    {"cut-response", EMU_FAULT_CUT_RESPONSE, "N", 0, CUT_MOST,
     "the connection ends after N bytes of status line, headers and body"},
    {"cut-unframed", EMU_FAULT_CUT_UNFRAMED, "N", 0, CUT_MOST,
     "like cut-response, where nothing but the end tells the body's length"},
    {"date-skew", EMU_FAULT_DATE_SKEW, "SECONDS", -SKEW_MOST, SKEW_MOST,
     "the Date header is off by so much; expires_at is not"},
    {"deep", EMU_FAULT_DEEP, NULL, 0, 0, "JSON nested 10000 arrays deep"},
    {"drip", EMU_FAULT_DRIP, NULL, 0, 0,
     "the body comes one byte each drip_ms"},
    {"duplicate-keys", EMU_FAULT_DUPLICATE_KEYS, NULL, 0, 0,
     "an object that has access_token and expires_at twice"},
    {"empty", EMU_FAULT_EMPTY, NULL, 0, 0, "200 with an empty body"},
    {"empty-token", EMU_FAULT_EMPTY_TOKEN, NULL, 0, 0,
     "200 with an empty access_token"},
    {"endless", EMU_FAULT_ENDLESS, NULL, 0, 0,
     "200 with a body that never ends"},
    {"error-in-200", EMU_FAULT_ERROR_IN_200, NULL, 0, 0,
     "200 with the error object of status (400's where none is set)"},
    {"error-string", EMU_FAULT_ERROR_STRING, NULL, 0, 0,
     "an error that is a string, not an object"},
    {"garbage", EMU_FAULT_GARBAGE, NULL, 0, 0,
     "200 with random bytes as its body"},
    {"html", EMU_FAULT_HTML, NULL, 0, 0,
     "502 with an HTML page, as a proxy sends it"},
    {"no-token", EMU_FAULT_NO_TOKEN, NULL, 0, 0, "200 without access_token"},
    {"none", EMU_FAULT_NONE, NULL, 0, 0, "no fault"},
    {"oversized", EMU_FAULT_OVERSIZED, NULL, 0, 0,
     "200 with valid JSON of more than 1 MiB, its length not announced"},
    {"redirect", EMU_FAULT_REDIRECT, NULL, 0, 0,
     "302 to a path that gives a token; /__stats tells who followed"},
    {"reset", EMU_FAULT_RESET, NULL, 0, 0,
     "the connection is reset before the first byte of the answer"},
    {"reset-body", EMU_FAULT_RESET_BODY, NULL, 0, 0,
     "the connection is reset after half of the body"},
    {"stall", EMU_FAULT_STALL, NULL, 0, 0, "no answer at all"},
    {"stall-body", EMU_FAULT_STALL_BODY, NULL, 0, 0,
     "headers and half of the body, then nothing"},
    {"trailing", EMU_FAULT_TRAILING, NULL, 0, 0,
     "valid JSON, then bytes that are none"},
    {"truncated", EMU_FAULT_TRUNCATED, NULL, 0, 0,
     "a Content-Length larger than the body that comes, then the end"},
    {"two-entries", EMU_FAULT_TWO_ENTRIES, NULL, 0, 0,
     "200 with two entries in data"},
};

#define ROWS (sizeof rows / sizeof rows[0])

struct name_key {
    const char *text;
    size_t length;
};

static int
compare(const void *key, const void *row)
{
    const struct name_key *name = key;
    const char *other = ((const struct fault_row *)row)->name;
    int order = strncmp(name->text, other, name->length);

    if (order == 0 && other[name->length] != '\0') {
        return -1;
    }
    return order;
}

static int
parse_parameter(const struct fault_row *row, const char *text,
                int64_t *parameter, struct emu_error *error)
{
    char *end = NULL;
    long long number;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < row->least ||
        number > row->most) {
        return emu_fail(error, "%s takes a number from %lld to %lld: %s=%s",
                        row->name, (long long)row->least, (long long)row->most,
                        row->name, row->parameter);
    }
    *parameter = number;
    return 0;
}

int
emu_fault_parse(const char *text, enum emu_fault *fault, int64_t *parameter,
                struct emu_error *error)
{
    const struct name_key key = {text, strcspn(text, "=")};
    const char *number =
        text[key.length] == '=' ? text + key.length + 1 : NULL;
    const struct fault_row *row =
        bsearch(&key, rows, ROWS, sizeof rows[0], compare);

    if (!row) {
        return emu_fail(error, "there is no such fault; "
                               "mps-graph-emulator --list-faults prints all");
    }
    if (row->parameter && !number) {
        return emu_fail(error, "%s needs a number: %s=%s", row->name,
                        row->name, row->parameter);
    }
    if (!row->parameter && number) {
        return emu_fail(error, "%s takes no number", row->name);
    }
    *parameter = 0;
    if (number && parse_parameter(row, number, parameter, error)) {
        return -1;
    }
    *fault = row->fault;
    return 0;
}

const char *
emu_fault_name(enum emu_fault fault)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].fault == fault) {
            return rows[i].name;
        }
    }
    return "none";
}

void
emu_fault_list(FILE *out)
{
    for (size_t i = 0; i < ROWS; i++) {
        char name[40];
        const char *parameter = rows[i].parameter;

        (void)snprintf(name, sizeof name, "%s%s%s", rows[i].name,
                       parameter ? "=" : "", parameter ? parameter : "");
        (void)fprintf(out, "  %-18s %s\n", name, rows[i].help);
    }
}
