/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "sweep.h"

#include <poll.h>
#include <string.h>

#include "error.h"

/* The helper keeps its own time and tells; this much later it is mute. */
#define KEYRING_SLACK_MS 250

/* A helper whose own alarm has not ended it by then is given up. */
#define ENDING_SLACK_MS 3000

/* A sweep without deadline has no longer for its keyring: a host that hangs
 * must not keep the locks for ever. */
#define SESSION_MS (15 * 60 * 1000)

/* A page takes the same time to be written whether one or twenty of its
 * records change: so it is written when it is complete. What there is of it is
 * written before where so many records wait, or one does for that long. */
#define BATCH_COUNT 512
#define BATCH_MS 2000

/* The port's limit, for all tokens of a batch. */
#define BATCH_BYTES ((size_t)1024 * 1024)

/* How long each page of a batch may keep the helper: it waits for its turn,
 * then for the keyring. */
#define PAGE_SHARES 2

/* How often a lock that another holds is tried. */
#define RETRY_MS 100

/* The next businesses are claimed while so many are still to be launched, so
 * that the endpoint need not wait for the keyring. */
#define STOCK 256

static int64_t
mono_ms(const struct mpsc_sweep *sweep)
{
    struct mpsc_time now;

    sweep->means->clock(&now);
    return now.mono_ms;
}

static int64_t
smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long something may take that begins now. */
static int64_t
share_ms(const struct mpsc_sweep *sweep, int64_t now_ms)
{
    int64_t left = sweep->deadline_ms - now_ms;

    return left > 0 ? smaller(left, sweep->item_ms) : 0;
}

static int
has_session(const struct mpsc_sweep *sweep)
{
    return sweep->phase != MPSC_SWEEP_NO_SESSION &&
           sweep->phase != MPSC_SWEEP_ENDING;
}

static unsigned
count_stage(const struct mpsc_sweep *sweep, enum mpsc_sweep_stage stage)
{
    unsigned count = 0;

    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        count += sweep->slots[i].stage == stage;
    }
    return count;
}

/* --- slots ----------------------------------------------------------------
 */

static void
slot_free(struct mpsc_sweep_slot *slot)
{
    mpsc_record_free(&slot->record);
    memset(slot, 0, sizeof(*slot));
}

/* The slot's result is known: what is left is its lock. */
static void
let_go(struct mpsc_sweep *sweep, struct mpsc_sweep_slot *slot)
{
    mpsc_record_free(&slot->record);
    sweep->stirred = 1;
    if (slot->stage == MPSC_SWEEP_ASKED) {
        slot->stage = MPSC_SWEEP_UNWANTED;
    } else if (slot->locked && has_session(sweep)) {
        slot->stage = MPSC_SWEEP_RELEASED;
        slot->released = 0;
    } else {
        slot_free(slot);
    }
}

static void
tell_failure(struct mpsc_sweep *sweep, const char *business_id,
             const struct mps_error *why)
{
    struct mps_error error = *why;

    mpsc_error_subject(&error, business_id,
                       sweep->means->configuration->base_url);
    sweep->events->failed(sweep->arg, business_id, &error);
}

/* A business that never gets a result otherwise. */
static void
slot_fail(struct mpsc_sweep *sweep, struct mpsc_sweep_slot *slot,
          const struct mps_error *why)
{
    tell_failure(sweep, slot->business_id, why);
    let_go(sweep, slot);
}

/* --- the end of fetching --------------------------------------------------
 */

static void
end_session(struct mpsc_sweep *sweep)
{
    if (!has_session(sweep)) {
        return;
    }
    sweep->means->keyring->finish(sweep->session);
    sweep->phase = MPSC_SWEEP_ENDING;
    sweep->keyring_due_ms = sweep->helper_end_ms;
}

/* True where the slot has no result, nor is it on its way. */
static int
is_waiting(const struct mpsc_sweep_slot *slot)
{
    return slot->stage == MPSC_SWEEP_UNCLAIMED ||
           slot->stage == MPSC_SWEEP_ASKED ||
           slot->stage == MPSC_SWEEP_READY || slot->released;
}

