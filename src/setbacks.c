/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "setbacks.h"

#include <stdlib.h>

const struct mpsc_setbacks *
mpsc_setbacks_recall(const struct mpsc_setbacks *setbacks)
{
    static const struct mpsc_setbacks none;

    return setbacks != NULL ? setbacks : &none;
}

struct mpsc_setbacks *
mpsc_setbacks_note(struct mpsc_setbacks **setbacks)
{
    if (*setbacks == NULL) {
        *setbacks = calloc(1, sizeof(**setbacks));
    }
    return *setbacks;
}

void
mpsc_setbacks_fail(struct mpsc_setbacks **setbacks,
                   const struct mps_error *failure, int64_t since_ms,
                   int64_t until_ms, int binds)
{
    struct mpsc_setbacks *noted = mpsc_setbacks_note(setbacks);

    if (noted == NULL) {
        return;
    }
    if (noted->failure == NULL) {
        noted->failure = malloc(sizeof(*noted->failure));
    }
    if (noted->failure != NULL) {
        *noted->failure = *failure;
        noted->failure_since_ms = since_ms;
        noted->failure_until_ms = until_ms;
        noted->failure_binds = binds;
    }
}

static void
drop_failure(struct mpsc_setbacks *setbacks)
{
    free(setbacks->failure);
    setbacks->failure = NULL;
    setbacks->failure_since_ms = 0;
    setbacks->failure_until_ms = 0;
    setbacks->failure_binds = 0;
}

static void
drop_if_empty(struct mpsc_setbacks **setbacks)
{
    const struct mpsc_setbacks *left = *setbacks;

    if (left->erasure == NULL && left->rejected == NULL &&
        left->failure == NULL && left->refresh_failures == 0 &&
        left->distrust_until_ms == 0 && left->refresh_not_before_ms == 0) {
        free(*setbacks);
        *setbacks = NULL;
    }
}

void
mpsc_setbacks_forgive(struct mpsc_setbacks **setbacks)
{
    if (*setbacks != NULL) {
        drop_failure(*setbacks);
        drop_if_empty(setbacks);
    }
}

void
mpsc_setbacks_recover(struct mpsc_setbacks **setbacks)
{
    if (*setbacks != NULL) {
        (*setbacks)->refresh_failures = 0;
        (*setbacks)->refresh_not_before_ms = 0;
        mpsc_setbacks_forgive(setbacks);
    }
}

void
mpsc_setbacks_free(struct mpsc_setbacks **setbacks)
{
    if (*setbacks != NULL) {
        drop_failure(*setbacks);
        mpsc_rejected_free(&(*setbacks)->rejected);
        free(*setbacks);
        *setbacks = NULL;
    }
}
