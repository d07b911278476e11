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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#ifdef MPS_CURL_USES_OPENSSL
#include <openssl/ssl.h>
#endif

#include "http.h"
#include "utf8.h"

/* Meta's specification gives User-Agent a pattern; this fits it. */
#define USER_AGENT "mps-credential/" PACKAGE_VERSION

struct mpsc_http {
    CURLM *multi;
};

/* What libcurl needs for one call: its handle's CURLOPT_PRIVATE. */
struct transfer {
    struct mpsc_http_call *call;
    CURL *easy;
    struct curl_slist *headers;
    int headers_end; /* the blank line behind the headers has come */
    char error[CURL_ERROR_SIZE];
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

static void
http_close(struct mpsc_http **http)
{
    if (*http == NULL) {
        return;
    }
    curl_multi_cleanup((*http)->multi);
    free(*http);
    *http = NULL;
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
    http->multi = curl_multi_init();
    if (http->multi == NULL) {
        free(http);
        return NULL;
    }
    /* Else two calls could share an HTTP/2 connection, and its end. */
    curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    if (forbid_signals(http->multi) != 0) {
        http_close(&http);
        return NULL;
    }
    return http;
}

/* libcurl opens its sockets without close-on-exec. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

static size_t
take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct mpsc_http_response *response = arg;
    size_t len = size * count;

    if (len > MPSC_HTTP_BODY_MAX - response->body.len) {
        response->outcome = MPSC_HTTP_TOO_LARGE;
        return CURL_WRITEFUNC_ERROR;
    }
    if (mpsc_secret_append(&response->body, bytes, len) != 0) {
        response->outcome = MPSC_HTTP_NO_MEMORY;
        return CURL_WRITEFUNC_ERROR;
    }
    return len;
}

/* libcurl calls an answer whole that ends in the middle of its headers. What
 * comes behind a chunked body are trailers: they count for nothing. */
static size_t
see_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    size_t len = size * count;

    if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        transfer->headers_end = 0;
    } else if (len > 0 && (bytes[0] == '\r' || bytes[0] == '\n')) {
        transfer->headers_end = 1;
    }
    return len;
}

static void
transfer_free(struct transfer *transfer)
{
    if (transfer == NULL) {
        return;
    }
    curl_easy_cleanup(transfer->easy);
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
    SET(CURLOPT_FORBID_REUSE, 1L)
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket)
    SET(CURLOPT_WRITEFUNCTION, take_body)
    /* An empty list: the environment's no_proxy isn't taken. */
    SET(CURLOPT_NOPROXY, "")
    return result;
}

static const char *
http_ca_file(void)
{
    return curl_version_info(CURLVERSION_NOW)->cainfo;
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
    return result == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CAPATH, NULL)
                              : result;
}

static CURLcode
set_request(CURL *easy, struct transfer *transfer)
{
    struct mpsc_http_request *request = &transfer->call->request;
    CURLcode result = CURLE_OK;

    SET(CURLOPT_PRIVATE, transfer)
    SET(CURLOPT_ERRORBUFFER, transfer->error)
    SET(CURLOPT_WRITEDATA, &transfer->call->response)
    SET(CURLOPT_HEADERFUNCTION, see_header)
    SET(CURLOPT_HEADERDATA, transfer)
    SET(CURLOPT_HTTPHEADER, transfer->headers)
    SET(CURLOPT_URL, request->url.data)
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms)
    /* "" also keeps libcurl from the environment's proxies. */
    SET(CURLOPT_PROXY, request->proxy != NULL ? request->proxy : "")
    if (result == CURLE_OK) {
        result = set_ca(easy, request);
    }
#undef SET
    return result;
}

static int
http_start(struct mpsc_http *http, struct mpsc_http_call *call)
{
    struct transfer *transfer = calloc(1, sizeof(*transfer));
    CURLcode result = CURLE_OUT_OF_MEMORY;

    call->response.outcome = MPSC_HTTP_NO_MEMORY;
    if (transfer == NULL) {
        return -1;
    }
    transfer->call = call;
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL ||
        add_header(transfer, call->request.authorization.data) != 0 ||
        add_header(transfer, "Accept: application/json") != 0) {
        goto fail;
    }
    result = set_manners(transfer->easy);
    if (result == CURLE_OK) {
        result = set_request(transfer->easy, transfer);
    }
    if (result != CURLE_OK ||
        curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK) {
        goto fail;
    }
    call->response.outcome = MPSC_HTTP_ANSWERED;
    call->handle = transfer;
    return 0;
fail:
    if (result != CURLE_OK && result != CURLE_OUT_OF_MEMORY) {
        call->response.outcome = MPSC_HTTP_INTERNAL;
        mpsc_utf8_copy(call->response.detail, sizeof(call->response.detail),
                       curl_easy_strerror(result));
    }
    transfer_free(transfer);
    return -1;
}

static void
http_cancel(struct mpsc_http *http, struct mpsc_http_call *call)
{
    struct transfer *transfer = call->handle;

    if (transfer != NULL) {
        curl_multi_remove_handle(http->multi, transfer->easy);
        transfer_free(transfer);
        call->handle = NULL;
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
    time_t at;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    response->status = (int)status;
    copy_header(transfer->easy, "Date", date, sizeof(date));
    at = date[0] != '\0' ? curl_getdate(date, NULL) : -1;
    response->date = at > 0 ? at : 0;
    copy_header(transfer->easy, "Retry-After", response->retry_after,
                sizeof(response->retry_after));
    copy_header(transfer->easy, "X-Business-Use-Case-Usage",
                response->business_usage, sizeof(response->business_usage));
    copy_header(transfer->easy, "x-fb-trace-id", response->trace,
                sizeof(response->trace));
}

static void
finish(struct mpsc_http *http, struct transfer *transfer, CURLcode result)
{
    struct mpsc_http_call *call = transfer->call;

    call->response.outcome = outcome_of(transfer, result);
    if (call->response.outcome == MPSC_HTTP_ANSWERED) {
        take_answer(transfer);
    } else {
        const char *detail = curl_easy_strerror(result);

        if (result == CURLE_OK) {
            detail = "the answer ends in its headers";
        } else if (transfer->error[0] != '\0') {
            detail = transfer->error;
        }
        mpsc_utf8_copy(call->response.detail, sizeof(call->response.detail),
                       detail);
    }
    http_cancel(http, call);
    call->done(call, call->arg);
}

static int
http_poll(struct mpsc_http *http, struct mpsc_http_watch *watches,
          unsigned count, int timeout_ms)
{
    struct curl_waitfd *extra = NULL;
    CURLMsg *message;
    CURLMcode result;
    int running;
    int left;

    if (count > 0) {
        extra = calloc(count, sizeof(*extra));
        if (extra == NULL) {
            return -1;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        extra[i].fd = watches[i].fd;
        extra[i].events =
            (short)((watches[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
                    (watches[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0));
    }
    result = curl_multi_poll(http->multi, extra, count, timeout_ms, NULL);
    for (unsigned i = 0; i < count; i++) {
        watches[i].revents = extra[i].revents;
    }
    free(extra);
    if (result != CURLM_OK ||
        curl_multi_perform(http->multi, &running) != CURLM_OK) {
        return -1;
    }
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
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
    curl_multi_wakeup(http->multi);
}

const struct mpsc_http_port mpsc_http_curl = {
    .open = http_open,
    .start = http_start,
    .cancel = http_cancel,
    .poll = http_poll,
    .wakeup = http_wakeup,
    .ca_file = http_ca_file,
    .close = http_close,
};
