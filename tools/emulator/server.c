/* SPDX-License-Identifier: MIT */
/* The HTTPS server. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "server.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access_log.h"
#include "control.h"
#include "delivery.h"
#include "stop.h"

#define PAIRS 32
#define REQUEST_MOST ((size_t)128 << 10)

struct emu_server {
    struct MHD_Daemon *daemon;
    struct emu_server_parts parts;
    struct emu_stop stop;
    pthread_t starter;          /* the only thread that uses starting */
    struct emu_error *starting; /* takes the library's words; NULL: started */
};

static enum MHD_Result
take_argument(void *context, enum MHD_ValueKind kind, const char *key,
              size_t key_size, const char *value, size_t value_size)
{
    struct emu_request *request = context;

    (void)kind;
    (void)key_size;
    if (strcmp(key, "business_id") == 0) {
        request->business_ids++;
        /* A value that goes on after a NUL is not what it looks like. */
        request->business_id =
            value && strlen(value) == value_size ? value : "";
    } else if (strcmp(key, "appsecret_proof") == 0) {
        request->proof = value;
    } else if (strcmp(key, "appsecret_time") == 0) {
        request->proof_time = value;
    }
    return MHD_YES;
}

static int
answer_graph(struct emu_server *server, struct MHD_Connection *connection,
             const char *method, const char *path, struct emu_answer *answer)
{
    struct emu_request request = {.method = method, .path = path};

    request.authorization = MHD_lookup_connection_value(
        connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    request.user_agent = MHD_lookup_connection_value(
        connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_USER_AGENT);
    (void)MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND,
                                      take_argument, &request);
    if (emu_endpoint_answer(server->parts.endpoint, &request, answer)) {
        return -1;
    }
    emu_access_log(server->parts.log, &request, answer);
    return 0;
}

struct pair_list {
    struct emu_pair pairs[PAIRS];
    size_t count;
};

static enum MHD_Result
take_pair(void *context, enum MHD_ValueKind kind, const char *key,
          const char *value)
{
    struct pair_list *list = context;

    (void)kind;
    if (list->count == PAIRS) {
        return MHD_NO;
    }
    list->pairs[list->count].key = key;
    list->pairs[list->count].value = value ? value : "";
    list->count++;
    return MHD_YES;
}

static int
answer_control(struct emu_server *server, struct MHD_Connection *connection,
               const char *method, const char *path, struct emu_answer *answer)
{
    struct pair_list list = {.count = 0};

    (void)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND,
                                    take_pair, &list);
    return emu_control(server->parts.endpoint, method, path, list.pairs,
                       list.count, answer);
}

static enum MHD_Result
handle(void *context, struct MHD_Connection *connection, const char *path,
       const char *method, const char *version, const char *upload,
       size_t *upload_size, void **request_context)
{
    struct emu_server *server = context;
    struct emu_answer answer = {0};
    int result;

    (void)version;
    (void)upload;
    /* The first call comes before the request's body, which is discarded;
     * the answer to the call after it keeps the connection usable. */
    if (!*request_context) {
        *request_context = server;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    if (emu_control_is(path)) {
        result = answer_control(server, connection, method, path, &answer);
    } else {
        result = answer_graph(server, connection, method, path, &answer);
    }
    if (result) {
        emu_answer_clear(&answer);
        return MHD_NO;
    }
    return emu_deliver(connection, &answer, &server->stop);
}

static void
notify_connection(void *context, struct MHD_Connection *connection,
                  void **socket_context,
                  enum MHD_ConnectionNotificationCode code)
{
    struct emu_server *server = context;

    (void)connection;
    (void)socket_context;
    emu_endpoint_connection(server->parts.endpoint,
                            code == MHD_CONNECTION_NOTIFY_STARTED);
}

static void take_words(void *context, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* What the library says while it starts is the reason why it does not; what
 * it says later is about broken connections, which are our trade. */
static void
take_words(void *context, const char *format, va_list arguments)
{
    struct emu_server *server = context;

    if (pthread_equal(pthread_self(), server->starter) && server->starting) {
        (void)vsnprintf(server->starting->text, sizeof server->starting->text,
                        format, arguments);
    }
}

static struct MHD_Daemon *
start_daemon(struct emu_server *server, int socket)
{
    const unsigned flags = MHD_USE_THREAD_PER_CONNECTION |
                           MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                           MHD_USE_TLS | MHD_USE_ERROR_LOG |
                           MHD_USE_SUPPRESS_DATE_NO_CLOCK;

    return MHD_start_daemon(
        flags, 0, NULL, NULL, handle, server, MHD_OPTION_EXTERNAL_LOGGER,
        take_words, server, MHD_OPTION_LISTEN_SOCKET, socket,
        MHD_OPTION_NOTIFY_CONNECTION, notify_connection, server,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_MOST,
        MHD_OPTION_HTTPS_MEM_CERT, server->parts.certificate->certificate_pem,
        MHD_OPTION_HTTPS_MEM_KEY, server->parts.certificate->key_pem,
        MHD_OPTION_HTTPS_PRIORITIES, server->parts.priorities, MHD_OPTION_END);
}

struct emu_server *
emu_server_start(int socket, const struct emu_server_parts *parts,
                 struct emu_error *error)
{
    struct emu_server *server = calloc(1, sizeof *server);

    if (!server) {
        (void)emu_fail(error, "out of memory");
        goto fail;
    }
    if (emu_stop_open(&server->stop)) {
        (void)emu_fail(error, "cannot make an eventfd: %s", strerror(errno));
        goto fail;
    }
    server->parts = *parts;
    server->starter = pthread_self();
    server->starting = error;
    (void)emu_fail(error, "the server does not start");
    server->daemon = start_daemon(server, socket);
    if (!server->daemon) {
        (void)emu_fail_at(error, "libmicrohttpd");
        emu_stop_close(&server->stop);
        goto fail;
    }
    server->starting = NULL;
    return server;
fail:
    /* The library closes it in some of its failures; no descriptor was opened
     * since that could be hit by closing it again. */
    (void)close(socket);
    free(server);
    return NULL;
}

void
emu_server_stop(struct emu_server *server)
{
    if (!server) {
        return;
    }
    emu_stop_raise(&server->stop);
    MHD_stop_daemon(server->daemon);
    emu_stop_close(&server->stop);
    free(server);
}
