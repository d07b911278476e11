/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "forget.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "audit.h"
#include "environment.h"
#include "epoch.h"
#include "error.h"

/* The helper keeps its own time and tells; this much later it is mute. */
#define SLACK_MS 250

/* How many the keyring has of an endpoint and solution: MPSK_PAGES of the
 * helper. */
#define PAGES 64

/* A helper that has nothing more to do is gone at once. */
#define ENDING_MS 1000

struct purge {
    const struct mpsc_fetch_means *means;
    const char *const *business_ids;
    size_t count; /* 0 = all */
    struct mpsc_place place;
    struct mpsc_epoch epoch;
    struct mpsc_keyring_session *session;
    int ended; /* it has told all, and isn't stepped again */
    struct mpsc_forget_report *report;
};

static int64_t
mono_ms(const struct purge *purge)
{
    struct mpsc_time now;

    purge->means->clock(&now);
    return now.mono_ms;
}

/* How long so many pages may take. */
static int64_t
pages_ms(const struct purge *purge, size_t pages)
{
    return (int64_t)purge->means->configuration->keyring_deadline_ms *
           (int64_t)(pages < PAGES ? pages : PAGES);
}

/* Waits until the session tells something; PENDING where it doesn't in time.
 */
static enum mpsc_keyring_progress
await(struct purge *purge, int64_t until_ms, struct mpsc_keyring_event *event)
{
    const struct mpsc_keyring *port = purge->means->keyring;

    for (;;) {
        enum mpsc_keyring_progress progress =
            port->step(purge->session, event);
        struct pollfd fd = {port->fd(purge->session), POLLIN, 0};
        int64_t left = until_ms - mono_ms(purge);

        purge->ended = progress == MPSC_KEYRING_ENDED;
        if (progress != MPSC_KEYRING_PENDING || left <= 0) {
            return progress;
        }
        (void)poll(&fd, 1, (int)left);
    }
}

/* A record that the keyring has: is it one of those to be erased? */
static void
count_record(const struct purge *purge, struct mpsc_keyring_event *event)
{
    int is_named = purge->count == 0;

    for (size_t i = 0; i < purge->count && !is_named; i++) {
        is_named = strcmp(purge->business_ids[i], event->business_id) == 0;
    }
    purge->report->records += (size_t)is_named;
    mpsc_record_free(&event->record);
}

/* Waits for the answer `due`; its state, or what stands for it. */
static enum mpsc_keyring_state
hear(struct purge *purge, enum mpsc_keyring_progress due, int64_t wait_ms)
{
    int64_t until_ms = mono_ms(purge) + wait_ms + SLACK_MS;
    struct mpsc_keyring_event event;

    for (;;) {
        enum mpsc_keyring_progress progress = await(purge, until_ms, &event);

        if (progress == due) {
            return event.state;
        }
        if (progress == MPSC_KEYRING_PENDING) {
            return MPSC_KEYRING_SILENT;
        }
        if (progress != MPSC_KEYRING_RECORD) {
            return MPSC_KEYRING_BAD_HELPER;
        }
        count_record(purge, &event);
    }
}

static enum mpsc_keyring_state
erase_all(struct purge *purge)
{
    if (purge->means->keyring->erase(purge->session) != 0) {
        return MPSC_KEYRING_BAD_HELPER;
    }
    return hear(purge, MPSC_KEYRING_CHANGED, pages_ms(purge, PAGES));
}

static enum mpsc_keyring_state
erase_batch(struct purge *purge, const char *const *business_ids, size_t count)
{
    struct mpsc_keyring_change changes[MPSC_KEYRING_BATCH_MAX];

    for (size_t i = 0; i < count; i++) {
        changes[i].business_id = business_ids[i];
        changes[i].what = MPSC_KEYRING_ERASE;
        changes[i].record = NULL;
    }
    if (purge->means->keyring->change(purge->session, changes, count) != 0) {
        return MPSC_KEYRING_BAD_HELPER;
    }
    return hear(purge, MPSC_KEYRING_CHANGED, pages_ms(purge, count));
}

/* Goes on after a page that can't be changed: it keeps one batch's records,
 * and says nothing of the others'. */
static enum mpsc_keyring_state
erase_named(struct purge *purge)
{
    enum mpsc_keyring_state state = MPSC_KEYRING_OK;

    for (size_t done = 0; done < purge->count;
         done += MPSC_KEYRING_BATCH_MAX) {
        size_t left = purge->count - done;
        enum mpsc_keyring_state one = erase_batch(
            purge, purge->business_ids + done,
            left < MPSC_KEYRING_BATCH_MAX ? left : MPSC_KEYRING_BATCH_MAX);

        if (state == MPSC_KEYRING_OK) {
            state = one;
        }
        if (one == MPSC_KEYRING_BAD_HELPER || one == MPSC_KEYRING_SILENT ||
            one == MPSC_KEYRING_OTHER_HELPER) {
            break;
        }
    }
    return state;
}

