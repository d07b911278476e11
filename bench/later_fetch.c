/* SPDX-License-Identifier: MIT */
/*
 * later_fetch: what the later fetches of a process cost, in turn:
 *
 * - libcurl alone over a kept connection,
 * - the module from the keyring: one helper,
 * - the module from the endpoint, and until the keyring has what came.
 *
 * It prints the medians of these four in milliseconds.
 *
 *     later_fetch MODULE URL CA HEADER STORED FIRST RUNS
 *
 * URL is asked with a business's number behind it, HEADER has the whole
 * Authorization line; the businesses from STORED on are in the keyring, those
 * from FIRST on are not.
 */
#include <curl/curl.h>
#include <errno.h>
#include <mps/loader.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "times.h"

#define RUNS_MAX 101

enum { KEPT, HELPER, FETCH, STORED, MEASURES };

static struct mps_api mps;

static void
fail(const char *what, const char *why)
{
    fprintf(stderr, "later_fetch: %s: %s\n", what, why);
    exit(1);
}

static size_t
swallow(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * count;
}

static CURL *
open_curl(const char *ca, const char *header)
{
    CURL *easy = curl_easy_init();

    curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER,
                     curl_slist_append(NULL, header));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    return easy;
}

static double
by_curl(CURL *easy, const char *url, long number)
{
    double begin = times_now_ms();
    char *whole = NULL;
    CURLcode code;

    if (asprintf(&whole, "%s%ld", url, number) < 0) {
        fail(url, "no memory");
    }
    curl_easy_setopt(easy, CURLOPT_URL, whole);
    code = curl_easy_perform(easy);
    if (code != CURLE_OK) {
        fail(whole, curl_easy_strerror(code));
    }
    free(whole);
    return times_now_ms() - begin;
}

static double
by_module(long number, int source)
{
    const struct mps_credential *credential;
    double begin = times_now_ms();
    char id[24];
    double end;
    int code;

    snprintf(id, sizeof(id), "%ld", number);
    code = mps.get_credential(id, &credential);
    end = times_now_ms();
    if (code != MPS_OK) {
        fail(id, mps.strerror(code));
    }
    if (credential->source != source) {
        fail(id, "not from where it should be");
    }
    mps.release_credential(credential);
    return end - begin;
}

/* Waits until the helper has ended, whose parent the module reaps. */
static void
await_helper(void)
{
    const struct timespec moment = {0, 200000};
    siginfo_t info;

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) ==
           0) {
        nanosleep(&moment, NULL);
    }
}

int
main(int argc, char **argv)
{
    double times[MEASURES][RUNS_MAX];
    long stored;
    long first;
    CURL *easy;
    int runs;

    if (argc != 8 || mps_load(&mps, argv[1]) != 0) {
        fail("MODULE URL CA HEADER STORED FIRST RUNS",
             argc == 8 ? mps.load_error : "usage");
    }
    easy = open_curl(argv[3], argv[4]);
    stored = atol(argv[5]);
    first = atol(argv[6]);
    runs = atoi(argv[7]);
    if (runs < 1 || runs > RUNS_MAX) {
        fail(argv[7], "not 1 to 101 runs");
    }
    /* The connections. */
    (void)by_curl(easy, argv[2], first);
    (void)by_module(first, MPS_SOURCE_ENDPOINT);
    for (int i = 0; i < runs; i++) {
        double begin;

        await_helper();
        times[KEPT][i] = by_curl(easy, argv[2], first + 1 + i);
        times[HELPER][i] = by_module(stored + i, MPS_SOURCE_KEYRING);
        await_helper();
        begin = times_now_ms();
        times[FETCH][i] = by_module(first + 1 + i, MPS_SOURCE_ENDPOINT);
        await_helper();
        times[STORED][i] = times_now_ms() - begin;
    }
    for (int i = 0; i < MEASURES; i++) {
        qsort(times[i], (size_t)runs, sizeof(times[i][0]), times_compare);
        printf("%.3f%c", times[i][runs / 2], i + 1 < MEASURES ? ' ' : '\n');
    }
    return 0;
}
