/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "digest.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "exiting.h"

#define SHA256_BYTES 32

static void
to_hex(const unsigned char *bytes, char hex[MPSC_DIGEST_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_BYTES; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 0x0f];
    }
    hex[MPSC_DIGEST_HEX_SIZE - 1] = '\0';
}

/* OpenSSL's exit handler frees its tables under the feet of other threads;
 * the library's first user in a process decides whether it is registered. */
static void
forbid_exit_handler(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

static int
sha256(const void *bytes, size_t len, unsigned char out[SHA256_BYTES])
{
    int ok;

    if (!mpsc_exiting_try_enter()) {
        return -1;
    }
    forbid_exit_handler();
    ok = EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) == 1;
    mpsc_exiting_leave();
    return ok ? 0 : -1;
}

int
mpsc_digest_sha256(const void *bytes, size_t len,
                   char hex[MPSC_DIGEST_HEX_SIZE])
{
    unsigned char out[SHA256_BYTES];

    if (sha256(bytes, len, out) != 0) {
        return -1;
    }
    to_hex(out, hex);
    return 0;
}

int
mpsc_digest_hmac_sha256(const void *key, size_t key_len, const void *bytes,
                        size_t len, char hex[MPSC_DIGEST_HEX_SIZE])
{
    unsigned char out[SHA256_BYTES];
    int ok;

    if (key_len > INT_MAX || !mpsc_exiting_try_enter()) {
        return -1;
    }
    forbid_exit_handler();
    ok = HMAC(EVP_sha256(), key, (int)key_len, bytes, len, out, NULL) != NULL;
    mpsc_exiting_leave();
    if (!ok) {
        return -1;
    }
    to_hex(out, hex);
    OPENSSL_cleanse(out, sizeof(out));
    return 0;
}
