/* SPDX-License-Identifier: MIT */
/*
 * <mps/loader.h>: opens a credential module and finds its functions. Header
 * only and optional; needs dlopen(3) (-ldl with a C library that has it
 * apart).
 *
 *     struct mps_api api;
 *
 *     if (mps_load(&api, NULL) != 0) {
 *         fprintf(stderr, "%s\n", api.load_error);
 *     }
 */
#ifndef MPS_LOADER_H
#define MPS_LOADER_H

#include <dlfcn.h>
#include <mps/credential.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the host's module is; $LIB is the dynamic loader's own token, see
 * ld.so(8). The administrator decides what it points to. */
#define MPS_PROVIDER "/usr/$LIB/mps-credential/provider.so"

/* A module's functions, each as <mps/credential.h> documents it. */
struct mps_api {
    get_credential_fn *get_credential;
    get_credential_with_fn *get_credential_with;
    release_credential_fn *release_credential;
    invalidate_credential_fn *invalidate_credential;
    invalidate_credential_with_fn *invalidate_credential_with;
    prefetch_credentials_fn *prefetch_credentials;
    credential_error_fn *error;
    credential_strerror_fn *strerror;
    credential_class_fn *classify;
    credential_event_fd_fn *event_fd;
    credential_prepare_fn *prepare;
    credential_shutdown_fn *shutdown;
    credential_log_to_fn *log_to;
    credential_abi_fn *abi;
    void *handle;         /* dlopen's; NULL = not loaded */
    char load_error[256]; /* why mps_load() failed */
};

/* dlsym's result is an object pointer; POSIX says that it converts. */
static inline int
mps_load_symbol_(struct mps_api *api, const char *name, void *slot)
{
    void *found = dlsym(api->handle, name);

    if (found == NULL) {
        snprintf(api->load_error, sizeof(api->load_error),
                 "the module has no function %s: it is no credential module, "
                 "or an older one",
                 name);
        return -1;
    }
    memcpy(slot, &found, sizeof(found));
    return 0;
}

/*
 * Loads the module `path` (NULL = MPS_PROVIDER) and fills *api. Returns 0, or
 * -1 with api->load_error: no such file, not a module, another ABI. To unload
 * is neither needed nor possible: modules stay in memory (-z nodelete).
 */
static inline int
mps_load(struct mps_api *api, const char *path)
{
    memset(api, 0, sizeof(*api));
    api->handle =
        dlopen(path != NULL ? path : MPS_PROVIDER, RTLD_NOW | RTLD_LOCAL);
    if (api->handle == NULL) {
        const char *why = dlerror();

        snprintf(api->load_error, sizeof(api->load_error),
                 "can't load the credential module: %s",
                 why != NULL ? why : "unknown error");
        return -1;
    }
#define MPS_LOAD_(member, name) mps_load_symbol_(api, #name, &api->member)
    if (MPS_LOAD_(get_credential, get_credential) != 0 ||
        MPS_LOAD_(get_credential_with, get_credential_with) != 0 ||
        MPS_LOAD_(release_credential, release_credential) != 0 ||
        MPS_LOAD_(invalidate_credential, invalidate_credential) != 0 ||
        MPS_LOAD_(invalidate_credential_with, invalidate_credential_with) !=
            0 ||
        MPS_LOAD_(prefetch_credentials, prefetch_credentials) != 0 ||
        MPS_LOAD_(error, credential_error) != 0 ||
        MPS_LOAD_(strerror, credential_strerror) != 0 ||
        MPS_LOAD_(classify, credential_class) != 0 ||
        MPS_LOAD_(event_fd, credential_event_fd) != 0 ||
        MPS_LOAD_(prepare, credential_prepare) != 0 ||
        MPS_LOAD_(shutdown, credential_shutdown) != 0 ||
        MPS_LOAD_(log_to, credential_log_to) != 0 ||
        MPS_LOAD_(abi, credential_abi) != 0) {
        goto fail;
    }
#undef MPS_LOAD_
    if (api->abi() != MPS_CREDENTIAL_ABI) {
        snprintf(api->load_error, sizeof(api->load_error),
                 "the module has ABI %u, this program wants %u", api->abi(),
                 MPS_CREDENTIAL_ABI);
        goto fail;
    }
    return 0;
fail:
    dlclose(api->handle);
    api->handle = NULL;
    return -1;
}

#ifdef __cplusplus
}
#endif

#endif
