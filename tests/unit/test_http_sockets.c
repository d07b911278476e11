/* SPDX-License-Identifier: MIT */
/* Which descriptors are a client's own. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "http_sockets.h"
#include "run_suites.h"

static struct mpsc_http_sockets sockets;
static const struct sockaddr_in nowhere = {.sin_family = AF_INET};

static int
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* A pair of sockets, of which the first is noted. */
static struct mpsc_http_socket *
add(int fds[2])
{
    const void *peer = &nowhere;

    CU_ASSERT_EQUAL_FATAL(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    CU_ASSERT_EQUAL_FATAL(mpsc_http_sockets_add(&sockets, fds[0], peer), 0);
    return sockets.first;
}

static void
test_file(void)
{
    struct mpsc_http_file file;
    int fds[2];
    int others[2];

    CU_ASSERT_EQUAL(mpsc_http_file_note(&file, -1), -1);
    CU_ASSERT_FALSE(mpsc_http_file_is(&file));
    mpsc_http_file_close(&file);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, others), 0);
    CU_ASSERT_EQUAL(mpsc_http_file_note(&file, fds[0]), 0);
    CU_ASSERT(mpsc_http_file_is(&file));
    /* Another of the same kind in its place isn't closed. */
    CU_ASSERT_EQUAL(dup2(others[0], fds[0]), fds[0]);
    CU_ASSERT_FALSE(mpsc_http_file_is(&file));
    mpsc_http_file_close(&file);
    CU_ASSERT_EQUAL(file.fd, -1);
    CU_ASSERT(is_open(fds[0]));
    CU_ASSERT_EQUAL(mpsc_http_file_note(&file, others[0]), 0);
    mpsc_http_file_close(&file);
    CU_ASSERT_FALSE(is_open(others[0]));
    close(fds[0]);
    close(fds[1]);
    close(others[1]);
}

static void
test_close(void)
{
    int fds[2];
    int others[2];
    uint64_t serial;

    serial = add(fds)->serial;
    add(others);
    CU_ASSERT_PTR_NOT_NULL(mpsc_http_sockets_get(&sockets, serial));
    mpsc_http_sockets_close(&sockets, fds[0]);
    CU_ASSERT_FALSE(is_open(fds[0]));
    CU_ASSERT(is_open(others[0]));
    CU_ASSERT_PTR_NULL(mpsc_http_sockets_get(&sockets, serial));
    /* A number that isn't known is nobody's to close. */
    mpsc_http_sockets_close(&sockets, fds[1]);
    CU_ASSERT(is_open(fds[1]));
    mpsc_http_sockets_close(&sockets, others[0]);
    CU_ASSERT_PTR_NULL(sockets.first);
    close(fds[1]);
    close(others[1]);
}

static void
test_foreign(void)
{
    int attempt[2];
    int joined[2];

    add(attempt);
    add(joined)->joined = 1;
    CU_ASSERT(mpsc_http_sockets_are_ours(&sockets));
    /* An attempt ends without a word. */
    close(attempt[0]);
    CU_ASSERT(mpsc_http_sockets_are_ours(&sockets));
    CU_ASSERT_PTR_NULL(sockets.first->next);
    /* A connection doesn't. */
    CU_ASSERT_EQUAL(dup2(attempt[1], joined[0]), joined[0]);
    CU_ASSERT_FALSE(mpsc_http_sockets_are_ours(&sockets));
    CU_ASSERT_FALSE(mpsc_http_sockets_are_ours(&sockets));
    mpsc_http_sockets_forget(&sockets, 1);
    CU_ASSERT_PTR_NULL(sockets.first);
    CU_ASSERT(is_open(joined[0]));
    close(attempt[1]);
    close(joined[0]);
    close(joined[1]);
}

/* The number of an attempt that was closed comes again. */
static void
test_number_again(void)
{
    const void *peer = &nowhere;
    int fds[2];
    int again;

    add(fds);
    close(fds[0]);
    again = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL_FATAL(again, fds[0]);
    CU_ASSERT_EQUAL(mpsc_http_sockets_add(&sockets, again, peer), 0);
    CU_ASSERT_PTR_NULL(sockets.first->next);
    CU_ASSERT_EQUAL(sockets.first->serial, 2);
    sockets.first->joined = 1;
    CU_ASSERT(mpsc_http_sockets_are_ours(&sockets));
    mpsc_http_sockets_close(&sockets, again);
    CU_ASSERT_FALSE(is_open(again));
    close(fds[1]);
}

