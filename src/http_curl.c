/* SPDX-License-Identifier: MIT */
/*
 * http_curl: the HTTP port by libcurl. The only file that knows libcurl.
 *
 * Option by option: curl_easy_setopt(3) and the page of each option.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef MPS_CURL_USES_OPENSSL
#include <openssl/ssl.h>
#endif

#include "descriptor.h"
#include "exiting.h"
#include "http.h"
#include "http_sockets.h"
#include "utc.h"
#include "utf8.h"

/* Meta's specification gives User-Agent a pattern; this fits it. */
#define USER_AGENT "mps-credential/" PACKAGE_VERSION

/* As many as a client ever has under way (io.h). */
#define CONNECTIONS_MAX 64L

/* Servers and what lies between close an idle connection after a minute or
 * more. */
#define IDLE_S 60L

/* A busy connection is given up then: its certificate was looked at when it
 * was made, and its address, too. */
#define LIFETIME_S 300L

/* How long a CA file's contents are kept (OpenSSL alone): reading the
 * system's takes longer than the rest of a handshake. Certificates from
 * memory are compared each time. */
#define CA_CACHE_S 60L

/* A dead peer is noticed within IDLE_S: 15 s and nine probes of libcurl's or
 * the system's count. */
#define KEEPALIVE_IDLE_S 15L
#define KEEPALIVE_INTERVAL_S 5L

/* How often a call is sent: again once, where its kept connection was cut.
 * See may_go(). */
#define SENT_MAX 2

/* What is never freed, but stays reachable: first member of what is left. */
struct leftover {
    struct leftover *next;
};

/* libcurl's handle with its connections. */
struct pool {
    struct leftover leftover;
    CURLM *multi;
    struct mpsc_http_sockets sockets;
};

/* What libcurl needs for one call: its handle's CURLOPT_PRIVATE. */
struct transfer {
    struct transfer *next;
    struct mpsc_http *http;
    struct mpsc_http_call *call;
    CURL *easy; /* NULL: the next poll() launches it (again) */
    struct curl_slist *headers;
    uint64_t socket; /* the serial number of its connection; 0 = none yet */
    uint64_t since;  /* the sockets' clock when that got the call */
    unsigned sent;   /* how often a connection got the call */
    int stale;       /* this attempt is no good */
    int fresh;       /* only a fresh connection will do */
    int kept;        /* its connection has answered earlier calls */
    int answered;    /* a byte of an answer has come */
    int headers_end; /* the blank line behind the headers has come */
    char error[CURL_ERROR_SIZE];
};

struct mpsc_http {
    struct leftover leftover;
    struct pool *pool; /* NULL without memory */
    struct transfer *transfers;
    /* poll() waits for the first, wakeup() writes to the second. libcurl has
     * such a pair as well, but would read from it without a look at what it
     * is by now. */
    struct mpsc_http_file wake[2];
    int serial; /* the last answer was HTTP/1: no connection can be shared */
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

static void
global_init(void)
{
#ifdef MPS_CURL_USES_OPENSSL
    /* OpenSSL's atexit(3) handler frees its tables under the feet of a
     * thread that is in the middle of a handshake. */
    OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL);
#endif
    /* curl_global_cleanup() is never called: the host, or another of its
     * libraries, may use libcurl as well. */
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Puts it where a leak checker finds it. */
static void
leave(struct leftover *leftover)
{
    static _Atomic(struct leftover *) all;

    leftover->next = atomic_load(&all);
    while (!atomic_compare_exchange_weak(&all, &leftover->next, leftover)) {
    }
}

/*
 * curl_multi_cleanup() sets the process's SIGPIPE aside for a moment, unless
 * the last handle that was added had CURLOPT_NOSIGNAL; a client may end
 * without ever having had one. 0, or -1 without memory.
 */
static int
forbid_signals(CURLM *multi)
{
    CURL *easy = curl_easy_init();
    int result = -1;

    if (easy != NULL &&
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_multi_add_handle(multi, easy) == CURLM_OK) {
        curl_multi_remove_handle(multi, easy);
        result = 0;
    }
    curl_easy_cleanup(easy);
    return result;
}

static void
pool_free(struct pool *pool)
{
    if (pool != NULL) {
        curl_multi_cleanup(pool->multi);
        mpsc_http_sockets_forget(&pool->sockets, 0);
        free(pool);
    }
}

static struct pool *
pool_new(void)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    struct mpsc_descriptor_places places;

