/* SPDX-License-Identifier: MIT */
/*
 * tongues LOCALE TRAIT BUSINESS LIMITED OTHER: a program in a language whose
 * decimals have a comma (TRAIT comma), or whose i has a dot when it is large
 * (TRAIT dot). The endpoint limits LIMITED and OTHER, and says for a minute.
 * The locale comes after the first call, and then is one thread's, too.
 */
#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "house.h"

/* That numbers and letters are not C's: else this shows nothing. */
static void
expect_trait(const char *trait)
{
    char text[16];

    snprintf(text, sizeof(text), "%.1f", 1.5);
    house_expect(strcmp(trait, "comma") != 0 || strcmp(text, "1,5") == 0,
                 "a number is %s", text);
    house_expect(strcmp(trait, "dot") != 0 || tolower('I') != 'i',
                 "the letters are C's");
}

/* The times are those that the endpoint gave. */
static void
get_both(const char *good, const char *limited)
{
    struct mps_error error = {.size = sizeof(error)};
    const struct mps_credential *credential = NULL;
    int64_t now = (int64_t)time(NULL);
    int code = mps.get_credential(good, &credential);

    if (house_expect(code == MPS_OK && credential != NULL, "code %d", code)) {
        house_expect(credential->expires_at > now + 60 &&
                         credential->expires_at ==
                             credential->endpoint_expires_at,
                     "expires at %lld, by the endpoint %lld",
                     (long long)credential->expires_at,
                     (long long)credential->endpoint_expires_at);
        house_expect(strlen(credential->token_id) == 12 &&
                         strspn(credential->token_id, "0123456789abcdef") ==
                             12,
                     "token_id %s", credential->token_id);
    }
    mps.release_credential(credential);
    (void)house_get(limited, MPS_E_RATE_LIMITED, 0);
    (void)mps.error(&error);
    house_expect(error.retry_at > now + 30 && error.retry_at <= now + 120 &&
                     error.http_status == 429,
                 "status %d, again in %lld s", error.http_status,
                 (long long)(error.retry_at - now));
}

/* The locale is found by LOCPATH, which is there no longer than that takes. */
static int
take_locale(const char *name, const char *path)
{
    int result;

    if (path != NULL) {
        (void)setenv("LOCPATH", path, 1);
    }
    result = setlocale(LC_ALL, name) != NULL ? 0 : -1;
    house_forget_locpath();
    return result;
}

int
main(int argc, char **argv)
{
    const char *found = getenv("LOCPATH");
    char *path = found != NULL ? strdup(found) : NULL;
    locale_t own;

    if (argc != 6) {
        return 98;
    }
    house_forget_locpath();
    house_open();
    (void)house_get(argv[3], MPS_OK, 0);
    mps.shutdown();
    if (take_locale(argv[1], path) != 0) {
        return HOUSE_CANNOT;
    }
    free(path);
    own = duplocale(LC_GLOBAL_LOCALE);
    house_before();
    expect_trait(argv[2]);
    get_both(argv[3], argv[4]);
    mps.shutdown();
    get_both(argv[3], argv[5]);
    mps.shutdown();
    (void)uselocale(own);
    expect_trait(argv[2]);
    get_both(argv[3], argv[4]);
    house_expect(uselocale((locale_t)0) == own, "the thread's locale is lost");
    (void)uselocale(LC_GLOBAL_LOCALE);
    house_after();
    freelocale(own);
    return house_end();
}
