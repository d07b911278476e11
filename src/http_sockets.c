/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "http_sockets.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
mpsc_http_file_note(struct mpsc_http_file *file, int fd)
{
    struct stat status;

    file->fd = -1;
    if (fstat(fd, &status) != 0) {
        return -1;
    }
    file->fd = fd;
    file->dev = status.st_dev;
    file->ino = status.st_ino;
    return 0;
}

int
mpsc_http_file_is(const struct mpsc_http_file *file)
{
    struct stat status;

    return file->fd >= 0 && fstat(file->fd, &status) == 0 &&
           status.st_dev == file->dev && status.st_ino == file->ino;
}

void
mpsc_http_file_close(struct mpsc_http_file *file)
{
    if (mpsc_http_file_is(file)) {
        close(file->fd);
    }
    file->fd = -1;
}

/* The link to the socket of that number, or to the end. */
static struct mpsc_http_socket **
link_of(struct mpsc_http_sockets *sockets, int fd)
{
    struct mpsc_http_socket **link = &sockets->first;

    while (*link != NULL && (*link)->file.fd != fd) {
        link = &(*link)->next;
    }
    return link;
}

static void
drop(struct mpsc_http_socket **link)
{
    struct mpsc_http_socket *socket = *link;

    *link = socket->next;
    free(socket);
}

static int
port_of(const struct sockaddr *address)
{
    const void *any = address;

    if (address->sa_family == AF_INET) {
        return ntohs(((const struct sockaddr_in *)any)->sin_port);
    }
    if (address->sa_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *)any)->sin6_port);
    }
    return -1;
}

/* Writes the address as libcurl does, numbers. */
static void
describe(const struct sockaddr *address, char text[INET6_ADDRSTRLEN])
{
    const void *any = address;

    text[0] = '\0';
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = any;

        (void)inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = any;

        (void)inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
    }
}

int
mpsc_http_sockets_add(struct mpsc_http_sockets *sockets, int fd,
                      const struct sockaddr *peer)
{
    struct mpsc_http_socket *socket = calloc(1, sizeof(*socket));
    struct mpsc_http_socket **link = link_of(sockets, fd);

    if (socket == NULL || mpsc_http_file_note(&socket->file, fd) != 0) {
        free(socket);
        return -1;
    }
    /* An attempt that was closed, and gave its number back. */
    if (*link != NULL && !(*link)->joined) {
        drop(link);
    }
    describe(peer, socket->peer_ip);
    socket->serial = ++sockets->serial;
    socket->next = sockets->first;
    sockets->first = socket;
    return 0;
}

void
mpsc_http_sockets_close(struct mpsc_http_sockets *sockets, int fd)
{
    struct mpsc_http_socket **link = link_of(sockets, fd);

    if (*link != NULL) {
        mpsc_http_file_close(&(*link)->file);
        drop(link);
    }
}

int
mpsc_http_sockets_are_ours(struct mpsc_http_sockets *sockets)
{
    struct mpsc_http_socket **link = &sockets->first;

    while (*link != NULL) {
        if (mpsc_http_file_is(&(*link)->file)) {
            link = &(*link)->next;
        } else if ((*link)->joined) {
            return 0;
        } else {
            drop(link);
        }
    }
    return 1;
}

struct mpsc_http_socket *
mpsc_http_sockets_get(const struct mpsc_http_sockets *sockets, uint64_t serial)
{
    struct mpsc_http_socket *socket = sockets->first;

    while (socket != NULL && socket->serial != serial) {
        socket = socket->next;
    }
    return socket;
}

/* No getpeername(): it fails on a connection that was just reset. */
static int
is_between(struct mpsc_http_socket *socket, const char *local_ip,
           int local_port, const char *peer_ip)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    struct sockaddr *any = (void *)&address;
    socklen_t len = sizeof(address);
    char text[INET6_ADDRSTRLEN];

    /* Most differ by the port; the rest costs more. */
    if (socket->local_port != 0 && socket->local_port != local_port) {
        return 0;
    }
    if (getsockname(socket->file.fd, any, &len) != 0) {
        return 0;
    }
    socket->local_port = port_of(any);
    if (socket->local_port != local_port) {
        return 0;
    }
    describe(any, text);
    return strcmp(text, local_ip) == 0 &&
           strcmp(socket->peer_ip, peer_ip) == 0;
}

struct mpsc_http_socket *
mpsc_http_sockets_find(const struct mpsc_http_sockets *sockets,
                       const char *local_ip, int local_port,
                       const char *peer_ip)
{
    struct mpsc_http_socket *socket = sockets->first;

    while (socket != NULL &&
           !is_between(socket, local_ip, local_port, peer_ip)) {
        socket = socket->next;
    }
    return socket;
}

int
mpsc_http_sockets_doubtful(const struct mpsc_http_sockets *sockets)
{
    int doubtful = 0;

    for (const struct mpsc_http_socket *socket = sockets->first;
         socket != NULL; socket = socket->next) {
        doubtful |= socket->suspect;
    }
    return doubtful;
}

void
mpsc_http_sockets_shut_idle(struct mpsc_http_sockets *sockets, int all)
{
    for (struct mpsc_http_socket *socket = sockets->first; socket != NULL;
         socket = socket->next) {
        if (socket->joined && socket->users == 0 && (all || socket->suspect)) {
            (void)shutdown(socket->file.fd, SHUT_RDWR);
            socket->suspect = 0;
        }
    }
}

void
mpsc_http_sockets_forget(struct mpsc_http_sockets *sockets, int closing)
{
    while (sockets->first != NULL) {
        if (closing) {
            mpsc_http_file_close(&sockets->first->file);
        }
        drop(&sockets->first);
    }
}
