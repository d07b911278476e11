/* SPDX-License-Identifier: MIT */
/*
 * backend: what a module does behind its ABI, as plugins/module.c calls it.
 *
 * Each module links one backend to these functions: graph.so that of
 * provider.c, get.c, invalidate.c and prefetch.c, static.so that of
 * plugins/static/. A backend also defines what its provider is. All functions
 * are for any thread at any time; what they do for the host is documented in
 * <mps/credential.h>.
 */
#ifndef MPSC_BACKEND_H
#define MPSC_BACKEND_H

#include <mps/credential.h>

/* All that a module knows in one process; a forked child has its own. */
struct mpsc_provider;

/*
 * An empty provider, or NULL without resources. It
 * inherits nothing of `former` (the parent process's; NULL = none) but where
 * the log goes. One that has been in use is never freed: in a forked child
 * nobody could tell who else is using it.
 */
struct mpsc_provider *mpsc_provider_new(struct mpsc_provider *former);

/* Frees one that nobody has used; *provider becomes NULL. */
void mpsc_provider_free_unused(struct mpsc_provider **provider);

/*
 * What get_credential_with() gives to a call that any good token meets, held
 * for the host, where that takes next to no time; NULL: ask mpsc_get().
 * business_id, profile: whatever the host gave. flags: 0 or MPS_NO_WAIT. errno
 * is kept; no cancellation point.
 */
const struct mps_credential *mpsc_get_hot(struct mpsc_provider *provider,
                                          const char *business_id,
                                          const char *profile, unsigned flags);

/* get_credential_with(). *credential is a reference for the host, or NULL;
 * *error is filled on failure. Returns the code. */
int mpsc_get(struct mpsc_provider *provider, const struct mps_request *request,
             const struct mps_credential **credential,
             struct mps_error *error);

/* invalidate_credential_with(). access_token NULL: whatever is held. Returns
 * the code, with *error. */
int mpsc_invalidate(struct mpsc_provider *provider,
                    const struct mps_request *request,
                    const char *access_token, struct mps_error *error);

/* prefetch_credentials(). Returns the worst code; *error is that item's.
 * request may be NULL. `done` (may be NULL) is called on this thread without a
 * lock. */
int mpsc_prefetch(struct mpsc_provider *provider,
                  const struct mps_request *request,
                  const char *const *business_ids, size_t count,
                  mps_prefetch_fn *done, void *arg, struct mps_error *error);

/* credential_prepare(). Returns the code, with *error. */
int mpsc_provider_prepare(struct mpsc_provider *provider,
                          const struct mps_request *request,
                          struct mps_error *error);

/* credential_event_fd(): the event descriptor, or -1. */
int mpsc_provider_event_fd(struct mpsc_provider *provider);

/* Empties the provider as credential_shutdown() says; it stays usable. */
void mpsc_provider_shutdown(struct mpsc_provider *provider);

/* credential_log_to(). When it returns the former function runs no more. */
void mpsc_provider_log_to(struct mpsc_provider *provider, mps_log_fn *log,
                          void *arg);

#endif
