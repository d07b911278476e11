/* SPDX-License-Identifier: MIT */
/*
 * sweep: many businesses over one session with the keyring, as a task that
 * never blocks (see task.h).
 *
 *     load, claim --> launch fetches --> change (store, give locks back)
 *       ^   `--another process has it       |
 *       |         `--wait, then without lock|
 *       `-----------------------------------'
 *
 * The keyring is read once. Then the owner names the businesses that are
 * missing; each is claimed among the processes, fetched by a flight of the
 * owner's in the same loop, and what comes is stored in batches: a page of the
 * keyring once all that it is to get has come. A business that another process
 * fetches comes as a record when that one is done; after half of its time it
 * is fetched without the lock.
 *
 * "known" is the moment at which every business has its result and the helper
 * has been sent the last batch. One thread at a time runs a sweep; its events
 * come on that thread, without a lock.
 */
#ifndef MPSC_SWEEP_H
#define MPSC_SWEEP_H

#include "fetch.h"
#include "keyring_page.h"

/* As many fetches are under way at once. */
#define MPSC_SWEEP_WINDOW 32

/* As many businesses are claimed, under way or waiting for their store: no
 * more than the keyring port takes at once. */
#define MPSC_SWEEP_SLOTS 1024

/* What became of a launch. */
enum mpsc_sweep_launch {
    MPSC_SWEEP_LAUNCHED, /* mpsc_sweep_landed() follows */
    MPSC_SWEEP_DONE,     /* the business has its result by now */
    MPSC_SWEEP_LATER,    /* not now: it is asked for again in a moment */
    MPSC_SWEEP_BUSY      /* likewise, since another of this process fetches it,
                          * who needs the lock */
};

/* A business that is to be fetched. */
struct mpsc_sweep_want {
    const char *business_id;
    unsigned page; /* of keyring_page.h */
};

/* What the owner is told and asked; `arg` is the sweep's. */
struct mpsc_sweep_events {
    /* The keyring's state after each batch, or since it can't be used (any
     * more). */
    void (*keyring)(void *arg, enum mpsc_keyring_state state);

    /* The keyring has this record, whose token the owner may take. */
    void (*record)(void *arg, const char *business_id,
                   struct mpsc_record *record);

    /* With MPSC_KEYRING_OK: each record that the keyring has was told. At
     * most once. */
    void (*loaded)(void *arg, enum mpsc_keyring_state state);

    /* Fills in up to `max` businesses that have no result and that were not
     * named before, page by page. The strings are read at once. How many;
     * fewer than `max`: they were the last. */
    size_t (*missing)(void *arg, struct mpsc_sweep_want *wants, size_t max);

    /*
     * Fetches a business: makes a bare fetch (see fetch.h) with this deadline
     * (CLOCK_MONOTONIC), adds it to the loop, and calls mpsc_sweep_token()
     * and mpsc_sweep_landed(), not before this has returned.
     */
    enum mpsc_sweep_launch (*launch)(void *arg, struct mpsc_loop *loop,
                                     const char *business_id,
                                     int64_t deadline_ms);

    /* This is the result of a business that is fetched no more. */
    void (*failed)(void *arg, const char *business_id,
                   const struct mps_error *error);

    /* All is known; no other event but keyring() and over() comes after. */
    void (*known)(void *arg);

    /* The sweep is over and not touched again. */
    void (*over)(void *arg);
};

enum mpsc_sweep_phase {
    MPSC_SWEEP_NO_SESSION,
    MPSC_SWEEP_LOADING,
    MPSC_SWEEP_IDLE,
    MPSC_SWEEP_CLAIMING,
    MPSC_SWEEP_CHANGING,
    MPSC_SWEEP_ENDING /* waiting for the helper's end */
};

enum mpsc_sweep_stage {
    MPSC_SWEEP_FREE,
    MPSC_SWEEP_UNCLAIMED, /* to be claimed from retry_ms on */
    MPSC_SWEEP_ASKED,     /* the claim is under way */
    MPSC_SWEEP_UNWANTED,  /* the same, but its result is known by now */
    MPSC_SWEEP_READY,     /* to be fetched from retry_ms on */
    MPSC_SWEEP_FLYING,
    MPSC_SWEEP_KEPT,    /* its record waits for the next batch */
    MPSC_SWEEP_RELEASED /* its lock likewise */
};

struct mpsc_sweep_slot {
    enum mpsc_sweep_stage stage;
    char business_id[MPS_BUSINESS_ID_MAX + 1];
    unsigned page;
    uint64_t turn; /* in which it was named, and is fetched */
    int locked;    /* we have the business's lock */
    int released;  /* once its lock is given back it is claimed again */

    /* CLOCK_MONOTONIC; 0 = not set yet. */
    int64_t retry_ms;
    int64_t until_ms;    /* then it is fetched without the lock */
    int64_t deadline_ms; /* its own */
    int64_t kept_ms;     /* since when its record waits */
    struct mpsc_record record;
};

struct mpsc_sweep {
    struct mpsc_task task; /* first; its ops are mpsc_sweep_ops */

    /* Set by the owner before the sweep is handed in; the rest is zero. */
    const struct mpsc_fetch_means *means;
    const struct mpsc_sweep_events *events;
    void *arg;
    struct mpsc_place place; /* as long as the sweep; the owner frees it */
    uint64_t epoch;          /* the purge epoch that it belongs to */
    enum mpsc_keyring_state keyring_hint; /* not OK: don't even try */
    int64_t deadline_ms; /* of the whole, CLOCK_MONOTONIC; INT64_MAX = none */
    unsigned item_ms;    /* how long each business may take */
    int load_only;       /* nothing is fetched: missing() isn't asked */

    /* The machine's own. */
    enum mpsc_sweep_phase phase;
    struct mpsc_loop *loop;
    struct mpsc_keyring_session *session;
    int hurried; /* the keyring had far less time than is configured */
    int known;
    int expired;              /* the deadline has passed */
    int exhausted;            /* the owner has named the last one */
    uint64_t turns;           /* how many it has named */
    int stirred;              /* the next step has something to do */
    int64_t due_ms;           /* when it has by the time alone */
    int sending;              /* the helper has not taken all of a batch */
    unsigned flying;          /* slots */
    unsigned changes_due;     /* batches */
    int64_t keyring_due_ms;   /* until when the keyring may take */
    int64_t helper_end_ms;    /* when its own alarm has ended the helper */
    struct mps_error stopped; /* why nothing is fetched any more, or MPS_OK */
    struct mpsc_sweep_slot slots[MPSC_SWEEP_SLOTS];
    struct mpsc_sweep_slot *claims[MPSC_SWEEP_SLOTS]; /* that were asked for */
    unsigned claim_count;
    unsigned claims_told;
};

extern const struct mpsc_task_ops mpsc_sweep_ops;

/* The endpoint has given a token, which nobody knows yet: it is copied, to be
 * stored. From the loop's thread, as the next one. */
void mpsc_sweep_token(struct mpsc_sweep *sweep, const char *business_id,
                      const struct mpsc_record *record);

/*
 * A fetch that was launched has its result, which the owner has taken notice
 * of, unless failed() came before; error NULL = a token. MPS_E_AGAIN is none:
 * it is to be launched anew. A MPS_E_RATE_LIMITED, MPS_E_AUTH or MPS_E_CONFIG
 * stops the sweep, since each further request would end in the same way.
 */
void mpsc_sweep_landed(struct mpsc_sweep *sweep, const char *business_id,
                       const struct mps_error *error);

#endif
