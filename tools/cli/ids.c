/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "ids.h"

#include <mps/credential.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

enum line { LINE_BLANK, LINE_ID, LINE_BAD, LINE_NONE };

struct reading {
    FILE *in;
    struct cli_ids *ids;
    size_t room; /* of ids->ids */
    void *known; /* the same ids as a tree, see tsearch(3) */
};

int
cli_ids_ok(const char *id)
{
    size_t len = strspn(id, "0123456789");

    return len >= 1 && len <= MPS_BUSINESS_ID_MAX && id[len] == '\0';
}

/* Takes a line off the stream, of which no more is kept than an id. */
static enum line
read_line(FILE *in, char id[MPS_BUSINESS_ID_MAX + 1])
{
    enum { BEFORE, WITHIN, AFTER, COMMENT } place = BEFORE;
    int is_bad = 0;
    size_t len = 0;
    int c = getc(in);

    if (c == EOF) {
        return LINE_NONE;
    }
    for (; c != EOF && c != '\n'; c = getc(in)) {
        if (place == COMMENT) {
            continue;
        }
        if (c == '#') {
            place = COMMENT;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            place = place == WITHIN ? AFTER : place;
        } else if (c >= '0' && c <= '9' && place != AFTER &&
                   len < MPS_BUSINESS_ID_MAX) {
            place = WITHIN;
            id[len++] = (char)c;
        } else {
            is_bad = 1;
        }
    }
    id[len] = '\0';
    if (is_bad) {
        return LINE_BAD;
    }
    return len > 0 ? LINE_ID : LINE_BLANK;
}

static int
compare(const void *one, const void *other)
{
    return strcmp(one, other);
}

/* Adds an id that isn't there yet; 0, or -1 without memory. */
static int
add(struct reading *reading, const char *id)
{
    struct cli_ids *ids = reading->ids;
    char *copy;
    char **node;

    if (tfind(id, &reading->known, compare) != NULL) {
        return 0;
    }
    if (ids->count == reading->room) {
        size_t room = reading->room > 0 ? reading->room * 2 : 64;
        char **larger = reallocarray(ids->ids, room, sizeof(*larger));

        if (larger == NULL) {
            return -1;
        }
        ids->ids = larger;
        reading->room = room;
    }
    copy = strdup(id);
    if (copy == NULL) {
        return -1;
    }
    ids->ids[ids->count++] = copy;
    node = tsearch(copy, &reading->known, compare);
    return node != NULL ? 0 : -1;
}

/* The tree's keys are the list's. */
static void
keep(void *key)
{
    (void)key;
}

int
cli_ids_read(FILE *in, struct cli_ids *ids)
{
    struct reading reading = {.in = in, .ids = ids};
    char id[MPS_BUSINESS_ID_MAX + 1];
    enum line line;
    int result = 0;

    for (size_t number = 1; (line = read_line(in, id)) != LINE_NONE;
         number++) {
        if (line == LINE_BAD) {
            if (ids->bad_count < CLI_IDS_BAD_MAX) {
                ids->bad[ids->bad_count] = number;
            }
            ids->bad_count++;
        } else if (line == LINE_ID && add(&reading, id) != 0) {
            result = -1;
            break;
        }
    }
    if (ferror(in)) {
        result = -1;
    }
    tdestroy(reading.known, keep);
    return result;
}

void
cli_ids_free(struct cli_ids *ids)
{
    for (size_t i = 0; i < ids->count; i++) {
        free(ids->ids[i]);
    }
    free(ids->ids);
    memset(ids, 0, sizeof(*ids));
}
