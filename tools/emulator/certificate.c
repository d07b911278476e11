/* SPDX-License-Identifier: MIT */
/* The certificates that the server shows, made at start. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "certificate.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400L
#define SERIAL_BITS 127

struct extension {
    int nid;
    const char *value;
};

/* A certificate to be, but for its signature. */
struct draft {
    const char *name;
    long begins; /* seconds from now */
    long ends;
    const struct extension *extensions;
    size_t count;
};

static int
set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    int good =
        number &&
        BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));

    BN_free(number);
    return good;
}

static int
add_extensions(X509 *certificate, X509 *issuer, const struct draft *draft)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < draft->count; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, draft->extensions[i].nid,
                                draft->extensions[i].value);
        int good = extension && X509_add_ext(certificate, extension, -1);

        X509_EXTENSION_free(extension);
        if (!good) {
            return 0;
        }
    }
    return 1;
}

/* Makes the draft a certificate for key, signed by the issuer (NULL: by
 * itself) with the issuer's key. */
static X509 *
sign(const struct draft *draft, EVP_PKEY *key, X509 *issuer,
     EVP_PKEY *issuer_key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_NAME_new();

    if (certificate && name && X509_set_version(certificate, X509_VERSION_3) &&
        set_serial(certificate) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   (const unsigned char *)draft->name, -1, -1,
                                   0) &&
        X509_set_subject_name(certificate, name) &&
        X509_set_issuer_name(certificate,
                             issuer ? X509_get_subject_name(issuer) : name) &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), draft->begins) &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), draft->ends) &&
        X509_set_pubkey(certificate, key) &&
        add_extensions(certificate, issuer ? issuer : certificate, draft) &&
        X509_sign(certificate, issuer_key, EVP_sha256())) {
        X509_NAME_free(name);
        return certificate;
    }
    X509_NAME_free(name);
    X509_free(certificate);
    return NULL;
}

static X509 *
make_ca(EVP_PKEY *key)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
    };
    const struct draft draft = {
        .name = "mps-graph-emulator test CA",
        .begins = -DAY,
        .ends = 365 * DAY,
        .extensions = extensions,
        .count = sizeof extensions / sizeof extensions[0],
    };

    return sign(&draft, key, NULL, key);
}

static X509 *
make_server(enum emu_certificate_kind kind, const char *address, EVP_PKEY *key,
            X509 *ca, EVP_PKEY *ca_key)
{
    char names[200] = "DNS:wrong-host.invalid";
    const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid"},
        {NID_subject_alt_name, names},
    };
    struct draft draft = {
        .name = "mps-graph-emulator",
        .begins = -DAY,
        .ends = 365 * DAY,
        .extensions = extensions,
        .count = sizeof extensions / sizeof extensions[0],
    };

    if (kind != EMU_CERTIFICATE_WRONG_HOST) {
        (void)snprintf(names, sizeof names,
                       "DNS:localhost,IP:127.0.0.1,IP:::1,IP:%s", address);
    }
    if (kind == EMU_CERTIFICATE_EXPIRED) {
        draft.begins = -10 * DAY;
        draft.ends = -DAY;
    }
    return sign(&draft, key, ca, ca_key);
}

/* The text that was written to the memory BIO, NUL-terminated. */
static char *
text_of(BIO *bio)
{
    char *bytes = NULL;
    long size = BIO_get_mem_data(bio, &bytes);
    char *text = size > 0 ? malloc((size_t)size + 1) : NULL;

    if (text) {
        memcpy(text, bytes, (size_t)size);
        text[size] = '\0';
    }
    return text;
}

static char *
certificate_text(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    if (bio && PEM_write_bio_X509(bio, certificate)) {
        text = text_of(bio);
    }
    BIO_free(bio);
    return text;
}

static char *
key_text(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;

    if (bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) {
        text = text_of(bio);
    }
    BIO_free(bio);
    return text;
}

int
emu_certificate_make(struct emu_certificate *certificate,
                     enum emu_certificate_kind kind, const char *address,
                     struct emu_error *error)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *ca = ca_key ? make_ca(ca_key) : NULL;
    X509 *server =
        ca && key ? make_server(kind, address, key, ca, ca_key) : NULL;
    int result = -1;

    memset(certificate, 0, sizeof *certificate);
    if (!server) {
        goto out;
    }
    certificate->ca_pem = certificate_text(ca);
    certificate->certificate_pem = certificate_text(server);
    certificate->key_pem = key_text(key);
    if (certificate->ca_pem && certificate->certificate_pem &&
        certificate->key_pem) {
        result = 0;
    }
out:
    if (result) {
        char reason[256];

        ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
        (void)emu_fail(error, "cannot make the certificates: %s", reason);
        emu_certificate_clear(certificate);
    }
    X509_free(server);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return result;
}

void
emu_certificate_clear(struct emu_certificate *certificate)
{
    if (certificate->key_pem) {
        explicit_bzero(certificate->key_pem, strlen(certificate->key_pem));
    }
    free(certificate->key_pem);
    free(certificate->certificate_pem);
    free(certificate->ca_pem);
    memset(certificate, 0, sizeof *certificate);
}
