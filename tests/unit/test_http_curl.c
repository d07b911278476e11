/* SPDX-License-Identifier: MIT */
/*
 * The HTTP port by libcurl against mps-graph-emulator over TLS: what each
 * failure of the network becomes, and what poll() waits for.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "emulator.h"
#include "http_flight.h"
#include "run_suites.h"

/* GnuTLS trusts nobody then, and sees nothing wrong with the file. */
#ifdef MPS_CURL_USES_OPENSSL
#define EMPTY_CA_FILE MPSC_HTTP_CA_FILE
#else
#define EMPTY_CA_FILE MPSC_HTTP_TLS
#endif

static const char scenario[] = "partner_token = " HTTP_FLIGHT_PARTNER "\n"
                               "[business 2]\nfault = reset\n"
                               "[business 3]\nfault = oversized\n"
                               "[business 4]\nfault = stall\n"
                               "[business 5]\nfault = reset-body\n"
                               "[business 6]\nfault = truncated\n"
                               "[business 7]\nfault = 429\n"
                               "[business 8]\nfault = redirect\n"
                               "[business 9]\nfault = endless\n"
                               "[business 10]\nlatency_ms = 300\n"
                               "[business 11]\nfault = stall-body\n"
                               "[business 12]\nfault = html\n";

static struct emulator good = {.pid = -1};
static struct emulator wrong_host = {.pid = -1};
static struct mpsc_http *http;

/* How often TLS was given a directory of certificates to trust: libcurl's
 * calls of libcrypto come through here. In the one named no certificate can
 * be. */
static int trusted_directories;

__attribute__((visibility("default"))) int
X509_STORE_load_path(void *store, const char *path);

int
X509_STORE_load_path(void *store, const char *path)
{
    static int (*real)(void *, const char *);

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "X509_STORE_load_path");
    }
    trusted_directories += strcmp(path, "/dev/null") != 0;
    return real(store, path);
}

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
start_all(void)
{
    return emulator_start(&good, "good", scenario) != 0 ||
           emulator_start(&wrong_host, "wrong-host", scenario) != 0;
}

static int
stop_all(void)
{
    emulator_stop(&good);
    emulator_stop(&wrong_host);
    return 0;
}

static void
open_client(void)
{
    http = mpsc_http_curl.open();
    CU_ASSERT_PTR_NOT_NULL_FATAL(http);
    trusted_directories = 0;
}

static void
close_client(void)
{
    mpsc_http_curl.close(&http);
    CU_ASSERT_PTR_NULL(http);
    mpsc_http_curl.close(&http);
}

static void
prepare(struct http_flight *flight, const struct emulator *emulator,
        const char *business_id)
{
    http_flight_prepare(flight, emulator->base_url, emulator->ca_path,
                        business_id);
}

static void
wait_for(struct http_flight *flight)
{
    http_flight_wait(http, flight);
}

/* Starts and waits; the caller clears the call. */
static enum mpsc_http_outcome
fly(struct http_flight *flight)
{
    CU_ASSERT_EQUAL_FATAL(mpsc_http_curl.start(http, &flight->call), 0);
    wait_for(flight);
    if (flight->call.response.outcome != MPSC_HTTP_ANSWERED) {
        CU_ASSERT_STRING_NOT_EQUAL(flight->call.response.detail, "");
        CU_ASSERT_PTR_NULL(
            strstr(flight->call.response.detail, HTTP_FLIGHT_PARTNER));
    }
    return flight->call.response.outcome;
}

static enum mpsc_http_outcome
fly_to(const char *business_id)
{
    struct http_flight flight;
    enum mpsc_http_outcome outcome;

    prepare(&flight, &good, business_id);
    outcome = fly(&flight);
    mpsc_http_call_clear(&flight.call);
    return outcome;
}

static void
test_answer(void)
{
    struct http_flight flight;
    struct mpsc_http_response *response = &flight.call.response;

    prepare(&flight, &good, "1");
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_ANSWERED);
    CU_ASSERT_EQUAL(response->step, MPSC_HTTP_SECURED);
    CU_ASSERT_EQUAL(response->status, 200);
    CU_ASSERT_PTR_NOT_NULL_FATAL(response->body.data);
    CU_ASSERT_PTR_NOT_NULL(strstr(response->body.data, "\"access_token\""));
    CU_ASSERT_EQUAL(strlen(response->body.data), response->body.len);
    CU_ASSERT(llabs((long long)(response->date - time(NULL))) <= 2);
    CU_ASSERT_STRING_EQUAL(response->retry_after, "");
    CU_ASSERT_STRING_NOT_EQUAL(response->trace, "");
    mpsc_http_call_clear(&flight.call);
    CU_ASSERT_PTR_NULL(response->body.data);
}