    if (pool == NULL) {
        return NULL;
    }
    /* For its socket pair. */
    mpsc_descriptor_hold(&places);
    pool->multi = curl_multi_init();
    mpsc_descriptor_let_go(&places);
    if (pool->multi == NULL) {
        free(pool);
        return NULL;
    }
    curl_multi_setopt(pool->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    /* No limit for those in use: else a stalled one would hold up others. */
    curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
    if (forbid_signals(pool->multi) != 0) {
        pool_free(pool);
        return NULL;
    }
    return pool;
}

/* A pool with a foreign descriptor: libcurl isn't let near it again. What is
 * still ours is closed. */
static void
pool_leave(struct pool *pool)
{
    mpsc_http_sockets_forget(&pool->sockets, 1);
    leave(&pool->leftover);
}

/* The pair for wakeups; 0 or -1. */
static int
open_wake(struct mpsc_http *http)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   fds) != 0 ||
        mpsc_descriptor_lift_pair(fds) != 0) {
        return -1;
    }
    if (mpsc_http_file_note(&http->wake[0], fds[0]) != 0 ||
        mpsc_http_file_note(&http->wake[1], fds[1]) != 0) {
        close(fds[0]);
        close(fds[1]);
        return -1;
    }
    return 0;
}

static int
wake_is_ours(const struct mpsc_http *http)
{
    return mpsc_http_file_is(&http->wake[0]) &&
           mpsc_http_file_is(&http->wake[1]);
}

static int
http_usable(struct mpsc_http *http)
{
    return wake_is_ours(http) &&
           (http->pool == NULL ||
            mpsc_http_sockets_are_ours(&http->pool->sockets));
}

static struct mpsc_http *
http_open(void)
{
    struct mpsc_http *http;

    pthread_once(&global_once, global_init);
    if (global_result != CURLE_OK) {
        return NULL;
    }
    http = calloc(1, sizeof(*http));
    if (http == NULL) {
        return NULL;
    }
    if (open_wake(http) != 0) {
        free(http);
        return NULL;
    }
    http->pool = pool_new();
    if (http->pool == NULL) {
        mpsc_http_file_close(&http->wake[0]);
        mpsc_http_file_close(&http->wake[1]);
        free(http);
        return NULL;
    }
    return http;
}

static void
http_close(struct mpsc_http **http)
{
    if (*http == NULL) {
        return;
    }
    if (http_usable(*http)) {
        pool_free((*http)->pool);
    } else if ((*http)->pool != NULL) {
        pool_leave((*http)->pool);
    }
    mpsc_http_file_close(&(*http)->wake[0]);
    mpsc_http_file_close(&(*http)->wake[1]);
    free(*http);
    *http = NULL;
}

static void
http_abandon(struct mpsc_http **http)
{
    if (*http != NULL) {
        leave(&(*http)->leftover);
        *http = NULL;
    }
}

/*
 * Before libcurl does anything with its sockets: are they still ours? If not,
 * it gets no more to do with them, and what is under way is launched again
 * in a new pool.
 */
static void
look_after_pool(struct mpsc_http *http)
{
    if (http->pool != NULL &&
        mpsc_http_sockets_are_ours(&http->pool->sockets)) {
        return;
    }
    if (http->pool != NULL) {
        pool_leave(http->pool);
    }
    /* Without its pair the client is at its end, and couldn't close what
     * libcurl opens for another pool. */
    http->pool = wake_is_ours(http) ? pool_new() : NULL;
    for (struct transfer *transfer = http->transfers; transfer != NULL;
         transfer = transfer->next) {
        /* The handle stays with the multi handle to which it was added. */
        transfer->easy = NULL;
        transfer->socket = 0;
        transfer->sent = 0;
    }
}

/* libcurl opens its sockets without close-on-exec. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct pool *pool = arg;
    int fd = mpsc_descriptor_lift(socket(
        address->family, address->socktype | SOCK_CLOEXEC, address->protocol));

    (void)purpose;
    if (fd >= 0 &&
        mpsc_http_sockets_add(&pool->sockets, fd, &address->addr) != 0) {
        close(fd);
        fd = -1;
    }
    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

static int
close_socket(void *arg, curl_socket_t fd)
{
    struct pool *pool = arg;

    mpsc_http_sockets_close(&pool->sockets, fd);
    return 0;
}

/* The transfer's connection; NULL where it has none, or it is closed. */
static struct mpsc_http_socket *
socket_of(const struct transfer *transfer)
{
    return transfer->socket != 0
               ? mpsc_http_sockets_get(&transfer->http->pool->sockets,
                                       transfer->socket)
               : NULL;
}

