/* SPDX-License-Identifier: MIT */
/*
 * utc: from a date and time in UTC to Unix seconds and back.
 */
#ifndef MPSC_UTC_H
#define MPSC_UTC_H

#include <stdint.h>

/* The last second of the year 9999: no time beyond it is believed. */
#define MPSC_UTC_MAX INT64_C(253402300799)

struct mpsc_utc {
    int year;       /* 1970 to 9999 */
    int month, day; /* from 1 */
    int hour, minute, second;
};

/*
 * The Unix seconds of a UTC time, or -1 where there is no such day or time
 * (a leap second, 60, is none).
 */
int64_t mpsc_utc_seconds(const struct mpsc_utc *utc);

/* "2026-01-31T12:30:59Z" and a NUL. */
#define MPSC_UTC_TEXT_SIZE 21

/* The other way, as RFC 3339 has it. What is before 1970 or beyond
 * MPSC_UTC_MAX is written as that. */
void mpsc_utc_text(int64_t seconds, char text[MPSC_UTC_TEXT_SIZE]);

/*
 * Reads exactly `count` decimal digits at `text`, which may end earlier. The
 * number, or -1.
 */
int mpsc_utc_digits(const char *text, int count);

/*
 * The one form of date that HTTP lets senders make (RFC 9110, IMF-fixdate):
 * "Sun, 06 Nov 1994 08:49:37 GMT". The two old forms are no longer sent;
 * strptime(3) would read month names in the host's locale, and a library's
 * time_t may be of 32 bits. A leap second, 60, counts as the one before, which
 * Linux's clock has twice instead. -1 where it is none.
 */
int64_t mpsc_utc_http_date(const char *text);

#endif
