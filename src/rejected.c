/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "rejected.h"

#include <stdlib.h>
#include <string.h>

#include "digest.h"

#define FIRST_BACKOFF_MS 30000
#define LAST_BACKOFF_MS (15 * 60 * 1000)

struct mpsc_rejected {
    struct mpsc_rejected *next; /* reported before */
    char digest[MPSC_DIGEST_HEX_SIZE];
    int64_t backoff_ms;
    int64_t until_ms;
};

/* The link that holds the token, or the one at the end. */
static struct mpsc_rejected **
find(struct mpsc_rejected **list, const char *digest)
{
    while (*list != NULL && strcmp((*list)->digest, digest) != 0) {
        list = &(*list)->next;
    }
    return list;
}

static void
forget_the_oldest(struct mpsc_rejected **list)
{
    for (unsigned i = 0; i < MPSC_REJECTED_MAX && *list != NULL; i++) {
        list = &(*list)->next;
    }
    mpsc_rejected_free(list);
}

void
mpsc_rejected_add(struct mpsc_rejected **list, const char *digest,
                  int64_t now_ms)
{
    struct mpsc_rejected **link = find(list, digest);
    struct mpsc_rejected *one = *link;

    if (one != NULL && now_ms < one->until_ms) {
        return;
    }
    if (one != NULL) {
        *link = one->next;
        one->backoff_ms = one->backoff_ms < LAST_BACKOFF_MS / 2
                              ? one->backoff_ms * 2
                              : LAST_BACKOFF_MS;
    } else {
        one = calloc(1, sizeof(*one));
        if (one == NULL) {
            return;
        }
        strncpy(one->digest, digest, sizeof(one->digest) - 1);
        one->backoff_ms = FIRST_BACKOFF_MS;
    }
    one->until_ms = now_ms + one->backoff_ms;
    one->next = *list;
    *list = one;
    forget_the_oldest(list);
}

int64_t
mpsc_rejected_until(const struct mpsc_rejected *list, const char *digest)
{
    while (list != NULL && strcmp(list->digest, digest) != 0) {
        list = list->next;
    }
    return list != NULL ? list->until_ms : 0;
}

void
mpsc_rejected_free(struct mpsc_rejected **list)
{
    while (*list != NULL) {
        struct mpsc_rejected *one = *list;

        *list = one->next;
        free(one);
    }
}
