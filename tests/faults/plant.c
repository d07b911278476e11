/* SPDX-License-Identifier: MIT */
/*
 * plant ATTRIBUTE VALUE...: stores what is on standard input as the secret of
 * the item with these attributes, in the place of the one that is there, as
 * secret-tool does, but of any size.
 */
#include <libsecret/secret.h>
#include <stdio.h>
#include <stdlib.h>

#define SIZE_MOST ((size_t)64 << 20)

int
main(int argc, char **argv)
{
    GHashTable *attributes = g_hash_table_new(g_str_hash, g_str_equal);
    char *bytes = malloc(SIZE_MOST);
    GError *error = NULL;
    SecretValue *value;
    size_t size;

    if (bytes == NULL) {
        return 1;
    }
    for (int i = 1; i + 1 < argc; i += 2) {
        g_hash_table_insert(attributes, argv[i], argv[i + 1]);
    }
    size = fread(bytes, 1, SIZE_MOST, stdin);
    value =
        secret_value_new_full(bytes, (gssize)size, "application/json", free);
    if (!secret_service_store_sync(NULL, NULL, attributes,
                                   SECRET_COLLECTION_DEFAULT, "planted", value,
                                   NULL, &error)) {
        fprintf(stderr, "plant: %s\n", error->message);
        return 1;
    }
    secret_value_unref(value);
    g_hash_table_unref(attributes);
    return 0;
}
