/* SPDX-License-Identifier: MIT */
/*
 * module: the ABI of <mps/credential.h> as each module exports it. Nothing
 * here but translation to the module's backend: errno and cancellation are
 * kept from the host's sight, the error reaches the thread's own memory and
 * the request's.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <pthread.h>

#include "credential.h"
#include "error.h"
#include "process.h"
#include "request.h"

#define EXPORT __attribute__((visibility("default")))

/* What a call must find again as it was. */
struct guest {
    int saved_errno;
    int cancel_state;
};

static void
come_in(struct guest *guest)
{
    guest->saved_errno = errno;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &guest->cancel_state);
}

static void
go_out(const struct guest *guest)
{
    pthread_setcancelstate(guest->cancel_state, NULL);
    errno = guest->saved_errno;
}

/* The request's own error struct, where there is one that can be written. */
static struct mps_error *
error_of(const struct mps_request *request)
{
    if (request == NULL || !mpsc_request_size_ok(request->size) ||
        request->error == NULL || !mpsc_error_size_ok(request->error->size)) {
        return NULL;
    }
    return request->error;
}

/* Ends a call: a failure goes to the thread's memory and the request's. */
static int
conclude(const struct guest *guest, int code, struct mps_error *error,
         const struct mps_request *request)
{
    struct mps_error *copy = error_of(request);

    if (code != MPS_OK) {
        mpsc_process_set_error(error);
        if (copy != NULL) {
            mpsc_error_export(copy, error);
        }
    }
    go_out(guest);
    return code;
}

static int
no_provider(struct mps_error *error)
{
    return mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
}

static int
get_thoroughly(const struct mps_request *request,
               const struct mps_credential **credential)
{
    struct mpsc_provider *provider;
    struct mps_error error;
    struct guest guest;
    int code;

    come_in(&guest);
    mpsc_error_clear(&error);
    if (credential == NULL) {
        code = mpsc_error_set(&error, MPS_E_INVALID, "credential is NULL");
        return conclude(&guest, code, &error, request);
    }
    *credential = NULL;
    provider = mpsc_process_provider();
    code = provider != NULL ? mpsc_get(provider, request, credential, &error)
                            : no_provider(&error);
    return conclude(&guest, code, &error, request);
}

/* Not inline: get_credential() is to have next to nothing on its stack. */
__attribute__((noinline)) static int
get_by_id_thoroughly(const char *business_id,
                     const struct mps_credential **credential)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = business_id};

    return get_thoroughly(&request, credential);
}

EXPORT int
get_credential_with(const struct mps_request *request,
                    const struct mps_credential **credential)
{
    struct mpsc_provider *provider = mpsc_process_provider_if_any();

    if (provider != NULL && credential != NULL &&
        mpsc_request_is_plain(request)) {
        *credential = mpsc_get_hot(provider, request->business_id,
                                   request->profile, request->flags);
        if (*credential != NULL) {
            return MPS_OK;
        }
    }
    return get_thoroughly(request, credential);
}

EXPORT int
get_credential(const char *business_id,
               const struct mps_credential **credential)
{
    struct mpsc_provider *provider = mpsc_process_provider_if_any();

    if (provider != NULL && credential != NULL) {
        *credential = mpsc_get_hot(provider, business_id, NULL, 0);
        if (*credential != NULL) {
            return MPS_OK;
        }
    }
    return get_by_id_thoroughly(business_id, credential);
}

EXPORT void
release_credential(const struct mps_credential *credential)
{
    mpsc_credential_release(mpsc_credential_of(credential));
}

EXPORT int
invalidate_credential_with(const struct mps_request *request,
                           const char *access_token)
{
    struct mpsc_provider *provider;
    struct mps_error error;
    struct guest guest;
    int code;

    come_in(&guest);
    mpsc_error_clear(&error);
    provider = mpsc_process_provider();
    code = provider != NULL
               ? mpsc_invalidate(provider, request, access_token, &error)
               : no_provider(&error);
    return conclude(&guest, code, &error, request);
}

EXPORT int
invalidate_credential(const char *business_id, const char *access_token)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = business_id};

    return invalidate_credential_with(&request, access_token);
}

EXPORT int
prefetch_credentials(const struct mps_request *request,
                     const char *const *business_ids, size_t count,
                     mps_prefetch_fn *done, void *arg)
{
    struct mpsc_provider *provider;
    struct mps_error error;
    struct guest guest;
    int code;

    come_in(&guest);
    mpsc_error_clear(&error);
    provider = mpsc_process_provider();
    code = provider != NULL ? mpsc_prefetch(provider, request, business_ids,
                                            count, done, arg, &error)
                            : no_provider(&error);
    return conclude(&guest, code, &error, request);
}

EXPORT int
credential_error(struct mps_error *error)
{
    const struct mps_error *last;
    struct mps_error none;
    struct guest guest;

    if (error == NULL || !mpsc_error_size_ok(error->size)) {
        return MPS_E_INVALID;
    }
    come_in(&guest);
    last = mpsc_process_error();
    if (last == NULL) {
        mpsc_error_clear(&none);
        last = &none;
    }
    mpsc_error_export(error, last);
    go_out(&guest);
    return MPS_OK;
}

EXPORT const char *
credential_strerror(int code)
{
    return mpsc_error_string(code);
}

EXPORT unsigned
credential_class(int code)
{
    return mpsc_error_class(code);
}

EXPORT int
credential_event_fd(void)
{
    struct mpsc_provider *provider;
    struct guest guest;
    int fd = -1;

    come_in(&guest);
    provider = mpsc_process_provider();
    if (provider != NULL) {
        fd = mpsc_provider_event_fd(provider);
    }
    go_out(&guest);
    return fd;
}

EXPORT int
credential_prepare(const struct mps_request *request)
{
    const struct mps_request defaults = {.size = sizeof(defaults)};
    struct mpsc_provider *provider;
    struct mps_error error;
    struct guest guest;
    int code;

    come_in(&guest);
    mpsc_error_clear(&error);
    if (request == NULL) {
        request = &defaults;
    }
    provider = mpsc_process_provider();
    code = provider != NULL ? mpsc_provider_prepare(provider, request, &error)
                            : no_provider(&error);
    return conclude(&guest, code, &error, request);
}

EXPORT void
credential_shutdown(void)
{
    struct mpsc_provider *provider;
    struct guest guest;

    come_in(&guest);
    provider = mpsc_process_provider_if_any();
    if (provider != NULL) {
        mpsc_provider_shutdown(provider);
    }
    go_out(&guest);
}

EXPORT void
credential_log_to(mps_log_fn *log, void *arg)
{
    struct mpsc_provider *provider;
    struct guest guest;

    come_in(&guest);
    provider = mpsc_process_provider();
    if (provider != NULL) {
        mpsc_provider_log_to(provider, log, arg);
    }
    go_out(&guest);
}

EXPORT unsigned
credential_abi(void)
{
    return MPS_CREDENTIAL_ABI;
}
