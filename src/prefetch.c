/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "prefetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "exiting.h"
#include "get.h"
#include "graph_request.h"
#include "sweep.h"

#define NO_RESULT (-1)

struct item {
    const char *business_id; /* the caller's */
    int code;                /* NO_RESULT; of equal ones the first's counts */
    unsigned page;           /* of the keyring; 0 where that isn't asked */
};

/*
 * A sweep and what it is for: the items of a prefetch, or all that the keyring
 * has. The caller waits for it, or runs it; it outlives the call where the
 * helper takes its time to end, or others wait for one of its flights.
 */
struct mpsc_prefetch {
    struct mpsc_sweep sweep;  /* the runner's */
    struct mpsc_call call;    /* likewise; its profile and holdings are
                               * references of the sweep's */
    struct mps_error scratch; /* the call's error */
    uint64_t generation;      /* of the keyring, before it was read */
    int ahead;                /* nobody waits for the load */
    unsigned flying;
    int probing; /* the one that flies finds out whether the
                  * endpoint, which has failed, answers again */
    size_t next; /* the first in `order` that missing() has not looked at */

    /* Guarded by the hub's lock. */
    unsigned references;
    pthread_cond_t news; /* CLOCK_MONOTONIC */
    int known;
    struct item *items;        /* sorted; NULL once the call has ended */
    const struct item **order; /* page by page */
    size_t count;
    size_t *results; /* the items that have one, in the order of their coming;
                      * of equal ones the first */
    size_t result_count;
    int worst;
    struct mps_error error; /* of the worst one */
};

/* --- its life -------------------------------------------------------------
 */

static struct mpsc_hub *
hub_of(const struct mpsc_prefetch *prefetch)
{
    return &prefetch->call.provider->hub;
}

static void
lock(const struct mpsc_prefetch *prefetch)
{
    pthread_mutex_lock(&hub_of(prefetch)->lock);
}

static void
unlock(const struct mpsc_prefetch *prefetch)
{
    pthread_mutex_unlock(&hub_of(prefetch)->lock);
}

/* Drops a reference. */
static void
release(struct mpsc_prefetch *prefetch)
{
    struct mpsc_hub *hub = hub_of(prefetch);

    pthread_mutex_lock(&hub->lock);
    if (--prefetch->references == 0) {
        mpsc_place_free(&prefetch->sweep.place);
        mpsc_holdings_release(&prefetch->call.holdings);
        mpsc_profile_release_unlocked(&prefetch->call.profile);
        pthread_cond_destroy(&prefetch->news);
        free(prefetch);
    }
    pthread_mutex_unlock(&hub->lock);
}

static int
init_news(struct mpsc_prefetch *prefetch)
{
    pthread_condattr_t attributes;
    int failed;

    if (pthread_condattr_init(&attributes) != 0) {
        return -1;
    }
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed = pthread_cond_init(&prefetch->news, &attributes);
    pthread_condattr_destroy(&attributes);
    return failed ? -1 : 0;
}

/* --- results --------------------------------------------------------------
 */

static int
compare(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->business_id,
                  ((const struct item *)b)->business_id);
}

/* Of two elements of the order. */
static int
compare_pages(const void *a, const void *b)
{
    unsigned left = (*(const struct item *const *)a)->page;
    unsigned right = (*(const struct item *const *)b)->page;

    return (left > right) - (left < right);
}

/* True where an item before it is for the same business. */
static int
is_repeated(const struct mpsc_prefetch *prefetch, size_t index)
{
    return index > 0 &&
           compare(&prefetch->items[index - 1], &prefetch->items[index]) == 0;
}

/* The first item of a business, or NULL. Called with the lock. */
static struct item *
find_unlocked(const struct mpsc_prefetch *prefetch, const char *business_id)
{
    const struct item key = {business_id, 0, 0};
    struct item *found = prefetch->items == NULL
                             ? NULL
                             : bsearch(&key, prefetch->items, prefetch->count,
                                       sizeof(key), compare);

    while (found != NULL &&
           is_repeated(prefetch, (size_t)(found - prefetch->items))) {
        found--;
    }
    return found;
}

