/* SPDX-License-Identifier: MIT */
/*
 * items: tokens in the keyring as one would keep them without the module, one
 * item each, by libsecret's simple calls. Stores so many of a length and
 * prints the milliseconds that each took, then looks each up and prints the
 * same.
 *
 *     items COUNT LENGTH
 */
#include <libsecret/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const SecretSchema schema = {
    .name = "org.example.Token",
    .attributes = {{"business", SECRET_SCHEMA_ATTRIBUTE_STRING}},
};

static double
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
store(const char *business, const char *token)
{
    if (!secret_password_store_sync(&schema, SECRET_COLLECTION_DEFAULT,
                                    "token", token, NULL, NULL, "business",
                                    business, NULL)) {
        fprintf(stderr, "items: %s can't be stored\n", business);
        exit(1);
    }
}

static void
look_up(const char *business)
{
    char *token = secret_password_lookup_sync(&schema, NULL, NULL, "business",
                                              business, NULL);

    if (token == NULL) {
        fprintf(stderr, "items: %s isn't found\n", business);
        exit(1);
    }
    secret_password_free(token);
}

int
main(int argc, char **argv)
{
    int count = argc == 3 ? atoi(argv[1]) : 0;
    size_t length = argc == 3 ? (size_t)atoi(argv[2]) : 0;
    char *token = malloc(length + 1);
    char business[24];
    double begin;

    if (count < 1 || length < 1 || token == NULL) {
        fputs("usage: items COUNT LENGTH\n", stderr);
        return 2;
    }
    memset(token, 'A', length);
    token[length] = '\0';
    for (int lookup = 0; lookup < 2; lookup++) {
        begin = now_ms();
        for (int i = 0; i < count; i++) {
            snprintf(business, sizeof(business), "%d", i);
            if (lookup) {
                look_up(business);
            } else {
                store(business, token);
            }
        }
        printf("%.3f%c", (now_ms() - begin) / count, lookup ? '\n' : ' ');
    }
    free(token);
    return 0;
}
