/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "output.h"
#include "text.h"

/* The codes that have a name here, and one for all others. */
#define CODES (MPS_E_INTERNAL + 2)

int
cli_tally_init(struct cli_tally *tally, size_t total)
{
    memset(tally, 0, sizeof(*tally));
    tally->total = total;
    /* One more: calloc() of nothing may be NULL. */
    tally->failures = calloc(total + 1, sizeof(*tally->failures));
    return tally->failures != NULL ? 0 : -1;
}

void
cli_tally_free(struct cli_tally *tally)
{
    free(tally->failures);
    memset(tally, 0, sizeof(*tally));
}

size_t
cli_tally_not_done(const struct cli_tally *tally)
{
    return tally->total - tally->ok - tally->failed;
}

void
cli_tally_add(struct cli_tally *tally, const char *business, int code)
{
    struct cli_tally_failure *failure = &tally->failures[tally->failed];

    if (cli_tally_not_done(tally) == 0) {
        return;
    }
    if (code == MPS_OK) {
        tally->ok++;
        return;
    }
    snprintf(failure->business, sizeof(failure->business), "%s", business);
    failure->code = code;
    tally->failed++;
}

void
cli_tally_list(FILE *err, const struct cli_tally *tally, int all)
{
    size_t count = tally->failed;

    if (!all && count > CLI_TALLY_LISTED) {
        count = CLI_TALLY_LISTED;
    }
    for (size_t i = 0; i < count; i++) {
        fprintf(err, CLI_PROGRAM ": business %s: %s\n",
                tally->failures[i].business,
                cli_text_code(tally->failures[i].code));
    }
    if (count < tally->failed) {
        fprintf(err, CLI_PROGRAM ": ... and %zu more (--verbose lists all)\n",
                tally->failed - count);
    }
}

/* How many failed with each code, unknown ones taken together. */
static void
count_codes(const struct cli_tally *tally, size_t counts[CODES])
{
    memset(counts, 0, CODES * sizeof(counts[0]));
    for (size_t i = 0; i < tally->failed; i++) {
        int code = tally->failures[i].code;

        counts[code > 0 && code < CODES - 1 ? code : CODES - 1]++;
    }
}

int
cli_tally_summary(FILE *out, const struct cli_tally *tally)
{
    size_t counts[CODES];
    size_t not_done = cli_tally_not_done(tally);

    count_codes(tally, counts);
    fprintf(out, "%zu %s: %zu ok, %zu failed", tally->total,
            tally->total == 1 ? "business" : "businesses", tally->ok,
            tally->failed);
    if (not_done > 0) {
        fprintf(out, ", %zu not done", not_done);
    }
    fputc('\n', out);
    for (int code = 0; code < CODES; code++) {
        if (counts[code] > 0) {
            fprintf(out, "%8zu  %s\n", counts[code], cli_text_code(code));
        }
    }
    return cli_output_text(out, "");
}

/* "failed": how many with which code, by the codes' names. */
static int
add_counts(struct json_object *answer, const struct cli_tally *tally)
{
    struct json_object *object = json_object_new_object();
    size_t counts[CODES];

    if (cli_json_add(answer, "failed_by_code", object) != 0) {
        return -1;
    }
    count_codes(tally, counts);
    for (int code = 0; code < CODES; code++) {
        if (counts[code] > 0 &&
            cli_json_add_number(object, cli_text_code(code),
                                (int64_t)counts[code]) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
add_failures(struct json_object *answer, const struct cli_tally *tally)
{
    struct json_object *list = json_object_new_array();

    if (cli_json_add(answer, "failures", list) != 0) {
        return -1;
    }
    for (size_t i = 0; i < tally->failed; i++) {
        const struct cli_tally_failure *failure = &tally->failures[i];
        struct json_object *item = json_object_new_object();

        if (cli_json_append(list, item) != 0 ||
            cli_json_add_text(item, "business", failure->business) != 0 ||
            cli_json_add_text(item, "code", cli_text_code(failure->code)) !=
                0 ||
            cli_json_add_number(item, "code_number", failure->code) != 0) {
            return -1;
        }
    }
    return 0;
}

int
cli_tally_json(FILE *out, const struct cli_tally *tally,
               const struct mps_error *error, unsigned classes)
{
    struct json_object *answer = json_object_new_object();
    int result = -1;

    if (answer == NULL || cli_json_add_code(answer, error->code) != 0 ||
        cli_json_add_number(answer, "total", (int64_t)tally->total) != 0 ||
        cli_json_add_number(answer, "ok", (int64_t)tally->ok) != 0 ||
        cli_json_add_number(answer, "failed", (int64_t)tally->failed) != 0 ||
        cli_json_add_number(answer, "not_done",
                            (int64_t)cli_tally_not_done(tally)) != 0 ||
        add_counts(answer, tally) != 0 || add_failures(answer, tally) != 0 ||
        (error->code != MPS_OK &&
         cli_json_add_error(answer, error, classes) != 0)) {
        errno = ENOMEM;
        goto out;
    }
    result = cli_json_put(out, answer);
out:
    json_object_put(answer);
    return result;
}
