/* SPDX-License-Identifier: MIT */
/* tally: what became of many businesses, for programs and for people. */
#ifndef CLI_TALLY_H
#define CLI_TALLY_H

#include <mps/credential.h>
#include <stddef.h>
#include <stdio.h>

/* The most failures that are listed for people who haven't asked for all. */
#define CLI_TALLY_LISTED 20

struct cli_tally_failure {
    char business[MPS_BUSINESS_ID_MAX + 1];
    int code;
};

struct cli_tally {
    size_t total;
    size_t ok;
    size_t failed;
    struct cli_tally_failure *failures; /* `failed` of them, as they came */
};

/* Room for `total` businesses. 0, or -1 without memory. */
int cli_tally_init(struct cli_tally *tally, size_t total);
void cli_tally_free(struct cli_tally *tally);

/* Counts one; those beyond the total are not counted. */
void cli_tally_add(struct cli_tally *tally, const char *business, int code);

/* How many have not been counted. */
size_t cli_tally_not_done(const struct cli_tally *tally);

/* A line for each failure, of `all` or of the first ones. */
void cli_tally_list(FILE *err, const struct cli_tally *tally, int all);

/* How many are ok, how many have failed with which code. 0 when all has been
 * written, else -1 with errno set. */
int cli_tally_summary(FILE *out, const struct cli_tally *tally);

/*
 * One line with a JSON object of all that, and, where its code isn't MPS_OK,
 * of the error that stands for the whole and its classes. 0, or -1 as above.
 */
int cli_tally_json(FILE *out, const struct cli_tally *tally,
                   const struct mps_error *error, unsigned classes);

#endif
