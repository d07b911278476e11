/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "partner.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "error.h"
#include "secret_file.h"

/* One secret has two possible sources; the configuration allows one of them
 * at most. */
struct source {
    const char *file;
    const char *file_key;
    const char *credential;
    const char *credential_key;
};

static int
is_readable(const char *path)
{
    int saved = errno;
    int readable = faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;

    errno = saved;
    return readable;
}

static int
read_source(const struct source *source, const char *credentials,
            const struct mpsc_secret *prepared, struct mpsc_secret *secret,
            struct mps_error *error)
{
    int code;

    if (source->file != NULL) {
        code = mpsc_secret_file_read(source->file, source->file_key, secret,
                                     error);
    } else if (source->credential != NULL) {
        code = mpsc_secret_file_read_credential(
            credentials, source->credential, source->credential_key, secret,
            error);
    } else {
        return MPS_OK;
    }
    /* A file that can be read but is unsafe or holds no token is no reason to
     * go on with an old one: the administrator must hear of it. */
    if (code == MPS_E_CONFIG && prepared != NULL && prepared->len > 0 &&
        (source->file == NULL || !is_readable(source->file))) {
        return mpsc_secret_set(secret, prepared->data, prepared->len) == 0
                   ? MPS_OK
                   : mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    return code;
}

int
mpsc_partner_read(const struct mpsc_configuration *configuration,
                  const char *credentials, const struct mpsc_partner *prepared,
                  struct mpsc_partner *partner, struct mps_error *error)
{
    const struct source token = {configuration->token_file, "token_file",
                                 configuration->token_credential,
                                 "token_credential"};
    const struct source app_secret = {
        configuration->app_secret_file, "app_secret_file",
        configuration->app_secret_credential, "app_secret_credential"};
    int code;

    *partner = (struct mpsc_partner)MPSC_PARTNER_EMPTY;
    code = read_source(&token, credentials,
                       prepared != NULL ? &prepared->token : NULL,
                       &partner->token, error);
    if (code == MPS_OK) {
        code = read_source(&app_secret, credentials,
                           prepared != NULL ? &prepared->app_secret : NULL,
                           &partner->app_secret, error);
    }
    if (code != MPS_OK) {
        mpsc_partner_free(partner);
    }
    return code;
}

void
mpsc_partner_free(struct mpsc_partner *partner)
{
    mpsc_secret_free(&partner->token);
    mpsc_secret_free(&partner->app_secret);
}