static void
judge(const struct mps_error *error, int *worst, struct mps_error *worst_error)
{
    if (mpsc_error_severity(error->code) > mpsc_error_severity(*worst)) {
        *worst = error->code;
        *worst_error = *error;
    }
}

/* An item has its result; error NULL = MPS_OK. Called with the lock. */
static void
note_unlocked(struct mpsc_prefetch *prefetch, struct item *item,
              const struct mps_error *error)
{
    item->code = MPS_OK;
    if (error != NULL) {
        item->code = error->code;
        judge(error, &prefetch->worst, &prefetch->error);
    }
    prefetch->results[prefetch->result_count++] =
        (size_t)(item - prefetch->items);
    pthread_cond_broadcast(&prefetch->news);
}

/* Whether memory has the result, see mpsc_get_from_memory_unlocked(). Called
 * with the lock. */
static int
note_memory_unlocked(struct mpsc_prefetch *prefetch, struct item *item,
                     struct mpsc_entry *entry, int at_worst)
{
    int code = mpsc_get_from_memory_unlocked(&prefetch->call, entry, at_worst);

    if (code >= MPS_OK) {
        note_unlocked(prefetch, item,
                      code != MPS_OK ? &prefetch->scratch : NULL);
    }
    return code >= MPS_OK;
}

/* The item's entry, or NULL and its result. Called with the lock. */
static struct mpsc_entry *
entry_unlocked(struct mpsc_prefetch *prefetch, struct item *item)
{
    struct mpsc_entry *entry =
        mpsc_cache_entry(prefetch->call.holdings->cache, item->business_id);

    if (entry == NULL) {
        mpsc_error_set(&prefetch->scratch, MPS_E_NO_MEMORY, "out of memory");
        note_unlocked(prefetch, item, &prefetch->scratch);
    }
    return entry;
}

/* --- what the sweep tells and asks ----------------------------------------
 */

static void
on_keyring(void *arg, enum mpsc_keyring_state state)
{
    struct mpsc_prefetch *prefetch = arg;
    const struct mpsc_sweep *sweep = &prefetch->sweep;
    char digest[MPSC_DIGEST_HEX_SIZE];
    const struct mpsc_standing standing = {
        .hub = hub_of(prefetch),
        .profile = prefetch->call.profile,
        .holdings = prefetch->call.holdings,
        .runtime_dir = sweep->place.runtime_dir,
        .partner_digest = digest,
    };

    if (!mpsc_flight_tells_keyring(state, sweep->hurried) ||
        !mpsc_standing_keyring_is_news(standing.hub, standing.holdings,
                                       state)) {
        return;
    }
    mpsc_standing_digest(standing.hub, standing.profile, standing.holdings,
                         digest);
    mpsc_flight_met_keyring(&standing, &sweep->place, state,
                            sweep->keyring_hint == MPSC_KEYRING_OK);
}

static void
on_record(void *arg, const char *business_id, struct mpsc_record *record)
{
    struct mpsc_prefetch *prefetch = arg;
    struct mpsc_call *call = &prefetch->call;
    struct mpsc_flight *flight = NULL;
    struct mpsc_entry *entry;
    struct item *item;

    lock(prefetch);
    item = find_unlocked(prefetch, business_id);
    if (prefetch->sweep.load_only ||
        (item != NULL && item->code == NO_RESULT)) {
        entry = mpsc_cache_entry(call->holdings->cache, business_id);
        if (entry != NULL) {
            flight = mpsc_flight_new(hub_of(prefetch), call->profile,
                                     call->holdings, entry, MPSC_FETCH_TOKEN);
        }
    }
    if (flight != NULL) {
        mpsc_flight_join_unlocked(flight, &call->wish, 0);
    }
    unlock(prefetch);
    if (flight == NULL || !mpsc_flight_land(flight, record)) {
        return;
    }
    lock(prefetch);
    item = find_unlocked(prefetch, business_id);
    if (item != NULL && item->code == NO_RESULT) {
        note_unlocked(prefetch, item, NULL);
    }
    unlock(prefetch);
}