/* Nothing is fetched any more: whatever isn't under way has its result. */
static void
stop(struct mpsc_sweep *sweep, const struct mps_error *why)
{
    struct mpsc_sweep_want wants[64];
    const size_t max = sizeof(wants) / sizeof(wants[0]);
    size_t count;

    if (sweep->stopped.code != MPS_OK) {
        return;
    }
    sweep->stopped = *why;
    sweep->stirred = 1;
    sweep->exhausted = sweep->exhausted || sweep->load_only;
    if (sweep->phase == MPSC_SWEEP_LOADING) {
        end_session(sweep);
    }
    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        struct mpsc_sweep_slot *slot = &sweep->slots[i];

        if (is_waiting(slot)) {
            slot_fail(sweep, slot, why);
        }
    }
    while (!sweep->exhausted) {
        count = sweep->events->missing(sweep->arg, wants, max);
        sweep->exhausted = count < max;
        for (size_t i = 0; i < count; i++) {
            tell_failure(sweep, wants[i].business_id, why);
        }
    }
}

static void
stop_by(struct mpsc_sweep *sweep, int code, const char *text)
{
    struct mps_error why;

    mpsc_error_set(&why, code, "%s", text);
    stop(sweep, &why);
}

/* The deadline of the whole has passed. A fetch that others wait for as well
 * goes on without us. */
static void
expire(struct mpsc_sweep *sweep)
{
    struct mps_error why;

    sweep->expired = 1;
    stop_by(sweep, MPS_E_TIMEOUT, "the deadline passed");
    mpsc_error_set(&why, MPS_E_TIMEOUT, "no answer within the deadline");
    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        struct mpsc_sweep_slot *slot = &sweep->slots[i];

        if (slot->stage == MPSC_SWEEP_FLYING) {
            sweep->flying--;
            slot_fail(sweep, slot, &why);
        }
    }
}

/* --- the keyring's part ---------------------------------------------------
 */

/* The session's locks are gone, and what it was to store is lost. */
static void
forget_session(struct mpsc_sweep *sweep)
{
    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        struct mpsc_sweep_slot *slot = &sweep->slots[i];

        slot->locked = 0;
        if (is_waiting(slot)) {
            slot->stage = MPSC_SWEEP_READY;
            slot->released = 0;
        } else if (slot->stage != MPSC_SWEEP_FLYING) {
            slot_free(slot);
        }
    }
}

/* The keyring can't be used, or no more: on without it, or not at all. */
static void
without_keyring(struct mpsc_sweep *sweep, enum mpsc_keyring_state state)
{
    struct mps_error why;

    end_session(sweep);
    forget_session(sweep);
    /* As in a fetch, another's lock is no reason to go without a token. */
    if (sweep->means->configuration->keyring == MPSC_KEYRING_REQUIRED &&
        state != MPSC_KEYRING_BUSY && !sweep->load_only) {
        mpsc_fetch_keyring_error(&why, &sweep->place, state);
        stop(sweep, &why);
    }
}

static void
loaded(struct mpsc_sweep *sweep, enum mpsc_keyring_state state)
{
    sweep->phase = state == MPSC_KEYRING_OK ? MPSC_SWEEP_IDLE : sweep->phase;
    sweep->events->keyring(sweep->arg, state);
    sweep->events->loaded(sweep->arg, state);
    if (state != MPSC_KEYRING_OK) {
        without_keyring(sweep, state);
    }
}

static void
open_keyring(struct mpsc_sweep *sweep)
{
    const struct mpsc_configuration *options = sweep->means->configuration;
    enum mpsc_keyring_state state = sweep->keyring_hint;
    int64_t now_ms = mono_ms(sweep);
    int64_t share = share_ms(sweep, now_ms);
    struct mpsc_keyring_query query = {
        .helper = sweep->means->helper,
        .bus = sweep->place.bus,
        .runtime_dir = sweep->place.runtime_dir,
        .endpoint = options->base_url,
        .solution_id = options->solution_id,
        .epoch = sweep->epoch,
    };

    /* As in a fetch: most of the time is the endpoint's. */
    query.keyring_deadline_ms =
        (unsigned)smaller(options->keyring_deadline_ms, share / 4 + 1);
    query.flight_ms =
        (unsigned)smaller(sweep->deadline_ms - now_ms, SESSION_MS);
    sweep->hurried = share < options->deadline_ms / 2;
    if (state == MPSC_KEYRING_OK) {
        sweep->session = sweep->means->keyring->open(&query, &state);
    }
    if (sweep->session == NULL) {
        loaded(sweep, state);
        return;
    }
    sweep->phase = MPSC_SWEEP_LOADING;
    sweep->helper_end_ms = now_ms + query.flight_ms +
                           2 * (int64_t)query.keyring_deadline_ms +
                           ENDING_SLACK_MS;
    sweep->keyring_due_ms =
        now_ms + smaller((int64_t)query.keyring_deadline_ms + KEYRING_SLACK_MS,
                         share - share / 4);
}

