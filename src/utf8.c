/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "utf8.h"

#include <string.h>

/* Smallest code point of a sequence of 1 to 4 bytes: below it is overlong. */
static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

/* How many bytes a sequence has that begins with `lead`; 0 = none does. */
static size_t
sequence_length(unsigned char lead)
{
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        return 4;
    }
    return 0;
}

size_t
mpsc_utf8_decode(const char *from, size_t len, uint32_t *point)
{
    size_t length = len > 0 ? sequence_length((unsigned char)from[0]) : 0;

    if (length == 0 || length > len) {
        return 0;
    }
    *point = (unsigned char)from[0];
    if (length == 1) {
        return 1;
    }
    *point &= 0x7fu >> length;
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)from[i] & 0xc0) != 0x80) {
            return 0;
        }
        *point = *point << 6 | ((unsigned char)from[i] & 0x3fu);
    }
    if (*point < smallest[length] || *point > 0x10ffff ||
        (*point >= 0xd800 && *point <= 0xdfff)) {
        return 0;
    }
    return length;
}

/* The length of the valid, printable sequence that a string begins with, or 0.
 * The C1 controls (U+0080 to U+009F) count as control bytes: terminals obey
 * them. */
static size_t
printable_length(const char *from)
{
    uint32_t point;
    size_t length = mpsc_utf8_decode(from, strnlen(from, 4), &point);

    if (length == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0)) {
        return 0;
    }
    return length;
}

void
mpsc_utf8_copy(char *to, size_t size, const char *from)
{
    size_t used = 0;

    while (*from != '\0') {
        size_t length = printable_length(from);

        if (used + (length == 0 ? 1 : length) >= size) {
            break;
        }
        if (length == 0) {
            to[used++] = '?';
            from++;
            continue;
        }
        memcpy(to + used, from, length);
        used += length;
        from += length;
    }
    to[used] = '\0';
}
