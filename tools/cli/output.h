/* SPDX-License-Identifier: MIT */
/*
 * output: a credential or an error, for programs and for people.
 *
 * No token goes through a stdio or json-c buffer: those are freed without
 * being wiped. It is written from the credential's own memory straight to the
 * stream's descriptor, so a stream that is to take a token has to have one.
 *
 * Functions that return int return 0 when all has been written, else -1 with
 * errno set.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <mps/credential.h>
#include <stdint.h>
#include <stdio.h>

/* The program's name, in front of whatever goes to stderr. */
#define CLI_PROGRAM "mps-credential"

/* The exit status where what there was to print could not be written. Codes
 * of the ABI are small numbers; this one is EX_IOERR of sysexits.h. */
#define CLI_EXIT_OUTPUT 74

/* The exit status where the command line is wrong, of a verb for which
 * MPS_E_INVALID means something else; EX_USAGE of sysexits.h. */
#define CLI_EXIT_USAGE 64

/* A text that holds no secret. */
int cli_output_text(FILE *out, const char *text);

/* The token and a newline: what a pipe gets. */
int cli_output_token(FILE *out, const struct mps_credential *credential);

/*
 * A list for a terminal: business, token_id, expiry, source, and the token if
 * `is_shown`, else how to get it. `now` is in Unix seconds.
 */
int cli_output_list(FILE *out, const char *business,
                    const struct mps_credential *credential, int is_shown,
                    int64_t now);

/* One line with a JSON object; "access_token" is in it if `is_shown`. */
int cli_output_json(FILE *out, const char *business,
                    const struct mps_credential *credential, int is_shown);

/* One line with a JSON object about a failure of those classes. business: NULL
 * = it concerns all. */
int cli_output_error_json(FILE *out, const char *business,
                          const struct mps_error *error, unsigned classes);

/* What failed, then what to do about it. `now` is in Unix seconds. */
void cli_output_error(FILE *err, const struct mps_error *error,
                      unsigned classes, int64_t now);

/* Says, from errno, that stdout could not be written; CLI_EXIT_OUTPUT. */
int cli_output_failed(void);

#endif