static void
test_limit_headers(void)
{
    struct http_flight flight;
    struct mpsc_http_response *response = &flight.call.response;

    prepare(&flight, &good, "7");
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_ANSWERED);
    CU_ASSERT_EQUAL(response->status, 429);
    CU_ASSERT_STRING_NOT_EQUAL(response->retry_after, "");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(response->business_usage, "estimated_time_to_regain_access"));
    mpsc_http_call_clear(&flight.call);
}

static void
test_outcomes(void)
{
    struct http_flight flight;

    CU_ASSERT_EQUAL(fly_to("2"), MPSC_HTTP_NETWORK);
    CU_ASSERT_EQUAL(fly_to("3"), MPSC_HTTP_TOO_LARGE);
    CU_ASSERT_EQUAL(fly_to("5"), MPSC_HTTP_NETWORK);
    CU_ASSERT_EQUAL(fly_to("6"), MPSC_HTTP_NETWORK);
    CU_ASSERT_EQUAL(fly_to("9"), MPSC_HTTP_TOO_LARGE);
    CU_ASSERT_EQUAL(fly_to("12"), MPSC_HTTP_ANSWERED);
    /* A redirect is an answer, and isn't followed. */
    prepare(&flight, &good, "8");
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_ANSWERED);
    CU_ASSERT_EQUAL(flight.call.response.status, 302);
    mpsc_http_call_clear(&flight.call);
}

/* The other emulator's CA; the system's; a name that isn't the server's. */
static void
test_tls(void)
{
    struct http_flight flight;

    prepare(&flight, &good, "1");
    flight.call.request.ca_file = wrong_host.ca_path;
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_TLS);
    CU_ASSERT_EQUAL(flight.call.response.step, MPSC_HTTP_CONNECTED);
    mpsc_http_call_clear(&flight.call);

    prepare(&flight, &good, "1");
    flight.call.request.ca_file = NULL;
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_TLS);
    mpsc_http_call_clear(&flight.call);

    prepare(&flight, &wrong_host, "1");
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_TLS);
    mpsc_http_call_clear(&flight.call);
}

static void
test_ca_file(void)
{
    struct http_flight flight;

    /* No directory of the system's beside it. */
    prepare(&flight, &good, "1");
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_ANSWERED);
    CU_ASSERT_EQUAL(trusted_directories, 0);
    mpsc_http_call_clear(&flight.call);

    prepare(&flight, &good, "1");
    flight.call.request.ca_file = "/nonexistent/ca.pem";
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_CA_FILE);
    mpsc_http_call_clear(&flight.call);
    /* A file without a certificate. */
    prepare(&flight, &good, "1");
    flight.call.request.ca_file = "/dev/null";
    CU_ASSERT_EQUAL(fly(&flight), EMPTY_CA_FILE);
    mpsc_http_call_clear(&flight.call);
}

/* Whether libcurl takes certificates out of memory: on GnuTLS not before
 * 8.18. */
static int
takes_ca_blob(void)
{
    char byte = '\n';
    struct curl_blob blob = {&byte, 1, CURL_BLOB_COPY};
    CURL *easy = curl_easy_init();
    CURLcode result = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);

    curl_easy_cleanup(easy);
    return result != CURLE_NOT_BUILT_IN;
}

/* Certificates out of memory are all that is trusted: no directory of the
 * system's beside them. Where libcurl takes none the file is read instead. */
static void
test_ca_blob(void)
{
    struct mpsc_secret pem = MPSC_SECRET_EMPTY;
    char text[4096];
    FILE *file = fopen(good.ca_path, "r");
    size_t got;
    struct http_flight flight;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    if (file == NULL) {
        return;
    }
    got = fread(text, 1, sizeof(text), file);
    fclose(file);
    CU_ASSERT_EQUAL(mpsc_secret_set(&pem, text, got), 0);
    prepare(&flight, &good, "1");
    flight.call.request.ca_file = "/nonexistent/ca.pem";
    flight.call.request.ca_blob = &pem;
    CU_ASSERT_EQUAL(fly(&flight),
                    takes_ca_blob() ? MPSC_HTTP_ANSWERED : MPSC_HTTP_CA_FILE);
    CU_ASSERT_EQUAL(trusted_directories, 0);
    mpsc_http_call_clear(&flight.call);

    prepare(&flight, &wrong_host, "1");
    flight.call.request.ca_blob = &pem;
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_TLS);
    mpsc_http_call_clear(&flight.call);
    mpsc_secret_free(&pem);
}