static void
on_loaded(void *arg, enum mpsc_keyring_state state)
{
    struct mpsc_prefetch *prefetch = arg;
    struct mpsc_holdings *holdings = prefetch->call.holdings;
    struct mpsc_time now;

    if (!prefetch->sweep.load_only) {
        return;
    }
    hub_of(prefetch)->clock(&now);
    lock(prefetch);
    /* Unless a purge came in between. What nobody waited for says nothing to
     * the calls that will. */
    if (holdings->epoch == prefetch->sweep.epoch &&
        (state == MPSC_KEYRING_OK || !prefetch->ahead)) {
        holdings->swept = state == MPSC_KEYRING_OK ? MPSC_HOLDINGS_SWEPT
                                                   : MPSC_HOLDINGS_TRIED;
        holdings->swept_ms = now.mono_ms;
        holdings->swept_generation = prefetch->generation;
        holdings->generation = prefetch->generation;
        holdings->keyring_finds = 0;
    }
    unlock(prefetch);
}

static size_t
on_missing(void *arg, struct mpsc_sweep_want *wants, size_t max)
{
    struct mpsc_prefetch *prefetch = arg;
    size_t count = 0;

    lock(prefetch);
    while (count < max && prefetch->next < prefetch->count) {
        const struct item *item = prefetch->order[prefetch->next++];

        if (!is_repeated(prefetch, (size_t)(item - prefetch->items)) &&
            item->code == NO_RESULT) {
            wants[count].business_id = item->business_id;
            wants[count++].page = item->page;
        }
    }
    unlock(prefetch);
    return count;
}

/* A result that only a failed fetch has: what is held may do all the same. */
static void
note_failure(struct mpsc_prefetch *prefetch, const char *business_id,
             const struct mps_error *error)
{
    struct item *item;
    struct mpsc_entry *entry;

    lock(prefetch);
    item = find_unlocked(prefetch, business_id);
    if (item != NULL && item->code == NO_RESULT) {
        entry = mpsc_cache_find(prefetch->call.holdings->cache, business_id);
        if (entry == NULL || !note_memory_unlocked(prefetch, item, entry, 1)) {
            note_unlocked(prefetch, item, error);
        }
    }
    unlock(prefetch);
}

static void
on_token(void *arg, const char *business_id, const struct mpsc_record *record)
{
    struct mpsc_prefetch *prefetch = arg;

    mpsc_sweep_token(&prefetch->sweep, business_id, record);
}

static void
on_landed(void *arg, const char *business_id, const struct mps_error *error)
{
    struct mpsc_prefetch *prefetch = arg;
    struct item *item;

    if (error == NULL) {
        lock(prefetch);
        item = find_unlocked(prefetch, business_id);
        if (item != NULL && item->code == NO_RESULT) {
            note_unlocked(prefetch, item, NULL);
        }
        unlock(prefetch);
    } else if (error->code != MPS_E_AGAIN) {
        note_failure(prefetch, business_id, error);
    }
    prefetch->flying--;
    prefetch->probing = 0;
    mpsc_sweep_landed(&prefetch->sweep, business_id, error);
    release(prefetch);
}

static const struct mpsc_flight_follower follower = {
    .token = on_token,
    .landed = on_landed,
};

/* Called with the lock. */
static enum mpsc_sweep_launch
launch_unlocked(struct mpsc_prefetch *prefetch, struct mpsc_loop *loop,
                struct item *item)
{
    struct mpsc_call *call = &prefetch->call;
    struct mpsc_entry *entry = entry_unlocked(prefetch, item);
    const struct mpsc_limit *why;
    int probes;

