/* SPDX-License-Identifier: MIT */
/*
 * The HTTP port's kept connections: over HTTP/1 to mps-graph-emulator, over
 * HTTP/2 to an nginx in front of it; connections that go stale behind a relay;
 * and a host that takes descriptors away.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emulator.h"
#include "http_flight.h"
#include "nginx.h"
#include "relay.h"
#include "run_suites.h"

#define CROWD 32
#define FDS_MAX 512

static const char scenario[] = "partner_token = " HTTP_FLIGHT_PARTNER "\n"
                               "[business 2]\nfault = reset\n"
                               "[business 4]\nfault = stall\n"
                               "[business 5]\nfault = reset-body\n"
                               "[business 10]\nlatency_ms = 300\n";

static struct emulator emulator = {.pid = -1};
static struct nginx plain = {.pid = -1}; /* HTTP/2, as it comes */
static struct mpsc_http *http;
static struct mpsc_http *watcher; /* asks the emulator what it saw */
static struct relay *relay;       /* in front of the one or the other */

/* Whom a call is for. */
struct server {
    char base_url[128];
    const char *ca_path;
};

static struct server direct;
static struct server over_nginx;
static struct server over_relay;

static void
start_call(struct http_flight *flight, const struct server *server,
           const char *business_id)
{
    http_flight_prepare(flight, server->base_url, server->ca_path,
                        business_id);
    CU_ASSERT_EQUAL_FATAL(mpsc_http_curl.start(http, &flight->call), 0);
}

/* Waits for an answer, which is to be that one. */
static void
expect(struct http_flight *flight, enum mpsc_http_outcome outcome)
{
    http_flight_wait(http, flight);
    CU_ASSERT_EQUAL(flight->call.response.outcome, outcome);
    if (flight->call.response.outcome != outcome) {
        printf("\n    %s\n", flight->call.response.detail);
    }
    if (outcome == MPSC_HTTP_ANSWERED) {
        CU_ASSERT_EQUAL(flight->call.response.status, 200);
    } else {
        CU_ASSERT_STRING_NOT_EQUAL(flight->call.response.detail, "");
    }
    mpsc_http_call_clear(&flight->call);
}

static void
ask(const struct server *server, const char *business_id,
    enum mpsc_http_outcome outcome)
{
    struct http_flight flight;

    start_call(&flight, server, business_id);
    expect(&flight, outcome);
}

static void
end_call(struct http_flight *flight)
{
    mpsc_http_curl.cancel(http, &flight->call);
    mpsc_http_call_clear(&flight->call);
}

static void
ask_at_once(const struct server *server, unsigned count, int crowd,
            const char *business_id)
{
    struct http_flight flights[CROWD];

    for (unsigned i = 0; i < count; i++) {
        http_flight_prepare(&flights[i], server->base_url, server->ca_path,
                            business_id);
        flights[i].call.request.crowd = crowd;
        CU_ASSERT_EQUAL_FATAL(mpsc_http_curl.start(http, &flights[i].call), 0);
    }
    for (unsigned i = 0; i < count; i++) {
        expect(&flights[i], MPSC_HTTP_ANSWERED);
    }
}

/* One of the emulator's numbers; of a business, where that isn't NULL. */
static int
count(const char *what, const char *business_id)
{
    struct http_flight flight;
    struct json_object *json;
    struct json_object *object;
    struct json_object *number = NULL;
    char url[160];
    int value = 0;

    http_flight_prepare(&flight, direct.base_url, direct.ca_path, "1");
    snprintf(url, sizeof(url), "%s/__stats", direct.base_url);
    CU_ASSERT_EQUAL(
        mpsc_secret_set(&flight.call.request.url, url, strlen(url)), 0);
    CU_ASSERT_EQUAL_FATAL(mpsc_http_curl.start(watcher, &flight.call), 0);
    http_flight_wait(watcher, &flight);
    CU_ASSERT_PTR_NOT_NULL_FATAL(flight.call.response.body.data);
    json = json_tokener_parse(flight.call.response.body.data);
    object = json;
    if (business_id != NULL) {
        object = json_object_object_get(json, "businesses");
        object = json_object_object_get(object, business_id);
    }
    number = json_object_object_get(object, what);
    value = json_object_get_int(number);
    json_object_put(json);
    mpsc_http_call_clear(&flight.call);
    return value;
}