/* A listener on the loopback that never accepts; its base URL. */
static int
listen_mutely(char *url, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CU_ASSERT_EQUAL_FATAL(bind(fd,
                               (const struct sockaddr *)(const void *)&address,
                               sizeof(address)),
                          0);
    CU_ASSERT_EQUAL(listen(fd, 8), 0);
    getsockname(fd, (struct sockaddr *)(void *)&address, &len);
    snprintf(url, size, "https://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

static void
test_connection(void)
{
    struct emulator nobody = good;
    int fd = listen_mutely(nobody.base_url, sizeof(nobody.base_url));
    struct http_flight flight;
    int peer;

    /* The connect's own limit: another try may do better. */
    prepare(&flight, &nobody, "1");
    flight.call.request.connect_timeout_ms = 300;
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_NETWORK);
    mpsc_http_call_clear(&flight.call);

    /* Cut in the middle of the handshake. */
    prepare(&flight, &nobody, "1");
    CU_ASSERT_EQUAL_FATAL(mpsc_http_curl.start(http, &flight.call), 0);
    while ((peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
           0) {
        char byte;

        /* The one from before has hung up. */
        if (poll(&(struct pollfd){peer, POLLIN, 0}, 1, 0) == 1 &&
            recv(peer, &byte, 1, MSG_PEEK) <= 0) {
            close(peer);
            continue;
        }
        (void)mpsc_http_curl.poll(http, NULL, 0, 0);
        close(peer);
        if (flight.done) {
            break;
        }
        fcntl(fd, F_SETFL, O_NONBLOCK);
        (void)mpsc_http_curl.poll(http, NULL, 0, 100);
    }
    close(fd);
    wait_for(&flight);
    CU_ASSERT_EQUAL(flight.call.response.outcome, MPSC_HTTP_NETWORK);
    mpsc_http_call_clear(&flight.call);

    /* Nobody is there any more. */
    prepare(&flight, &nobody, "1");
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_NETWORK);
    CU_ASSERT_EQUAL(flight.call.response.step, MPSC_HTTP_RESOLVED);
    mpsc_http_call_clear(&flight.call);
}

static void
test_no_name(void)
{
    struct emulator nobody = good;
    struct http_flight flight;

    /* Never in the public name system, by RFC 6761. */
    snprintf(nobody.base_url, sizeof(nobody.base_url),
             "https://nobody.invalid");
    prepare(&flight, &nobody, "1");
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_NETWORK);
    CU_ASSERT_EQUAL(flight.call.response.step, MPSC_HTTP_BEGUN);
    mpsc_http_call_clear(&flight.call);
}

/* A proxy that is no proxy: the endpoint itself refuses the CONNECT. */
static void
test_proxy_refuses(void)
{
    struct http_flight flight;
    char proxy[256];

    snprintf(proxy, sizeof(proxy), "http://%s", good.base_url + 8);
    prepare(&flight, &good, "1");
    flight.call.request.proxy = proxy;
    CU_ASSERT_EQUAL(fly(&flight), MPSC_HTTP_NETWORK);
    CU_ASSERT_EQUAL(flight.call.response.step, MPSC_HTTP_CONNECTED);
    mpsc_http_call_clear(&flight.call);
}

static void
test_https_only(void)
{
    struct emulator plain = good;
    struct http_flight flight;

    snprintf(plain.base_url, sizeof(plain.base_url), "http://127.0.0.1:1");
    prepare(&flight, &plain, "1");
    CU_ASSERT_NOT_EQUAL(fly(&flight), MPSC_HTTP_ANSWERED);
    mpsc_http_call_clear(&flight.call);
}

/* What libcurl would take from the environment isn't taken. */
static void
test_environment(void)
{
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    CU_ASSERT_EQUAL(fly_to("1"), MPSC_HTTP_ANSWERED);
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
}

static void
test_cancel(void)
{
    struct http_flight stalled;
    struct http_flight other;

    prepare(&stalled, &good, "4");
    prepare(&other, &good, "10");
    CU_ASSERT_EQUAL_FATAL(mpsc_http_curl.start(http, &stalled.call), 0);
    CU_ASSERT_EQUAL_FATAL(mpsc_http_curl.start(http, &other.call), 0);
    CU_ASSERT_PTR_NOT_NULL(stalled.call.handle);
    CU_ASSERT_EQUAL(mpsc_http_curl.poll(http, NULL, 0, 50), 0);
    mpsc_http_curl.cancel(http, &stalled.call);
    CU_ASSERT_PTR_NULL(stalled.call.handle);
    /* Twice is fine. */
    mpsc_http_curl.cancel(http, &stalled.call);
    mpsc_http_call_clear(&stalled.call);
    wait_for(&other);
    CU_ASSERT_EQUAL(other.call.response.outcome, MPSC_HTTP_ANSWERED);
    CU_ASSERT_EQUAL(stalled.done, 0);
    mpsc_http_call_clear(&other.call);
}