    if (entry == NULL || note_memory_unlocked(prefetch, item, entry, 0)) {
        return MPSC_SWEEP_DONE;
    }
    if (entry->flight != NULL) {
        if (entry->flight->fetch.task.background) {
            mpsc_io_promote(call->provider->io, &entry->flight->fetch.task);
        }
        return MPSC_SWEEP_BUSY;
    }
    probes = mpsc_call_verdict_unlocked(call, &why) == MPSC_LIMITS_PROBE;
    if (prefetch->probing || (probes && prefetch->flying > 0)) {
        return MPSC_SWEEP_LATER;
    }
    if (mpsc_call_add_unlocked(call, entry, loop, &follower, prefetch) != 0) {
        note_unlocked(prefetch, item, call->error);
        return MPSC_SWEEP_DONE;
    }
    prefetch->references++;
    prefetch->flying++;
    prefetch->probing = probes;
    return MPSC_SWEEP_LAUNCHED;
}

static enum mpsc_sweep_launch
on_launch(void *arg, struct mpsc_loop *loop, const char *business_id,
          int64_t deadline_ms)
{
    struct mpsc_prefetch *prefetch = arg;
    enum mpsc_sweep_launch launch = MPSC_SWEEP_DONE;
    struct item *item;

    prefetch->call.deadline_ms = deadline_ms;
    lock(prefetch);
    item = find_unlocked(prefetch, business_id);
    if (item != NULL && item->code == NO_RESULT) {
        launch = launch_unlocked(prefetch, loop, item);
    }
    unlock(prefetch);
    return launch;
}

static void
on_failed(void *arg, const char *business_id, const struct mps_error *error)
{
    note_failure(arg, business_id, error);
}

static void
on_known(void *arg)
{
    struct mpsc_prefetch *prefetch = arg;

    lock(prefetch);
    prefetch->known = 1;
    if (prefetch->call.holdings->loading == prefetch) {
        prefetch->call.holdings->loading = NULL;
    }
    pthread_cond_broadcast(&prefetch->news);
    unlock(prefetch);
}

static void
on_over(void *arg)
{
    release(arg);
}

static const struct mpsc_sweep_events sweep_events = {
    .keyring = on_keyring,
    .record = on_record,
    .loaded = on_loaded,
    .missing = on_missing,
    .launch = on_launch,
    .failed = on_failed,
    .known = on_known,
    .over = on_over,
};

/* One for a call, with a reference for the caller, whose sweep hasn't begun.
 * NULL without resources. */
static struct mpsc_prefetch *
new_prefetch(const struct mpsc_call *call)
{
    const struct mpsc_configuration *options = call->profile->configuration;
    struct mpsc_prefetch *prefetch = calloc(1, sizeof(*prefetch));
    struct mpsc_sweep *sweep;
    struct mpsc_time now;

    if (prefetch == NULL || init_news(prefetch) != 0) {
        free(prefetch);
        return NULL;
    }
    call->provider->hub.clock(&now);
    prefetch->references = 1;
    prefetch->call = *call;
    prefetch->call.error = &prefetch->scratch;
    sweep = &prefetch->sweep;
    sweep->task.ops = &mpsc_sweep_ops;
    sweep->means = &call->profile->means;
    sweep->events = &sweep_events;
    sweep->arg = prefetch;
    sweep->item_ms = call->request.deadline_ms != 0 ? call->request.deadline_ms
                                                    : options->deadline_ms;
    sweep->deadline_ms = INT64_MAX;
    lock(prefetch);
    (void)mpsc_profile_hold_unlocked(call->profile);
    (void)mpsc_holdings_hold(call->holdings);
    sweep->epoch = call->holdings->epoch;
    if (now.mono_ms < call->holdings->keyring_mute_until_ms) {
        sweep->keyring_hint = MPSC_KEYRING_SILENT;
    }
    /* Without memory the sweep goes without keyring. */
    (void)mpsc_place_copy(&sweep->place, &call->profile->place);
    unlock(prefetch);
    return prefetch;
}

/* --- the caller -----------------------------------------------------------
 */