/* Polls until the emulator has had that many requests for the business. */
static void
await_requests(const char *business_id, int requests)
{
    for (int i = 0; i < 1000 && count("requests", business_id) < requests;
         i++) {
        CU_ASSERT_EQUAL(mpsc_http_curl.poll(http, NULL, 0, 10), 0);
    }
    CU_ASSERT(count("requests", business_id) >= requests);
}

static void
set_server(struct server *server, const char *base_url, const char *ca_path)
{
    snprintf(server->base_url, sizeof(server->base_url), "%s", base_url);
    server->ca_path = ca_path;
}

/* Puts a relay in front of the server, and over_relay through it. */
static void
start_relay(const struct server *server)
{
    char url[64];

    relay = relay_start(
        (unsigned)strtoul(strrchr(server->base_url, ':') + 1, NULL, 10));
    CU_ASSERT_PTR_NOT_NULL_FATAL(relay);
    snprintf(url, sizeof(url), "https://127.0.0.1:%u", relay_port(relay));
    set_server(&over_relay, url, server->ca_path);
}

static int
start_all(void)
{
    const struct nginx_options options = {emulator.base_url, 1, NULL};

    /* As the module's callers do: TLS writes to connections that are cut. */
    signal(SIGPIPE, SIG_IGN);
    if (emulator_start(&emulator, "good", scenario) != 0 ||
        nginx_start(&plain, &options) != 0) {
        return -1;
    }
    set_server(&direct, emulator.base_url, emulator.ca_path);
    set_server(&over_nginx, plain.base_url, plain.ca_path);
    watcher = mpsc_http_curl.open();
    return watcher == NULL;
}

static int
stop_all(void)
{
    mpsc_http_curl.close(&watcher);
    nginx_stop(&plain);
    emulator_stop(&emulator);
    return 0;
}

static void
open_client(void)
{
    http = mpsc_http_curl.open();
    CU_ASSERT_PTR_NOT_NULL_FATAL(http);
    /* So that the watcher has its connection before anything is counted. */
    (void)count("requests", NULL);
}

static void
close_client(void)
{
    mpsc_http_curl.close(&http);
    relay_stop(&relay);
}

static void
test_one_after_the_other(void)
{
    int before = count("connections", NULL);

    for (int i = 0; i < 20; i++) {
        ask(&direct, "1", MPSC_HTTP_ANSWERED);
    }
    CU_ASSERT_EQUAL(count("connections", NULL), before + 1);
    CU_ASSERT(mpsc_http_curl.usable(http));
}

/* As many connections as requests over HTTP/1, and no more for the next. */
static void
test_at_once(void)
{
    int before = count("connections", NULL);

    ask_at_once(&direct, CROWD, 0, "10");
    CU_ASSERT_EQUAL(count("connections", NULL), before + CROWD);
    ask_at_once(&direct, CROWD, 1, "10");
    CU_ASSERT_EQUAL(count("connections", NULL), before + CROWD);
}

static void *
ask_elsewhere(void *arg)
{
    (void)arg;
    ask(&direct, "1", MPSC_HTTP_ANSWERED);
    return NULL;
}

/* A client goes from thread to thread, also with a call under way. */
static void
test_threads(void)
{
    int before = count("connections", NULL);
    struct http_flight slow;
    pthread_t thread;

    ask(&direct, "1", MPSC_HTTP_ANSWERED);
    start_call(&slow, &direct, "10");
    CU_ASSERT_EQUAL(mpsc_http_curl.poll(http, NULL, 0, 0), 0);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL_FATAL(
            pthread_create(&thread, NULL, ask_elsewhere, NULL), 0);
        pthread_join(thread, NULL);
    }
    expect(&slow, MPSC_HTTP_ANSWERED);
    CU_ASSERT_EQUAL(count("connections", NULL), before + 2);
}

