/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "configuration_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "error.h"
#include "redact.h"

/* No sane line comes near. */
#define LINE_MAX_BYTES 4096

/* What of a key goes into a message: it may be a token. */
#define SHOWN_SIZE 61

#define BLANK " \t\r\n\v\f"

/* Where the reading stands. */
struct reader {
    const char *path;
    unsigned number;
    char *group; /* NULL = before the first one */
    struct mpsc_configuration_lines *lines;
    struct mps_error *error;
};

static int
fail(const struct reader *reader, const char *what)
{
    return mpsc_error_set(reader->error, MPS_E_CONFIG, "%s:%u: %s",
                          reader->path, reader->number, what);
}

static int
no_memory(const struct reader *reader)
{
    return mpsc_error_set(reader->error, MPS_E_NO_MEMORY,
                          "no memory to read %s", reader->path);
}

static void
free_line(struct mpsc_configuration_line *line)
{
    free(line->group);
    free(line->key);
    free(line->value);
}

/* key and value NULL: the line begins reader->group. */
static int
add_line(struct reader *reader, char *key, char *value)
{
    struct mpsc_configuration_lines *lines = reader->lines;
    struct mpsc_configuration_line *grown;
    struct mpsc_configuration_line line = {.number = reader->number};

    grown = reallocarray(lines->line, lines->count + 1, sizeof(*grown));
    if (grown == NULL) {
        return no_memory(reader);
    }
    lines->line = grown;
    line.key = key != NULL ? strdup(key) : NULL;
    line.value = value != NULL ? strdup(value) : NULL;
    line.group = reader->group != NULL ? strdup(reader->group) : NULL;
    if ((key != NULL && line.key == NULL) ||
        (value != NULL && line.value == NULL) ||
        (reader->group != NULL && line.group == NULL)) {
        free_line(&line);
        return no_memory(reader);
    }
    lines->line[lines->count++] = line;
    return MPS_OK;
}

/* "[name]": letters, digits, "_", "." and "-", so that a profile's name needs
 * no quoting anywhere. */
static int
read_group(struct reader *reader, const char *text)
{
    size_t len = strcspn(text + 1, "]");

    if (text[1 + len] != ']' ||
        text[2 + len + strspn(text + 2 + len, BLANK)] != '\0') {
        return fail(reader, "a group is a name in brackets, [name], alone in "
                            "its line");
    }
    if (len == 0 ||
        strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "abcdefghijklmnopqrstuvwxyz0123456789_.-") != len) {
        return fail(reader, "a group's name is made of letters, digits, '_', "
                            "'.' and '-'");
    }
    free(reader->group);
    reader->group = strndup(text + 1, len);
    return reader->group != NULL ? add_line(reader, NULL, NULL)
                                 : no_memory(reader);
}

/* The value in what stands behind "=", with the quotes around it taken off. */
static char *
trim(char *text)
{
    size_t len;

    text += strspn(text, BLANK);
    len = strlen(text);
    while (len > 0 && strchr(BLANK, text[len - 1]) != NULL) {
        len--;
    }
    if (len > 1 && text[0] == '"' && text[len - 1] == '"') {
        text++;
        len -= 2;
    }
    text[len] = '\0';
    return text;
}

/* "key = value". */
static int
read_setting(struct reader *reader, char *text)
{
    size_t key_len = strcspn(text, "=" BLANK);
    char *behind = text + key_len + strspn(text + key_len, BLANK);

    if (key_len == 0 || *behind != '=') {
        return fail(reader, "expected \"key = value\", \"[name]\" or a "
                            "comment after \"#\"");
    }
    text[key_len] = '\0';
    return add_line(reader, text, trim(behind + 1));
}

static int
read_line(struct reader *reader, char *text, size_t len)
{

    if (strlen(text) != len) {
        return fail(reader, "there is a NUL byte; is this a text file?");
    }
    if (len > LINE_MAX_BYTES) {
        return fail(reader, "the line is longer than 4096 bytes");
    }
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) {
        return fail(reader, "the file begins with a byte order mark; save it "
                            "as UTF-8 without one");
    }
    text[strcspn(text, "#")] = '\0';
    text += strspn(text, BLANK);
    if (*text == '\0') {
        return MPS_OK;
    }
    if (*text == '[') {
        return read_group(reader, text);
    }
    return read_setting(reader, text);
}

/* strcmp(3), with NULL before all strings. */
static int
compare_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return (a != NULL) - (b != NULL);
    }
    return strcmp(a, b);
}

