/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "fetch.h"

#include <poll.h>
#include <string.h>

#include "error.h"
#include "graph_request.h"
#include "graph_response.h"
#include "lifetime.h"
#include "random.h"
#include "retry.h"

/* The helper keeps its own time and tells; this much later it is mute. */
#define KEYRING_SLACK_MS 250

/* A helper whose own alarm has not ended it by then is given up. */
#define ENDING_SLACK_MS 3000

static int64_t
mono_ms(const struct mpsc_fetch *fetch)
{
    struct mpsc_time now;

    fetch->means->clock(&now);
    return now.mono_ms;
}

static int64_t
left_ms(const struct mpsc_fetch *fetch)
{
    return atomic_load(&fetch->deadline_ms) - mono_ms(fetch);
}

static unsigned
smaller(int64_t a, int64_t b)
{
    return (unsigned)(a < b ? a : b);
}

static void
name_the_subject(struct mpsc_fetch *fetch)
{
    fetch->subject_len =
        mpsc_error_subject(&fetch->error, fetch->business_id,
                           fetch->means->configuration->base_url);
}

/* The keyring's part: lets go of the session, whatever its phase. */
static void
end_session(struct mpsc_fetch *fetch)
{
    if (fetch->phase == MPSC_FETCH_NO_SESSION ||
        fetch->phase == MPSC_FETCH_ENDING) {
        return;
    }
    fetch->means->keyring->finish(fetch->session);
    fetch->phase = MPSC_FETCH_ENDING;
    fetch->keyring_due_ms = fetch->helper_end_ms;
}

static void
make_known(struct mpsc_fetch *fetch, struct mpsc_record *record, int source,
           const struct mps_error *error)
{
    fetch->stage = MPSC_FETCH_KNOWN;
    fetch->events->known(fetch->arg, record, source, error);
    mpsc_record_free(&fetch->record);
}

/* fetch->error is set: the end of the endpoint's part. */
static void
fail(struct mpsc_fetch *fetch)
{
    if (fetch->call.handle != NULL) {
        fetch->means->http->cancel(fetch->http, &fetch->call);
    }
    mpsc_http_call_clear(&fetch->call);
    end_session(fetch);
    make_known(fetch, NULL, 0, &fetch->error);
}

void
mpsc_fetch_give_up(struct mpsc_fetch *fetch, int code, const char *why)
{
    if (fetch->stage == MPSC_FETCH_STORING) {
        /* The token is there; what isn't sure is that it will be kept. */
        make_known(fetch, &fetch->record, MPS_SOURCE_ENDPOINT, NULL);
    } else if (fetch->stage != MPSC_FETCH_KNOWN) {
        mpsc_error_set(&fetch->error, code, "%s", why);
        name_the_subject(fetch);
        if (fetch->stage == MPSC_FETCH_ASKING) {
            fetch->events->answered(fetch->arg, NULL, &fetch->error);
        }
        fail(fetch);
    }
}

/* The code and text of an answer that never came. */
static void
explain_outcome(struct mpsc_fetch *fetch)
{
    const struct mpsc_http_response *response = &fetch->call.response;
    const char *detail = response->detail;
    struct mps_error *error = &fetch->error;

    switch (response->outcome) {
    case MPSC_HTTP_NETWORK:
        mpsc_error_set(error, MPS_E_NETWORK,
                       "no connection: %s; check network, proxy, base_url",
                       detail);
        break;
    case MPSC_HTTP_TLS:
        mpsc_error_set(
            error, MPS_E_TLS,
            "TLS refused: %s; check ca_file, base_url, proxy, the clock",
            detail);
        break;
    case MPSC_HTTP_TOO_LARGE:
        mpsc_error_set(error, MPS_E_PROTOCOL,
                       "the answer is larger than %d bytes; check base_url",
                       MPSC_HTTP_BODY_MAX);
        break;
    case MPSC_HTTP_NOT_HTTP:
        mpsc_error_set(error, MPS_E_PROTOCOL,
                       "the answer is no HTTP: %s; check base_url, proxy",
                       detail);
        break;
    case MPSC_HTTP_CA_FILE:
        mpsc_error_set(error, MPS_E_CONFIG,
                       "can't read the CA certificates of ca_file %s: %s",
                       fetch->means->configuration->ca_file != NULL
                           ? fetch->means->configuration->ca_file
                           : "(system)",
                       detail);
        break;
    case MPSC_HTTP_NO_MEMORY:
        mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
        break;
    case MPSC_HTTP_ANSWERED:
    case MPSC_HTTP_INTERNAL:
        mpsc_error_set(error, MPS_E_INTERNAL, "the HTTP library failed: %s",
                       detail);
        break;
    }
}