/* The keyring has so many times its deadline from now on. */
static void
allow_keyring(struct mpsc_sweep *sweep, size_t shares)
{
    const struct mpsc_configuration *options = sweep->means->configuration;

    sweep->keyring_due_ms =
        mono_ms(sweep) +
        (int64_t)options->keyring_deadline_ms * (int64_t)shares +
        KEYRING_SLACK_MS;
}

/* The session ended, or took too long, whatever it was at. */
static void
broken(struct mpsc_sweep *sweep, enum mpsc_keyring_state state)
{
    if (sweep->phase == MPSC_SWEEP_LOADING) {
        loaded(sweep, state);
    } else if (has_session(sweep)) {
        sweep->events->keyring(sweep->arg, state);
        without_keyring(sweep, state);
    }
}

/* The answer to the claim of the next slot. */
static void
claimed(struct mpsc_sweep *sweep, const char *business_id, int found)
{
    struct mpsc_sweep_slot *slot = sweep->claims[sweep->claims_told++];
    int64_t now_ms = mono_ms(sweep);

    if (strcmp(slot->business_id, business_id) != 0) {
        broken(sweep, MPSC_KEYRING_BAD_HELPER);
        return;
    }
    if (sweep->claims_told == sweep->claim_count) {
        sweep->phase = MPSC_SWEEP_IDLE;
    }
    slot->locked = found;
    if (slot->stage == MPSC_SWEEP_UNWANTED) {
        slot->stage = MPSC_SWEEP_RELEASED;
        if (!found) {
            slot_free(slot);
        }
    } else if (found) {
        slot->stage = MPSC_SWEEP_READY;
        slot->retry_ms = 0;
    } else {
        slot->stage = MPSC_SWEEP_UNCLAIMED;
        slot->retry_ms = now_ms + RETRY_MS;
        if (slot->until_ms == 0) {
            slot->until_ms = now_ms + share_ms(sweep, now_ms) / 2;
            slot->deadline_ms = now_ms + share_ms(sweep, now_ms);
        }
    }
}

static void
changed(struct mpsc_sweep *sweep, enum mpsc_keyring_state state)
{
    /* The helper gives up then; and each further batch would cost its time.
     */
    if (state == MPSC_KEYRING_SILENT || state == MPSC_KEYRING_BUSY) {
        broken(sweep, state);
        return;
    }
    sweep->changes_due--;
    if (sweep->changes_due == 0) {
        sweep->phase = MPSC_SWEEP_IDLE;
    }
    sweep->events->keyring(sweep->arg, state);
}

static void
close_session(struct mpsc_sweep *sweep)
{
    sweep->means->keyring->close(&sweep->session);
    sweep->phase = MPSC_SWEEP_NO_SESSION;
    sweep->stirred = 1;
}

/* What the session tells. False where it has nothing more to tell now. */
static int
hear(struct mpsc_sweep *sweep)
{
    struct mpsc_keyring_event event;

    switch (sweep->means->keyring->step(sweep->session, &event)) {
    case MPSC_KEYRING_PENDING:
        return 0;
    case MPSC_KEYRING_RECORD:
        if (sweep->phase == MPSC_SWEEP_LOADING ||
            sweep->phase == MPSC_SWEEP_CLAIMING) {
            allow_keyring(sweep, 1);
            sweep->events->record(sweep->arg, event.business_id,
                                  &event.record);
        }
        mpsc_record_free(&event.record);
        break;
    case MPSC_KEYRING_LOADED:
        if (sweep->phase == MPSC_SWEEP_LOADING) {
            loaded(sweep, event.state);
        }
        break;
    case MPSC_KEYRING_CLAIMED:
        if (sweep->phase == MPSC_SWEEP_CLAIMING) {
            allow_keyring(sweep, 1);
            claimed(sweep, event.business_id, event.found);
        }
        break;
    case MPSC_KEYRING_CHANGED:
        if (sweep->phase == MPSC_SWEEP_CHANGING) {
            changed(sweep, event.state);
        }
        break;
    case MPSC_KEYRING_ENDED:
        broken(sweep, MPSC_KEYRING_BAD_HELPER);
        close_session(sweep);
        return 0;
    }
    sweep->stirred = 1;
    return 1;
}