/* A crowd shares one connection, cold and warm. */
static void
test_crowd(void)
{
    unsigned requests = (unsigned)count("requests", NULL);
    struct nginx nginx;
    struct server server;
    const struct nginx_options options = {emulator.base_url, 1, NULL};

    CU_ASSERT_EQUAL_FATAL(nginx_start(&nginx, &options), 0);
    set_server(&server, nginx.base_url, nginx.ca_path);
    ask_at_once(&server, CROWD, 1, "10");
    ask_at_once(&server, CROWD, 1, "1");
    ask_at_once(&server, CROWD, 0, "1");
    CU_ASSERT_EQUAL((unsigned)count("requests", NULL), requests + 3 * CROWD);
    CU_ASSERT_EQUAL(nginx_connections(&nginx, 3 * CROWD), 1);
    nginx_stop(&nginx);
}

/* A crowd of more than a server takes at once, or over one connection. Each
 * request is answered, and reaches the endpoint once. */
static void
test_crowd_refused(void)
{
    static const struct {
        const char *lines;
        int connections;
    } rows[] = {
        {"http2_max_concurrent_streams 4;", 0},
        {"keepalive_requests 10;", 4},
        {"keepalive_requests 1;", CROWD},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct nginx_options options = {emulator.base_url, 1,
                                              rows[i].lines};
        int requests = count("requests", NULL);
        struct nginx nginx;
        struct server server;

        CU_ASSERT_EQUAL_FATAL(nginx_start(&nginx, &options), 0);
        set_server(&server, nginx.base_url, nginx.ca_path);
        ask_at_once(&server, CROWD, 1, "1");
        CU_ASSERT_EQUAL(count("requests", NULL), requests + CROWD);
        CU_ASSERT(nginx_connections(&nginx, CROWD) >= rows[i].connections);
        nginx_stop(&nginx);
    }
}

static void
take_next(struct mpsc_http_call *call, void *arg)
{
    struct http_flight *flight = arg;

    CU_ASSERT_EQUAL(call->response.outcome, MPSC_HTTP_ANSWERED);
    CU_ASSERT_EQUAL(call->response.status, 200);
    mpsc_http_call_clear(call);
    flight->done++;
}

/* A prefetch's work: as soon as one is done the next begins. */
static void
test_many(void)
{
    struct http_flight flights[CROWD];
    int requests = count("requests", NULL);
    int started = 0;
    int done = 0;

    memset(flights, 0, sizeof(flights));
    for (unsigned i = 0; i < CROWD; i++) {
        flights[i].done = 1;
    }
    done = -CROWD;
    for (int polls = 0; done < 500 && polls < 100000; polls++) {
        for (unsigned i = 0; i < CROWD; i++) {
            if (!flights[i].done) {
                continue;
            }
            done++;
            flights[i].done = 0;
            if (started < 500) {
                http_flight_prepare(&flights[i], over_nginx.base_url,
                                    over_nginx.ca_path, "1");
                flights[i].call.request.crowd = 1;
                flights[i].call.done = take_next;
                CU_ASSERT_EQUAL_FATAL(
                    mpsc_http_curl.start(http, &flights[i].call), 0);
                started++;
            }
        }
        CU_ASSERT_EQUAL_FATAL(mpsc_http_curl.poll(http, NULL, 0, 1000), 0);
    }
    CU_ASSERT_EQUAL(done, 500);
    CU_ASSERT_EQUAL(count("requests", NULL), requests + 500);
}

/* What may happen to kept connections, and how often a request is then sent:
 * what the relay has cut didn't reach the server. */
static void
test_stale_over(const struct server *server, int multiplexed)
{
    static void (*const ends[])(struct relay *) = {relay_cut, relay_cut_next,
                                                   relay_reset_next};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        unsigned several = multiplexed ? 1 : 4;
        int requests;

        start_relay(server);
        ask_at_once(&over_relay, 4, multiplexed, "10");
        CU_ASSERT_EQUAL(relay_connections(relay), several);
        requests = count("requests", NULL);
        ends[i](relay);
        ask(&over_relay, "1", MPSC_HTTP_ANSWERED);
        CU_ASSERT_EQUAL(count("requests", NULL), requests + 1);
        CU_ASSERT_EQUAL(relay_connections(relay), several + 1);
        /* Several at once, all of them stale. */
        ask_at_once(&over_relay, 4, multiplexed, "10");
        requests = count("requests", NULL);
        ends[i](relay);
        ask_at_once(&over_relay, 4, multiplexed, "1");
        CU_ASSERT_EQUAL(count("requests", NULL), requests + 4);
        relay_stop(&relay);
    }
}

