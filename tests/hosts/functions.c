/* SPDX-License-Identifier: MIT */
#include "functions.h"

#include <stddef.h>
#include <string.h>

#include "house.h"

static const char *other_business;

static struct mps_request
other(unsigned flags)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = other_business,
                                        .deadline_ms = FUNCTIONS_DEADLINE_MS,
                                        .flags = flags};

    return request;
}

static void
call_get(void)
{
    const struct mps_credential *credential = NULL;

    (void)mps.get_credential(other_business, &credential);
    mps.release_credential(credential);
}

static void
call_get_with(void)
{
    const struct mps_request request = other(MPS_NO_WAIT | MPS_FORCE_REFRESH);
    const struct mps_credential *credential = NULL;

    (void)mps.get_credential_with(&request, &credential);
    mps.release_credential(credential);
}

/* Each call goes to the endpoint and the keyring. */
static void
call_fetch(void)
{
    call_get();
    (void)mps.invalidate_credential(other_business, NULL);
}

static void
call_invalidate_with(void)
{
    const struct mps_request request = other(MPS_NO_WAIT);

    (void)mps.invalidate_credential_with(&request, NULL);
}

static void
call_prefetch(void)
{
    const char *const ids[] = {other_business, "4711", "4712", "no digits"};

    (void)mps.prefetch_credentials(NULL, ids, 4, NULL, NULL);
    (void)mps.invalidate_credential("4711", NULL);
}

static void
call_error(void)
{
    struct mps_error error = {.size = sizeof(error)};

    (void)mps.get_credential("no digits", NULL);
    (void)mps.error(&error);
    (void)mps.strerror(error.code);
    (void)mps.classify(error.code);
}

static void
call_event_fd(void)
{
    (void)mps.event_fd();
}

static void
call_prepare(void)
{
    (void)mps.prepare(NULL);
}

static void
call_shutdown(void)
{
    call_get();
    mps.shutdown();
}

static void
hear_nothing(void *arg, int priority, const char *line)
{
    (void)arg;
    (void)priority;
    (void)line;
}

static void
call_log_to(void)
{
    mps.log_to(hear_nothing, NULL);
    call_get_with();
    mps.log_to(NULL, NULL);
}

static const struct {
    const char *name;
    void (*call)(void);
} functions[] = {
    {"get_credential", call_get},
    {"get_credential_with", call_get_with},
    {"invalidate_credential", call_fetch},
    {"invalidate_credential_with", call_invalidate_with},
    {"prefetch_credentials", call_prefetch},
    {"credential_error", call_error},
    {"credential_event_fd", call_event_fd},
    {"credential_prepare", call_prepare},
    {"credential_shutdown", call_shutdown},
    {"credential_log_to", call_log_to},
};

functions_call *
functions_find(const char *name, const char *business_id)
{
    functions_call *found = NULL;

    other_business = business_id;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (strcmp(functions[i].name, name) == 0) {
            found = functions[i].call;
        }
    }
    return found;
}