static void
step_keyring(struct mpsc_sweep *sweep)
{
    while (hear(sweep)) {
    }
    if (sweep->session == NULL || sweep->phase == MPSC_SWEEP_IDLE ||
        mono_ms(sweep) < sweep->keyring_due_ms) {
        return;
    }
    if (sweep->phase == MPSC_SWEEP_ENDING) {
        close_session(sweep);
    } else {
        broken(sweep, MPSC_KEYRING_SILENT);
    }
}

/* --- claims and batches ---------------------------------------------------
 */

/* Asks for the locks of all that are due; of a few, while the endpoint has
 * nothing to do: a thousand take their time. */
static void
claim(struct mpsc_sweep *sweep)
{
    const char *ids[MPSC_SWEEP_SLOTS];
    int64_t now_ms = mono_ms(sweep);
    int idle = sweep->flying + count_stage(sweep, MPSC_SWEEP_READY) == 0;
    unsigned most = idle ? 2 * MPSC_SWEEP_WINDOW : MPSC_SWEEP_SLOTS;

    sweep->claim_count = 0;
    sweep->claims_told = 0;
    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS && sweep->claim_count < most;
         i++) {
        struct mpsc_sweep_slot *slot = &sweep->slots[i];

        if (slot->stage == MPSC_SWEEP_UNCLAIMED && slot->retry_ms <= now_ms) {
            ids[sweep->claim_count] = slot->business_id;
            sweep->claims[sweep->claim_count++] = slot;
        }
    }
    if (sweep->claim_count == 0) {
        return;
    }
    for (unsigned i = 0; i < sweep->claim_count; i++) {
        sweep->claims[i]->stage = MPSC_SWEEP_ASKED;
    }
    sweep->phase = MPSC_SWEEP_CLAIMING;
    allow_keyring(sweep, 1);
    if (sweep->means->keyring->claim(sweep->session, ids,
                                     sweep->claim_count) != 0) {
        broken(sweep, MPSC_KEYRING_BAD_HELPER);
    }
}

/* True where every business has its result. */
static int
has_all_results(const struct mpsc_sweep *sweep)
{
    if (!sweep->exhausted || sweep->flying > 0) {
        return 0;
    }
    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        if (is_waiting(&sweep->slots[i])) {
            return 0;
        }
    }
    return 1;
}

/* True where the slot's record is still to come, as far as is known. */
static int
is_coming(const struct mpsc_sweep_slot *slot)
{
    return slot->stage == MPSC_SWEEP_FLYING || is_waiting(slot);
}

/* True where all records that wait are to be stored now, whatever their pages
 * still lack: they are many, and more are to come; they are old; or nothing is
 * to come. */
static int
is_batch_due(const struct mpsc_sweep *sweep)
{
    int64_t old_ms = mono_ms(sweep) - BATCH_MS;
    unsigned coming = 0;
    unsigned kept = 0;
    int is_old = 0;

    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        const struct mpsc_sweep_slot *slot = &sweep->slots[i];

        coming += (unsigned)is_coming(slot);
        kept += slot->stage == MPSC_SWEEP_KEPT;
        is_old |= slot->stage == MPSC_SWEEP_KEPT && slot->kept_ms <= old_ms;
    }
    if (kept == 0 || is_old) {
        return kept > 0;
    }
    return has_all_results(sweep) ||
           (kept >= BATCH_COUNT &&
            (coming >= BATCH_COUNT || !sweep->exhausted));
}

/* Which pages lack a record that is still to come. The owner is asked for more
 * as long as there is room: where more of a page is to be named, there is no
 * room, or some of it is coming. */
static void
find_incomplete(const struct mpsc_sweep *sweep,
                char incomplete[MPSC_KEYRING_PAGES])
{
    memset(incomplete, 0, MPSC_KEYRING_PAGES);
    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        if (is_coming(&sweep->slots[i])) {
            incomplete[sweep->slots[i].page] = 1;
        }
    }
}

