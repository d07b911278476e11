/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "utc.h"

/*
 * timegm(3) isn't used: it takes the C library's time zone lock, which a
 * child of fork(2) finds held for ever if another thread of the host had it.
 */

static int
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

int64_t
mpsc_utc_seconds(const struct mpsc_utc *utc)
{
    int64_t before = utc->year - 1;
    int64_t days;

    if (utc->year < 1970 || utc->year > 9999 || utc->month < 1 ||
        utc->month > 12 || utc->day < 1 ||
        utc->day > days_in_month(utc->year, utc->month) || utc->hour < 0 ||
        utc->hour > 23 || utc->minute < 0 || utc->minute > 59 ||
        utc->second < 0 || utc->second > 59) {
        return -1;
    }
    /* Days from 1 January of the year 1, less those up to 1970. */
    days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;
    for (int month = 1; month < utc->month; month++) {
        days += days_in_month(utc->year, month);
    }
    days += utc->day - 1;
    return ((days * 24 + utc->hour) * 60 + utc->minute) * 60 + utc->second;
}

int
mpsc_utc_digits(const char *text, int count)
{
    int number = 0;

    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        number = number * 10 + (text[i] - '0');
    }
    return number;
}
