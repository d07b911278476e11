/* SPDX-License-Identifier: MIT */
/*
 * peer_libsecret: looks a secret up, as programs do that use libsecret.
 *
 *     peer_libsecret SERVICE COUNT
 */
#include <libsecret/secret.h>

#include "repeat.h"

/* As secret-tool stores. */
static const SecretSchema schema = {
    .name = "org.freedesktop.Secret.Generic",
    .flags = SECRET_SCHEMA_DONT_MATCH_NAME,
    .attributes = {{"server", SECRET_SCHEMA_ATTRIBUTE_STRING}}};

static int
look_up(void *service)
{
    GError *error = NULL;
    gchar *found = secret_password_lookup_sync(&schema, NULL, &error, "server",
                                               (const char *)service, NULL);

    if (found == NULL) {
        fprintf(stderr, "peer_libsecret: %s\n",
                error != NULL ? error->message : "no such secret");
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
