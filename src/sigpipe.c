/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>

static int
is_pending(void)
{
    sigset_t pending;

    sigemptyset(&pending);
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

static void
only_sigpipe(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGPIPE);
}

void
mpsc_sigpipe_block(struct mpsc_sigpipe *state)
{
    sigset_t set;

    only_sigpipe(&set);
    state->was_pending = is_pending();
    pthread_sigmask(SIG_BLOCK, &set, &state->before);
}

void
mpsc_sigpipe_restore(const struct mpsc_sigpipe *state)
{
    const struct timespec at_once = {0, 0};
    int saved = errno;
    sigset_t set;

    only_sigpipe(&set);
    if (!state->was_pending && is_pending()) {
        (void)sigtimedwait(&set, NULL, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &state->before, NULL);
    errno = saved;
}