/* The transfer's connection is used by it no longer. */
static void
let_socket_go(struct transfer *transfer)
{
    struct mpsc_http_socket *socket = socket_of(transfer);

    if (socket != NULL) {
        socket->users--;
    }
    transfer->socket = 0;
}

/* The connection has been heard of, but not since the transfer was sent. */
static int
is_mute(const struct transfer *transfer, const struct mpsc_http_socket *socket)
{
    return socket != NULL && socket->heard > 0 &&
           socket->heard <= transfer->since;
}

/* Whether the call may be sent once more, or at least alone, over a connection
 * of its own, which one of a crowd gets in the end: libcurl 8.14 queues a
 * crowd up behind one connection again, where a server takes but few requests
 * over each and refuses the others unread. */
static int
may_go(const struct transfer *transfer, int alone)
{
    unsigned most =
        transfer->call->request.crowd && alone ? SENT_MAX + 1 : SENT_MAX;

    return transfer->sent < most;
}

/*
 * libcurl is about to send the request over that connection. By itself it
 * repeats up to five times what was cut on a connection that wasn't made for
 * this request, over any other it has, stale ones included. Here it may do so
 * once, over one that is fresh or known to live.
 */
static int
before_request(void *arg, char *peer_ip, char *local_ip, int peer_port,
               int local_port)
{
    struct transfer *transfer = arg;
    struct mpsc_http_socket *socket = mpsc_http_sockets_find(
        &transfer->http->pool->sockets, local_ip, local_port, peer_ip);

    (void)peer_port;
    let_socket_go(transfer);
    if (!may_go(transfer, transfer->fresh)) {
        transfer->stale = may_go(transfer, 1);
        return CURL_PREREQFUNC_ABORT;
    }
    if (transfer->sent > 0 && is_mute(transfer, socket)) {
        transfer->stale = 1;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->kept = 0;
    transfer->since = transfer->http->pool->sockets.clock;
    transfer->sent++;
    if (socket != NULL) {
        socket->joined = 1;
        socket->users++;
        transfer->socket = socket->serial;
        transfer->kept = socket->heard > 0;
    }
    return CURL_PREREQFUNC_OK;
}

/* Something has come: the connection lives. */
static void
hear(struct transfer *transfer)
{
    struct mpsc_http_socket *socket = socket_of(transfer);

    transfer->answered = 1;
    if (socket != NULL) {
        socket->heard = ++transfer->http->pool->sockets.clock;
        socket->suspect = 0;
    }
}

static size_t
take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    struct mpsc_http_response *response = &transfer->call->response;
    size_t len = size * count;

    hear(transfer);
    if (len > MPSC_HTTP_BODY_MAX - response->body.len) {
        response->outcome = MPSC_HTTP_TOO_LARGE;
        return CURL_WRITEFUNC_ERROR;
    }
    if (mpsc_secret_append(&response->body, bytes, len) != 0) {
        response->outcome = MPSC_HTTP_NO_MEMORY;
        return CURL_WRITEFUNC_ERROR;
    }
    /* A token may be in it. Nobody reads libcurl's copy again, and after a
     * while it would be found in a core dump. */
    explicit_bzero(bytes, len);
    return len;
}

/* libcurl calls an answer whole that ends in the middle of its headers, and
 * from 8.18 on passes on the piece of a line that it ends with. What comes
 * behind a chunked body are trailers: they count for nothing. */
static size_t
see_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    size_t len = size * count;

    hear(transfer);
    if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        transfer->headers_end = 0;
    } else if (len > 0 && bytes[len - 1] == '\n' &&
               (bytes[0] == '\r' || bytes[0] == '\n')) {
        transfer->headers_end = 1;
    }
    return len;
}

/* Takes the handle from libcurl; it is launched again, or freed. */
static void
land(struct transfer *transfer)
{
    let_socket_go(transfer);
    if (transfer->easy != NULL) {
        curl_multi_remove_handle(transfer->http->pool->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
        transfer->easy = NULL;
    }
}

/* Frees one that has landed. */
static void
transfer_free(struct mpsc_http *http, struct transfer *transfer)
{
    struct transfer **link = &http->transfers;

    while (*link != NULL && *link != transfer) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = transfer->next;
    }
    if (transfer->headers != NULL) {
        /* The first is the partner's token. */
        explicit_bzero(transfer->headers->data,
                       strlen(transfer->headers->data));
        curl_slist_free_all(transfer->headers);
    }
    free(transfer);
}

/* Adds one header line. 0, or -1 without memory (the list stays). */
static int
add_header(struct transfer *transfer, const char *line)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);

    if (longer == NULL) {
        return -1;
    }
    transfer->headers = longer;
    return 0;
}

