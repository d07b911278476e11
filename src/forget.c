/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "forget.h"

#include <errno.h>
#include <string.h>

#include "audit.h"
#include "environment.h"
#include "epoch.h"
#include "error.h"
#include "keyring_page.h"
#include "keyring_wait.h"

struct purge {
    const struct mpsc_fetch_means *means;
    const char *const *business_ids;
    size_t count; /* 0 = all */
    struct mpsc_place place;
    struct mpsc_epoch epoch;
    struct mpsc_keyring_wait wait;
    struct mpsc_forget_report *report;
};

/* How long so many pages may take. */
static int64_t
pages_ms(const struct purge *purge, size_t pages)
{
    return (int64_t)purge->means->configuration->keyring_deadline_ms *
           (int64_t)(pages < MPSC_KEYRING_PAGES ? pages : MPSC_KEYRING_PAGES);
}

/* A record that the keyring has: is it one of those to be erased? */
static void
count_record(void *arg, const char *business_id,
             const struct mpsc_record *record)
{
    const struct purge *purge = arg;
    int is_named = purge->count == 0;

    (void)record;
    for (size_t i = 0; i < purge->count && !is_named; i++) {
        is_named = strcmp(purge->business_ids[i], business_id) == 0;
    }
    purge->report->records += (size_t)is_named;
}

static enum mpsc_keyring_state
hear(struct purge *purge, enum mpsc_keyring_progress due, int64_t wait_ms)
{
    return mpsc_keyring_wait_for(&purge->wait, due, wait_ms, count_record,
                                 purge);
}

static enum mpsc_keyring_state
erase_all(struct purge *purge)
{
    if (purge->means->keyring->erase(purge->wait.session) != 0) {
        return MPSC_KEYRING_BAD_HELPER;
    }
    return hear(purge, MPSC_KEYRING_CHANGED,
                pages_ms(purge, MPSC_KEYRING_PAGES));
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
    if (purge->means->keyring->change(purge->wait.session, changes, count) !=
        0) {
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
        .flight_ms =
            (unsigned)(pages_ms(purge, MPSC_KEYRING_PAGES) * (int64_t)batches),
    };
    enum mpsc_keyring_state state;

    purge->wait.port = purge->means->keyring;
    purge->wait.clock = purge->means->clock;
    state = mpsc_keyring_wait_open(&purge->wait, &query);
    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    state = hear(purge, MPSC_KEYRING_LOADED, options->keyring_deadline_ms);
    if (state == MPSC_KEYRING_OK) {
        state = purge->count == 0 ? erase_all(purge) : erase_named(purge);
    }
    mpsc_keyring_wait_end(&purge->wait);
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
        mpsc_audit(log, profile->configuration, &event);
    }
    for (size_t i = 0; i < purge->count; i++) {
        event.business = purge->business_ids[i];
        mpsc_audit(log, profile->configuration, &event);
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
