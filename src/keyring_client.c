/* SPDX-License-Identifier: MIT */
/*
 * keyring_client: the real keyring port. Each session is one helper process
 * at the other end of a socket pair; keyring_protocol.h has the talk.
 *
 * What there is to poll is an epoll descriptor: it watches the socket, for
 * writing too while a token is only partly sent, and the intermediate's
 * pidfd. The socket's end alone would not do: a child that the host forks at
 * the wrong moment keeps the helper's end open for life.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "keyring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "keyring_bus.h"
#include "keyring_protocol.h"
#include "keyring_spawn.h"

/* The batches whose CHANGED may be due. */
#define CHANGES_MAX 2

enum stage {
    LOADING,  /* LOADED is due, in a sweep after RECORDs */
    HOLDING,  /* the caller's turn */
    CLAIMING, /* CLAIMEDs are due, after RECORDs */
    CHANGING, /* CHANGED is due */
    OVER      /* only the helper's end is due */
};

struct mpsc_keyring_session {
    struct mpsc_keyring_child child;
    enum stage stage;
    int sweep;            /* not a flight */
    size_t claims_due;    /* CLAIMED frames */
    unsigned changes_due; /* CHANGED frames */
    int epoll;
    int reaped; /* the intermediate has ended, `status` tells how */
    int status;
    uint32_t watched; /* epoll events of the socket; 0 = not in the set */
    dev_t dev;        /* the socket's identity, see check_descriptors() */
    ino_t ino;
    struct mpsc_secret in;
    size_t need; /* bytes of the frame that `in` is to hold */
    struct mpsc_secret out;
    size_t sent; /* of `out` */
};

/*
 * Some hosts close descriptors that they don't know, and then open their own:
 * what was meant for the helper, a token above all, must not be written
 * there, nor may theirs be closed. The socket, open to the last, bears
 * witness for all three. 0, or -1 where the session has just been lost.
 */
static int
check_descriptors(struct mpsc_keyring_session *session)
{
    struct stat status;

    if (session->child.socket < 0 ||
        (fstat(session->child.socket, &status) == 0 &&
         status.st_dev == session->dev && status.st_ino == session->ino)) {
        return 0;
    }
    session->child.socket = -1;
    session->child.pidfd = -1;
    session->epoll = -1;
    session->watched = 0;
    session->reaped = 1; /* if it can still be: in close */
    session->status = 0;
    return -1;
}

/* Has epoll watch the socket for these events, 0 = not at all. */
static void
watch(struct mpsc_keyring_session *session, uint32_t events)
{
    struct epoll_event event = {.events = events};
    int how = EPOLL_CTL_MOD;

    if (events == session->watched) {
        return;
    }
    if (session->watched == 0) {
        how = EPOLL_CTL_ADD;
    } else if (events == 0) {
        how = EPOLL_CTL_DEL;
    }
    if (epoll_ctl(session->epoll, how, session->child.socket, &event) == 0) {
        session->watched = events;
    }
}

/* Ends the talk: the helper sees its socket's end, whoever holds a copy of
 * ours. What was sent before still gets there. */
static void
hang_up(struct mpsc_keyring_session *session)
{
    session->stage = OVER;
    if (session->child.socket >= 0) {
        /* By hand, since epoll forgets a socket only with its last copy. */
        watch(session, 0);
        shutdown(session->child.socket, SHUT_RDWR);
    }
    mpsc_secret_free(&session->in);
    mpsc_secret_free(&session->out);
}

/* Sends what is pending, as far as the socket takes it. */
static void
flush(struct mpsc_keyring_session *session)
{
    while (session->sent < session->out.len) {
        ssize_t sent = send(
            session->child.socket, session->out.data + session->sent,
            session->out.len - session->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            watch(session, EPOLLIN | EPOLLOUT);
            return;
        }
        if (sent < 0) {
            break; /* it is gone, and the reaping will tell why */
        }
        session->sent += (size_t)sent;
    }
    mpsc_secret_free(&session->out);
    session->sent = 0;
    watch(session, EPOLLIN);
}

/*
 * Receives up to the end of the frame, never beyond it. MPSC_KEYRING_MORE
 * where it isn't whole yet, or never will be.
 */
static enum mpsc_keyring_decoded
receive(struct mpsc_keyring_session *session,
        struct mpsc_keyring_message *message)
{
    for (;;) {
        struct mpsc_secret *in = &session->in;
        enum mpsc_keyring_decoded decoded =
            mpsc_keyring_decode(in->data, in->len, &session->need, message);
        ssize_t got;

        if (decoded != MPSC_KEYRING_MORE) {
            return decoded;
        }
        if (mpsc_secret_reserve(in, session->need) != 0) {
            return MPSC_KEYRING_BAD;
        }
        got = recv(session->child.socket, in->data + in->len,
                   session->need - in->len, MSG_DONTWAIT);
        if (got > 0) {
            in->len += (size_t)got;
            continue;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
            /* Its end: an unwatched socket keeps poll from spinning until
             * the intermediate has ended, too. */
            watch(session, 0);
        }
        return decoded;
    }
}