/* HTTP/2 where libcurl has it and the server takes it. */
static long
http_version(void)
{
    return curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2
               ? (long)CURL_HTTP_VERSION_2TLS
               : (long)CURL_HTTP_VERSION_1_1;
}

/* Options that are the same for each request. */
static CURLcode
set_manners(CURL *easy)
{
    CURLcode result = CURLE_OK;

#define SET(option, value)                                                    \
    if (result == CURLE_OK) {                                                 \
        result = curl_easy_setopt(easy, option, value);                       \
    }
    SET(CURLOPT_PROTOCOLS_STR, "https")
    SET(CURLOPT_USERAGENT, USER_AGENT)
    SET(CURLOPT_FOLLOWLOCATION, 0L)
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED)
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2)
    SET(CURLOPT_SSL_VERIFYPEER, 1L)
    SET(CURLOPT_SSL_VERIFYHOST, 2L)
    SET(CURLOPT_NOSIGNAL, 1L)
    /* Else a resolver that never answers holds up the end of the call. */
    SET(CURLOPT_QUICK_EXIT, 1L)
    SET(CURLOPT_NOPROGRESS, 1L)
    SET(CURLOPT_WRITEFUNCTION, take_body)
    /* An empty list: the environment's no_proxy isn't taken. */
    SET(CURLOPT_NOPROXY, "")
    return result;
}

#if defined(MPS_CURL_USES_OPENSSL) && defined(SSL_OP_CLEANSE_PLAINTEXT)
/* Else what came last stays in OpenSSL's buffer, in the clear, for as long as
 * the connection is kept. */
static CURLcode
cleanse_plaintext(CURL *easy, void *context, void *arg)
{
    (void)easy;
    (void)arg;
    SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
    return CURLE_OK;
}

static CURLcode
set_cleansing(CURL *easy)
{
    const char *tls = curl_version_info(CURLVERSION_NOW)->ssl_version;

    /* Another libcurl than that of the build would give another library's
     * context. */
    return tls != NULL && strncmp(tls, "OpenSSL/", 8) == 0
               ? curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION,
                                  cleanse_plaintext)
               : CURLE_OK;
}
#else
static CURLcode
set_cleansing(CURL *easy)
{
    (void)easy;
    return CURLE_OK;
}
#endif

/* How connections are opened, kept and closed. */
static CURLcode
set_connections(CURL *easy)
{
    CURLcode result = CURLE_OK;

    SET(CURLOPT_MAXAGE_CONN, IDLE_S)
    SET(CURLOPT_MAXLIFETIME_CONN, LIFETIME_S)
    SET(CURLOPT_TCP_KEEPALIVE, 1L)
    SET(CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
    SET(CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S)
    SET(CURLOPT_HTTP_VERSION, http_version())
    /* A resumed session shows no certificate, and asks nothing of the CA file
     * as it is now. */
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L)
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket)
    SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket)
    SET(CURLOPT_PREREQFUNCTION, before_request)
    /* Refused where libcurl's TLS library keeps none. */
    (void)curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_S);
    return result;
}

static const char *
http_ca_file(void)
{
    return curl_version_info(CURLVERSION_NOW)->cainfo;
}

/* The directory to trust beside a file: none. To libcurl from 8.17 on NULL is
 * its default, so it gets one that no certificate is in. Before, NULL is no
 * directory, and another would keep it from its cache of CAs. */
static const char *
no_ca_directory(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    return info->capath != NULL && info->version_num >= 0x081100 ? "/dev/null"
                                                                 : NULL;
}

/* Whom to trust. In each case it is that alone: by default libcurl trusts the
 * system's directory as well. */
static CURLcode
set_ca(CURL *easy, const struct mpsc_http_request *request)
{
    CURLcode result = CURLE_NOT_BUILT_IN;

    if (request->ca_blob == NULL && request->ca_file == NULL) {
        return CURLE_OK;
    }
    if (request->ca_blob != NULL) {
        struct curl_blob ca = {request->ca_blob->data, request->ca_blob->len,
                               CURL_BLOB_NOCOPY};

        result = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
    }
    /* Not every TLS library takes certificates from memory. */
    if (result == CURLE_NOT_BUILT_IN || result == CURLE_UNKNOWN_OPTION) {
        const char *path =
            request->ca_file != NULL ? request->ca_file : http_ca_file();

        result = curl_easy_setopt(easy, CURLOPT_CAINFO, path);
    }
    return result == CURLE_OK
               ? curl_easy_setopt(easy, CURLOPT_CAPATH, no_ca_directory())
               : result;
}