static void
end_session(struct purge *purge)
{
    const struct mpsc_keyring *port = purge->means->keyring;
    int64_t until_ms = mono_ms(purge) + ENDING_MS;
    enum mpsc_keyring_progress progress = MPSC_KEYRING_RECORD;
    struct mpsc_keyring_event event;

    port->finish(purge->session);
    while (!purge->ended && progress != MPSC_KEYRING_PENDING) {
        progress = await(purge, until_ms, &event);
        mpsc_record_free(&event.record);
    }
    port->close(&purge->session);
}

static enum mpsc_keyring_state
purge_keyring(struct purge *purge)
{
    const struct mpsc_configuration *options = purge->means->configuration;
    size_t batches = purge->count / MPSC_KEYRING_BATCH_MAX + 1;
    const struct mpsc_keyring_query query = {
        .helper = purge->means->helper,
        .bus = purge->place.bus,
        .runtime_dir = purge->place.runtime_dir,
        .endpoint = options->base_url,
        .solution_id = options->solution_id,
        .epoch = purge->epoch.number,
        .keyring_deadline_ms = options->keyring_deadline_ms,
        .flight_ms = (unsigned)(pages_ms(purge, PAGES) * (int64_t)batches),
    };
    enum mpsc_keyring_state state = MPSC_KEYRING_OK;

    purge->session = purge->means->keyring->open(&query, &state);
    if (purge->session == NULL) {
        return state;
    }
    state = hear(purge, MPSC_KEYRING_LOADED, options->keyring_deadline_ms);
    if (state == MPSC_KEYRING_OK) {
        state = purge->count == 0 ? erase_all(purge) : erase_named(purge);
    }
    end_session(purge);
    return state;
}

/* The running processes were told, but the keyring was not purged. */
static int
explain_keyring(const struct purge *purge, enum mpsc_keyring_state state,
                struct mps_error *error)
{
    const char *bus = purge->place.bus;

    return mpsc_error_set(
        error, MPS_E_KEYRING,
        "nothing or not all was erased from the keyring (%s): %s; %s, then "
        "forget again",
        bus != NULL ? bus : "no bus is known", mpsc_keyring_text(state),
        mpsc_keyring_advice(state));
}

static int
explain_untold(const struct purge *purge, int failure,
               enum mpsc_keyring_state state, struct mps_error *error)
{
    const char *dir = purge->place.runtime_dir;
    char text[128];

    return mpsc_error_set(
        error, MPS_E_CONFIG,
        "the running processes can't be told: restart them; runtime_dir (%s): "
        "%s%s%s",
        dir != NULL ? dir : "none is known",
        strerror_r(failure, text, sizeof(text)),
        state != MPSC_KEYRING_OK ? "; nor is the keyring purged: " : "",
        state != MPSC_KEYRING_OK ? mpsc_keyring_text(state) : "");
}

static void
audit(const struct purge *purge, const struct mpsc_profile *profile,
      struct mpsc_log *log, const struct mps_error *error)
{
    struct mpsc_audit_event event = {
        .level = MPSC_AUDIT_FETCH,
        .event = "purge",
        .business = "*",
        .error = error->code != MPS_OK ? error : NULL,
    };

    if (purge->count == 0) {
        mpsc_audit(log, profile, &event);
    }
    for (size_t i = 0; i < purge->count; i++) {
        event.business = purge->business_ids[i];
        mpsc_audit(log, profile, &event);
    }
}

int
mpsc_forget(const struct mpsc_profile *profile, struct mpsc_log *log,
            const char *const *business_ids, size_t count,
            struct mpsc_forget_report *report, struct mps_error *error)
{
    enum mpsc_keyring_state state = MPSC_KEYRING_OK;
    struct purge purge = {.means = &profile->means,
                          .business_ids = business_ids,
                          .count = count,
                          .report = report};
    int failure = 0;

    memset(report, 0, sizeof(*report));
    mpsc_error_clear(error);
    if (mpsc_profile_find_place(profile, &purge.place) != 0) {
        return mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    if (mpsc_epoch_raise(purge.place.runtime_dir, count == 0, &purge.epoch) !=
        0) {
        failure = errno;
    }
    report->told = failure == 0;
    report->keyring = MPSC_FORGET_OFF;
    if (profile->configuration->keyring != MPSC_KEYRING_OFF) {
        state = purge_keyring(&purge);
        report->keyring =
            state == MPSC_KEYRING_OK ? MPSC_FORGET_ERASED : MPSC_FORGET_FAILED;
    }
    if (failure != 0) {
        explain_untold(&purge, failure, state, error);
    } else if (state != MPSC_KEYRING_OK) {
        explain_keyring(&purge, state, error);
    }
    audit(&purge, profile, log, error);
    mpsc_place_free(&purge.place);
    return error->code;
}
