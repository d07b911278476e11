/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "fake_keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_clock.h"
#include "fake_sweep.h"
#include "fake_trace.h"

enum stage { LOADING, HOLDING, CHANGING, OVER };

struct mpsc_keyring_session {
    enum stage stage;         /* a flight's; a sweep is HOLDING, or OVER */
    struct fake_sweep *sweep; /* NULL: a flight */
    int finished;
    int ended; /* ENDED was told */
};

/* Guarded by fake_lock. */
static struct fake_keyring_plan plan;
static struct mpsc_keyring_query last_query;
static unsigned open_count;
static unsigned unfinished;
static unsigned mistakes;
static char stored[128];

void
fake_keyring_plan(const struct fake_keyring_plan *wanted)
{
    pthread_mutex_lock(&fake_lock);
    plan = *wanted;
    memset(&last_query, 0, sizeof(last_query));
    unfinished = 0;
    mistakes = 0;
    stored[0] = '\0';
    pthread_mutex_unlock(&fake_lock);
    fake_sweep_plan(NULL, 0);
}

/* A part of the plan, by value. */
static struct fake_keyring_plan
get_plan(void)
{
    struct fake_keyring_plan copy;

    pthread_mutex_lock(&fake_lock);
    copy = plan;
    pthread_mutex_unlock(&fake_lock);
    return copy;
}

void
fake_keyring_load_manner(enum fake_keyring_manner manner)
{
    pthread_mutex_lock(&fake_lock);
    plan.load = manner;
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
}

void
fake_keyring_claim_manner(enum fake_keyring_manner manner)
{
    pthread_mutex_lock(&fake_lock);
    plan.claim = manner;
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
}

void
fake_keyring_change_manner(enum fake_keyring_manner manner)
{
    pthread_mutex_lock(&fake_lock);
    plan.change = manner;
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
}

void
fake_keyring_send(void)
{
    pthread_mutex_lock(&fake_lock);
    plan.unsent = 0;
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
}

void
fake_keyring_end(void)
{
    pthread_mutex_lock(&fake_lock);
    plan.never_ends = 0;
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
}

static void
mistake(const char *what)
{
    printf("\n    the keyring was misused: %s\n", what);
    pthread_mutex_lock(&fake_lock);
    mistakes++;
    pthread_mutex_unlock(&fake_lock);
}

static void
trace(const char *word)
{
    if (!get_plan().no_trace) {
        fake_trace("%s", word);
    }
}

static struct mpsc_keyring_session *
fake_open(const struct mpsc_keyring_query *query,
          enum mpsc_keyring_state *state)
{
    struct mpsc_keyring_session *session = NULL;

    *state = get_plan().open;
    trace("open");
    if (*state == MPSC_KEYRING_OK) {
        session = calloc(1, sizeof(*session));
    }
    if (session != NULL && query->business_id == NULL) {
        session->sweep = fake_sweep_new();
        session->stage = HOLDING;
        fake_sweep_load(session->sweep);
    }
    pthread_mutex_lock(&fake_lock);
    last_query = *query;
    open_count += session != NULL;
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
    return session;
}

static int
fake_fd(const struct mpsc_keyring_session *session)
{
    (void)session;
    return -1;
}

static enum mpsc_keyring_progress
ended(struct mpsc_keyring_session *session)
{
    if (session->ended || get_plan().never_ends) {
        return MPSC_KEYRING_PENDING;
    }
    session->ended = 1;
    session->stage = OVER;
    if (session->sweep != NULL) {
        fake_sweep_release(session->sweep);
    }
    fake_kick();
    return MPSC_KEYRING_ENDED;
}

/* The record that was planned; the rest of it as the caller needs it. */
static int
give_record(const char *token, int64_t received_at, struct mpsc_record *record)
{
    struct mpsc_time now;

    if (token == NULL) {
        return 0;
    }
    fake_clock_now(&now);
    record->received_at = received_at != 0 ? received_at : now.wall_s - 100;
    record->expires_at = now.wall_s + 1000;
    return mpsc_secret_set(&record->token, token, strlen(token)) == 0;
}

static enum mpsc_keyring_progress
answer(struct mpsc_keyring_session *session, struct mpsc_keyring_event *event)
{
    const struct fake_keyring_plan now = get_plan();
    int loading = session->stage == LOADING;
    enum fake_keyring_manner manner = loading ? now.load : now.change;

    if (manner == FAKE_KEYRING_MUTE) {
        return MPSC_KEYRING_PENDING;
    }
    if (manner == FAKE_KEYRING_DIES) {
        return ended(session);
    }
    event->state = loading ? now.load_state : now.change_state;
    session->stage = OVER;
    if (loading && event->state == MPSC_KEYRING_OK) {
        session->stage = HOLDING;
        event->found = give_record(now.token, now.received_at, &event->record);
    }
    fake_kick();
    return loading ? MPSC_KEYRING_LOADED : MPSC_KEYRING_CHANGED;
}

static enum mpsc_keyring_progress
answer_sweep(struct mpsc_keyring_session *session,
             struct mpsc_keyring_event *event)
{
    const struct fake_keyring_plan now = get_plan();
    enum fake_keyring_manner manner = now.hold;
    enum mpsc_keyring_state state = MPSC_KEYRING_OK;
    enum mpsc_keyring_progress progress;

