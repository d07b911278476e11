/* SPDX-License-Identifier: MIT */
/* steps: what a verb that changes the system says of what it has done. */
#ifndef CLI_STEPS_H
#define CLI_STEPS_H

#include <json-c/json.h>

struct cli_steps {
    struct json_object *answer; /* NULL: lines are printed at once */
    struct json_object *done;   /* those so far, in the answer */
    int result;                 /* 0, or -1: something could not be said */
};

/* Begins; is_json keeps the lines for the end. */
void cli_steps_begin(struct cli_steps *steps, int is_json);

/* One thing that is done, as a sentence. */
void cli_steps_done(struct cli_steps *steps, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What failed and what to do about it, on stderr and in the JSON's "message";
 * returns `code`. */
int cli_steps_fail(struct cli_steps *steps, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends with that code: prints the JSON, if that was wished, and frees all.
 * Returns the exit status. */
int cli_steps_end(struct cli_steps *steps, int code);

#endif