static void
test_stale(void)
{
    test_stale_over(&direct, 0);
}

static void
test_stale_shared(void)
{
    test_stale_over(&over_nginx, 1);
}

/* The server closes after a second without a request. */
static void
test_server_closes(void)
{
    const struct nginx_options options[] = {
        {emulator.base_url, 0, "keepalive_timeout 1s;"},
        {emulator.base_url, 1, "keepalive_timeout 1s;"},
        {emulator.base_url, 0, "keepalive_requests 1;"},
        {emulator.base_url, 1, "keepalive_requests 1;"},
    };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        int requests = count("requests", NULL);
        struct nginx nginx;
        struct server server;

        CU_ASSERT_EQUAL_FATAL(nginx_start(&nginx, &options[i]), 0);
        set_server(&server, nginx.base_url, nginx.ca_path);
        ask(&server, "1", MPSC_HTTP_ANSWERED);
        usleep(i < 2 ? 1500000 : 0);
        ask(&server, "1", MPSC_HTTP_ANSWERED);
        CU_ASSERT_EQUAL(count("requests", NULL), requests + 2);
        CU_ASSERT_EQUAL(nginx_connections(&nginx, 2), 2);
        nginx_stop(&nginx);
    }
}

/* A request that is cut on a fresh connection is its caller's; on a kept one
 * it gets one more. */
static void
test_fresh_cut(void)
{
    int requests = count("requests", "2");

    ask(&direct, "2", MPSC_HTTP_NETWORK);
    CU_ASSERT_EQUAL(count("requests", "2"), requests + 1);
    ask(&direct, "1", MPSC_HTTP_ANSWERED);
    ask(&direct, "2", MPSC_HTTP_NETWORK);
    CU_ASSERT_EQUAL(count("requests", "2"), requests + 3);
    /* Several are kept: still one more. */
    ask_at_once(&direct, 4, 0, "10");
    ask(&direct, "2", MPSC_HTTP_NETWORK);
    CU_ASSERT_EQUAL(count("requests", "2"), requests + 5);
    ask(&direct, "1", MPSC_HTTP_ANSWERED);
}

/* What was cut in the middle of its answer was not stale. */
static void
test_cut_in_answer(void)
{
    int requests = count("requests", "5");

    ask(&direct, "1", MPSC_HTTP_ANSWERED);
    ask(&direct, "5", MPSC_HTTP_NETWORK);
    CU_ASSERT_EQUAL(count("requests", "5"), requests + 1);
}

/* libcurl repeats by itself what was cut on a connection that others share:
 * once is enough. */
static void
test_cut_twice(void)
{
    struct http_flight flights[3];
    int requests = count("requests", "4");

    start_relay(&over_nginx);
    start_call(&flights[0], &over_relay, "4");
    await_requests("4", requests + 1);
    start_call(&flights[1], &over_relay, "4");
    await_requests("4", requests + 2);
    CU_ASSERT_EQUAL(relay_connections(relay), 1);
    relay_reset(relay);
    await_requests("4", requests + 3);
    start_call(&flights[2], &over_relay, "4");
    await_requests("4", requests + 4);
#ifdef MPS_CURL_USES_OPENSSL
    CU_ASSERT_EQUAL(relay_connections(relay), 2);
#else
    /* GnuTLS' repeats both at once, each over a connection of its own. */
    CU_ASSERT(relay_connections(relay) <= 3);
#endif
    relay_reset(relay);
    expect(&flights[0], MPSC_HTTP_NETWORK);
    expect(&flights[1], MPSC_HTTP_NETWORK);
    end_call(&flights[2]);
}