static CURLcode
set_request(CURL *easy, struct transfer *transfer)
{
    struct mpsc_http_request *request = &transfer->call->request;
    const struct mpsc_http *http = transfer->http;
    CURLcode result = CURLE_OK;

    SET(CURLOPT_PRIVATE, transfer)
    SET(CURLOPT_ERRORBUFFER, transfer->error)
    SET(CURLOPT_WRITEDATA, transfer)
    SET(CURLOPT_HEADERFUNCTION, see_header)
    SET(CURLOPT_HEADERDATA, transfer)
    SET(CURLOPT_PREREQDATA, transfer)
    SET(CURLOPT_OPENSOCKETDATA, http->pool)
    SET(CURLOPT_CLOSESOCKETDATA, http->pool)
    SET(CURLOPT_HTTPHEADER, transfer->headers)
    SET(CURLOPT_URL, request->url.data)
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms)
    SET(CURLOPT_FRESH_CONNECT,
        transfer->fresh || mpsc_http_sockets_doubtful(&http->pool->sockets)
            ? 1L
            : 0L)
    /* Over HTTP/1 it would open connections one after the other. */
    SET(CURLOPT_PIPEWAIT, request->crowd && !http->serial ? 1L : 0L)
    /* "" also keeps libcurl from the environment's proxies. */
    SET(CURLOPT_PROXY, request->proxy != NULL ? request->proxy : "")
    if (result == CURLE_OK) {
        result = set_ca(easy, request);
    }
#undef SET
    return result;
}

/* Gives the call to libcurl, for the first time or again. 0, or -1 with the
 * response's outcome and detail. */
static int
launch(struct transfer *transfer)
{
    struct mpsc_http *http = transfer->http;
    struct mpsc_http_response *response = &transfer->call->response;
    CURLcode result = CURLE_OUT_OF_MEMORY;
    CURL *easy = http->pool != NULL ? curl_easy_init() : NULL;

    transfer->stale = 0;
    transfer->answered = 0;
    transfer->headers_end = 0;
    transfer->error[0] = '\0';
    mpsc_secret_free(&response->body);
    response->outcome = MPSC_HTTP_NO_MEMORY;
    response->detail[0] = '\0';
    if (easy != NULL) {
        result = set_manners(easy);
    }
    if (result == CURLE_OK) {
        result = set_connections(easy);
    }
    if (result == CURLE_OK) {
        result = set_cleansing(easy);
    }
    if (result == CURLE_OK) {
        result = set_request(easy, transfer);
    }
    if (result == CURLE_OK &&
        curl_multi_add_handle(http->pool->multi, easy) == CURLM_OK) {
        response->outcome = MPSC_HTTP_ANSWERED;
        transfer->easy = easy;
        return 0;
    }
    curl_easy_cleanup(easy);
    if (result != CURLE_OK && result != CURLE_OUT_OF_MEMORY) {
        response->outcome = MPSC_HTTP_INTERNAL;
    }
    mpsc_utf8_copy(
        response->detail, sizeof(response->detail),
        curl_easy_strerror(result != CURLE_OK ? result : CURLE_OUT_OF_MEMORY));
    return -1;
}

static int
http_start(struct mpsc_http *http, struct mpsc_http_call *call)
{
    struct transfer *transfer;

    if (!wake_is_ours(http)) {
        call->response.outcome = MPSC_HTTP_INTERNAL;
        mpsc_utf8_copy(call->response.detail, sizeof(call->response.detail),
                       "the program has closed descriptors of the module");
        return -1;
    }
    look_after_pool(http);
    call->response.outcome = MPSC_HTTP_NO_MEMORY;
    transfer = calloc(1, sizeof(*transfer));
    if (transfer == NULL) {
        return -1;
    }
    transfer->http = http;
    transfer->call = call;
    transfer->next = http->transfers;
    http->transfers = transfer;
    if (add_header(transfer, call->request.authorization.data) != 0 ||
        add_header(transfer, "Accept: application/json") != 0 ||
        launch(transfer) != 0) {
        transfer_free(http, transfer);
        return -1;
    }
    call->handle = transfer;
    return 0;
}

static void
http_cancel(struct mpsc_http *http, struct mpsc_http_call *call)
{
    struct transfer *transfer = call->handle;
    struct mpsc_http_socket *socket;
    int silent;

    if (transfer == NULL) {
        return;
    }
    look_after_pool(http);
    socket = socket_of(transfer);
    silent = socket != NULL && socket->heard <= transfer->since;
    if (silent) {
        socket->suspect = 1;
    }
    land(transfer);
    transfer_free(http, transfer);
    call->handle = NULL;
    if (http->pool != NULL) {
        /* What killed one connection may have killed those beside it. */
        mpsc_http_sockets_shut_idle(&http->pool->sockets, silent);
    }
}