/* True where the session takes a batch. The last one is handed over behind
 * the one before, so that the caller need not wait for that. */
static int
takes_batch(const struct mpsc_sweep *sweep)
{
    return sweep->phase == MPSC_SWEEP_IDLE ||
           (sweep->phase == MPSC_SWEEP_CHANGING && sweep->changes_due == 1 &&
            has_all_results(sweep));
}

/* A slot's part of a batch; 0 where it has none now. */
static int
fill_change(const struct mpsc_sweep_slot *slot, int with_record, size_t *bytes,
            struct mpsc_keyring_change *change)
{
    const struct mpsc_secret *token = &slot->record.token;

    change->business_id = slot->business_id;
    change->what = MPSC_KEYRING_RELEASE;
    change->record = NULL;
    if (slot->stage == MPSC_SWEEP_RELEASED) {
        return 1;
    }
    if (slot->stage != MPSC_SWEEP_KEPT || !with_record) {
        return 0;
    }
    /* One that is too large for any batch isn't stored. */
    if (token->len <= BATCH_BYTES) {
        if (*bytes + token->len > BATCH_BYTES) {
            return 0;
        }
        *bytes += token->len;
        change->what = MPSC_KEYRING_STORE;
        change->record = &slot->record;
    }
    return 1;
}

/* Hands over a batch, where one is due: the locks that are to be given back
 * at once, and the records of each page for which it is worth it. */
static void
change(struct mpsc_sweep *sweep)
{
    struct mpsc_keyring_change changes[MPSC_SWEEP_SLOTS];
    struct mpsc_sweep_slot *named[MPSC_SWEEP_SLOTS];
    char incomplete[MPSC_KEYRING_PAGES];
    int all = is_batch_due(sweep);
    int64_t now_ms = mono_ms(sweep);
    int64_t due_ms;
    size_t count = 0;
    size_t bytes = 0;

    find_incomplete(sweep, incomplete);
    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        struct mpsc_sweep_slot *slot = &sweep->slots[i];

        if (fill_change(slot, all || !incomplete[slot->page], &bytes,
                        &changes[count])) {
            named[count++] = slot;
        }
    }
    if (count == 0) {
        return;
    }
    sweep->phase = MPSC_SWEEP_CHANGING;
    sweep->changes_due++;
    due_ms = sweep->keyring_due_ms;
    allow_keyring(
        sweep, sweep->changes_due * PAGE_SHARES *
                   (count < MPSC_KEYRING_PAGES ? count : MPSC_KEYRING_PAGES));
    /* Behind another batch it comes after that one's time. */
    if (sweep->changes_due > 1 && sweep->keyring_due_ms < due_ms) {
        sweep->keyring_due_ms = due_ms;
    }
    if (sweep->means->keyring->change(sweep->session, changes, count) != 0) {
        broken(sweep, MPSC_KEYRING_BAD_HELPER);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (named[i]->released) {
            named[i]->released = 0;
            named[i]->locked = 0;
            named[i]->stage = MPSC_SWEEP_UNCLAIMED;
            named[i]->retry_ms = now_ms + RETRY_MS;
        } else {
            slot_free(named[i]);
        }
    }
}

/* --- fetching -------------------------------------------------------------
 */

/* Takes the next businesses into free slots. */
static void
refill(struct mpsc_sweep *sweep)
{
    struct mpsc_sweep_want wants[MPSC_SWEEP_SLOTS];
    unsigned stock = count_stage(sweep, MPSC_SWEEP_READY) +
                     count_stage(sweep, MPSC_SWEEP_ASKED);
    unsigned room = count_stage(sweep, MPSC_SWEEP_FREE);
    struct mpsc_sweep_slot *slot = sweep->slots;
    size_t count;

    if (sweep->exhausted || stock >= STOCK || room == 0) {
        return;
    }
    count = sweep->events->missing(sweep->arg, wants, room);
    sweep->exhausted = count < room;
    for (size_t i = 0; i < count; i++) {
        while (slot->stage != MPSC_SWEEP_FREE) {
            slot++;
        }
        slot->stage =
            has_session(sweep) ? MPSC_SWEEP_UNCLAIMED : MPSC_SWEEP_READY;
        strncpy(slot->business_id, wants[i].business_id, MPS_BUSINESS_ID_MAX);
        slot->page = wants[i].page;
        slot->turn = ++sweep->turns;
    }
}

