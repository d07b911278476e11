/* SPDX-License-Identifier: MIT */
/* The certificates that the emulator makes. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "certificate.h"
#include "run_suites.h"

static X509 *
parse(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return certificate;
}

struct pair {
    X509 *ca;
    X509 *server;
};

static void
make(struct pair *pair, enum emu_certificate_kind kind)
{
    struct emu_certificate made;
    struct emu_error error;

    CU_ASSERT_EQUAL_FATAL(
        emu_certificate_make(&made, kind, "127.0.0.5", &error), 0);
    pair->ca = parse(made.ca_pem);
    pair->server = parse(made.certificate_pem);
    emu_certificate_clear(&made);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pair->ca);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pair->server);
}

static void
drop(struct pair *pair)
{
    X509_free(pair->ca);
    X509_free(pair->server);
}

/* What a strict client that trusts the CA says to the server's certificate. */
static int
verify(const struct pair *pair)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int result = X509_V_ERR_UNSPECIFIED;

    if (store && context && X509_STORE_add_cert(store, pair->ca) &&
        X509_STORE_CTX_init(context, store, pair->server, NULL)) {
        X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT);
        (void)X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
        (void)X509_verify_cert(context);
        result = X509_STORE_CTX_get_error(context);
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return result;
}

static void
test_good(void)
{
    struct pair pair;

    make(&pair, EMU_CERTIFICATE_GOOD);
    CU_ASSERT_EQUAL(verify(&pair), X509_V_OK);
    CU_ASSERT_EQUAL(X509_check_host(pair.server, "localhost", 0, 0, NULL), 1);
    CU_ASSERT_EQUAL(X509_check_ip_asc(pair.server, "127.0.0.1", 0), 1);
    CU_ASSERT_EQUAL(X509_check_ip_asc(pair.server, "::1", 0), 1);
    CU_ASSERT_EQUAL(X509_check_ip_asc(pair.server, "127.0.0.5", 0), 1);
    CU_ASSERT_EQUAL(X509_check_host(pair.server, "example.com", 0, 0, NULL),
                    0);
    drop(&pair);
}

static void
test_expired(void)
{
    struct pair pair;

    make(&pair, EMU_CERTIFICATE_EXPIRED);
    CU_ASSERT_EQUAL(verify(&pair), X509_V_ERR_CERT_HAS_EXPIRED);
    CU_ASSERT_EQUAL(X509_check_host(pair.server, "localhost", 0, 0, NULL), 1);
    drop(&pair);
}

static void
test_wrong_host(void)
{
    struct pair pair;

    make(&pair, EMU_CERTIFICATE_WRONG_HOST);
    CU_ASSERT_EQUAL(verify(&pair), X509_V_OK);
    CU_ASSERT_EQUAL(X509_check_host(pair.server, "localhost", 0, 0, NULL), 0);
    CU_ASSERT_EQUAL(X509_check_ip_asc(pair.server, "127.0.0.1", 0), 0);
    drop(&pair);
}

static void
test_not_shared(void)
{
    struct pair one;
    struct pair two;

    make(&one, EMU_CERTIFICATE_GOOD);
    make(&two, EMU_CERTIFICATE_GOOD);
    X509_free(one.ca);
    one.ca = X509_dup(two.ca);
    CU_ASSERT_NOT_EQUAL(verify(&one), X509_V_OK);
    drop(&one);
    drop(&two);
}

static void
test_bad_address(void)
{
    struct emu_certificate made;
    struct emu_error error;

    CU_ASSERT_EQUAL(
        emu_certificate_make(&made, EMU_CERTIFICATE_GOOD, "nowhere", &error),
        -1);
    CU_ASSERT_PTR_NULL(made.key_pem);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"good", test_good},
        {"expired", test_expired},
        {"wrong host", test_wrong_host},
        {"each start has its own CA", test_not_shared},
        {"an address that is none", test_bad_address},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"emulator: certificate", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