static int
compare_setting(const struct mpsc_configuration_line *a,
                const struct mpsc_configuration_line *b)
{
    int order = compare_text(a->group, b->group);

    return order != 0 ? order : compare_text(a->key, b->key);
}

static int
compare(const void *left, const void *right)
{
    const struct mpsc_configuration_line *a = left;
    const struct mpsc_configuration_line *b = right;
    int order = compare_setting(a, b);

    return order != 0 ? order
                      : (a->number > b->number) - (a->number < b->number);
}

static int
refuse_duplicates(struct reader *reader)
{
    size_t count = reader->lines->count;
    struct mpsc_configuration_line *sorted;
    int code = MPS_OK;

    if (count < 2) {
        return MPS_OK;
    }
    sorted = calloc(count, sizeof(*sorted));
    if (sorted == NULL) {
        return no_memory(reader);
    }
    memcpy(sorted, reader->lines->line, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare);
    for (size_t i = 1; i < count && code == MPS_OK; i++) {
        const struct mpsc_configuration_line *first = &sorted[i - 1];

        if (first->key != NULL && compare_setting(first, &sorted[i]) == 0) {
            char shown[SHOWN_SIZE];

            mpsc_redact_copy(shown, sizeof(shown), first->key);
            code = mpsc_error_set(reader->error, MPS_E_CONFIG,
                                  "%s:%u: %s is set a second time, after line "
                                  "%u; remove one of the two",
                                  reader->path, sorted[i].number, shown,
                                  first->number);
        }
    }
    free(sorted);
    return code;
}

/* Opens the file; NULL with the error set. */
static FILE *
open_file(const char *path, struct mps_error *error)
{
    /* O_NONBLOCK: a FIFO at that path must not hold up the host. */
    int fd = mpsc_descriptor_lift(
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    char reason[64];
    struct stat status;
    FILE *file = NULL;

    if (fd < 0 || fstat(fd, &status) != 0) {
        mpsc_error_set(error, MPS_E_CONFIG, "%s can't be read by user %u: %s",
                       path, (unsigned)geteuid(),
                       strerror_r(errno, reason, sizeof(reason)));
    } else if (!S_ISREG(status.st_mode)) {
        mpsc_error_set(error, MPS_E_CONFIG, "%s is not a regular file", path);
    } else if ((status.st_mode & S_IWOTH) != 0) {
        /* Whoever writes it can have the partner's token sent to himself. */
        mpsc_error_set(error, MPS_E_CONFIG,
                       "everybody may write %s: run 'chmod o-w %s'", path,
                       path);
    } else {
        file = fdopen(fd, "re");
        if (file == NULL) {
            mpsc_error_set(error, MPS_E_NO_MEMORY, "no memory to read %s",
                           path);
        }
    }
    if (file == NULL && fd >= 0) {
        (void)close(fd);
    }
    return file;
}

static int
read_lines(struct reader *reader, FILE *file)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t len;
    int code = MPS_OK;

    while (code == MPS_OK && (len = getline(&text, &size, file)) >= 0) {
        reader->number++;
        code = read_line(reader, text, (size_t)len);
    }
    if (code == MPS_OK && !feof(file) && errno == ENOMEM) {
        code = mpsc_error_set(reader->error, MPS_E_NO_MEMORY,
                              "no memory to read %s", reader->path);
    } else if (code == MPS_OK && !feof(file)) {
        code = mpsc_error_set(reader->error, MPS_E_CONFIG,
                              "%s: reading failed after line %u", reader->path,
                              reader->number);
    }
    free(text);
    return code;
}

int
mpsc_configuration_lines_read(const char *path,
                              struct mpsc_configuration_lines *lines,
                              struct mps_error *error)
{
    struct reader reader = {path, 0, NULL, lines, error};
    int saved = errno;
    FILE *file;
    int code;

    *lines = (struct mpsc_configuration_lines){NULL, 0};
    mpsc_error_clear(error);
    file = open_file(path, error);
    if (file == NULL) {
        code = error->code;
        goto out;
    }
    code = read_lines(&reader, file);
    (void)fclose(file);
    if (code == MPS_OK) {
        code = refuse_duplicates(&reader);
    }
out:
    free(reader.group);
    if (code != MPS_OK) {
        mpsc_configuration_lines_free(lines);
    }
    errno = saved;
    return code;
}

void
mpsc_configuration_lines_free(struct mpsc_configuration_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free_line(&lines->line[i]);
    }
    free(lines->line);
    *lines = (struct mpsc_configuration_lines){NULL, 0};
}