/* Ends the waiting of those that have waited long enough. */
static void
end_waiting(struct mpsc_sweep *sweep)
{
    int64_t now_ms = mono_ms(sweep);
    struct mps_error why;

    mpsc_error_set(&why, MPS_E_TIMEOUT,
                   "not asked: its deadline passed before its turn came");
    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        struct mpsc_sweep_slot *slot = &sweep->slots[i];

        if (!is_waiting(slot) || slot->deadline_ms == 0) {
            continue;
        }
        if (now_ms >= slot->deadline_ms) {
            slot_fail(sweep, slot, &why);
        } else if (slot->stage == MPSC_SWEEP_UNCLAIMED &&
                   now_ms >= slot->until_ms) {
            slot->stage = MPSC_SWEEP_READY;
            slot->retry_ms = 0;
        }
    }
}

/* Not now: in a moment, but not for longer than its time. */
static void
put_off(struct mpsc_sweep *sweep, struct mpsc_sweep_slot *slot, int give_lock)
{
    int64_t now_ms = mono_ms(sweep);

    slot->retry_ms = now_ms + RETRY_MS;
    if (slot->deadline_ms == 0) {
        slot->until_ms = now_ms + share_ms(sweep, now_ms) / 2;
        slot->deadline_ms = now_ms + share_ms(sweep, now_ms);
    }
    if (give_lock && slot->locked) {
        slot->stage = MPSC_SWEEP_RELEASED;
        slot->released = 1;
    }
}

static void
launch_slot(struct mpsc_sweep *sweep, struct mpsc_sweep_slot *slot)
{
    int64_t now_ms = mono_ms(sweep);
    int64_t deadline_ms = slot->deadline_ms != 0
                              ? slot->deadline_ms
                              : now_ms + share_ms(sweep, now_ms);

    switch (sweep->events->launch(sweep->arg, sweep->loop, slot->business_id,
                                  deadline_ms)) {
    case MPSC_SWEEP_LAUNCHED:
        slot->stage = MPSC_SWEEP_FLYING;
        sweep->flying++;
        break;
    case MPSC_SWEEP_DONE:
        let_go(sweep, slot);
        break;
    case MPSC_SWEEP_LATER:
        put_off(sweep, slot, 0);
        break;
    case MPSC_SWEEP_BUSY:
        put_off(sweep, slot, 1);
        break;
    }
}

/* The one that is to be fetched next, or NULL. */
static struct mpsc_sweep_slot *
find_ready(struct mpsc_sweep *sweep, int64_t now_ms)
{
    struct mpsc_sweep_slot *first = NULL;

    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        struct mpsc_sweep_slot *slot = &sweep->slots[i];

        if (slot->stage == MPSC_SWEEP_READY && slot->retry_ms <= now_ms &&
            (first == NULL || slot->turn < first->turn)) {
            first = slot;
        }
    }
    return first;
}

static void
launch(struct mpsc_sweep *sweep)
{
    int64_t now_ms = mono_ms(sweep);
    struct mpsc_sweep_slot *slot = NULL;

    while (sweep->flying < MPSC_SWEEP_WINDOW &&
           (slot = find_ready(sweep, now_ms)) != NULL) {
        launch_slot(sweep, slot);
    }
}

/* The slot of a fetch under way, or NULL. */
static struct mpsc_sweep_slot *
find_flying(struct mpsc_sweep *sweep, const char *business_id)
{
    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        struct mpsc_sweep_slot *slot = &sweep->slots[i];

        if (slot->stage == MPSC_SWEEP_FLYING &&
            strcmp(slot->business_id, business_id) == 0) {
            return slot;
        }
    }
    return NULL;
}

void
mpsc_sweep_token(struct mpsc_sweep *sweep, const char *business_id,
                 const struct mpsc_record *record)
{
    struct mpsc_sweep_slot *slot = find_flying(sweep, business_id);
    struct mpsc_secret token = MPSC_SECRET_EMPTY;

    /* Without memory it isn't stored. */
    if (slot == NULL || !slot->locked ||
        mpsc_secret_set(&token, record->token.data, record->token.len) != 0) {
        return;
    }
    mpsc_record_free(&slot->record);
    slot->record = *record;
    slot->record.token = token;
}

