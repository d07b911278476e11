/* SPDX-License-Identifier: MIT */
/*
 * own_curl URL CA BUSINESS: a program that is linked to a libcurl of its own,
 * the GnuTLS one, and has requests under way all the time. The module brings
 * another of the same functions' names, or shares it where it was built on
 * GnuTLS, too.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "house.h"

static struct {
    const char *url;
    const char *ca;
    atomic_int stop;
    atomic_long requests;
} own;

/* The body is of no interest, but for its size. */
static size_t
count(char *data, size_t size, size_t members, void *arg)
{
    (void)data;
    *(size_t *)arg += size * members;
    return size * members;
}

static void
fetch(CURL *curl, int connects)
{
    char why[CURL_ERROR_SIZE] = "";
    size_t size = 0;
    long made = -1;
    CURLcode code;

    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    (void)curl_easy_setopt(curl, CURLOPT_URL, own.url);
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO, own.ca);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, count);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &size);
    code = curl_easy_perform(curl);
    house_expect(code == CURLE_OK && size > 0, "the host's request: %d %s",
                 (int)code, why);
    (void)curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &made);
    house_expect(connects < 0 || made == connects,
                 "the host's request made %ld connections", made);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
}

static void *
fetch_on(void *arg)
{
    CURL *curl = curl_easy_init();

    while (!atomic_load(&own.stop)) {
        fetch(curl, -1);
        atomic_fetch_add(&own.requests, 1);
    }
    curl_easy_cleanup(curl);
    return arg;
}

#ifdef MPS_CURL_USES_OPENSSL
#define ON_OPENSSL 1
#else
#define ON_OPENSSL 0
#endif

/* The module's is here beside the host's, or this shows something else. */
static void
expect_libraries(void)
{
    char line[4096];
    FILE *maps = fopen("/proc/self/maps", "re");
    int gnutls = 0;
    int openssl = 0;

    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        gnutls |= strstr(line, "/libcurl-gnutls.so.4") != NULL;
        openssl |= strstr(line, "/libcurl.so.4") != NULL;
    }
    if (maps != NULL) {
        fclose(maps);
    }
    house_expect(gnutls && openssl == ON_OPENSSL,
                 "GnuTLS' libcurl %d, OpenSSL's %d", gnutls, openssl);
    house_expect(strstr(curl_version(), "GnuTLS") != NULL,
                 "the host's libcurl is %s", curl_version());
}

int
main(int argc, char **argv)
{
    pthread_t thread;
    CURL *curl;

    if (argc != 4) {
        return 98;
    }
    own.url = argv[1];
    own.ca = argv[2];
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) {
        return 98;
    }
    house_open();
    curl = curl_easy_init();
    fetch(curl, 1);
    house_before();
    if (pthread_create(&thread, NULL, fetch_on, NULL) != 0) {
        return 98;
    }
    house_live(argv[3]);
    /* Its connection, kept from before, is as good as it was. */
    fetch(curl, 0);
    expect_libraries();
    (void)house_get(argv[3], MPS_OK, 0);
    atomic_store(&own.stop, 1);
    (void)pthread_join(thread, NULL);
    house_expect(atomic_load(&own.requests) > 0, "no request beside");
    fetch(curl, 0);
    house_after();
    /* What the host ends is its own. */
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    (void)house_get(argv[3], MPS_OK, 0);
    mps.shutdown();
    return house_end();
}
