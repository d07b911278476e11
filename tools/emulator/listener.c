/* SPDX-License-Identifier: MIT */
/* The loopback socket that the server listens on. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int
parse_address(const char *text, uint16_t port, union socket_address *to,
              struct emu_error *error)
{
    memset(to, 0, sizeof *to);
    if (inet_pton(AF_INET, text, &to->v4.sin_addr) == 1) {
        to->v4.sin_family = AF_INET;
        to->v4.sin_port = htons(port);
        if (ntohl(to->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET) {
            return 0;
        }
    } else if (inet_pton(AF_INET6, text, &to->v6.sin6_addr) == 1) {
        to->v6.sin6_family = AF_INET6;
        to->v6.sin6_port = htons(port);
        if (IN6_IS_ADDR_LOOPBACK(&to->v6.sin6_addr)) {
            return 0;
        }
    } else {
        return emu_fail(error,
                        "%.100s is no numeric address; give one of "
                        "127.0.0.0/8, or ::1",
                        text);
    }
    return emu_fail(error,
                    "%.100s is not on the loopback; as the control plane "
                    "asks nobody who they are, give one of 127.0.0.0/8, "
                    "or ::1",
                    text);
}

static void
print_url(const union socket_address *bound, char *url)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (bound->any.sa_family == AF_INET6) {
        (void)snprintf(url, EMU_URL_SIZE, "https://[::1]:%u",
                       (unsigned)ntohs(bound->v6.sin6_port));
        return;
    }
    if (ntohl(bound->v4.sin_addr.s_addr) == INADDR_LOOPBACK) {
        (void)snprintf(text, sizeof text, "localhost");
    } else {
        (void)inet_ntop(AF_INET, &bound->v4.sin_addr, text, sizeof text);
    }
    (void)snprintf(url, EMU_URL_SIZE, "https://%s:%u", text,
                   (unsigned)ntohs(bound->v4.sin_port));
}

int
emu_listen(const char *address, unsigned port, char *url,
           struct emu_error *error)
{
    union socket_address bound;
    socklen_t size = sizeof bound;
    const int on = 1;
    int fd;

    if (parse_address(address, (uint16_t)port, &bound, error)) {
        return -1;
    }
    fd = socket(bound.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return emu_fail(error, "cannot make a socket: %s", strerror(errno));
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, &bound.any,
             bound.any.sa_family == AF_INET6 ? sizeof bound.v6
                                             : sizeof bound.v4) ||
        listen(fd, SOMAXCONN) || getsockname(fd, &bound.any, &size)) {
        (void)emu_fail(error,
                       "cannot listen on %s port %u: %s; choose another "
                       "--port, or --port 0 for any free one",
                       address, port, strerror(errno));
        (void)close(fd);
        return -1;
    }
    print_url(&bound, url);
    return fd;
}
