/* SPDX-License-Identifier: MIT */
/*
 * deserted BUSINESS LOST DIR: a program whose standard input, output and
 * error are sockets that nobody reads any more, as a service's that was
 * started by inetd, and that dies of SIGPIPE as programs do by default. The
 * endpoint resets the connections for LOST; and the one that was kept, when
 * the file "asked" is in DIR, until "reset" is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "house.h"

static void
lose_peers(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ||
            dup2(pair[0], fd) != fd) {
            abort();
        }
        close(pair[0]);
        close(pair[1]);
    }
}

/* That it would be the end: of a child here. */
static void
write_and_die(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(write(1, "x", 1) == 1 ? 0 : 1);
    }
    (void)waitpid(pid, &status, 0);
    house_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE,
                 "a write to nobody does no harm");
}

/* What the other side does in the meantime, which is as long as it takes. */
static void
await_reset(const char *dir)
{
    char path[300];
    int fd;

    snprintf(path, sizeof(path), "%s/asked", dir);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
    }
    snprintf(path, sizeof(path), "%s/reset", dir);
    while (access(path, F_OK) != 0) {
        house_nap(5);
    }
    (void)unlink(path);
}

int
main(int argc, char **argv)
{
    int own_input = fcntl(0, F_DUPFD_CLOEXEC, 100);
    sigset_t pending;
    char id[32];

    if (argc != 4) {
        return 98;
    }
    (void)signal(SIGPIPE, SIG_DFL);
    house_open();
    house_before();
    lose_peers();
    write_and_die();
    house_live(argv[1]);
    (void)house_get(argv[2], MPS_E_NETWORK, 0);
    (void)house_get(argv[2], MPS_E_NETWORK, 0);
    mps.shutdown();
    snprintf(id, sizeof(id), "%s1", argv[1]);
    (void)house_get(id, MPS_OK, 0);
    await_reset(argv[3]);
    snprintf(id, sizeof(id), "%s2", argv[1]);
    (void)house_get(id, MPS_OK, 0);
    sigpending(&pending);
    house_expect(!sigismember(&pending, SIGPIPE), "SIGPIPE is pending");
    house_after();
    (void)dup2(own_input, 0);
    return house_end();
}
