/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "exiting.h"
#include "vault.h"

/*
 * All of the module's mutable globals. None is guarded by a lock: a lock
 * could be held by another thread of the parent at the moment of a fork.
 */
static struct {
    _Atomic(struct mpsc_provider *) provider; /* of this process; or NULL */
    _Atomic(struct mpsc_provider *) former;   /* its parent's; or NULL */
    pthread_once_t once; /* of the two below; glibc makes it fork-safe */
    pthread_key_t error_key;
    int error_key_ok;
} process = {.once = PTHREAD_ONCE_INIT};

/* In the child of a fork. It may do no more than this: the child of a
 * multi-threaded program is bound to async-signal-safe functions. */
static void
abandon(void)
{
    struct mpsc_provider *parents = atomic_exchange(&process.provider, NULL);

    if (parents != NULL) {
        atomic_store(&process.former, parents);
    }
    mpsc_exiting_forked();
    mpsc_vault_forked();
}

static void
init_once(void)
{
    /* Where it fails a forked child would use its parent's provider; there
     * is no better moment to give up than the child's first call, and no
     * way to notice there. It fails only without memory. */
    (void)pthread_atfork(mpsc_exiting_before_fork, mpsc_exiting_after_fork,
                         abandon);
    mpsc_exiting_init();
    process.error_key_ok = pthread_key_create(&process.error_key, free) == 0;
}

struct mpsc_provider *
mpsc_process_provider_if_any(void)
{
    return atomic_load_explicit(&process.provider, memory_order_acquire);
}

struct mpsc_provider *
mpsc_process_provider(void)
{
    struct mpsc_provider *found;

    pthread_once(&process.once, init_once);
    while ((found = mpsc_process_provider_if_any()) == NULL) {
        struct mpsc_provider *none = NULL;
        struct mpsc_provider *fresh =
            mpsc_provider_new(atomic_load(&process.former));

        if (fresh == NULL) {
            return NULL;
        }
        if (!atomic_compare_exchange_strong(&process.provider, &none, fresh)) {
            mpsc_provider_free_unused(&fresh);
        }
    }
    return found;
}

void
mpsc_process_set_error(const struct mps_error *error)
{
    struct mps_error *mine;

    pthread_once(&process.once, init_once);
    if (!process.error_key_ok) {
        return;
    }
    mine = pthread_getspecific(process.error_key);
    if (mine == NULL) {
        mine = malloc(sizeof(*mine));
        if (mine == NULL ||
            pthread_setspecific(process.error_key, mine) != 0) {
            free(mine);
            return;
        }
    }
    *mine = *error;
}

const struct mps_error *
mpsc_process_error(void)
{
    pthread_once(&process.once, init_once);
    return process.error_key_ok ? pthread_getspecific(process.error_key)
                                : NULL;
}