static void
test_forget(void)
{
    int fds[2];

    add(fds);
    mpsc_http_sockets_forget(&sockets, 0);
    CU_ASSERT(is_open(fds[0]));
    mpsc_http_sockets_forget(&sockets, 0);
    close(fds[0]);
    close(fds[1]);
    add(fds);
    mpsc_http_sockets_forget(&sockets, 1);
    CU_ASSERT_FALSE(is_open(fds[0]));
    close(fds[1]);
}

/* A connected pair of that family's loopback, of which the first is noted. */
static void
test_find_in(int family, const char *ip)
{
    struct sockaddr_storage address;
    struct sockaddr *any = (void *)&address;
    struct sockaddr_in *v4 = (void *)&address;
    struct sockaddr_in6 *v6 = (void *)&address;
    socklen_t len = sizeof(address);
    int listener = socket(family, SOCK_STREAM, 0);
    int fd = socket(family, SOCK_STREAM, 0);
    int port;

    memset(&address, 0, sizeof(address));
    address.ss_family = (sa_family_t)family;
    CU_ASSERT_EQUAL_FATAL(inet_pton(family, ip,
                                    family == AF_INET
                                        ? (void *)&v4->sin_addr
                                        : (void *)&v6->sin6_addr),
                          1);
    if (bind(listener, any, len) != 0 && errno == EADDRNOTAVAIL) {
        /* A machine without IPv6. */
        close(listener);
        close(fd);
        return;
    }
    CU_ASSERT_EQUAL(listen(listener, 1), 0);
    CU_ASSERT_EQUAL(getsockname(listener, any, &len), 0);
    CU_ASSERT_EQUAL(mpsc_http_sockets_add(&sockets, fd, any), 0);
    CU_ASSERT_EQUAL(connect(fd, any, len), 0);
    CU_ASSERT_EQUAL(getsockname(fd, any, &len), 0);
    port = ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port);
    CU_ASSERT_PTR_EQUAL(mpsc_http_sockets_find(&sockets, ip, port, ip),
                        sockets.first);
    CU_ASSERT_PTR_NULL(mpsc_http_sockets_find(&sockets, ip, port + 1, ip));
    CU_ASSERT_PTR_NULL(mpsc_http_sockets_find(&sockets, ip, port, "1.2.3.4"));
    CU_ASSERT_PTR_NULL(mpsc_http_sockets_find(&sockets, "1.2.3.4", port, ip));
    /* Also when the peer is gone. */
    close(listener);
    CU_ASSERT_PTR_EQUAL(mpsc_http_sockets_find(&sockets, ip, port, ip),
                        sockets.first);
    mpsc_http_sockets_forget(&sockets, 1);
}

static void
test_find(void)
{
    test_find_in(AF_INET, "127.0.0.1");
    test_find_in(AF_INET6, "::1");
}

static int
is_shut(int peer)
{
    char byte;

    return recv(peer, &byte, 1, 0) == 0;
}

static void
test_shut_idle(void)
{
    struct mpsc_http_socket *one;
    int idle[2];
    int busy[2];
    int attempt[2];

    add(attempt);
    add(idle)->joined = 1;
    one = add(busy);
    one->joined = 1;
    one->users = 1;
    one->suspect = 1;
    CU_ASSERT(mpsc_http_sockets_doubtful(&sockets));
    mpsc_http_sockets_shut_idle(&sockets, 0);
    CU_ASSERT_FALSE(is_shut(idle[1]));
    CU_ASSERT_FALSE(is_shut(busy[1]));
    mpsc_http_sockets_shut_idle(&sockets, 1);
    CU_ASSERT(is_shut(idle[1]));
    CU_ASSERT(is_open(idle[0]));
    CU_ASSERT_FALSE(is_shut(busy[1]));
    CU_ASSERT_FALSE(is_shut(attempt[1]));
    CU_ASSERT(mpsc_http_sockets_doubtful(&sockets));
    /* Its last user goes. */
    one->users = 0;
    mpsc_http_sockets_shut_idle(&sockets, 0);
    CU_ASSERT(is_shut(busy[1]));
    CU_ASSERT_FALSE(mpsc_http_sockets_doubtful(&sockets));
    mpsc_http_sockets_forget(&sockets, 1);
    close(idle[1]);
    close(busy[1]);
    close(attempt[1]);
}

static void
start(void)
{
    memset(&sockets, 0, sizeof(sockets));
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"file", test_file},           {"close", test_close},
        {"foreign", test_foreign},     {"a number again", test_number_again},
        {"forget", test_forget},       {"find", test_find},
        {"shut idle", test_shut_idle}, CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"http_sockets", NULL, NULL, start, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