/* Kept connections that died silently swallow one request, not two. */
static void
test_mute_over(const struct server *server, int multiplexed)
{
    struct http_flight first;
    struct http_flight second;
    int requests;

    start_relay(server);
    ask_at_once(&over_relay, 4, multiplexed, "10");
    requests = count("requests", "1");
    relay_mute(relay);
    start_call(&first, &over_relay, "1");
    start_call(&second, &over_relay, "1");
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_EQUAL(mpsc_http_curl.poll(http, NULL, 0, 10), 0);
    }
    CU_ASSERT_EQUAL(first.done + second.done, 0);
    end_call(&first);
    /* The second is still there, on the same connection where it is shared. */
    ask(&over_relay, "1", MPSC_HTTP_ANSWERED);
    ask(&over_relay, "1", MPSC_HTTP_ANSWERED);
    CU_ASSERT_EQUAL(second.done, 0);
    end_call(&second);
    for (int i = 0; i < 3; i++) {
        ask(&over_relay, "1", MPSC_HTTP_ANSWERED);
    }
    CU_ASSERT_EQUAL(count("requests", "1"), requests + 5);
    relay_stop(&relay);
}

static void
test_mute(void)
{
    test_mute_over(&direct, 0);
}

static void
test_mute_shared(void)
{
    test_mute_over(&over_nginx, 1);
}

/* A server that is slow with one answer isn't dead while it gives others. */
static void
test_slow_is_not_mute(void)
{
    struct http_flight stalled;

    start_relay(&over_nginx);
    ask(&over_relay, "1", MPSC_HTTP_ANSWERED);
    start_call(&stalled, &over_relay, "4");
    await_requests("4", count("requests", "4") + 1);
    ask(&over_relay, "1", MPSC_HTTP_ANSWERED);
    end_call(&stalled);
    ask(&over_relay, "1", MPSC_HTTP_ANSWERED);
    CU_ASSERT_EQUAL(relay_connections(relay), 1);
    /* And where nothing was heard yet, what is under way goes on. */
    start_call(&stalled, &over_relay, "10");
    {
        struct http_flight other;

        start_call(&other, &over_relay, "4");
        await_requests("4", count("requests", "4") + 1);
        end_call(&other);
    }
    expect(&stalled, MPSC_HTTP_ANSWERED);
    ask(&over_relay, "1", MPSC_HTTP_ANSWERED);
    CU_ASSERT_EQUAL(relay_connections(relay), 1);
}

/* The descriptors of connections to that server, how many. */
static unsigned
connections_to(const struct server *server, int *fds, unsigned most)
{
    unsigned long port = strtoul(strrchr(server->base_url, ':') + 1, NULL, 10);
    unsigned found = 0;

    for (int fd = 3; fd < FDS_MAX && found < most; fd++) {
        struct sockaddr_in address;
        socklen_t len = sizeof(address);

        if (getpeername(fd, (struct sockaddr *)(void *)&address, &len) == 0 &&
            address.sin_family == AF_INET && ntohs(address.sin_port) == port) {
            fds[found++] = fd;
        }
    }
    return found;
}

/* A host's socket: what it has got to read mustn't be read by others, and its
 * peer must get nothing. */
struct host {
    int peer;
    struct stat status;
};

