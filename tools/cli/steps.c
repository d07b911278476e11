/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "steps.h"

#include <stdarg.h>
#include <stdio.h>

#include "json.h"
#include "output.h"

#define LINE_SIZE 4096

/* What programs print and callers type may be no UTF-8, as JSON has to be. */
static struct json_object *
make_text(const char *line)
{
    char text[LINE_SIZE];
    size_t len = 0;

    for (; len < sizeof(text) - 1 && line[len] != '\0'; len++) {
        text[len] = line[len];
        if (text[len] < ' ' || text[len] > '~') {
            text[len] = '?';
        }
    }
    return json_object_new_string_len(text, (int)len);
}

void
cli_steps_begin(struct cli_steps *steps, int is_json)
{
    steps->result = 0;
    steps->answer = is_json ? json_object_new_object() : NULL;
    steps->done = NULL;
    if (is_json) {
        steps->done = json_object_new_array();
        if (steps->answer == NULL ||
            cli_json_add(steps->answer, "done", steps->done) != 0) {
            steps->result = -1;
        }
    }
}

void
cli_steps_done(struct cli_steps *steps, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (steps->result != 0) {
        return;
    }
    if (steps->done != NULL) {
        steps->result = cli_json_append(steps->done, make_text(line));
    } else {
        puts(line);
        steps->result = fflush(stdout) == 0 ? 0 : -1;
    }
}

int
cli_steps_fail(struct cli_steps *steps, int code, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    fprintf(stderr, CLI_PROGRAM ": %s\n", line);
    if (steps->answer != NULL &&
        cli_json_add(steps->answer, "message", make_text(line)) != 0) {
        steps->result = -1;
    }
    return code;
}

int
cli_steps_end(struct cli_steps *steps, int code)
{
    int result = steps->result;

    if (steps->answer != NULL && result == 0) {
        result = cli_json_add_code(steps->answer, code) == 0
                     ? cli_json_put(stdout, steps->answer)
                     : -1;
    }
    json_object_put(steps->answer);
    if (result != 0 && code == MPS_OK) {
        return cli_output_failed();
    }
    return code;
}
