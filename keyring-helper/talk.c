/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "talk.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int
mpsk_talk_ready(void)
{
    int domain = 0;
    int type = 0;
    socklen_t len = sizeof(domain);

    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 ||
        domain != AF_UNIX) {
        return 0;
    }
    len = sizeof(type);
    return getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
           type == SOCK_STREAM;
}

enum mpsc_keyring_decoded
mpsk_talk_receive(struct mpsc_keyring_message *message)
{
    struct mpsc_secret in = MPSC_SECRET_EMPTY;
    enum mpsc_keyring_decoded decoded;
    size_t need;

    for (;;) {
        ssize_t got;

        decoded = mpsc_keyring_decode(in.data, in.len, &need, message);
        if (decoded != MPSC_KEYRING_MORE) {
            break;
        }
        if (mpsc_secret_reserve(&in, need) != 0) {
            decoded = MPSC_KEYRING_BAD;
            break;
        }
        got = recv(STDIN_FILENO, in.data + in.len, need - in.len, 0);
        if (got > 0) {
            in.len += (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            break;
        }
    }
    mpsc_secret_free(&in);
    return decoded;
}

int
mpsk_talk_send(const struct mpsc_secret *frame)
{
    size_t done = 0;

    while (done < frame->len) {
        ssize_t sent = send(STDIN_FILENO, frame->data + done,
                            frame->len - done, MSG_NOSIGNAL);

        if (sent > 0) {
            done += (size_t)sent;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

int
mpsk_talk_over(void)
{
    struct pollfd end = {.fd = STDIN_FILENO, .events = POLLRDHUP};

    return poll(&end, 1, 0) > 0;
}