/* The progress that a frame makes; PENDING where it is not due. */
static enum mpsc_keyring_progress
progress_of(const struct mpsc_keyring_session *session,
            enum mpsc_keyring_type type)
{
    enum stage stage = session->stage;

    if (type == MPSC_KEYRING_MSG_LOADED && stage == LOADING) {
        return MPSC_KEYRING_LOADED;
    }
    if (type == MPSC_KEYRING_MSG_CHANGED && stage == CHANGING) {
        return MPSC_KEYRING_CHANGED;
    }
    if (type == MPSC_KEYRING_MSG_CLAIMED && stage == CLAIMING) {
        return MPSC_KEYRING_CLAIMED;
    }
    return type == MPSC_KEYRING_MSG_RECORD &&
                   (stage == CLAIMING || (stage == LOADING && session->sweep))
               ? MPSC_KEYRING_RECORD
               : MPSC_KEYRING_PENDING;
}

/* What was due will not come: the end of waiting for it. A claim has no state
 * to tell; ENDED follows. */
static enum mpsc_keyring_progress
fail(struct mpsc_keyring_session *session, enum mpsc_keyring_state state,
     struct mpsc_keyring_event *event)
{
    enum mpsc_keyring_progress progress = MPSC_KEYRING_PENDING;

    if (session->stage == LOADING) {
        progress = MPSC_KEYRING_LOADED;
    } else if (session->stage == CHANGING) {
        progress = MPSC_KEYRING_CHANGED;
    }
    event->state = state;
    hang_up(session);
    return progress;
}

/* After a frame that was due: is something more, is it the caller's turn, or
 * was that all? */
static void
move_on(struct mpsc_keyring_session *session,
        enum mpsc_keyring_progress progress, enum mpsc_keyring_state state)
{
    int turn = 0;

    /* It held a token, and is overwritten by the next frame. */
    session->in.len = 0;
    switch (progress) {
    case MPSC_KEYRING_LOADED:
        turn = state == MPSC_KEYRING_OK;
        break;
    case MPSC_KEYRING_CHANGED:
        session->changes_due--;
        if (session->changes_due > 0) {
            return;
        }
        turn = session->sweep;
        break;
    case MPSC_KEYRING_CLAIMED:
        session->claims_due--;
        if (session->claims_due > 0) {
            return;
        }
        turn = 1;
        break;
    case MPSC_KEYRING_RECORD:
    case MPSC_KEYRING_PENDING:
    case MPSC_KEYRING_ENDED:
        return;
    }
    if (turn) {
        session->stage = HOLDING;
        mpsc_secret_free(&session->in);
    } else {
        hang_up(session);
    }
}

/* Hands a frame's content to the caller and frees it. PENDING where the next
 * one is to be looked at. */
static enum mpsc_keyring_progress
take(struct mpsc_keyring_session *session,
     struct mpsc_keyring_message *message, struct mpsc_keyring_event *event)
{
    enum mpsc_keyring_progress progress = progress_of(session, message->type);

    if (progress == MPSC_KEYRING_PENDING) {
        mpsc_keyring_message_free(message);
        return fail(session, MPSC_KEYRING_BAD_HELPER, event);
    }
    move_on(session, progress, message->state);
    event->state = message->state;
    event->found = message->found;
    if (message->business_id != NULL) {
        memcpy(event->business_id, message->business_id,
               strlen(message->business_id) + 1);
    }
    event->record = message->record;
    memset(&message->record, 0, sizeof(message->record));
    mpsc_keyring_message_free(message);
    return progress == MPSC_KEYRING_RECORD && !event->found
               ? MPSC_KEYRING_PENDING
               : progress;
}

