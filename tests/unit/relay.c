/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS_MAX 256

enum manner {
    PASS, /* on to the other side */
    CUT_NEXT,
    RESET_NEXT,
    MUTE,
    CUT,
    RESET
};

struct pair {
    int ends[2]; /* the client's, the server's; -1 = the pair is over */
    enum manner manner;
};

struct relay {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t obeyed;
    int listener;
    int wake;
    unsigned port;
    unsigned target;
    /* Guarded by lock. */
    enum manner command;
    int commanded; /* the thread has not obeyed yet */
    int stopping;
    unsigned connections;
    /* The thread's. */
    struct pair pairs[PAIRS_MAX];
    unsigned count;
};

static void
end_pair(struct pair *pair, int reset)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (reset) {
        setsockopt(pair->ends[0], SOL_SOCKET, SO_LINGER, &at_once,
                   sizeof(at_once));
    }
    close(pair->ends[0]);
    close(pair->ends[1]);
    pair->ends[0] = -1;
}

static void
take_connection(struct relay *relay)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct pair *pair = &relay->pairs[relay->count];

    address.sin_port = htons((in_port_t)relay->target);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    pair->manner = PASS;
    pair->ends[0] = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
    pair->ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_mutex_lock(&relay->lock);
    relay->connections++;
    pthread_mutex_unlock(&relay->lock);
    if (connect(pair->ends[1], (const struct sockaddr *)(void *)&address,
                sizeof(address)) != 0) {
        end_pair(pair, 0);
    } else {
        relay->count++;
    }
}

/* Something came at one end. */
static void
serve(struct pair *pair, int from)
{
    char bytes[16384];
    ssize_t got = recv(pair->ends[from], bytes, sizeof(bytes), 0);

    if (pair->manner == MUTE) {
        return;
    }
    if (got > 0 && from == 0 && pair->manner != PASS) {
        end_pair(pair, pair->manner == RESET_NEXT);
    } else if (got <= 0 || send(pair->ends[!from], bytes, (size_t)got,
                                MSG_NOSIGNAL) != got) {
        end_pair(pair, 0);
    }
}

/* Does what was commanded; true where the relay is to end. */
static int
obey(struct relay *relay)
{
    int stopping;

    pthread_mutex_lock(&relay->lock);
    for (unsigned i = 0; relay->commanded && i < relay->count; i++) {
        relay->pairs[i].manner = relay->command;
        if (relay->command >= CUT && relay->pairs[i].ends[0] >= 0) {
            end_pair(&relay->pairs[i], relay->command == RESET);
        }
    }
    relay->commanded = 0;
    stopping = relay->stopping;
    pthread_cond_broadcast(&relay->obeyed);
    pthread_mutex_unlock(&relay->lock);
    return stopping;
}

static void *
pass(void *arg)
{
    struct relay *relay = arg;
    struct pollfd fds[2 + 2 * PAIRS_MAX];
    eventfd_t woken;

    while (!obey(relay)) {
        unsigned count = relay->count;

        fds[0] = (struct pollfd){relay->wake, POLLIN, 0};
        fds[1] = (struct pollfd){count < PAIRS_MAX ? relay->listener : -1,
                                 POLLIN, 0};
        for (unsigned i = 0; i < 2 * count; i++) {
            const struct pair *pair = &relay->pairs[i / 2];
            int over = pair->ends[0] < 0 || pair->manner == MUTE;

            fds[2 + i] =
                (struct pollfd){over ? -1 : pair->ends[i % 2], POLLIN, 0};
        }
        (void)poll(fds, 2 + 2 * count, -1);
        if (fds[0].revents != 0) {
            /* The command comes before what came in the meantime. */
            (void)eventfd_read(relay->wake, &woken);
            continue;
        }
        for (unsigned i = 0; i < 2 * count; i++) {
            struct pair *pair = &relay->pairs[i / 2];

            if (fds[2 + i].revents != 0 && pair->ends[0] >= 0) {
                serve(pair, (int)(i % 2));
            }
        }
        if (fds[1].revents != 0) {
            take_connection(relay);
        }
    }
    return NULL;
}

static int
open_listener(struct relay *relay)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct sockaddr *any = (void *)&address;
    socklen_t len = sizeof(address);

    relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (relay->listener < 0 || bind(relay->listener, any, len) != 0 ||
        listen(relay->listener, PAIRS_MAX) != 0 ||
        getsockname(relay->listener, any, &len) != 0) {
        return -1;
    }
    relay->port = ntohs(address.sin_port);
    return 0;
}

struct relay *
relay_start(unsigned target)
{
    struct relay *relay = calloc(1, sizeof(*relay));

    if (relay == NULL) {
        return NULL;
    }
    relay->target = target;
    relay->wake = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&relay->lock, NULL);
    pthread_cond_init(&relay->obeyed, NULL);
    if (relay->wake < 0 || open_listener(relay) != 0 ||
        pthread_create(&relay->thread, NULL, pass, relay) != 0) {
        free(relay);
        return NULL;
    }
    return relay;
}

unsigned
relay_port(const struct relay *relay)
{
    return relay->port;
}

static void
command(struct relay *relay, enum manner manner)
{
    pthread_mutex_lock(&relay->lock);
    relay->command = manner;
    relay->commanded = 1;
    (void)eventfd_write(relay->wake, 1);
    while (relay->commanded) {
        pthread_cond_wait(&relay->obeyed, &relay->lock);
    }
    pthread_mutex_unlock(&relay->lock);
}

void
relay_cut(struct relay *relay)
{
    command(relay, CUT);
}

void
relay_reset(struct relay *relay)
{
    command(relay, RESET);
}

void
relay_reset_next(struct relay *relay)
{
    command(relay, RESET_NEXT);
}

void
relay_cut_next(struct relay *relay)
{
    command(relay, CUT_NEXT);
}

void
relay_mute(struct relay *relay)
{
    command(relay, MUTE);
}

unsigned
relay_connections(struct relay *relay)
{
    unsigned connections;

    pthread_mutex_lock(&relay->lock);
    connections = relay->connections;
    pthread_mutex_unlock(&relay->lock);
    return connections;
}

void
relay_stop(struct relay **relay)
{
    if (*relay == NULL) {
        return;
    }
    pthread_mutex_lock(&(*relay)->lock);
    (*relay)->stopping = 1;
    (void)eventfd_write((*relay)->wake, 1);
    pthread_mutex_unlock(&(*relay)->lock);
    pthread_join((*relay)->thread, NULL);
    for (unsigned i = 0; i < (*relay)->count; i++) {
        if ((*relay)->pairs[i].ends[0] >= 0) {
            end_pair(&(*relay)->pairs[i], 0);
        }
    }
    close((*relay)->listener);
    close((*relay)->wake);
    pthread_cond_destroy(&(*relay)->obeyed);
    pthread_mutex_destroy(&(*relay)->lock);
    free(*relay);
    *relay = NULL;
}
