/* SPDX-License-Identifier: MIT */
/* Tokens kept out of texts. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "redact.h"
#include "run_suites.h"

#define TEN "abcDEF_123"
#define FORTY TEN TEN TEN TEN

static void
test_looks(void)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", ""},
        {"nothing here", "nothing here"},
        {"AXsgnV2Cm3ZMGF3dF_cfYIn", "AXsgnV2Cm3ZMGF3dF_cfYIn"},
        {TEN TEN TEN "abcDEF_12", TEN TEN TEN "abcDEF_12"},
        {FORTY, "[redacted]"},
        {FORTY "x", "[redacted]"},
        {"a " FORTY " b", "a [redacted] b"},
        {"(" FORTY "," FORTY ")", "([redacted],[redacted])"},
        {"token=" FORTY "&x=1", "token=[redacted]&x=1"},
        /* App tokens, JWTs, hex digests. */
        {"1234567890123456|AbCdEfGhIjKlMnOpQrStUvWxYz0", "[redacted]"},
        {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.AAAAAAAAAA-_", "[redacted]"},
        {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
         "[redacted]"},
        /* Meta's prefix. */
        {"EAABwzLixnjYBOzYmNM", "EAABwzLixnjYBOzYmNM"},
        {"EAABwzLixnjYBOzYmNMJ", "[redacted]"},
        {"Bearer EAABwzLixnjYBOzYmNMJ!", "Bearer [redacted]!"},
        {"x.EAABwzLixnjYBOzYmNMJ", "[redacted]"},
        {"EAA of a kind", "EAA of a kind"},
        /* Graph's message ends with what it was sent. */
        {"Malformed access token pass word", "Malformed access token ****"
                                             "*****"},
        {"malformed ACCESS token hunter2 and more",
         "malformed ACCESS token [redacted]"},
        {"Malformed access token ", "Malformed access token "},
        {"Malformed access token", "Malformed access token"},
        {"Error validating access token: Session has expired",
         "Error validating access token: Session has expired"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[200];
        char copy[200];

        strcpy(text, rows[i].text);
        mpsc_redact(text, NULL, 0);
        if (strcmp(text, rows[i].expected) != 0) {
            printf("row %zu: %s\n", i, text);
        }
        CU_ASSERT_STRING_EQUAL(text, rows[i].expected);
        mpsc_redact_copy(copy, sizeof(copy), rows[i].text);
        CU_ASSERT_STRING_EQUAL(copy, rows[i].expected);
    }
}

static void
test_known(void)
{
    struct mpsc_secret empty = MPSC_SECRET_EMPTY;
    struct mpsc_secret one = MPSC_SECRET_EMPTY;
    struct mpsc_secret two = MPSC_SECRET_EMPTY;
    const struct mpsc_secret *secrets[] = {NULL, &empty, &one, &two};
    char text[] = "pw then correct horse/battery+staple, pwpw; "
                  "correct horse/battery+staple";
    char stars[] = "**pw**";
    char untouched[] = "EAABwzLixnjYBOzYmNMJ";

    CU_ASSERT_EQUAL(mpsc_secret_set(&one, "pw", 2), 0);
    CU_ASSERT_EQUAL(mpsc_secret_set(&two, "correct horse/battery+staple", 28),
                    0);
    mpsc_redact(text, secrets, 4);
    CU_ASSERT_STRING_EQUAL(text, "** then [redacted], ****; [redacted]");
    CU_ASSERT_EQUAL(mpsc_secret_set(&one, "*", 1), 0);
    mpsc_redact(stars, secrets, 4);
    CU_ASSERT_STRING_EQUAL(stars, "**pw**");
    /* Known ones alone: a good answer's body keeps its token. */
    mpsc_redact_known(untouched, secrets, 4);
    CU_ASSERT_STRING_EQUAL(untouched, "EAABwzLixnjYBOzYmNMJ");
    mpsc_secret_free(&one);
    mpsc_secret_free(&two);
}

/* A token is found before the text is cut, not in what the cut leaves. */
static void
test_cut(void)
{
    char from[400];
    char to[32];

    memset(from, 'x', sizeof(from) - 1);
    from[sizeof(from) - 1] = '\0';
    memcpy(from, "of twenty-five chars:    ", 25);
    mpsc_redact_copy(to, sizeof(to), from);
    CU_ASSERT_STRING_EQUAL(to, "of twenty-five chars:    [redac");
    mpsc_redact_copy(to, sizeof(to), "a\nb\xff");
    CU_ASSERT_STRING_EQUAL(to, "a?b?");
    mpsc_redact_copy(to, 1, "a");
    CU_ASSERT_STRING_EQUAL(to, "");
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"what looks like a token", test_looks},
        {"known secrets", test_known},
        {"cut", test_cut},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"redact", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