/*
 * A handshake that fails is CURLE_SSL_CONNECT_ERROR both where the peer's
 * TLS is refused and where the connection was cut; only the first is TLS.
 */
static enum mpsc_http_outcome
handshake_outcome(const struct transfer *transfer)
{
    long cause = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &cause);
    if (cause == ECONNRESET || cause == EPIPE || cause == ECONNABORTED ||
        strstr(transfer->error, "SSL_ERROR_SYSCALL") != NULL ||
        strstr(transfer->error, "unexpected eof") != NULL ||
        strstr(transfer->error, "reset by peer") != NULL) {
        return MPSC_HTTP_NETWORK;
    }
    return MPSC_HTTP_TLS;
}

static enum mpsc_http_outcome
outcome_of(const struct transfer *transfer, CURLcode result)
{
    switch (result) {
    case CURLE_OK:
        return transfer->headers_end ? MPSC_HTTP_ANSWERED : MPSC_HTTP_NETWORK;
    case CURLE_WRITE_ERROR: /* take_body() said why */
        return transfer->call->response.outcome;
    case CURLE_OUT_OF_MEMORY:
        return MPSC_HTTP_NO_MEMORY;
    case CURLE_SSL_CONNECT_ERROR:
        return handshake_outcome(transfer);
    case CURLE_SSL_CACERT_BADFILE:
        return MPSC_HTTP_CA_FILE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_USE_SSL_FAILED:
        return MPSC_HTTP_TLS;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        return MPSC_HTTP_NOT_HTTP;
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_FAILED_INIT:
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
        return MPSC_HTTP_INTERNAL;
    default:
        /* Resolving, connecting (with its time limit), proxying, sending,
         * receiving. */
        return MPSC_HTTP_NETWORK;
    }
}

/* Copies a header's first value, or nothing where it doesn't fit. */
static void
copy_header(CURL *easy, const char *name, char *to, size_t size)
{
    struct curl_header *header = NULL;

    to[0] = '\0';
    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) ==
            CURLHE_OK &&
        strlen(header->value) < size) {
        mpsc_utf8_copy(to, size, header->value);
    }
}

static void
take_answer(struct transfer *transfer)
{
    struct mpsc_http_response *response = &transfer->call->response;
    char date[64];
    long status = 0;
    int64_t at;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    response->status = (int)status;
    copy_header(transfer->easy, "Date", date, sizeof(date));
    at = mpsc_utc_http_date(date);
    response->date = at > 0 ? at : 0;
    copy_header(transfer->easy, "Retry-After", response->retry_after,
                sizeof(response->retry_after));
    copy_header(transfer->easy, "X-Business-Use-Case-Usage",
                response->business_usage, sizeof(response->business_usage));
    copy_header(transfer->easy, "X-App-Usage", response->app_usage,
                sizeof(response->app_usage));
    copy_header(transfer->easy, "x-fb-trace-id", response->trace,
                sizeof(response->trace));
}

/* What a connection's end looks like; its cause is in the host's past. */
static int
is_cut(CURLcode result)
{
    return result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR ||
           result == CURLE_GOT_NOTHING || result == CURLE_PARTIAL_FILE ||
           result == CURLE_HTTP2;
}

/* True where the call is to be sent again, over a fresh connection. What was
 * cut may have been seen: for that alone a crowd's call has no more attempts
 * than others. */
static int
was_stale(const struct transfer *transfer, CURLcode result)
{
    return transfer->stale || (is_cut(result) && transfer->kept &&
                               !transfer->answered && may_go(transfer, 0));
}

static int
has_passed(CURL *easy, CURLINFO milestone)
{
    curl_off_t microseconds = 0;

    return curl_easy_getinfo(easy, milestone, &microseconds) == CURLE_OK &&
           microseconds > 0;
}

/* libcurl 7.88 notes the time only when TLS and proxy are through as well. */
static int
is_connected(CURL *easy)
{
    long port = 0;

    return has_passed(easy, CURLINFO_CONNECT_TIME_T) ||
           (curl_easy_getinfo(easy, CURLINFO_LOCAL_PORT, &port) == CURLE_OK &&
            port > 0);
}