/* Puts a host's socket in the place of `fd`. */
static void
take_away(struct host *host, int fd)
{
    int fds[2];

    CU_ASSERT_EQUAL_FATAL(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    CU_ASSERT_EQUAL(send(fds[1], "private", 7, 0), 7);
    CU_ASSERT_EQUAL(dup2(fds[0], fd), fd);
    close(fds[0]);
    host->peer = fds[1];
    CU_ASSERT_EQUAL(fstat(fd, &host->status), 0);
}

/* Nothing has happened to it; closes it. */
static void
give_back(struct host *host, int fd)
{
    struct stat status;
    char bytes[16];

    CU_ASSERT_EQUAL(recv(host->peer, bytes, sizeof(bytes), 0), -1);
    CU_ASSERT_EQUAL(fstat(fd, &status), 0);
    CU_ASSERT_EQUAL(status.st_ino, host->status.st_ino);
    CU_ASSERT_EQUAL(recv(fd, bytes, sizeof(bytes), 0), 7);
    close(fd);
    close(host->peer);
}

/* The only connection to the emulator that is `http`'s. */
static int
kept_connection(const struct server *server)
{
    int before[8];
    int after[8];
    unsigned known = connections_to(server, before, 8);
    int fd = -1;

    ask(server, "1", MPSC_HTTP_ANSWERED);
    CU_ASSERT_EQUAL_FATAL(connections_to(server, after, 8), known + 1);
    for (unsigned i = 0, j = 0; i <= known; i++) {
        if (j < known && after[i] == before[j]) {
            j++;
        } else {
            fd = after[i];
        }
    }
    return fd;
}

static void
test_foreign_start(void)
{
    const struct server *servers[] = {&direct, &over_nginx};

    for (size_t i = 0; i < 2; i++) {
        struct host host;
        int fd = kept_connection(servers[i]);
        int requests = count("requests", NULL);

        CU_ASSERT(mpsc_http_curl.usable(http));
        take_away(&host, fd);
        CU_ASSERT_FALSE(mpsc_http_curl.usable(http));
        ask(servers[i], "1", MPSC_HTTP_ANSWERED);
        ask(servers[i], "1", MPSC_HTTP_ANSWERED);
        CU_ASSERT(mpsc_http_curl.usable(http));
        CU_ASSERT_EQUAL(count("requests", NULL), requests + 2);
        give_back(&host, fd);
    }
}

/* One of several: the others are closed, not left open for ever. */
static void
test_foreign_one(void)
{
    struct host host;
    int fds[16];
    int fd = kept_connection(&direct);
    unsigned known = connections_to(&direct, fds, 16);

    ask_at_once(&direct, 4, 0, "10");
    CU_ASSERT_EQUAL(connections_to(&direct, fds, 16), known + 3);
    take_away(&host, fd);
    ask(&direct, "1", MPSC_HTTP_ANSWERED);
    CU_ASSERT_EQUAL(connections_to(&direct, fds, 16), known);
    give_back(&host, fd);
}

/* The host closes it, and opens nothing in its place. */
static void
test_closed(void)
{
    close(kept_connection(&direct));
    CU_ASSERT_FALSE(mpsc_http_curl.usable(http));
    ask(&direct, "1", MPSC_HTTP_ANSWERED);
    CU_ASSERT(mpsc_http_curl.usable(http));
}

static void
test_foreign_close(void)
{
    struct host host;
    int fd = kept_connection(&direct);

    take_away(&host, fd);
    mpsc_http_curl.close(&http);
    CU_ASSERT_PTR_NULL(http);
    give_back(&host, fd);
}

static unsigned
open_descriptors(void)
{
    unsigned open_ones = 0;

    for (int fd = 0; fd < FDS_MAX; fd++) {
        open_ones += fcntl(fd, F_GETFD) >= 0;
    }
    return open_ones;
}

/* Neither what is foreign nor what is still the client's. */
static void
test_abandon(void)
{
    struct host host;
    int fd = kept_connection(&direct);
    unsigned open_ones;

    take_away(&host, fd);
    open_ones = open_descriptors();
    mpsc_http_curl.abandon(&http);
    CU_ASSERT_PTR_NULL(http);
    CU_ASSERT_EQUAL(open_descriptors(), open_ones);
    give_back(&host, fd);
    mpsc_http_curl.abandon(&http);
    http = mpsc_http_curl.open();
    ask(&direct, "1", MPSC_HTTP_ANSWERED);
}

/* While the answer is awaited: it comes all the same, over another. */
static void
test_foreign_under_way(void)
{
    const struct server *servers[] = {&direct, &over_nginx};

    for (size_t i = 0; i < 2; i++) {
        struct host host;
        struct http_flight flights[2];
        int fd = kept_connection(servers[i]);
        int requests = count("requests", "10");

        start_call(&flights[0], servers[i], "10");
        await_requests("10", requests + 1);
        take_away(&host, fd);
        if (i == 0) {
            start_call(&flights[1], servers[i], "1");
            expect(&flights[1], MPSC_HTTP_ANSWERED);
        }
        expect(&flights[0], MPSC_HTTP_ANSWERED);
        give_back(&host, fd);
    }
}

static void
test_foreign_cancel(void)
{
    struct host host;
    struct http_flight stalled;
    int fd = kept_connection(&direct);

    start_call(&stalled, &direct, "4");
    await_requests("4", count("requests", "4") + 1);
    take_away(&host, fd);
    end_call(&stalled);
    give_back(&host, fd);
    ask(&direct, "1", MPSC_HTTP_ANSWERED);
}

/* A host that closes whatever it doesn't know, and opens its own. */
static void
test_foreign_wakeup(void)
{
    struct host hosts[16];
    int fds[16];
    int was_open[FDS_MAX];
    unsigned count_taken = 0;
    struct http_flight flight;

    mpsc_http_curl.close(&http);
    for (int fd = 0; fd < FDS_MAX; fd++) {
        was_open[fd] = fcntl(fd, F_GETFD) >= 0;
    }
    http = mpsc_http_curl.open();
    CU_ASSERT_PTR_NOT_NULL_FATAL(http);
    start_call(&flight, &direct, "4");
    for (int fd = 0; fd < FDS_MAX; fd++) {
        if (!was_open[fd] && fcntl(fd, F_GETFD) >= 0) {
            fds[count_taken++] = fd;
        }
    }
    for (unsigned i = 0; i < count_taken; i++) {
        take_away(&hosts[i], fds[i]);
    }
    CU_ASSERT(count_taken >= 2);
    mpsc_http_curl.wakeup(http);
    CU_ASSERT_FALSE(mpsc_http_curl.usable(http));
    CU_ASSERT_EQUAL(mpsc_http_curl.poll(http, NULL, 0, 0), -1);
    end_call(&flight);
    http_flight_prepare(&flight, direct.base_url, direct.ca_path, "1");
    CU_ASSERT_EQUAL(mpsc_http_curl.start(http, &flight.call), -1);
    CU_ASSERT_EQUAL(flight.call.response.outcome, MPSC_HTTP_INTERNAL);
    CU_ASSERT_STRING_NOT_EQUAL(flight.call.response.detail, "");
    mpsc_http_call_clear(&flight.call);
    mpsc_http_curl.close(&http);
    for (unsigned i = 0; i < count_taken; i++) {
        give_back(&hosts[i], fds[i]);
    }
}

/* Failed attempts leave no descriptors and no doubts. */
static void
test_attempts(void)
{
    struct server nobody = direct;
    struct http_flight flight;
    unsigned open_ones;

    ask(&direct, "1", MPSC_HTTP_ANSWERED);
    open_ones = open_descriptors();
    snprintf(nobody.base_url, sizeof(nobody.base_url), "https://localhost:1");
    for (int i = 0; i < 20; i++) {
        ask(&nobody, "1", MPSC_HTTP_NETWORK);
        /* Cancelled in the middle of an attempt at a fresh connection. */
        start_call(&flight, &over_nginx, "4");
        CU_ASSERT_EQUAL(mpsc_http_curl.poll(http, NULL, 0, 0), 0);
        end_call(&flight);
        CU_ASSERT(mpsc_http_curl.usable(http));
    }
    CU_ASSERT_EQUAL(open_descriptors(), open_ones);
}

int
main(void)
{
    CU_TestInfo kept[] = {
        {"one after the other", test_one_after_the_other},
        {"at once", test_at_once},
        {"threads", test_threads},
        {"crowd", test_crowd},
        {"crowd refused", test_crowd_refused},
        {"many", test_many},
        {"attempts", test_attempts},
        CU_TEST_INFO_NULL,
    };
    CU_TestInfo stale[] = {
        {"stale", test_stale},
        {"stale and shared", test_stale_shared},
        {"the server closes", test_server_closes},
        {"cut when fresh", test_fresh_cut},
        {"cut in the answer", test_cut_in_answer},
        {"cut twice", test_cut_twice},
        {"mute", test_mute},
        {"mute and shared", test_mute_shared},
        {"slow is not mute", test_slow_is_not_mute},
        CU_TEST_INFO_NULL,
    };
    CU_TestInfo foreign[] = {
        {"start", test_foreign_start},
        {"one of several", test_foreign_one},
        {"closed", test_closed},
        {"close", test_foreign_close},
        {"abandon", test_abandon},
        {"under way", test_foreign_under_way},
        {"cancel", test_foreign_cancel},
        {"wakeup", test_foreign_wakeup},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"kept", start_all, stop_all, open_client, close_client, kept},
        {"stale", start_all, stop_all, open_client, close_client, stale},
        {"foreign", start_all, stop_all, open_client, close_client, foreign},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
