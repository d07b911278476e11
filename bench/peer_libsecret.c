/* SPDX-License-Identifier: MIT */
/*
 * peer_libsecret: looks a secret up, as programs do that use libsecret.
 *
 *     peer_libsecret SERVICE COUNT
 */
#include <libsecret/secret.h>

#include "repeat.h"

static int
look_up(void *service)
{
    gchar *found =
        secret_password_lookup_sync(SECRET_SCHEMA_COMPAT_NETWORK, NULL, NULL,
                                    "server", (const char *)service, NULL);

    if (found == NULL) {
        return -1;
    }
    secret_password_free(found);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: peer_libsecret SERVICE COUNT\n");
        return 2;
    }
    return repeat(look_up, argv[1], argv[2]);
}
