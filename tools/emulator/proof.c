/* SPDX-License-Identifier: MIT */
/* The appsecret_proof that an app with "Require App Secret" demands. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "proof.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST ((size_t)32)

static bool
time_good(const char *text, int64_t now)
{
    char *end = NULL;
    long long when;

    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0') {
        return false;
    }
    errno = 0;
    when = strtoll(text, &end, 10);
    return errno == 0 && when >= now - EMU_PROOF_LIFE_S &&
           when <= now + EMU_PROOF_LIFE_S;
}

bool
emu_proof_good(const char *secret, const char *token, const char *proof,
               const char *time, int64_t now)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * DIGEST + 1];
    char *message = NULL;
    size_t secret_size = strlen(secret);
    bool good = false;
    int size;

    if (!proof || strlen(proof) != 2 * DIGEST || secret_size > INT_MAX ||
        (time && !time_good(time, now))) {
        return false;
    }
    size =
        asprintf(&message, "%s%s%s", token, time ? "|" : "", time ? time : "");
    if (size < 0) {
        return false;
    }
    if (HMAC(EVP_sha256(), secret, (int)secret_size,
             (const unsigned char *)message, (size_t)size, digest, NULL)) {
        for (size_t i = 0; i < DIGEST; i++) {
            (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
        }
        good = CRYPTO_memcmp(hex, proof, 2 * DIGEST) == 0;
    }
    explicit_bzero(message, (size_t)size);
    free(message);
    return good;
}