static enum mpsc_http_step
step_of(CURL *easy)
{
    long proxy_status = 0;

    if (has_passed(easy, CURLINFO_APPCONNECT_TIME_T)) {
        return MPSC_HTTP_SECURED;
    }
    if (curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status) ==
            CURLE_OK &&
        proxy_status / 100 == 2) {
        return MPSC_HTTP_TUNNELLED;
    }
    if (is_connected(easy)) {
        return MPSC_HTTP_CONNECTED;
    }
    return has_passed(easy, CURLINFO_NAMELOOKUP_TIME_T) ? MPSC_HTTP_RESOLVED
                                                        : MPSC_HTTP_BEGUN;
}

static void
fill_response(struct transfer *transfer, CURLcode result)
{
    struct mpsc_http_response *response = &transfer->call->response;
    const char *detail = curl_easy_strerror(result);
    long version = 0;

    response->outcome = outcome_of(transfer, result);
    response->step = step_of(transfer->easy);
    if (response->outcome == MPSC_HTTP_ANSWERED) {
        take_answer(transfer);
        curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
        transfer->http->serial = version < CURL_HTTP_VERSION_2_0;
        return;
    }
    if (result == CURLE_OK) {
        detail = "the answer ends in its headers";
    } else if (result == CURLE_ABORTED_BY_CALLBACK) {
        detail = "the connection was cut before the answer, time and again";
    } else if (transfer->error[0] != '\0') {
        detail = transfer->error;
    }
    mpsc_utf8_copy(response->detail, sizeof(response->detail), detail);
}

/* The transfer has landed, with its response. */
static void
deliver(struct mpsc_http *http, struct transfer *transfer)
{
    struct mpsc_http_call *call = transfer->call;

    transfer_free(http, transfer);
    call->handle = NULL;
    call->done(call, call->arg);
}

static void
finish(struct mpsc_http *http, struct transfer *transfer, CURLcode result)
{
    int again = was_stale(transfer, result);

    if (again) {
        transfer->fresh = 1;
    } else {
        fill_response(transfer, result);
    }
    land(transfer);
    mpsc_http_sockets_shut_idle(&http->pool->sockets, 0);
    if (!again) {
        deliver(http, transfer);
    }
}

/* Launches what waits for it. */
static void
launch_again(struct mpsc_http *http)
{
    struct transfer *transfer = http->transfers;

    while (transfer != NULL) {
        if (transfer->easy == NULL && launch(transfer) != 0) {
            deliver(http, transfer);
            /* done() may have changed the list. */
            transfer = http->transfers;
        } else {
            transfer = transfer->next;
        }
    }
}

_Static_assert(CURL_WAIT_POLLIN == POLLIN && CURL_WAIT_POLLPRI == POLLPRI &&
                   CURL_WAIT_POLLOUT == POLLOUT,
               "libcurl's events are those of poll(2)");

#if CURL_AT_LEAST_VERSION(8, 8, 0)
/* More than libcurl ever waits for. */
#define DESCRIPTORS_MAX 4096u

/* What libcurl waits for; NULL without memory. The caller frees it. */
static struct curl_waitfd *
descriptors_of(CURLM *multi, unsigned *count)
{
    CURLMcode result = CURLM_OUT_OF_MEMORY;
    struct curl_waitfd *fds = NULL;

    /* Before 8.12 it doesn't tell how many there are. */
    for (unsigned size = 16;
         result == CURLM_OUT_OF_MEMORY && size <= DESCRIPTORS_MAX; size *= 2) {
        free(fds);
        fds = calloc(size, sizeof(*fds));
        if (fds == NULL) {
            return NULL;
        }
        result = curl_multi_waitfds(multi, fds, size, count);
    }
    if (result != CURLM_OK) {
        free(fds);
        return NULL;
    }
    return fds;
}

/* As curl_multi_wait(), which from 8.20 on also reads from libcurl's own pair
 * for wakeups, without a look at what it is by now. 0 or -1. */
static int
wait_for(CURLM *multi, struct curl_waitfd *extra, unsigned extra_count,
         int timeout_ms)
{
    unsigned count = 0;
    struct curl_waitfd *theirs = descriptors_of(multi, &count);
    struct pollfd *fds = calloc(extra_count + count, sizeof(*fds));
    long due_ms = -1;
    int result = -1;

    if (theirs == NULL || fds == NULL ||
        curl_multi_timeout(multi, &due_ms) != CURLM_OK) {
        goto out;
    }
    for (unsigned i = 0; i < extra_count + count; i++) {
        const struct curl_waitfd *from =
            i < extra_count ? &extra[i] : &theirs[i - extra_count];

        fds[i].fd = from->fd;
        fds[i].events = from->events;
    }
    if (due_ms >= 0 && due_ms < timeout_ms) {
        timeout_ms = (int)due_ms;
    }
    mpsc_exiting_leave();
    result = poll(fds, extra_count + count, timeout_ms);
    if (result < 0 && errno == EINTR) {
        result = 0;
    }
    mpsc_exiting_enter();
    for (unsigned i = 0; i < extra_count; i++) {
        extra[i].revents = fds[i].revents;
    }
out:
    free(fds);
    free(theirs);
    return result < 0 ? -1 : 0;
}
#else
static int
wait_for(CURLM *multi, struct curl_waitfd *extra, unsigned extra_count,
         int timeout_ms)
{
    CURLMcode result;

    mpsc_exiting_leave();
    result = curl_multi_wait(multi, extra, extra_count, timeout_ms, NULL);
    mpsc_exiting_enter();
    return result == CURLM_OK ? 0 : -1;
}
#endif