static int
build_request(struct mpsc_fetch *fetch, const struct mpsc_partner *partner,
              const struct mpsc_fetch_prepared *prepared)
{
    const struct mpsc_fetch_means *means = fetch->means;
    struct mpsc_http_request *request = &fetch->call.request;
    const struct mpsc_secret *app_secret =
        partner->app_secret.len > 0 ? &partner->app_secret : NULL;
    struct mpsc_time now;

    means->clock(&now);
    if (mpsc_graph_request_build(means->configuration, fetch->business_id,
                                 &partner->token, app_secret, now.wall_s,
                                 request) != MPS_OK) {
        return mpsc_error_set(&fetch->error, MPS_E_NO_MEMORY, "out of memory");
    }
    if (prepared != NULL) {
        request->ca_blob = &prepared->ca;
    }
    request->crowd = fetch->bare;
    return MPS_OK;
}

static void
call_done(struct mpsc_http_call *call, void *arg)
{
    struct mpsc_fetch *fetch = arg;

    (void)call;
    fetch->call_done = 1;
}

/* The partner's secrets, and the digest by which its token is known. */
static int
read_partner(const struct mpsc_fetch *fetch, struct mpsc_partner *partner,
             char digest[MPSC_DIGEST_HEX_SIZE], struct mps_error *error)
{
    const struct mpsc_fetch_means *means = fetch->means;
    const struct mpsc_fetch_prepared *prepared = atomic_load(means->prepared);
    int code = mpsc_partner_read(means->configuration, means->credentials,
                                 prepared != NULL ? &prepared->partner : NULL,
                                 partner, error);

    if (code == MPS_OK &&
        mpsc_digest_sha256(partner->token.data, partner->token.len, digest) !=
            0) {
        mpsc_partner_free(partner);
        code = mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    return code;
}

/* Sends the request, once more or for the first time. */
static void
ask(struct mpsc_fetch *fetch)
{
    const struct mpsc_fetch_means *means = fetch->means;
    struct mpsc_partner partner = MPSC_PARTNER_EMPTY;

    if (left_ms(fetch) <= 0) {
        mpsc_fetch_give_up(fetch, MPS_E_TIMEOUT,
                           "no time was left to ask the endpoint");
        return;
    }
    mpsc_http_call_clear(&fetch->call);
    fetch->call.done = call_done;
    fetch->call.arg = fetch;
    fetch->call_done = 0;
    fetch->attempt++;
    if (read_partner(fetch, &partner, fetch->partner_digest, &fetch->error) !=
            MPS_OK ||
        build_request(fetch, &partner, atomic_load(means->prepared)) !=
            MPS_OK) {
        fail(fetch);
    } else if (fetch->events->allow(fetch->arg, &fetch->error) != 0) {
        name_the_subject(fetch);
        fail(fetch);
    } else if (means->http->start(fetch->http, &fetch->call) != 0) {
        explain_outcome(fetch);
        name_the_subject(fetch);
        fail(fetch);
    } else {
        fetch->stage = MPSC_FETCH_ASKING;
    }
    mpsc_partner_free(&partner);
}

/* True where the partner's token is another by now than the one that the
 * endpoint has refused: it was rotated in between. Once a fetch. */
static int
partner_rotated(struct mpsc_fetch *fetch)
{
    struct mpsc_partner partner = MPSC_PARTNER_EMPTY;
    char digest[MPSC_DIGEST_HEX_SIZE];
    struct mps_error ignored;

    if (fetch->partner_reread ||
        read_partner(fetch, &partner, digest, &ignored) != MPS_OK) {
        return 0;
    }
    mpsc_partner_free(&partner);
    fetch->partner_reread = strcmp(digest, fetch->partner_digest) != 0;
    return fetch->partner_reread;
}

/* After a token: into the keyring, where we hold the lock. */
static void
keep(struct mpsc_fetch *fetch)
{
    const struct mpsc_configuration *options = fetch->means->configuration;

    fetch->stage = MPSC_FETCH_STORING;
    if (fetch->phase != MPSC_FETCH_HELD) {
        return;
    }
    if (fetch->means->keyring->store(fetch->session, &fetch->record) != 0) {
        fetch->events->keyring(fetch->arg, MPSC_KEYRING_BAD_HELPER);
        end_session(fetch);
        return;
    }
    fetch->phase = MPSC_FETCH_CHANGING;
    fetch->keyring_due_ms = mono_ms(fetch) + fetch->lock_wait_ms +
                            options->keyring_deadline_ms + KEYRING_SLACK_MS;
}

/* 0 where a good answer was taken over into fetch->record, else the code. */
static int
read_answer(struct mpsc_fetch *fetch)
{
    const struct mpsc_fetch_means *means = fetch->means;
    const struct mpsc_http_response *response = &fetch->call.response;
    const struct mpsc_lifetime_rules rules = {
        means->configuration->assume_lifetime_s,
        means->configuration->max_age_s,
    };
    struct mpsc_graph_answer answer = {MPSC_SECRET_EMPTY, 0};
    struct mpsc_time now;
    int code;

    if (response->outcome != MPSC_HTTP_ANSWERED) {
        explain_outcome(fetch);
        return fetch->error.code;
    }
    fetch->app_usage = mpsc_graph_response_usage(response);
    means->clock(&now);
    code = mpsc_graph_response_read_for(&fetch->call, now.wall_s, &answer,
                                        &fetch->error);
    if (code != MPS_OK) {
        return code;
    }
    mpsc_secret_move(&fetch->record.token, &answer.token);
    mpsc_lifetime_begin(&fetch->record, &rules, answer.endpoint_expires_at,
                        response->date, &now, means->boot_id);
    return MPS_OK;
}

/* A good answer: a token, if the owner takes it. */
static void
taken(struct mpsc_fetch *fetch)
{
    mpsc_http_call_clear(&fetch->call);
    if (fetch->events->accept(fetch->arg, &fetch->record, &fetch->error) !=
        0) {
        mpsc_record_free(&fetch->record);
        name_the_subject(fetch);
        fetch->events->answered(fetch->arg, NULL, &fetch->error);
        fail(fetch);
        return;
    }
    fetch->events->answered(fetch->arg, &fetch->record, NULL);
    keep(fetch);
}

static void
answered(struct mpsc_fetch *fetch)
{
    const struct mpsc_configuration *options = fetch->means->configuration;
    struct mpsc_time now;
    int64_t delay;

    if (read_answer(fetch) == MPS_OK) {
        taken(fetch);
        return;
    }
    if (fetch->error.code == MPS_E_AUTH && partner_rotated(fetch)) {
        fetch->attempt--;
        ask(fetch);
        return;
    }
    fetch->means->clock(&now);
    delay = mpsc_retry_delay(&fetch->error, fetch->attempt, options->attempts,
                             mpsc_random_bits(), now.wall_s, left_ms(fetch));
    if (delay >= 0) {
        mpsc_http_call_clear(&fetch->call);
        fetch->pause_until_ms = now.mono_ms + delay;
        fetch->stage = MPSC_FETCH_PAUSING;
        return;
    }
    name_the_subject(fetch);
    fetch->events->answered(fetch->arg, NULL, &fetch->error);
    fail(fetch);
}

const char *
mpsc_fetch_keyring_place(const struct mpsc_place *place,
                         enum mpsc_keyring_state state)
{
    if (state == MPSC_KEYRING_NO_BUS) {
        return place->bus != NULL ? place->bus : "none is known";
    }
    if (state == MPSC_KEYRING_NO_RUNTIME_DIR) {
        return place->runtime_dir != NULL
                   ? place->runtime_dir
                   : "neither /run/mps-credential/UID nor XDG_RUNTIME_DIR";
    }
    return "";
}

void
mpsc_fetch_keyring_error(struct mps_error *error,
                         const struct mpsc_place *place,
                         enum mpsc_keyring_state state)
{
    const char *where = mpsc_fetch_keyring_place(place, state);

    mpsc_error_set(error, MPS_E_KEYRING,
                   "keyring = required, but %s%s%s%s; %s",
                   mpsc_keyring_text(state), *where != '\0' ? " (" : "", where,
                   *where != '\0' ? ")" : "", mpsc_keyring_advice(state));
}

/* The keyring can't be had: on without it, or not at all. */
static void
without_keyring(struct mpsc_fetch *fetch, enum mpsc_keyring_state state)
{
    const struct mpsc_configuration *options = fetch->means->configuration;

    fetch->events->keyring(fetch->arg, state);
    /* A token may be had without a lock that another holds; to erase without
     * it is to erase nothing. */
    if (options->keyring == MPSC_KEYRING_REQUIRED &&
        (state != MPSC_KEYRING_BUSY || fetch->purpose == MPSC_FETCH_ERASE)) {
        mpsc_fetch_keyring_error(&fetch->error, &fetch->place, state);
        name_the_subject(fetch);
        fail(fetch);
    } else if (fetch->purpose == MPSC_FETCH_ERASE) {
        end_session(fetch);
        make_known(fetch, NULL, 0, NULL);
    } else {
        end_session(fetch);
        ask(fetch);
    }
}

static void
open_keyring(struct mpsc_fetch *fetch)
{
    const struct mpsc_fetch_means *means = fetch->means;
    const struct mpsc_configuration *options = means->configuration;
    enum mpsc_keyring_state state = fetch->keyring_hint;
    int64_t left = left_ms(fetch);
    struct mpsc_keyring_query query = {
        .helper = means->helper,
        .bus = fetch->place.bus,
        .runtime_dir = fetch->place.runtime_dir,
        .endpoint = options->base_url,
        .solution_id = options->solution_id,
        .business_id = fetch->business_id,
        .epoch = fetch->epoch,
    };

    if (left < 0) {
        left = 0;
    }
    /* About half of the time is the endpoint's, whatever the keyring does. */
    query.keyring_deadline_ms =
        smaller(options->keyring_deadline_ms, left / 4 + 1);
    query.lock_wait_ms = left / 2 > query.keyring_deadline_ms
                             ? (unsigned)(left / 2) - query.keyring_deadline_ms
                             : 0;
    query.flight_ms = (unsigned)left;
    if (state == MPSC_KEYRING_OK) {
        fetch->session = means->keyring->open(&query, &state);
    }
    if (fetch->session == NULL) {
        without_keyring(fetch, state);
        return;
    }
    fetch->phase = MPSC_FETCH_OPENED;
    fetch->lock_wait_ms = query.lock_wait_ms;
    fetch->helper_end_ms = mono_ms(fetch) + 2 * (int64_t)query.lock_wait_ms +
                           2 * (int64_t)query.keyring_deadline_ms +
                           query.flight_ms + ENDING_SLACK_MS;
    /* The slack must not eat up a short deadline. */
    fetch->keyring_due_ms =
        mono_ms(fetch) +
        smaller((int64_t)query.lock_wait_ms + query.keyring_deadline_ms +
                    KEYRING_SLACK_MS,
                left - left / 4);
}

static void
erase(struct mpsc_fetch *fetch)
{
    const struct mpsc_configuration *options = fetch->means->configuration;

    if (fetch->means->keyring->erase(fetch->session) != 0) {
        without_keyring(fetch, MPSC_KEYRING_BAD_HELPER);
        return;
    }
    fetch->phase = MPSC_FETCH_CHANGING;
    fetch->keyring_due_ms = mono_ms(fetch) + fetch->lock_wait_ms +
                            options->keyring_deadline_ms + KEYRING_SLACK_MS;
}

static void
loaded(struct mpsc_fetch *fetch, enum mpsc_keyring_state state, int found)
{
    int believed;

    if (state != MPSC_KEYRING_OK) {
        without_keyring(fetch, state);
        return;
    }
    fetch->phase = MPSC_FETCH_HELD;
    fetch->events->keyring(fetch->arg, MPSC_KEYRING_OK);
    believed = found && fetch->events->believe(fetch->arg, &fetch->record);
    if (fetch->purpose == MPSC_FETCH_ERASE) {
        mpsc_record_free(&fetch->record);
        if (believed) {
            erase(fetch);
        } else {
            end_session(fetch);
            make_known(fetch, NULL, 0, NULL);
        }
    } else if (believed) {
        end_session(fetch);
        make_known(fetch, &fetch->record, MPS_SOURCE_KEYRING, NULL);
    } else {
        mpsc_record_free(&fetch->record);
        ask(fetch);
    }
}

static void
changed(struct mpsc_fetch *fetch, enum mpsc_keyring_state state)
{
    if (fetch->purpose == MPSC_FETCH_ERASE && state != MPSC_KEYRING_OK) {
        without_keyring(fetch, state);
        return;
    }
    fetch->events->keyring(fetch->arg, state);
    end_session(fetch);
    if (fetch->purpose == MPSC_FETCH_ERASE) {
        make_known(fetch, NULL, 0, NULL);
    }
}

/* The session ended, or took too long, in the middle of its phase. */
static void
broken(struct mpsc_fetch *fetch, enum mpsc_keyring_state state)
{
    switch (fetch->phase) {
    case MPSC_FETCH_OPENED:
        loaded(fetch, state, 0);
        break;
    case MPSC_FETCH_CHANGING:
        changed(fetch, state);
        break;
    case MPSC_FETCH_NO_SESSION:
    case MPSC_FETCH_HELD:
    case MPSC_FETCH_ENDING:
        end_session(fetch);
        break;
    }
}

static void
close_session(struct mpsc_fetch *fetch)
{
    fetch->means->keyring->close(&fetch->session);
    fetch->phase = MPSC_FETCH_NO_SESSION;
}

static void
step_keyring(struct mpsc_fetch *fetch)
{
    struct mpsc_keyring_event event;

    switch (fetch->means->keyring->step(fetch->session, &event)) {
    case MPSC_KEYRING_LOADED:
        if (fetch->phase == MPSC_FETCH_OPENED) {
            fetch->record = event.record;
            loaded(fetch, event.state, event.found);
        } else {
            mpsc_record_free(&event.record);
        }
        break;
    case MPSC_KEYRING_CHANGED:
        if (fetch->phase == MPSC_FETCH_CHANGING) {
            changed(fetch, event.state);
        }
        break;
    case MPSC_KEYRING_ENDED:
        broken(fetch, MPSC_KEYRING_BAD_HELPER);
        close_session(fetch);
        break;
    case MPSC_KEYRING_PENDING:
    case MPSC_KEYRING_RECORD: /* these two only in a sweep */
    case MPSC_KEYRING_CLAIMED:
        break;
    }
    if (fetch->session != NULL && fetch->phase != MPSC_FETCH_HELD &&
        mono_ms(fetch) >= fetch->keyring_due_ms) {
        if (fetch->phase == MPSC_FETCH_ENDING) {
            close_session(fetch);
        } else {
            broken(fetch, MPSC_KEYRING_SILENT);
        }
    }
}

/*
 * The token is made known only when the helper has the whole record: a host
 * that ends right after its answer would take the rest of it along.
 */
static void
storing(struct mpsc_fetch *fetch)
{
    if (fetch->phase == MPSC_FETCH_CHANGING &&
        fetch->means->keyring->unsent(fetch->session) && left_ms(fetch) > 0) {
        return;
    }
    make_known(fetch, &fetch->record, MPS_SOURCE_ENDPOINT, NULL);
}

void
mpsc_fetch_begin(struct mpsc_fetch *fetch, struct mpsc_http *http)
{
    atomic_store(&fetch->begun, 1);
    fetch->http = http;
    fetch->stage = MPSC_FETCH_LOADING;
    fetch->phase = MPSC_FETCH_NO_SESSION;
    fetch->app_usage = -1;
    fetch->hurried =
        left_ms(fetch) < fetch->means->configuration->deadline_ms / 2;
    mpsc_error_clear(&fetch->error);
    if (left_ms(fetch) <= 0) {
        mpsc_fetch_give_up(fetch, MPS_E_TIMEOUT,
                           "the deadline passed before its turn came");
        return;
    }
    if (fetch->bare ||
        fetch->means->configuration->keyring == MPSC_KEYRING_OFF) {
        if (fetch->purpose == MPSC_FETCH_ERASE) {
            make_known(fetch, NULL, 0, NULL);
        } else {
            ask(fetch);
        }
        return;
    }
    open_keyring(fetch);
}

void
mpsc_fetch_drop(struct mpsc_fetch *fetch)
{
    if (fetch->session != NULL) {
        fetch->means->keyring->finish(fetch->session);
        close_session(fetch);
    }
}

int
mpsc_fetch_step(struct mpsc_fetch *fetch)
{
    if (fetch->session != NULL) {
        step_keyring(fetch);
    }
    if (fetch->stage == MPSC_FETCH_ASKING && fetch->call_done) {
        answered(fetch);
    }
    if (fetch->stage == MPSC_FETCH_PAUSING &&
        mono_ms(fetch) >= fetch->pause_until_ms) {
        ask(fetch);
    }
    if (fetch->stage == MPSC_FETCH_STORING) {
        storing(fetch);
    }
    if (fetch->stage != MPSC_FETCH_KNOWN && left_ms(fetch) <= 0) {
        mpsc_fetch_give_up(fetch, MPS_E_TIMEOUT, "the deadline passed");
    }
    return fetch->stage == MPSC_FETCH_KNOWN && fetch->session == NULL;
}

int
mpsc_fetch_watch(const struct mpsc_fetch *fetch, struct mpsc_http_watch *watch)
{
    if (fetch->session == NULL) {
        return 0;
    }
    watch->fd = fetch->means->keyring->fd(fetch->session);
    watch->events = POLLIN;
    watch->revents = 0;
    return watch->fd >= 0;
}

int64_t
mpsc_fetch_due(const struct mpsc_fetch *fetch)
{
    int64_t due = INT64_MAX;

    if (fetch->stage != MPSC_FETCH_KNOWN) {
        due = atomic_load(&fetch->deadline_ms);
    }
    if (fetch->stage == MPSC_FETCH_PAUSING && fetch->pause_until_ms < due) {
        due = fetch->pause_until_ms;
    }
    if (fetch->session != NULL && fetch->phase != MPSC_FETCH_HELD &&
        fetch->keyring_due_ms < due) {
        due = fetch->keyring_due_ms;
    }
    return due;
}

int
mpsc_fetch_is_known(const struct mpsc_fetch *fetch)
{
    return fetch->stage == MPSC_FETCH_KNOWN;
}

int
mpsc_fetch_is_settled(const struct mpsc_fetch *fetch)
{
    return fetch->stage == MPSC_FETCH_KNOWN &&
           (fetch->phase == MPSC_FETCH_NO_SESSION ||
            fetch->phase == MPSC_FETCH_ENDING || left_ms(fetch) <= 0);
}

/* The fetch of a task, which is its first member. */
static struct mpsc_fetch *
fetch_of(struct mpsc_task *task)
{
    return (struct mpsc_fetch *)task;
}

static const struct mpsc_fetch *
const_fetch_of(const struct mpsc_task *task)
{
    return (const struct mpsc_fetch *)task;
}

static void
task_begin(struct mpsc_task *task, struct mpsc_loop *loop,
           struct mpsc_http *http)
{
    (void)loop;
    mpsc_fetch_begin(fetch_of(task), http);
}

static int
task_step(struct mpsc_task *task)
{
    return mpsc_fetch_step(fetch_of(task));
}

static int
task_watch(const struct mpsc_task *task, struct mpsc_http_watch *watch)
{
    return mpsc_fetch_watch(const_fetch_of(task), watch);
}

static int64_t
task_due(const struct mpsc_task *task)
{
    return mpsc_fetch_due(const_fetch_of(task));
}

static int
task_is_known(const struct mpsc_task *task)
{
    return mpsc_fetch_is_known(const_fetch_of(task));
}

static int
task_is_settled(const struct mpsc_task *task)
{
    return mpsc_fetch_is_settled(const_fetch_of(task));
}

static void
task_give_up(struct mpsc_task *task, int code, const char *why)
{
    mpsc_fetch_give_up(fetch_of(task), code, why);
}

static void
task_drop(struct mpsc_task *task)
{
    mpsc_fetch_drop(fetch_of(task));
}

static void
task_over(struct mpsc_task *task)
{
    const struct mpsc_fetch *fetch = fetch_of(task);

    fetch->events->over(fetch->arg);
}

const struct mpsc_task_ops mpsc_fetch_ops = {
    .begin = task_begin,
    .step = task_step,
    .watch = task_watch,
    .due = task_due,
    .is_known = task_is_known,
    .is_settled = task_is_settled,
    .give_up = task_give_up,
    .drop = task_drop,
    .over = task_over,
};