/* Ends a sweep that can't be run. */
static void
refuse(struct mpsc_prefetch *prefetch, int code, const char *why)
{
    struct mpsc_task *task = &prefetch->sweep.task;

    task->ops->give_up(task, code, why);
    task->ops->over(task);
}

/* True where the runner's thread has the sweep. Else it has been refused, or
 * run here: `tick` as in io.h. */
static int
start(struct mpsc_prefetch *prefetch, mpsc_io_tick_fn *tick, void *arg)
{
    struct mpsc_provider *provider = prefetch->call.provider;
    int threads = prefetch->call.profile->configuration->threads;
    struct mpsc_task *task = &prefetch->sweep.task;
    struct mpsc_io *io = NULL;
    int submitted = 0;
    int stopping;

    lock(prefetch);
    prefetch->references++; /* the sweep's */
    stopping = provider->stopping || mpsc_exiting();
    if (!stopping) {
        io = mpsc_call_io_unlocked(&prefetch->call);
        submitted = threads && io != NULL && mpsc_io_submit(io, task) == 0;
    }
    unlock(prefetch);
    if (stopping) {
        refuse(prefetch, MPS_E_TIMEOUT, "the module is shut down");
    } else if (io == NULL) {
        refuse(prefetch, MPS_E_NO_MEMORY, "out of memory");
    } else if (!submitted && prefetch->ahead) {
        refuse(prefetch, MPS_E_NO_MEMORY, "no thread can be started");
    } else if (!submitted && mpsc_io_run(io, task, tick, arg) != 0) {
        refuse(prefetch, MPS_E_NO_MEMORY, "no connection can be had");
    }
    return submitted;
}

/* Who tells the host. */
struct teller {
    struct mpsc_prefetch *prefetch;
    mps_prefetch_fn *done; /* NULL = nobody wants to hear */
    void *arg;
    size_t told; /* results */
};

static void
tell(struct teller *teller)
{
    struct mpsc_prefetch *prefetch = teller->prefetch;

    lock(prefetch);
    while (teller->told < prefetch->result_count) {
        size_t index = prefetch->results[teller->told++];
        int code = prefetch->items[index].code;

        unlock(prefetch);
        do {
            if (teller->done != NULL) {
                teller->done(teller->arg, prefetch->items[index].business_id,
                             code);
            }
            index++;
        } while (index < prefetch->count && is_repeated(prefetch, index));
        lock(prefetch);
    }
    unlock(prefetch);
}

/* In the loop, where the caller runs it. */
static void
on_tick(void *arg)
{
    struct teller *teller = arg;
    struct mpsc_prefetch *prefetch = teller->prefetch;
    struct mpsc_task *task = &prefetch->sweep.task;
    int stopping;

    tell(teller);
    lock(prefetch);
    stopping = prefetch->call.provider->stopping;
    unlock(prefetch);
    if (stopping) {
        task->ops->give_up(task, MPS_E_TIMEOUT, "the module was shut down");
    }
}

/* Tells what comes until all is known. */
static void
await(struct teller *teller)
{
    struct mpsc_prefetch *prefetch = teller->prefetch;
    int known = 0;

    while (!known) {
        tell(teller);
        lock(prefetch);
        while (!prefetch->known && teller->told == prefetch->result_count) {
            pthread_cond_wait(&prefetch->news, &hub_of(prefetch)->lock);
        }
        known = prefetch->known && teller->told == prefetch->result_count;
        unlock(prefetch);
    }
}

/* Looks into memory for all items. True where that leaves none. */
static int
look_into_memory(struct mpsc_prefetch *prefetch)
{
    int left = 0;

    lock(prefetch);
    for (size_t i = 0; i < prefetch->count; i++) {
        struct item *item = &prefetch->items[i];
        struct mpsc_entry *entry;

        if (!is_repeated(prefetch, i)) {
            entry = entry_unlocked(prefetch, item);
            left += entry != NULL &&
                    !note_memory_unlocked(prefetch, item, entry, 0);
        }
    }
    unlock(prefetch);
    return left == 0;
}