/* Waits, outside the door of exiting.h; 0 or -1. */
static int
await(struct mpsc_http *http, struct mpsc_http_watch *watches, unsigned count,
      int timeout_ms)
{
    struct curl_waitfd *extra = calloc(count + 1, sizeof(*extra));
    int result;

    if (extra == NULL) {
        return -1;
    }
    for (unsigned i = 0; i < count; i++) {
        extra[i].fd = watches[i].fd;
        extra[i].events = watches[i].events;
    }
    extra[count].fd = http->wake[0].fd;
    extra[count].events = CURL_WAIT_POLLIN;
    result = wait_for(http->pool->multi, extra, count + 1, timeout_ms);
    for (unsigned i = 0; i < count; i++) {
        watches[i].revents = extra[i].revents;
    }
    free(extra);
    return result;
}

/* Takes in what wakeup() has written. */
static void
drain(const struct mpsc_http *http)
{
    char bytes[64];

    while (recv(http->wake[0].fd, bytes, sizeof(bytes), 0) > 0) {
    }
}

static int
http_poll(struct mpsc_http *http, struct mpsc_http_watch *watches,
          unsigned count, int timeout_ms)
{
    CURLMsg *message;
    int running;
    int left;

    launch_again(http);
    if (http->pool == NULL) {
        return -1;
    }
    /* Waiting reads nothing; what comes behind it does. */
    if (await(http, watches, count, timeout_ms) != 0 || !wake_is_ours(http)) {
        return -1;
    }
    drain(http);
    look_after_pool(http);
    if (http->pool == NULL ||
        curl_multi_perform(http->pool->multi, &running) != CURLM_OK) {
        return -1;
    }
    while (http->pool != NULL && (message = curl_multi_info_read(
                                      http->pool->multi, &left)) != NULL) {
        char *transfer = NULL;

        if (message->msg == CURLMSG_DONE) {
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
                              &transfer);
            finish(http, (struct transfer *)(void *)transfer,
                   message->data.result);
        }
    }
    return 0;
}

static void
http_wakeup(struct mpsc_http *http)
{
    if (mpsc_http_file_is(&http->wake[1])) {
        /* Where it is full it wakes already. */
        (void)send(http->wake[1].fd, "", 1, MSG_NOSIGNAL);
    }
}

/* --- the port: all but wakeup() and what looks only goes through the door of
 * exiting.h -------------------------------------------------------------- */

static struct mpsc_http *
port_open(void)
{
    struct mpsc_http *http;

    mpsc_exiting_enter();
    http = http_open();
    mpsc_exiting_leave();
    return http;
}

static int
port_start(struct mpsc_http *http, struct mpsc_http_call *call)
{
    int result;

    mpsc_exiting_enter();
    result = http_start(http, call);
    mpsc_exiting_leave();
    return result;
}

static void
port_cancel(struct mpsc_http *http, struct mpsc_http_call *call)
{
    mpsc_exiting_enter();
    http_cancel(http, call);
    mpsc_exiting_leave();
}

static int
port_poll(struct mpsc_http *http, struct mpsc_http_watch *watches,
          unsigned count, int timeout_ms)
{
    int result;

    mpsc_exiting_enter();
    result = http_poll(http, watches, count, timeout_ms);
    mpsc_exiting_leave();
    return result;
}

static void
port_close(struct mpsc_http **http)
{
    mpsc_exiting_enter();
    http_close(http);
    mpsc_exiting_leave();
}

const struct mpsc_http_port mpsc_http_curl = {
    .open = port_open,
    .start = port_start,
    .cancel = port_cancel,
    .poll = port_poll,
    .wakeup = http_wakeup,
    .usable = http_usable,
    .ca_file = http_ca_file,
    .close = port_close,
    .abandon = http_abandon,
};
