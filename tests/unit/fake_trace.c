/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "fake_trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fake_clock.h"

static char words[4096];
static size_t used;

void
fake_trace_clear(void)
{
    pthread_mutex_lock(&fake_lock);
    words[0] = '\0';
    used = 0;
    pthread_mutex_unlock(&fake_lock);
}

void
fake_trace(const char *format, ...)
{
    char word[128];
    va_list args;
    size_t len;

    va_start(args, format);
    vsnprintf(word, sizeof(word), format, args);
    va_end(args);
    len = strlen(word);
    pthread_mutex_lock(&fake_lock);
    /* A test that runs away must not run over the buffer. */
    if (used + len + 2 < sizeof(words)) {
        if (used > 0) {
            words[used++] = ' ';
        }
        memcpy(words + used, word, len + 1);
        used += len;
    }
    pthread_mutex_unlock(&fake_lock);
}

const char *
fake_trace_text(void)
{
    return words;
}

int
fake_trace_is(const char *name, const char *expected)
{
    if (strcmp(words, expected) == 0) {
        return 1;
    }
    printf("\n    %s\n      expected: %s\n      happened: %s\n", name,
           expected, words);
    return 0;
}