static void
test_two_at_once(void)
{
    struct http_flight flights[2];
    int64_t start_ms = now_ms();

    for (int i = 0; i < 2; i++) {
        prepare(&flights[i], &good, "10");
        CU_ASSERT_EQUAL_FATAL(mpsc_http_curl.start(http, &flights[i].call), 0);
    }
    for (int i = 0; i < 2; i++) {
        wait_for(&flights[i]);
        CU_ASSERT_EQUAL(flights[i].call.response.status, 200);
    }
    CU_ASSERT(now_ms() - start_ms >= 300);
    CU_ASSERT_STRING_NOT_EQUAL(flights[0].call.response.body.data,
                               flights[1].call.response.body.data);
    mpsc_http_call_clear(&flights[0].call);
    mpsc_http_call_clear(&flights[1].call);
}

/* done() may start the next call and free its own. */
static void
start_next(struct mpsc_http_call *call, void *arg)
{
    struct http_flight *next = arg;

    mpsc_http_call_clear(call);
    CU_ASSERT_EQUAL(mpsc_http_curl.start(http, &next->call), 0);
}

static void
test_start_in_done(void)
{
    struct http_flight first;
    struct http_flight second;

    prepare(&first, &good, "1");
    prepare(&second, &good, "1");
    first.call.done = start_next;
    first.call.arg = &second;
    CU_ASSERT_EQUAL_FATAL(mpsc_http_curl.start(http, &first.call), 0);
    wait_for(&second);
    CU_ASSERT_EQUAL(second.call.response.status, 200);
    mpsc_http_call_clear(&second.call);
}

static void *
wake(void *arg)
{
    mpsc_http_curl.wakeup(arg);
    return NULL;
}

static void
test_wakeup(void)
{
    int64_t start_ms = now_ms();
    pthread_t thread;

    /* The next poll(), where none is waiting. */
    mpsc_http_curl.wakeup(http);
    CU_ASSERT_EQUAL(mpsc_http_curl.poll(http, NULL, 0, 20000), 0);
    CU_ASSERT(now_ms() - start_ms < 5000);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, wake, http), 0);
        CU_ASSERT_EQUAL(mpsc_http_curl.poll(http, NULL, 0, 20000), 0);
        pthread_join(thread, NULL);
    }
    CU_ASSERT(now_ms() - start_ms < 5000);
    /* One that has ended a poll() doesn't end the next. */
    start_ms = now_ms();
    CU_ASSERT_EQUAL(mpsc_http_curl.poll(http, NULL, 0, 50), 0);
    CU_ASSERT(now_ms() - start_ms >= 49);
}

static void
test_watch(void)
{
    struct mpsc_http_watch watch = {.fd = eventfd(0, EFD_CLOEXEC),
                                    .events = POLLIN};
    int64_t start_ms = now_ms();
    const uint64_t one = 1;

    CU_ASSERT_EQUAL(mpsc_http_curl.poll(http, &watch, 1, 50), 0);
    CU_ASSERT(now_ms() - start_ms >= 49);
    CU_ASSERT_EQUAL(watch.revents, 0);
    CU_ASSERT_EQUAL(write(watch.fd, &one, sizeof(one)), sizeof(one));
    start_ms = now_ms();
    CU_ASSERT_EQUAL(mpsc_http_curl.poll(http, &watch, 1, 20000), 0);
    CU_ASSERT(now_ms() - start_ms < 5000);
    CU_ASSERT_EQUAL(watch.revents, POLLIN);
    close(watch.fd);
}

static void
test_close_on_exec(void)
{
    struct http_flight flight;
    int open_ones = 0;

    prepare(&flight, &good, "4");
    CU_ASSERT_EQUAL_FATAL(mpsc_http_curl.start(http, &flight.call), 0);
    for (int i = 0; i < 20; i++) {
        (void)mpsc_http_curl.poll(http, NULL, 0, 20);
    }
    for (int fd = 3; fd < 256; fd++) {
        int type = 0;
        socklen_t len = sizeof(type);

        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &type, &len) == 0 &&
            type == AF_INET) {
            open_ones++;
            CU_ASSERT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        }
    }
    CU_ASSERT(open_ones > 0);
    mpsc_http_curl.cancel(http, &flight.call);
    mpsc_http_call_clear(&flight.call);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"answer", test_answer},
        {"headers of a limit", test_limit_headers},
        {"outcomes", test_outcomes},
        {"TLS", test_tls},
        {"ca_file", test_ca_file},
        {"certificates in memory", test_ca_blob},
        {"connection", test_connection},
        {"no such name", test_no_name},
        {"proxy that refuses", test_proxy_refuses},
        {"https only", test_https_only},
        {"proxies of the environment", test_environment},
        {"cancel", test_cancel},
        {"two at once", test_two_at_once},
        {"start in done", test_start_in_done},
        {"wakeup", test_wakeup},
        {"watch", test_watch},
        {"close-on-exec", test_close_on_exec},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"http_curl", start_all, stop_all, open_client, close_client, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
