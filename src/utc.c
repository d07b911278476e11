/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "utc.h"

#include <string.h>

/*
 * Neither timegm(3) nor gmtime_r(3) is used: they take the C library's time
 * zone lock, which a child of fork(2) finds held for ever if another thread of
 * the host had it.
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

static void
put_digits(char *to, int count, int number)
{
    while (count > 0) {
        to[--count] = (char)('0' + number % 10);
        number /= 10;
    }
}

void
mpsc_utc_text(int64_t seconds, char text[MPSC_UTC_TEXT_SIZE])
{
    int64_t known = seconds < 0              ? 0
                    : seconds > MPSC_UTC_MAX ? MPSC_UTC_MAX
                                             : seconds;
    int days = (int)(known / 86400);
    int second = (int)(known % 86400);
    int year = 1970;
    int month = 1;

    for (; days >= 365 + is_leap(year); year++) {
        days -= 365 + is_leap(year);
    }
    for (; days >= days_in_month(year, month); month++) {
        days -= days_in_month(year, month);
    }
    memcpy(text, "0000-00-00T00:00:00Z", MPSC_UTC_TEXT_SIZE);
    put_digits(text, 4, year);
    put_digits(text + 5, 2, month);
    put_digits(text + 8, 2, days + 1);
    put_digits(text + 11, 2, second / 3600);
    put_digits(text + 14, 2, second / 60 % 60);
    put_digits(text + 17, 2, second % 60);
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

int64_t
mpsc_utc_http_date(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char form[] = "___, __ ___ ____ __:__:__ GMT";
    struct mpsc_utc utc;

    if (strlen(text) != sizeof(form) - 1) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        if (form[i] != '_' && form[i] != text[i]) {
            return -1;
        }
    }
    utc.month = 0;
    for (int i = 0; i < 12; i++) {
        if (strncmp(text + 8, months + 3 * i, 3) == 0) {
            utc.month = i + 1;
        }
    }
    utc.day = mpsc_utc_digits(text + 5, 2);
    utc.year = mpsc_utc_digits(text + 12, 4);
    utc.hour = mpsc_utc_digits(text + 17, 2);
    utc.minute = mpsc_utc_digits(text + 20, 2);
    utc.second = mpsc_utc_digits(text + 23, 2);
    utc.second -= utc.second == 60;
    return mpsc_utc_seconds(&utc);
}
