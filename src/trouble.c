/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "trouble.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "utc.h"

static const struct {
    const char *name;
    int priority;
} kinds[MPSC_TROUBLE_COUNT] = {
    [MPSC_TROUBLE_AUTH_FAILED] = {"auth_failed", LOG_CRIT},
    [MPSC_TROUBLE_EXPIRED] = {"expired", LOG_ERR},
    [MPSC_TROUBLE_REFRESH_FAILING] = {"refresh_failing", LOG_WARNING},
    [MPSC_TROUBLE_RATE_LIMITED] = {"rate_limited", LOG_WARNING},
    [MPSC_TROUBLE_KEYRING_DEGRADED] = {"keyring_degraded", LOG_WARNING},
};

const char *
mpsc_trouble_name(enum mpsc_trouble trouble)
{
    return kinds[trouble].name;
}

/* A line far ahead was written before the wall clock went back; one a little
 * ahead by another process, just now. */
static int
pause_is_over(int64_t last_line_s, int64_t now_s)
{
    return last_line_s == 0 ||
           llabs(now_s - last_line_s) >= MPSC_TROUBLE_PAUSE_S;
}

static void
note_expiry(struct mpsc_trouble_view *view, int64_t now_s, int64_t expires_at)
{
    if (expires_at != 0 && (view->earliest_expiry_s <= now_s ||
                            expires_at < view->earliest_expiry_s)) {
        view->earliest_expiry_s = expires_at;
    }
}

static void
take_repeats(struct mpsc_trouble_view *view, enum mpsc_trouble trouble,
             struct mpsc_trouble_line *line)
{
    *line = (struct mpsc_trouble_line){.trouble = trouble,
                                       .more = view->repeats[trouble]};
    view->repeats[trouble] = 0;
}

int
mpsc_trouble_begin(struct mpsc_trouble_view *view, enum mpsc_trouble trouble,
                   int64_t now_s, int64_t expires_at,
                   struct mpsc_trouble_line *line)
{
    int64_t *last_line_s = &view->last_line_s[trouble];
    int is_new = view->since_s[trouble] == 0;

    if (trouble == MPSC_TROUBLE_REFRESH_FAILING) {
        note_expiry(view, now_s, expires_at);
    }
    if (!pause_is_over(*last_line_s, now_s)) {
        if (is_new) {
            /* After the line, since that told of the time before. */
            view->since_s[trouble] =
                now_s > *last_line_s ? now_s : *last_line_s + 1;
        }
        if (view->repeats[trouble] < UINT_MAX) {
            view->repeats[trouble]++;
        }
        return 0;
    }
    /* The clock may have gone back meanwhile. */
    if (is_new || view->since_s[trouble] > now_s) {
        view->since_s[trouble] = now_s;
    }
    *last_line_s = now_s;
    take_repeats(view, trouble, line);
    if (trouble == MPSC_TROUBLE_REFRESH_FAILING) {
        line->earliest_expiry_s = view->earliest_expiry_s;
    }
    return 1;
}

int
mpsc_trouble_end(struct mpsc_trouble_view *view, enum mpsc_trouble trouble,
                 int64_t now_s, struct mpsc_trouble_line *line)
{
    int64_t since_s = view->since_s[trouble];

    view->since_s[trouble] = 0;
    if (trouble == MPSC_TROUBLE_REFRESH_FAILING) {
        view->earliest_expiry_s = 0;
    }
    if (since_s == 0 || view->last_line_s[trouble] < since_s) {
        return 0;
    }
    take_repeats(view, trouble, line);
    line->is_over = 1;
    line->lasted_s = now_s > since_s ? now_s - since_s : 0;
    return 1;
}

int
mpsc_trouble_priority(const struct mpsc_trouble_line *line)
{
    return line->is_over ? LOG_NOTICE : kinds[line->trouble].priority;
}

void
mpsc_trouble_format(const struct mpsc_trouble_line *line, const char *message,
                    char text[MPSC_TROUBLE_LINE_SIZE])
{
    const char *name = kinds[line->trouble].name;
    char expiry[sizeof("; earliest expiry ") + MPSC_UTC_TEXT_SIZE] = "";
    char more[sizeof(" (4294967295 more since)")] = "";
    char when[MPSC_UTC_TEXT_SIZE];

    if (line->earliest_expiry_s != 0) {
        mpsc_utc_text(line->earliest_expiry_s, when);
        snprintf(expiry, sizeof(expiry), "; earliest expiry %s", when);
    }
    if (line->more > 0) {
        snprintf(more, sizeof(more), " (%u more since)", line->more);
    }
    if (line->is_over) {
        snprintf(text, MPSC_TROUBLE_LINE_SIZE,
                 "recovered: %s is over after %" PRId64 " s%s", name,
                 line->lasted_s, more);
    } else {
        snprintf(text, MPSC_TROUBLE_LINE_SIZE, "%s: %.256s%s%s", name, message,
                 expiry, more);
    }
}