    switch (fake_sweep_due(session->sweep)) {
    case MPSC_KEYRING_LOADED:
        manner = now.load;
        state = now.load_state;
        break;
    case MPSC_KEYRING_CHANGED:
        manner = now.change;
        state = now.change_state;
        break;
    case MPSC_KEYRING_CLAIMED:
        manner = now.claim;
        break;
    case MPSC_KEYRING_RECORD:
        manner = FAKE_KEYRING_ANSWERS;
        break;
    case MPSC_KEYRING_PENDING:
    case MPSC_KEYRING_ENDED:
        break;
    }
    if (manner == FAKE_KEYRING_MUTE) {
        return MPSC_KEYRING_PENDING;
    }
    if (manner == FAKE_KEYRING_DIES) {
        return ended(session);
    }
    progress = fake_sweep_next(session->sweep, state, event);
    if (progress == MPSC_KEYRING_LOADED && state != MPSC_KEYRING_OK) {
        session->stage = OVER;
    }
    if (progress != MPSC_KEYRING_PENDING) {
        fake_kick();
    }
    return progress;
}

static enum mpsc_keyring_progress
fake_step(struct mpsc_keyring_session *session,
          struct mpsc_keyring_event *event)
{
    memset(event, 0, sizeof(*event));
    if (session->ended) {
        mistake("step() after ENDED");
    }
    if (session->finished) {
        return ended(session);
    }
    if (session->sweep != NULL && session->stage != OVER) {
        return answer_sweep(session, event);
    }
    switch (session->stage) {
    case LOADING:
    case CHANGING:
        return answer(session, event);
    case HOLDING:
        return get_plan().hold == FAKE_KEYRING_DIES ? ended(session)
                                                    : MPSC_KEYRING_PENDING;
    case OVER:
        break;
    }
    return MPSC_KEYRING_PENDING;
}

/* Takes a wish; 0, or -1 where it is refused. */
static int
wish(struct mpsc_keyring_session *session, const char *word)
{
    trace(word);
    if (session->stage != HOLDING || session->finished) {
        mistake("a wish to a session that isn't loaded");
    }
    if (get_plan().refuses_change) {
        return -1;
    }
    fake_kick();
    return 0;
}

static int
fake_store(struct mpsc_keyring_session *session,
           const struct mpsc_record *record)
{
    int result = wish(session, "store");

    if (session->sweep != NULL) {
        mistake("store() in a sweep");
        return -1;
    }
    pthread_mutex_lock(&fake_lock);
    if (result == 0) {
        session->stage = CHANGING;
        snprintf(stored, sizeof(stored), "%s", record->token.data);
    }
    pthread_mutex_unlock(&fake_lock);
    return result;
}

static int
fake_erase(struct mpsc_keyring_session *session)
{
    int result = wish(session, "erase");

    if (result == 0 && session->sweep == NULL) {
        session->stage = CHANGING;
    } else if (result == 0 && fake_sweep_erase(session->sweep) != 0) {
        mistake("erase() while something else is due");
    }
    return result;
}

static int
fake_claim(struct mpsc_keyring_session *session, const char *const *ids,
           size_t count)
{
    int result = wish(session, "claim");

    if (result == 0 && (session->sweep == NULL ||
                        fake_sweep_claim(session->sweep, ids, count) != 0)) {
        mistake("a claim that the port forbids");
    }
    return result;
}

static int
fake_change(struct mpsc_keyring_session *session,
            const struct mpsc_keyring_change *changes, size_t count)
{
    int result = wish(session, "change");

    if (result == 0 &&
        (session->sweep == NULL ||
         fake_sweep_change(session->sweep, changes, count) != 0)) {
        mistake("a batch of changes that the port forbids");
    }
    return result;
}

static int
fake_unsent(const struct mpsc_keyring_session *session)
{
    (void)session;
    return get_plan().unsent;
}

static void
fake_finish(struct mpsc_keyring_session *session)
{
    trace("finish");
    session->finished = 1;
    fake_kick();
}

static void
fake_close(struct mpsc_keyring_session **session)
{
    trace("close");
    pthread_mutex_lock(&fake_lock);
    open_count--;
    unfinished += !(*session)->finished && !(*session)->ended;
    pthread_mutex_unlock(&fake_lock);
    if ((*session)->sweep != NULL) {
        fake_sweep_free(&(*session)->sweep);
    }
    free(*session);
    *session = NULL;
}

struct mpsc_keyring_query
fake_keyring_query(void)
{
    struct mpsc_keyring_query copy;

    pthread_mutex_lock(&fake_lock);
    copy = last_query;
    pthread_mutex_unlock(&fake_lock);
    return copy;
}

static unsigned
get_count(const unsigned *count)
{
    unsigned copy;

    pthread_mutex_lock(&fake_lock);
    copy = *count;
    pthread_mutex_unlock(&fake_lock);
    return copy;
}

unsigned
fake_keyring_open_count(void)
{
    return get_count(&open_count);
}

unsigned
fake_keyring_unfinished(void)
{
    return get_count(&unfinished);
}

unsigned
fake_keyring_mistakes(void)
{
    return get_count(&mistakes);
}

const char *
fake_keyring_stored(void)
{
    return stored;
}

const struct mpsc_keyring fake_keyring = {
    .open = fake_open,
    .fd = fake_fd,
    .step = fake_step,
    .store = fake_store,
    .erase = fake_erase,
    .claim = fake_claim,
    .change = fake_change,
    .unsent = fake_unsent,
    .finish = fake_finish,
    .close = fake_close,
};