void
mpsc_sweep_landed(struct mpsc_sweep *sweep, const char *business_id,
                  const struct mps_error *error)
{
    struct mpsc_sweep_slot *slot = find_flying(sweep, business_id);
    int code = error != NULL ? error->code : MPS_OK;

    if (slot == NULL) {
        return;
    }
    sweep->flying--;
    sweep->stirred = 1;
    if (code == MPS_OK && slot->record.token.len > 0) {
        slot->stage = MPSC_SWEEP_KEPT;
        slot->kept_ms = mono_ms(sweep);
    } else if (code == MPS_E_AGAIN && sweep->stopped.code == MPS_OK) {
        slot->stage = MPSC_SWEEP_READY;
        put_off(sweep, slot, 0);
    } else if (code == MPS_E_AGAIN) {
        slot_fail(sweep, slot, &sweep->stopped);
    } else {
        let_go(sweep, slot);
    }
    if (code == MPS_E_RATE_LIMITED || code == MPS_E_AUTH ||
        code == MPS_E_CONFIG) {
        struct mps_error why = *error;

        mpsc_error_message(&why,
                           "not asked, since another business's "
                           "request failed: %s",
                           mpsc_error_string(code));
        stop(sweep, &why);
    }
}

/* --- the task -------------------------------------------------------------
 */

static struct mpsc_sweep *
sweep_of(struct mpsc_task *task)
{
    return (struct mpsc_sweep *)task;
}

static const struct mpsc_sweep *
const_sweep_of(const struct mpsc_task *task)
{
    return (const struct mpsc_sweep *)task;
}

static void
sweep_begin(struct mpsc_task *task, struct mpsc_loop *loop,
            struct mpsc_http *http)
{
    struct mpsc_sweep *sweep = sweep_of(task);

    (void)http;
    sweep->loop = loop;
    sweep->exhausted = sweep->exhausted || sweep->load_only;
    if (mono_ms(sweep) >= sweep->deadline_ms) {
        expire(sweep);
    } else if (sweep->means->configuration->keyring != MPSC_KEYRING_OFF) {
        open_keyring(sweep);
    }
}

static void
make_known(struct mpsc_sweep *sweep)
{
    sweep->known = 1;
    sweep->events->known(sweep->arg);
}

/* Everything has its result, and the helper all that it is to store, unless
 * that would take too long for the caller. */
static int
is_complete(const struct mpsc_sweep *sweep)
{
    if (sweep->phase == MPSC_SWEEP_LOADING || !has_all_results(sweep)) {
        return 0;
    }
    return sweep->expired ||
           (count_stage(sweep, MPSC_SWEEP_KEPT) == 0 &&
            (sweep->phase != MPSC_SWEEP_CHANGING ||
             !sweep->means->keyring->unsent(sweep->session)));
}

/* Does what there is to do. */
static void
act(struct mpsc_sweep *sweep)
{
    sweep->stirred = 0;
    if (!sweep->expired && mono_ms(sweep) >= sweep->deadline_ms) {
        expire(sweep);
    }
    if (sweep->phase != MPSC_SWEEP_LOADING) {
        refill(sweep);
        end_waiting(sweep);
        launch(sweep);
        if (sweep->phase == MPSC_SWEEP_IDLE) {
            claim(sweep);
        }
        if (takes_batch(sweep)) {
            change(sweep);
        }
    }
    if (!sweep->known && is_complete(sweep)) {
        make_known(sweep);
    }
    if (sweep->known && sweep->phase == MPSC_SWEEP_IDLE &&
        count_stage(sweep, MPSC_SWEEP_KEPT) == 0) {
        end_session(sweep);
    }
    sweep->sending = sweep->phase == MPSC_SWEEP_CHANGING &&
                     sweep->means->keyring->unsent(sweep->session);
}

