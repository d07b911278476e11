/* SPDX-License-Identifier: MIT */
/* Tokens that look like Meta's. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int
emu_random(void *bytes, size_t size)
{
    unsigned char *to = bytes;

    while (size > 0) {
        ssize_t n = getrandom(to, size, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        to += n;
        size -= (size_t)n;
    }
    return 0;
}

char *
emu_token_new(size_t length)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz";
    const unsigned count = sizeof letters - 1;
    char *token = malloc(length + 1);
    unsigned char pool[256];
    size_t at = 3;

    if (!token) {
        return NULL;
    }
    memcpy(token, "EAA", 3);
    while (at < length) {
        if (emu_random(pool, sizeof pool)) {
            free(token);
            return NULL;
        }
        /* Bytes past the last whole multiple would favour some letters. */
        for (size_t i = 0; i < sizeof pool && at < length; i++) {
            if (pool[i] < 256 / count * count) {
                token[at++] = letters[pool[i] % count];
            }
        }
    }
    token[length] = '\0';
    return token;
}
