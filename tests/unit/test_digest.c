/* SPDX-License-Identifier: MIT */
/* SHA-256 and HMAC against the published vectors. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <string.h>

#include "digest.h"
#include "run_suites.h"

/* FIPS 180, NIST's examples. */
static void
test_sha256(void)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    char hex[MPSC_DIGEST_HEX_SIZE];
    static char million[1000000];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(
            mpsc_digest_sha256(rows[i].text, strlen(rows[i].text), hex), 0);
        CU_ASSERT_STRING_EQUAL(hex, rows[i].expected);
    }
    memset(million, 'a', sizeof(million));
    CU_ASSERT_EQUAL(mpsc_digest_sha256(million, sizeof(million), hex), 0);
    CU_ASSERT_STRING_EQUAL(hex, "cdc76e5c9914fb9281a1c7e284d73e67"
                                "f1809a48a497200e046d39ccc7112cd0");
}

/* RFC 4231, test cases 1 to 4, 6 and 7. */
static void
test_hmac(void)
{
    static const struct {
        int key_byte; /* repeated; -1 = 1, 2, 3...; -2 = "Jefe" */
        size_t key_len;
        const char *data;
        int data_byte; /* 50 of these where data is NULL */
        const char *expected;
    } rows[] = {
        {0x0b, 20, "Hi There", 0,
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {-2, 4, "what do ya want for nothing?", 0,
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {0xaa, 20, NULL, 0xdd,
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {-1, 25, NULL, 0xcd,
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
         0,
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {0xaa, 131,
         "This is a test using a larger than block-size key and a larger "
         "than block-size data. The key needs to be hashed before being used "
         "by the HMAC algorithm.",
         0,
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char key[131] = "Jefe";
        unsigned char data[50];
        char hex[MPSC_DIGEST_HEX_SIZE];

        for (size_t j = 0; j < sizeof(key) && rows[i].key_byte != -2; j++) {
            key[j] = rows[i].key_byte == -1 ? (unsigned char)(j + 1)
                                            : (unsigned char)rows[i].key_byte;
        }
        memset(data, rows[i].data_byte, sizeof(data));
        CU_ASSERT_EQUAL(
            mpsc_digest_hmac_sha256(
                key, rows[i].key_len,
                rows[i].data != NULL ? (const void *)rows[i].data : data,
                rows[i].data != NULL ? strlen(rows[i].data) : sizeof(data),
                hex),
            0);
        CU_ASSERT_STRING_EQUAL(hex, rows[i].expected);
    }
}

static void
test_refused(void)
{
    char hex[MPSC_DIGEST_HEX_SIZE];

    CU_ASSERT_EQUAL(mpsc_digest_hmac_sha256("k", (size_t)-1, "x", 1, hex), -1);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"SHA-256", test_sha256},
        {"HMAC", test_hmac},
        {"refused", test_refused},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"digest", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