/* What the host asked for, as far as it can be told without a profile. */
struct wanted {
    struct item *items;        /* the valid ones */
    size_t *results;           /* room for as many */
    const struct item **order; /* likewise */
    size_t count;
    mps_prefetch_fn *done;
    void *arg;
    int worst;
    struct mps_error *error; /* of that */
};

/* The keyring takes the longer the more pages a store is spread over, so it
 * gets the tokens page by page. */
static void
arrange(const struct mpsc_call *call, const struct wanted *wanted)
{
    int keyring = call->profile->configuration->keyring != MPSC_KEYRING_OFF;

    for (size_t i = 0; i < wanted->count; i++) {
        struct item *item = &wanted->items[i];

        item->page = keyring ? mpsc_keyring_page(item->business_id) : 0;
        wanted->order[i] = item;
    }
    if (keyring) {
        qsort(wanted->order, wanted->count, sizeof(*wanted->order),
              compare_pages);
    }
}

static void
run(struct mpsc_call *call, struct wanted *wanted)
{
    struct mpsc_prefetch *prefetch = new_prefetch(call);
    struct teller teller = {prefetch, wanted->done, wanted->arg, 0};

    if (prefetch == NULL) {
        mpsc_error_set(call->error, MPS_E_NO_MEMORY, "out of memory");
        return;
    }
    arrange(call, wanted);
    prefetch->items = wanted->items;
    prefetch->order = wanted->order;
    prefetch->results = wanted->results;
    prefetch->count = wanted->count;
    if (call->request.deadline_ms != 0) {
        prefetch->sweep.deadline_ms = call->deadline_ms;
    }
    if (!look_into_memory(prefetch) && start(prefetch, on_tick, &teller)) {
        await(&teller);
    }
    tell(&teller);
    lock(prefetch);
    judge(&prefetch->error, &wanted->worst, wanted->error);
    prefetch->items = NULL;
    prefetch->count = 0;
    unlock(prefetch);
    release(prefetch);
}

/* The result of each item that has none, where none could be fetched. */
static void
fail_all(struct wanted *wanted, const struct mps_error *error)
{
    judge(error, &wanted->worst, wanted->error);
    for (size_t i = 0; wanted->done != NULL && i < wanted->count; i++) {
        wanted->done(wanted->arg, wanted->items[i].business_id, error->code);
    }
}

/* Takes the valid items and answers the others. */
static void
sort_out(struct wanted *wanted, const char *const *business_ids, size_t count)
{
    struct mps_error invalid;

    mpsc_error_set(&invalid, MPS_E_INVALID,
                   "business_id must be 1 to %d decimal digits",
                   MPS_BUSINESS_ID_MAX);
    for (size_t i = 0; i < count; i++) {
        if (mpsc_request_business_id_ok(business_ids[i])) {
            wanted->items[wanted->count++] =
                (struct item){business_ids[i], NO_RESULT, 0};
            continue;
        }
        judge(&invalid, &wanted->worst, wanted->error);
        if (wanted->done != NULL) {
            wanted->done(wanted->arg, business_ids[i], MPS_E_INVALID);
        }
    }
    qsort(wanted->items, wanted->count, sizeof(*wanted->items), compare);
}

static void
prefetch_valid(struct mpsc_provider *provider,
               const struct mps_request *request,
               const struct mpsc_request_rules *rules, struct wanted *wanted)
{
    struct mps_error failure;
    struct mpsc_call call;
    int code;

    mpsc_error_clear(&failure);
    code = mpsc_call_begin(&call, provider, request, rules, &failure);
    if (code == MPS_OK) {
        mpsc_call_look(&call);
        run(&call, wanted);
    }
    if (failure.code != MPS_OK) {
        fail_all(wanted, &failure);
    }
    mpsc_call_end(&call);
}

