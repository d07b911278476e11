/* SPDX-License-Identifier: MIT */
/*
 * http: the port to the network, a table of functions that http_curl.c fills
 * for libcurl and tests fill for a fake.
 *
 * A client runs any number of GET requests at once on the thread that polls
 * it. It belongs to one thread at a time; only wakeup() may be called from
 * others. Between polls it may lie unused for any time, also with calls under
 * way, and another thread may take it over, where the two threads synchronise
 * (a lock or a join).
 *
 * Connections are kept from request to request, and shared by requests under
 * way where the server speaks HTTP/2. A request whose kept connection turns
 * out to be cut, without a byte of an answer, is repeated once on a fresh
 * one; its caller doesn't notice. What fails on a fresh connection is the
 * caller's to repeat. (Where others share a fresh connection libcurl 7.88 may
 * repeat one of them all the same.) What a server refuses to look at
 * (REFUSED_STREAM) is repeated in the same way. None is ever sent more than
 * twice; one of a crowd three times, the last over a connection of its own.
 *
 * An idle connection is taken up again within a minute, and within five of
 * its start. Those of a client that lies unused stay open until it is used
 * again or closed. A changed CA file counts for new connections within a
 * minute, other certificates in memory at once.
 *
 * Hosts close and reuse descriptors behind our back. A client compares each
 * descriptor with what it opened, before each use: nothing is read from,
 * written to or closed that isn't its own. Where the host took a connection
 * away, the client goes on by fresh ones, and repeats what was under way.
 * Where it took the client's own pair for wakeups, start() and poll() fail
 * and usable() is 0. So the owner
 *
 * - asks usable() when it takes up a client that has lain unused, and after a
 *   poll() or start() that failed; where it is 0, cancels what is under way
 *   and opens another client in place of this one, after close(), which
 *   closes what is still the client's, or abandon(), which closes nothing;
 * - calls abandon() alone, and nothing else, in a forked child.
 *
 * Out of reach: a descriptor that the host replaces from another thread
 * between the look and the use, and those that libcurl 7.88 keeps to itself:
 * a socket pair per client for its own wakeups, which is never used but closed
 * with the client, and one per name that is being resolved. The pair lies
 * beside ours, and hosts close whole ranges: where ours is gone, libcurl's
 * isn't touched either.
 */
#ifndef MPSC_HTTP_H
#define MPSC_HTTP_H

#include <stdint.h>

#include "secret.h"

/* The longest body that is taken. */
#define MPSC_HTTP_BODY_MAX (1024 * 1024)

/* The longest value of a header that is kept. */
#define MPSC_HTTP_HEADER_SIZE 4096

enum mpsc_http_outcome {
    MPSC_HTTP_ANSWERED, /* status, headers and the whole body are there */
    MPSC_HTTP_NETWORK,  /* no name, no route, refused, reset, cut */
    MPSC_HTTP_TLS,      /* certificate, host name or version refused */
    MPSC_HTTP_TOO_LARGE,
    MPSC_HTTP_NOT_HTTP, /* what came is no HTTP answer */
    MPSC_HTTP_CA_FILE,  /* ca_file can't be read or holds no certificate */
    MPSC_HTTP_NO_MEMORY,
    MPSC_HTTP_INTERNAL
};

/* How far a request got over a connection of its own; a kept one tells
 * nothing: MPSC_HTTP_BEGUN. */
enum mpsc_http_step {
    MPSC_HTTP_BEGUN,
    MPSC_HTTP_RESOLVED,  /* there are addresses: the server's, the proxy's */
    MPSC_HTTP_CONNECTED, /* to one of them */
    MPSC_HTTP_TUNNELLED, /* an HTTP proxy has let it through */
    MPSC_HTTP_SECURED    /* the server's certificate is trusted */
};

struct mpsc_http_request {
    struct mpsc_secret url;           /* secret: it may hold appsecret_proof */
    struct mpsc_secret authorization; /* the whole header line */
    const char *ca_file;              /* NULL = the system's */
    const struct mpsc_secret *ca_blob; /* PEM in place of ca_file; or NULL */
    const char *proxy;                 /* NULL = none */
    unsigned connect_timeout_ms;
    /* Many such requests are under way: rather waits for a connection that
     * can be shared than opens another. */
    int crowd;
};

struct mpsc_http_response {
    enum mpsc_http_outcome outcome;
    enum mpsc_http_step step;
    char detail[160]; /* what the library says of a failure; no secret */
    int status;
    struct mpsc_secret body;
    int64_t date;         /* the Date header, Unix seconds; 0 = none
                           * in the form that servers send (IMF-fixdate) */
    char retry_after[64]; /* "" = none */
    char business_usage[MPSC_HTTP_HEADER_SIZE]; /* X-Business-Use-Case-Usage;
                                                 * cut = "" */
    char app_usage[256];                        /* X-App-Usage, the same */
    char trace[64];                             /* x-fb-trace-id */
};

/* One request under way: the caller's, and untouched by it until done. It has
 * no deadline of its own: its caller cancels it. */
struct mpsc_http_call {
    struct mpsc_http_request request;
    struct mpsc_http_response response;
    /* Runs in poll(), once, when the response is complete. It may free the
     * call and start others. */
    void (*done)(struct mpsc_http_call *call, void *arg);
    void *arg;
    void *handle; /* the client's */
};

/* A descriptor that poll() watches beside the network. */
struct mpsc_http_watch {
    int fd;
    short events;  /* POLLIN, POLLOUT */
    short revents; /* set by poll() */
};

struct mpsc_http;

struct mpsc_http_port {
    /* A new client, or NULL without memory or where the library fails. */
    struct mpsc_http *(*open)(void);

    /* Starts a call. 0, or -1 (done() will not run; the response's outcome
     * and detail say why). */
    int (*start)(struct mpsc_http *http, struct mpsc_http_call *call);

    /*
     * Ends a call that is under way; done() will not run. Where not a byte
     * came over its connection since the call was sent, requests to come use
     * a fresh one: that one may have died silently.
     */
    void (*cancel)(struct mpsc_http *http, struct mpsc_http_call *call);

    /*
     * Waits for the network, the watches, a wakeup or timeout_ms, whichever
     * comes first, and runs done() of what is complete. Returns 0, or -1
     * where waiting isn't possible (no memory, no descriptors).
     */
    int (*poll)(struct mpsc_http *http, struct mpsc_http_watch *watches,
                unsigned count, int timeout_ms);

    /* Ends a poll() at once, or the next one. From any thread. */
    void (*wakeup)(struct mpsc_http *http);

    /* False where a descriptor of the client is no longer what it was. */
    int (*usable)(struct mpsc_http *http);

    /* The system's CA certificates, PEM, as the library was built; NULL where
     * it has no single file. Static. */
    const char *(*ca_file)(void);

    /* Frees the client, which has no call under way; *http becomes NULL. */
    void (*close)(struct mpsc_http **http);

    /*
     * Forgets the client without touching any of its descriptors, also those
     * that are still its own. Its memory is left (reachable, for leak
     * checkers): to free it libcurl closes descriptors, and their numbers are
     * the host's by now, or the parent's connections. A call under way in it
     * (in a forked child) is not touched again. *http becomes NULL.
     */
    void (*abandon)(struct mpsc_http **http);
};

/* The real one. */
extern const struct mpsc_http_port mpsc_http_curl;

/* Wipes and empties what a call holds, for another try or the end. */
void mpsc_http_call_clear(struct mpsc_http_call *call);

#endif
