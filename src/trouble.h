/* SPDX-License-Identifier: MIT */
/*
 * trouble: what is wrong with a profile while its calls may still succeed, and
 * when a line of the log says so. Pure; the view is shared by the processes of
 * a user, so that one of them speaks for all.
 *
 * A trouble is told when it begins and when it is over, and while it goes on
 * at most once in MPSC_TROUBLE_PAUSE_S, with the number of times between. One
 * that begins again within that pause waits for its end, and one that is over
 * before it was told leaves no line: what comes and goes all the time doesn't
 * flood the log.
 */
#ifndef MPSC_TROUBLE_H
#define MPSC_TROUBLE_H

#include <stdint.h>

#define MPSC_TROUBLE_PAUSE_S 60

/* A line with the longest message that an mps_error holds fits. */
#define MPSC_TROUBLE_LINE_SIZE 384

enum mpsc_trouble {
    MPSC_TROUBLE_AUTH_FAILED, /* the partner's token isn't accepted */
    MPSC_TROUBLE_EXPIRED, /* a business has no usable token, none can be had */
    MPSC_TROUBLE_REFRESH_FAILING, /* a token that still lives isn't renewed */
    MPSC_TROUBLE_RATE_LIMITED,
    MPSC_TROUBLE_KEYRING_DEGRADED,
    MPSC_TROUBLE_COUNT
};

/*
 * The state of all, zeroed to begin with. Times are Unix seconds from 0 to
 * MPSC_UTC_MAX; the wall clock may have stepped between any two of them.
 */
struct mpsc_trouble_view {
    int64_t since_s[MPSC_TROUBLE_COUNT]; /* 0 = no such trouble */
    /* When its beginning or a repeat was told last; stays when it is over. A
     * trouble has been told where this is not before its since_s. */
    int64_t last_line_s[MPSC_TROUBLE_COUNT];
    unsigned repeats[MPSC_TROUBLE_COUNT]; /* not told since that line */
    int64_t earliest_expiry_s; /* of what REFRESH_FAILING is about; 0 = none */
};

/* A line that is due. */
struct mpsc_trouble_line {
    enum mpsc_trouble trouble;
    int is_over;
    int64_t lasted_s;          /* where it is over */
    unsigned more;             /* times since the line before it */
    int64_t earliest_expiry_s; /* of REFRESH_FAILING; 0 = unknown */
};

/* "auth_failed" and so on: the word in the log and in the state file. */
const char *mpsc_trouble_name(enum mpsc_trouble trouble);

/*
 * Notes that a trouble began, or was met again. now_s: Unix seconds, over 0.
 * expires_at: when the token ends that could not be refreshed, for
 * MPSC_TROUBLE_REFRESH_FAILING; 0 else. True where *line is due.
 */
int mpsc_trouble_begin(struct mpsc_trouble_view *view,
                       enum mpsc_trouble trouble, int64_t now_s,
                       int64_t expires_at, struct mpsc_trouble_line *line);

/* Notes that a trouble is over; it need not have been. True where *line is
 * due. */
int mpsc_trouble_end(struct mpsc_trouble_view *view, enum mpsc_trouble trouble,
                     int64_t now_s, struct mpsc_trouble_line *line);

/* The line's priority as in syslog. */
int mpsc_trouble_priority(const struct mpsc_trouble_line *line);

/*
 * Writes the line, e.g. "auth_failed: MESSAGE (12 more since)" or "recovered:
 * auth_failed is over after 34 s". message: what failed, without a secret; of
 * one that is longer than an mps_error's the rest is left out. Unused where
 * the trouble is over.
 */
void mpsc_trouble_format(const struct mpsc_trouble_line *line,
                         const char *message,
                         char text[MPSC_TROUBLE_LINE_SIZE]);

#endif