/* When a slot wants a step, as far as it depends on the time alone. */
static int64_t
slot_due(const struct mpsc_sweep *sweep, const struct mpsc_sweep_slot *slot)
{
    int idle = sweep->phase == MPSC_SWEEP_IDLE;
    int64_t due = INT64_MAX;

    switch (slot->stage) {
    case MPSC_SWEEP_UNCLAIMED:
        due = idle ? slot->retry_ms : INT64_MAX;
        due = slot->until_ms != 0 ? smaller(due, slot->until_ms) : due;
        break;
    case MPSC_SWEEP_READY:
        /* Else it is the next that lands who makes room. */
        due = sweep->flying < MPSC_SWEEP_WINDOW ? slot->retry_ms : INT64_MAX;
        due = slot->deadline_ms != 0 ? smaller(due, slot->deadline_ms) : due;
        break;
    case MPSC_SWEEP_ASKED:
        due = slot->deadline_ms != 0 ? slot->deadline_ms : INT64_MAX;
        break;
    case MPSC_SWEEP_KEPT:
        due = idle ? slot->kept_ms + BATCH_MS : INT64_MAX;
        break;
    case MPSC_SWEEP_FREE:
    case MPSC_SWEEP_UNWANTED:
    case MPSC_SWEEP_FLYING:
    case MPSC_SWEEP_RELEASED:
        break;
    }
    return due;
}

/* When there is something to do by the time alone. */
static int64_t
find_due(const struct mpsc_sweep *sweep)
{
    int64_t due = INT64_MAX;

    if (!sweep->expired && !sweep->known) {
        due = sweep->deadline_ms;
    }
    if (sweep->session != NULL && sweep->phase != MPSC_SWEEP_IDLE) {
        due = smaller(due, sweep->keyring_due_ms);
    }
    for (unsigned i = 0; i < MPSC_SWEEP_SLOTS; i++) {
        due = smaller(due, slot_due(sweep, &sweep->slots[i]));
    }
    return due;
}

/* Most turns of the loop are for others: a look at all slots is only worth it
 * where something has happened. */
static int
sweep_step(struct mpsc_task *task)
{
    struct mpsc_sweep *sweep = sweep_of(task);

    if (sweep->session != NULL) {
        step_keyring(sweep);
    }
    if (sweep->stirred || sweep->sending || mono_ms(sweep) >= sweep->due_ms) {
        act(sweep);
        sweep->due_ms = find_due(sweep);
    }
    return sweep->known && sweep->session == NULL;
}

static int
sweep_watch(const struct mpsc_task *task, struct mpsc_http_watch *watch)
{
    const struct mpsc_sweep *sweep = const_sweep_of(task);

    if (sweep->session == NULL) {
        return 0;
    }
    watch->fd = sweep->means->keyring->fd(sweep->session);
    watch->events = POLLIN;
    watch->revents = 0;
    return watch->fd >= 0;
}

static int64_t
sweep_due(const struct mpsc_task *task)
{
    const struct mpsc_sweep *sweep = const_sweep_of(task);

    return sweep->stirred ? 0 : sweep->due_ms;
}

static int
sweep_is_known(const struct mpsc_task *task)
{
    return const_sweep_of(task)->known;
}

static int
sweep_is_settled(const struct mpsc_task *task)
{
    const struct mpsc_sweep *sweep = const_sweep_of(task);

    return sweep->known &&
           (!has_session(sweep) || mono_ms(sweep) >= sweep->deadline_ms);
}

static void
sweep_give_up(struct mpsc_task *task, int code, const char *why)
{
    struct mpsc_sweep *sweep = sweep_of(task);

    stop_by(sweep, code, why);
    /* One that was never begun is not stepped. */
    if (sweep->loop == NULL && !sweep->known) {
        make_known(sweep);
    }
}

static void
sweep_drop(struct mpsc_task *task)
{
    struct mpsc_sweep *sweep = sweep_of(task);

    if (sweep->session == NULL) {
        return;
    }
    end_session(sweep);
    forget_session(sweep);
    close_session(sweep);
}

static void
sweep_over(struct mpsc_task *task)
{
    struct mpsc_sweep *sweep = sweep_of(task);

    sweep->events->over(sweep->arg);
}

const struct mpsc_task_ops mpsc_sweep_ops = {
    .begin = sweep_begin,
    .step = sweep_step,
    .watch = sweep_watch,
    .due = sweep_due,
    .is_known = sweep_is_known,
    .is_settled = sweep_is_settled,
    .give_up = sweep_give_up,
    .drop = sweep_drop,
    .over = sweep_over,
};
