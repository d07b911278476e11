/* SPDX-License-Identifier: MIT */
/* Answers on their way over the wire, whole or not. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "delivery.h"

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BLOCK 4096
#define CHUNK 100

/* What comes after the bytes that a stream may give. */
enum tail { TAIL_END, TAIL_CUT, TAIL_RESET, TAIL_STALL, TAIL_ENDLESS };

/* A body that does not simply come. */
struct stream {
    struct emu_answer answer; /* owned */
    const struct emu_stop *stop;
    int socket;
    size_t limit;     /* bytes of the body that come */
    uint64_t length;  /* what is announced */
    int64_t pause_ms; /* before each byte; 0: all at once */
    enum tail tail;
};

static int
socket_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info ? info->connect_fd : -1;
}

/* Resets the connection at once: on Linux a TCP socket that is "connected" to
 * no family at all sends RST, and its descriptor stays the server's. */
static void
reset_connection(int socket)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};

    (void)connect(socket, &none, sizeof none);
}

/* Lets go what the server may hold back to fill a packet. */
static void
push(int socket)
{
    const int off = 0;

    (void)setsockopt(socket, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
}

static ssize_t
end_stream(struct stream *stream, char *buffer, size_t most)
{
    switch (stream->tail) {
    case TAIL_END:
        return MHD_CONTENT_READER_END_OF_STREAM;
    case TAIL_ENDLESS:
        memset(buffer, ' ', most);
        return (ssize_t)most;
    case TAIL_RESET:
        reset_connection(stream->socket);
        break;
    case TAIL_STALL:
        (void)emu_stop_wait(stream->stop, stream->socket, -1);
        break;
    case TAIL_CUT:
        break;
    }
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t
read_stream(void *context, uint64_t position, char *buffer, size_t most)
{
    struct stream *stream = context;
    size_t left =
        position < stream->limit ? stream->limit - (size_t)position : 0;

    push(stream->socket);
    if (left == 0) {
        return end_stream(stream, buffer, most);
    }
    if (stream->pause_ms > 0) {
        if (emu_stop_wait(stream->stop, stream->socket, stream->pause_ms) !=
            EMU_WAIT_PASSED) {
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
        most = 1;
    }
    if (most > left) {
        most = left;
    }
    memcpy(buffer, stream->answer.body + position, most);
    return (ssize_t)most;
}

static void
free_stream(void *context)
{
    struct stream *stream = context;

    emu_answer_clear(&stream->answer);
    free(stream);
}

/* Sets how much of the body comes, what is announced and what follows. */
static void
plan_stream(struct stream *stream)
{
    const struct emu_answer *answer = &stream->answer;

    stream->limit = answer->size;
    stream->length = answer->size;
    switch (answer->fault) {
    case EMU_FAULT_CUT:
        if ((uint64_t)answer->parameter < answer->size) {
            stream->limit = (size_t)answer->parameter;
        } else {
            stream->length = answer->size + 1;
        }
        stream->tail = TAIL_CUT;
        break;
    case EMU_FAULT_TRUNCATED:
        stream->length = answer->size + 64;
        stream->tail = TAIL_CUT;
        break;
    case EMU_FAULT_RESET_BODY:
        stream->limit = answer->size / 2;
        stream->tail = TAIL_RESET;
        break;
    case EMU_FAULT_STALL_BODY:
        stream->limit = answer->size / 2;
        stream->tail = TAIL_STALL;
        break;
    case EMU_FAULT_ENDLESS:
        stream->length = MHD_SIZE_UNKNOWN;
        stream->tail = TAIL_ENDLESS;
        break;
    case EMU_FAULT_OVERSIZED:
        stream->length = MHD_SIZE_UNKNOWN;
        break;
    case EMU_FAULT_DRIP:
        stream->pause_ms = answer->drip_ms;
        break;
    default:
        break;
    }
}

static struct MHD_Response *
stream_response(struct emu_answer *answer, const struct emu_stop *stop,
                int socket)
{
    struct stream *stream = calloc(1, sizeof *stream);
    struct MHD_Response *response;

    if (!stream) {
        return NULL;
    }
    stream->answer = *answer;
    memset(answer, 0, sizeof *answer);
    stream->stop = stop;
    stream->socket = socket;
    plan_stream(stream);
    response = MHD_create_response_from_callback(
        stream->length, BLOCK, read_stream, stream, free_stream);
    if (!response) {
        free_stream(stream);
    }
    return response;
}

static struct MHD_Response *
whole_response(struct emu_answer *answer)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->size, answer->body, MHD_RESPMEM_MUST_FREE);

    if (response) {
        answer->body = NULL;
    }
    return response;
}

static bool
is_streamed(enum emu_fault fault)
{
    switch (fault) {
    case EMU_FAULT_CUT:
    case EMU_FAULT_TRUNCATED:
    case EMU_FAULT_RESET_BODY:
    case EMU_FAULT_STALL_BODY:
    case EMU_FAULT_ENDLESS:
    case EMU_FAULT_OVERSIZED:
    case EMU_FAULT_DRIP:
        return true;
    default:
        return false;
    }
}

static enum MHD_Result
send_answer(struct MHD_Connection *connection, struct emu_answer *answer,
            const struct emu_stop *stop)
{
    const unsigned status = answer->status;
    struct emu_answer head = *answer;
    struct MHD_Response *response;
    enum MHD_Result result = MHD_NO;

    /* The headers stay here while a stream takes the body. */
    memset(answer->headers, 0, sizeof answer->headers);
    answer->header_count = 0;
    head.body = NULL;
    head.size = 0;
    response = is_streamed(answer->fault)
                   ? stream_response(answer, stop, socket_of(connection))
                   : whole_response(answer);
    if (!response) {
        goto out;
    }
    for (size_t i = 0; i < head.header_count; i++) {
        if (MHD_add_response_header(response, head.headers[i].name,
                                    head.headers[i].value) != MHD_YES) {
            goto out;
        }
    }
    result = MHD_queue_response(connection, status, response);
out:
    if (response) {
        MHD_destroy_response(response);
    }
    emu_answer_clear(&head);
    return result;
}

/* Several chunks, so that there is an end of one to be cut at. */
static void
print_chunks(FILE *out, const struct emu_answer *answer)
{
    size_t at = 0;

    (void)fputs("Transfer-Encoding: chunked\r\n\r\n", out);
    while (at < answer->size) {
        size_t size =
            answer->size - at < CHUNK ? answer->size - at : (size_t)CHUNK;

        (void)fprintf(out, "%zx\r\n", size);
        (void)fwrite(answer->body + at, 1, size, out);
        (void)fputs("\r\n", out);
        at += size;
    }
    (void)fputs("0\r\n\r\n", out);
}

static void
print_body(FILE *out, const struct emu_answer *answer)
{
    switch (answer->fault) {
    case EMU_FAULT_CUT_CHUNKED:
        print_chunks(out, answer);
        return;
    case EMU_FAULT_CUT_UNFRAMED:
        (void)fputs("Connection: close\r\n\r\n", out);
        break;
    default:
        (void)fprintf(out, "Content-Length: %zu\r\n\r\n", answer->size);
        break;
    }
    (void)fwrite(answer->body, 1, answer->size, out);
}

/* The whole answer as bytes; for one that is cut before its body begins. */
static char *
print_response(const struct emu_answer *answer, size_t *size)
{
    char *bytes = NULL;
    FILE *out = open_memstream(&bytes, size);

    if (!out) {
        return NULL;
    }
    (void)fprintf(out, "HTTP/1.1 %u %s\r\n", answer->status,
                  MHD_get_reason_phrase_for(answer->status));
    for (size_t i = 0; i < answer->header_count; i++) {
        (void)fprintf(out, "%s: %s\r\n", answer->headers[i].name,
                      answer->headers[i].value);
    }
    print_body(out, answer);
    if (fclose(out)) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

static void
send_bytes(struct MHD_Connection *connection, const char *bytes, size_t size,
           const struct emu_stop *stop)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    gnutls_session_t session = info ? info->tls_session : NULL;

    while (session && size > 0) {
        ssize_t n = gnutls_record_send(session, bytes, size);
        if (n == GNUTLS_E_INTERRUPTED) {
            continue;
        }
        if (n == GNUTLS_E_AGAIN &&
            emu_stop_wait_writable(stop, socket_of(connection)) ==
                EMU_WAIT_READY) {
            continue;
        }
        if (n < 0) {
            return;
        }
        bytes += n;
        size -= (size_t)n;
    }
}

static void
cut_response(struct MHD_Connection *connection,
             const struct emu_answer *answer, const struct emu_stop *stop)
{
    size_t size = 0;
    char *bytes = print_response(answer, &size);

    if (!bytes) {
        return;
    }
    send_bytes(connection, bytes,
               (uint64_t)answer->parameter < size ? (size_t)answer->parameter
                                                  : size,
               stop);
    explicit_bzero(bytes, size);
    free(bytes);
    push(socket_of(connection));
}

enum MHD_Result
emu_deliver(struct MHD_Connection *connection, struct emu_answer *answer,
            const struct emu_stop *stop)
{
    const int socket = socket_of(connection);
    enum MHD_Result result = MHD_NO;

    if (answer->latency_ms > 0 &&
        emu_stop_wait(stop, socket, answer->latency_ms) != EMU_WAIT_PASSED) {
        goto out;
    }
    switch (answer->fault) {
    case EMU_FAULT_RESET:
        reset_connection(socket);
        break;
    case EMU_FAULT_STALL:
        (void)emu_stop_wait(stop, socket, -1);
        break;
    case EMU_FAULT_CUT_CHUNKED:
    case EMU_FAULT_CUT_RESPONSE:
    case EMU_FAULT_CUT_UNFRAMED:
        cut_response(connection, answer, stop);
        break;
    default:
        result = send_answer(connection, answer, stop);
        break;
    }
out:
    emu_answer_clear(answer);
    return result;
}