int
mpsc_prefetch(struct mpsc_provider *provider,
              const struct mps_request *request,
              const char *const *business_ids, size_t count,
              mps_prefetch_fn *done, void *arg, struct mps_error *error)
{
    static const struct mpsc_request_rules rules = {MPS_FORCE_REFRESH, 0, 1};
    const struct mps_request defaults = {.size = sizeof(defaults)};
    struct wanted wanted = {.done = done, .arg = arg, .error = error};
    struct mps_request checked;
    int code;

    code = mpsc_request_check(request != NULL ? request : &defaults, &rules,
                              &checked, error);
    if (code != MPS_OK || count == 0) {
        return code;
    }
    if (business_ids == NULL) {
        return mpsc_error_set(error, MPS_E_INVALID, "business_ids is NULL");
    }
    wanted.items = calloc(count, sizeof(*wanted.items));
    wanted.results = calloc(count, sizeof(*wanted.results));
    wanted.order = calloc(count, sizeof(*wanted.order));
    if (wanted.items == NULL || wanted.results == NULL ||
        wanted.order == NULL) {
        wanted.worst = mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
        goto out;
    }
    sort_out(&wanted, business_ids, count);
    if (wanted.count > 0) {
        prefetch_valid(provider, &checked, &rules, &wanted);
    }
out:
    free(wanted.items);
    free(wanted.results);
    free(wanted.order);
    return wanted.worst;
}

/* --- a load alone ---------------------------------------------------------
 */

/* Waits until all is known, or until deadline_ms. Called with the lock. */
static void
await_load_unlocked(struct mpsc_prefetch *load, int64_t deadline_ms)
{
    const struct timespec until = {(time_t)(deadline_ms / 1000),
                                   (long)(deadline_ms % 1000) * 1000000L};

    while (!load->known &&
           pthread_cond_timedwait(&load->news, &hub_of(load)->lock, &until) !=
               ETIMEDOUT) {
    }
}

/* The load under way, with a reference, or NULL where `fresh` has become it.
 */
static struct mpsc_prefetch *
join_load(const struct mpsc_call *call, struct mpsc_prefetch *fresh)
{
    struct mpsc_prefetch *load;

    lock(fresh);
    load = call->holdings->loading;
    if (load != NULL) {
        load->references++;
    } else {
        call->holdings->loading = fresh;
    }
    unlock(fresh);
    return load;
}

/* Begins to read all, or joins who does; a reference, or NULL without memory.
 * ahead: for the calls to come, as long as one of them would be given. */
static struct mpsc_prefetch *
begin_load(const struct mpsc_call *call, int ahead)
{
    const struct mpsc_configuration *options = call->profile->configuration;
    struct mpsc_prefetch *fresh = new_prefetch(call);
    struct mpsc_prefetch *load;

    if (fresh == NULL) {
        return NULL;
    }
    fresh->sweep.load_only = 1;
    fresh->sweep.deadline_ms = call->patience_ms;
    fresh->ahead = ahead;
    if (ahead) {
        fresh->sweep.item_ms = options->deadline_ms;
        fresh->sweep.deadline_ms = call->now.mono_ms + options->deadline_ms;
    }
    fresh->call.wish = (struct mpsc_lifetime_wish){0, 0};
    (void)mpsc_generation_read(fresh->sweep.place.runtime_dir,
                               options->base_url, options->solution_id,
                               &fresh->generation);
    load = join_load(call, fresh);
    if (load != NULL) {
        release(fresh);
        return load;
    }
    (void)start(fresh, NULL, NULL);
    return fresh;
}

int
mpsc_prefetch_load(struct mpsc_call *call)
{
    struct mpsc_prefetch *load = begin_load(call, 0);
    int known;

    if (load == NULL) {
        return 0;
    }
    lock(load);
    await_load_unlocked(load, call->patience_ms);
    known = mpsc_call_keyring_known_unlocked(call);
    unlock(load);
    release(load);
    return known;
}

void
mpsc_prefetch_load_ahead(const struct mpsc_call *call)
{
    struct mpsc_prefetch *load = begin_load(call, 1);

    if (load != NULL) {
        release(load);
    }
}