/* What is due, as far as it is there. */
static enum mpsc_keyring_progress
await(struct mpsc_keyring_session *session, struct mpsc_keyring_event *event)
{
    enum mpsc_keyring_progress progress = MPSC_KEYRING_PENDING;
    struct mpsc_keyring_message message;

    while (progress == MPSC_KEYRING_PENDING && session->stage != OVER) {
        switch (receive(session, &message)) {
        case MPSC_KEYRING_MESSAGE:
            progress = take(session, &message, event);
            break;
        case MPSC_KEYRING_MORE:
            if (!session->reaped) {
                return MPSC_KEYRING_PENDING;
            }
            progress = fail(session,
                            session->status == MPSC_KEYRING_NOT_RUN
                                ? MPSC_KEYRING_NO_HELPER
                                : MPSC_KEYRING_BAD_HELPER,
                            event);
            break;
        case MPSC_KEYRING_BAD:
            progress = fail(session, MPSC_KEYRING_BAD_HELPER, event);
            break;
        case MPSC_KEYRING_OTHER_VERSION:
            progress = fail(session, MPSC_KEYRING_OTHER_HELPER, event);
            break;
        }
    }
    return progress;
}

/* While nothing is due: a helper that leaves or talks all the same. */
static void
hold(struct mpsc_keyring_session *session)
{
    char byte;
    ssize_t got =
        recv(session->child.socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

    if (got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
        hang_up(session);
    }
}

static enum mpsc_keyring_progress
client_step(struct mpsc_keyring_session *session,
            struct mpsc_keyring_event *event)
{
    int saved = errno;
    enum mpsc_keyring_progress progress = MPSC_KEYRING_PENDING;

    memset(event, 0, sizeof(*event));
    (void)check_descriptors(session);
    if (session->stage != HOLDING && session->stage != OVER) {
        flush(session);
        progress = await(session, event);
    } else if (session->stage == HOLDING) {
        hold(session);
    }
    if (progress == MPSC_KEYRING_PENDING && !session->reaped &&
        mpsc_keyring_reap(&session->child, &session->status)) {
        session->reaped = 1;
        /* What it said before its end is in the socket by now. */
        progress = await(session, event);
    }
    if (progress == MPSC_KEYRING_PENDING && session->reaped) {
        hang_up(session);
        progress = MPSC_KEYRING_ENDED;
    }
    errno = saved;
    return progress;
}

/* True where a batch may be handed over behind another one. */
static int
may_follow(const struct mpsc_keyring_session *session)
{
    return session->sweep && session->stage == CHANGING &&
           session->changes_due < CHANGES_MAX;
}

/* Takes over the frame, whose answer is due in that stage, and begins to send
 * it; 0, or -1 where the frame or the helper isn't there. */
static int
send_wish(struct mpsc_keyring_session *session, struct mpsc_secret *frame,
          enum stage stage)
{
    int result = -1;

    if (check_descriptors(session) == 0 && session->child.socket >= 0 &&
        frame->len > 0) {
        result = 0;
        if (session->out.len == 0) {
            mpsc_secret_move(&session->out, frame);
        } else {
            result =
                mpsc_secret_append(&session->out, frame->data, frame->len);
        }
    }
    mpsc_secret_free(frame);
    if (result == 0) {
        session->changes_due += stage == CHANGING;
        session->stage = stage;
        flush(session);
    }
    return result;
}

static int
client_store(struct mpsc_keyring_session *session,
             const struct mpsc_record *record)
{
    int saved = errno;
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;
    int result;

    if (session->stage == HOLDING) {
        (void)mpsc_keyring_encode_store(record, &frame);
    }
    result = send_wish(session, &frame, CHANGING);
    errno = saved;
    return result;
}

static int
client_erase(struct mpsc_keyring_session *session)
{
    int saved = errno;
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;
    int result;

    if (session->stage == HOLDING) {
        (void)mpsc_keyring_encode_bare(MPSC_KEYRING_MSG_ERASE, &frame);
    }
    result = send_wish(session, &frame, CHANGING);
    errno = saved;
    return result;
}

static int
batch_ok(size_t count)
{
    return count > 0 && count <= MPSC_KEYRING_BATCH_MAX;
}

static int
client_claim(struct mpsc_keyring_session *session, const char *const *ids,
             size_t count)
{
    int saved = errno;
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;
    int result;

    if (session->stage == HOLDING && batch_ok(count)) {
        (void)mpsc_keyring_encode_claim(ids, count, &frame);
    }
    result = send_wish(session, &frame, CLAIMING);
    if (result == 0) {
        session->claims_due = count;
    }
    errno = saved;
    return result;
}

static int
client_change(struct mpsc_keyring_session *session,
              const struct mpsc_keyring_change *changes, size_t count)
{
    int saved = errno;
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;
    int result;

    if ((session->stage == HOLDING || may_follow(session)) &&
        batch_ok(count)) {
        (void)mpsc_keyring_encode_change(changes, count, &frame);
    }
    result = send_wish(session, &frame, CHANGING);
    errno = saved;
    return result;
}

static void
client_finish(struct mpsc_keyring_session *session)
{
    int saved = errno;

    (void)check_descriptors(session);
    hang_up(session);
    errno = saved;
}

static void
close_open(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static void
client_close(struct mpsc_keyring_session **session)
{
    int saved = errno;
    struct mpsc_keyring_session *old = *session;

    if (old == NULL) {
        return;
    }
    *session = NULL;
    (void)check_descriptors(old);
    hang_up(old);
    if (old->child.pid > 0) {
        /* One of a lost session may have ended meanwhile. */
        (void)mpsc_keyring_reap(&old->child, &old->status);
    }
    close_open(old->epoll);
    close_open(old->child.socket);
    close_open(old->child.pidfd);
    free(old);
    errno = saved;
}

static int
client_fd(const struct mpsc_keyring_session *session)
{
    return session->epoll;
}

static unsigned
bounded(unsigned ms)
{
    return ms < MPSC_KEYRING_MS_MAX ? ms : MPSC_KEYRING_MS_MAX;
}

/* OK where a helper has something to do. Without one no process is made. */
static enum mpsc_keyring_state
worth_a_helper(const struct mpsc_keyring_query *query)
{
    struct stat status;

    if (!mpsc_keyring_bus_local(query->bus) ||
        !mpsc_keyring_bus_present(query->bus)) {
        return MPSC_KEYRING_NO_BUS;
    }
    if (query->runtime_dir == NULL) {
        return MPSC_KEYRING_NO_RUNTIME_DIR;
    }
    if (query->helper == NULL || stat(query->helper, &status) != 0 ||
        !S_ISREG(status.st_mode)) {
        return MPSC_KEYRING_NO_HELPER;
    }
    return MPSC_KEYRING_OK;
}

/* Starts the helper and watches it; 0, or -1 with nothing open but what
 * client_close() closes. */
static int
start(struct mpsc_keyring_session *session,
      const struct mpsc_keyring_query *query)
{
    unsigned ms = 2 * query->lock_wait_ms + 2 * query->keyring_deadline_ms +
                  query->flight_ms;
    struct epoll_event event = {.events = EPOLLIN};
    struct stat status;

    session->epoll = mpsc_descriptor_lift(epoll_create1(EPOLL_CLOEXEC));
    if (session->epoll < 0 ||
        mpsc_keyring_spawn(query->helper, (ms + 999) / 1000 + 1,
                           &session->child) != 0) {
        return -1;
    }
    if (fstat(session->child.socket, &status) != 0) {
        return -1;
    }
    session->dev = status.st_dev;
    session->ino = status.st_ino;
    watch(session, EPOLLIN);
    if (session->child.pidfd >= 0) {
        (void)epoll_ctl(session->epoll, EPOLL_CTL_ADD, session->child.pidfd,
                        &event);
    }
    return session->watched != 0 ? 0 : -1;
}

static struct mpsc_keyring_session *
open_session(const struct mpsc_keyring_query *query,
             enum mpsc_keyring_state *state)
{
    struct mpsc_keyring_query bound = *query;
    struct mpsc_keyring_session *session;

    *state = worth_a_helper(query);
    if (*state != MPSC_KEYRING_OK) {
        return NULL;
    }
    *state = MPSC_KEYRING_NO_MEMORY;
    session = calloc(1, sizeof(*session));
    if (session == NULL) {
        return NULL;
    }
    session->epoll = -1;
    session->child.socket = -1;
    session->child.pidfd = -1;
    bound.keyring_deadline_ms = bounded(query->keyring_deadline_ms);
    bound.lock_wait_ms = bounded(query->lock_wait_ms);
    session->sweep = query->business_id == NULL;
    if (session->sweep) {
        bound.lock_wait_ms = 0;
    }
    bound.flight_ms = bounded(query->flight_ms);
    if (mpsc_keyring_encode_open(&bound, &session->out) != 0) {
        client_close(&session);
        return NULL;
    }
    *state = MPSC_KEYRING_NO_HELPER;
    if (start(session, &bound) != 0) {
        client_close(&session);
        return NULL;
    }
    *state = MPSC_KEYRING_OK;
    flush(session);
    return session;
}

static struct mpsc_keyring_session *
client_open(const struct mpsc_keyring_query *query,
            enum mpsc_keyring_state *state)
{
    int saved = errno;
    struct mpsc_keyring_session *session = open_session(query, state);

    errno = saved;
    return session;
}

static int
client_unsent(const struct mpsc_keyring_session *session)
{
    return session->sent < session->out.len;
}

const struct mpsc_keyring mpsc_keyring_client = {
    .open = client_open,
    .fd = client_fd,
    .step = client_step,
    .store = client_store,
    .erase = client_erase,
    .claim = client_claim,
    .change = client_change,
    .unsent = client_unsent,
    .finish = client_finish,
    .close = client_close,
};
