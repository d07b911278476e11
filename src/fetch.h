/* SPDX-License-Identifier: MIT */
/*
 * fetch: one business's way from the keyring to the endpoint and back into
 * the keyring, as a state machine that never blocks.
 *
 *     load --found--> known
 *       `--else--> ask <--> pause
 *                   `--token--> store, known     `--error--> known
 *
 * "known" is the moment at which the waiters get their answer; the keyring's
 * part goes on after it until the helper has ended. One thread at a time
 * runs a fetch (see io.h); the callbacks run on it.
 */
#ifndef MPSC_FETCH_H
#define MPSC_FETCH_H

#include <stdatomic.h>

#include "clock.h"
#include "configuration.h"
#include "digest.h"
#include "environment.h"
#include "http.h"
#include "keyring.h"
#include "partner.h"
#include "task.h"

enum mpsc_fetch_purpose {
    MPSC_FETCH_TOKEN, /* get one */
    MPSC_FETCH_ERASE  /* erase the keyring's record of the business */
};

/* What was read before a chroot or a drop of privileges. */
struct mpsc_fetch_prepared {
    struct mpsc_partner partner;
    struct mpsc_secret ca; /* PEM */
};

/* What all fetches of a profile have in common. It outlives them, and none
 * of it changes while one is under way. */
struct mpsc_fetch_means {
    const struct mpsc_configuration *configuration;
    _Atomic(struct mpsc_fetch_prepared *) *prepared; /* of NULL: nothing */
    const char *credentials; /* $CREDENTIALS_DIRECTORY; NULL = none */
    const char *helper;
    const char *boot_id; /* MPSC_BOOT_ID_SIZE bytes */
    const struct mpsc_http_port *http;
    const struct mpsc_keyring *keyring;
    mpsc_clock_fn *clock;
};

struct mpsc_fetch;

/* What the owner is told; `arg` is the fetch's. */
struct mpsc_fetch_events {
    /* The keyring has this record: 1 = serve it (or, for an erasure: erase
     * it), 0 = go on without. */
    int (*believe)(void *arg, const struct mpsc_record *record);

    /* The keyring's state, after the load and after a change. */
    void (*keyring)(void *arg, enum mpsc_keyring_state state);

    /* May the endpoint be asked now, with the partner's token of
     * fetch->partner_digest? Before each attempt. 0, or -1 with *error. */
    int (*allow)(void *arg, struct mps_error *error);

    /* The endpoint gave this token: 0 = take it, or -1 with *error. */
    int (*accept)(void *arg, const struct mpsc_record *record,
                  struct mps_error *error);

    /* The endpoint gave an answer or failed to; `error` is NULL for a token.
     * Called per fetch, not per attempt. */
    void (*answered)(void *arg, const struct mpsc_record *record,
                     const struct mps_error *error);

    /*
     * The result, once: a record whose token the owner may take, with its
     * MPS_SOURCE_; or an error (record NULL). A finished erasure: both NULL.
     */
    void (*known)(void *arg, struct mpsc_record *record, int source,
                  const struct mps_error *error);

    /* The fetch is over and not touched again. */
    void (*over)(void *arg);
};

enum mpsc_fetch_stage {
    MPSC_FETCH_LOADING,
    MPSC_FETCH_ASKING,
    MPSC_FETCH_PAUSING,
    MPSC_FETCH_STORING, /* the helper has not taken the whole record yet */
    MPSC_FETCH_KNOWN
};

enum mpsc_fetch_keyring {
    MPSC_FETCH_NO_SESSION,
    MPSC_FETCH_OPENED,   /* waiting for the lock and the load */
    MPSC_FETCH_HELD,     /* we have the business's lock */
    MPSC_FETCH_CHANGING, /* waiting for the store or erasure */
    MPSC_FETCH_ENDING    /* waiting for the helper's end */
};

struct mpsc_fetch {
    struct mpsc_task task; /* first; its ops are mpsc_fetch_ops */

    /* Set by the owner before the fetch is submitted. */
    const struct mpsc_fetch_means *means;
    const struct mpsc_fetch_events *events;
    void *arg;
    enum mpsc_fetch_purpose purpose;
    char business_id[MPS_BUSINESS_ID_MAX + 1];
    struct mpsc_place place; /* the fetch's own */
    uint64_t epoch;          /* the purge epoch that it belongs to */
    enum mpsc_keyring_state keyring_hint; /* not OK: don't even try */
    int bare; /* without keyring, which is another's: see sweep.h */
    atomic_int_least64_t deadline_ms; /* CLOCK_MONOTONIC; the owner may put it
                                       * off while the fetch runs */
    atomic_int begun;                 /* its turn has come */

    /* The machine's own. */
    enum mpsc_fetch_stage stage;
    enum mpsc_fetch_keyring phase;
    struct mpsc_http *http;
    struct mpsc_keyring_session *session;
    int hurried;            /* it had far less time than is configured */
    int64_t lock_wait_ms;   /* how long the helper may wait for locks, twice */
    int64_t helper_end_ms;  /* when its own alarm has ended the helper */
    int64_t keyring_due_ms; /* until when the keyring may take for its phase */
    int64_t pause_until_ms;
    struct mpsc_http_call call;
    int call_done;
    unsigned attempt;
    char partner_digest[MPSC_DIGEST_HEX_SIZE]; /* the token asked with last */
    int partner_reread; /* the endpoint refused it, and there was another */
    int app_usage;      /* per cent, as the endpoint said last; -1 = never */
    struct mpsc_record record;
    struct mps_error error;
    size_t subject_len; /* of what its message says of business and endpoint
                         * before it comes to what failed */
};

/* What the runner calls; each does what the function of its name does. */
extern const struct mpsc_task_ops mpsc_fetch_ops;

/* What a keyring's state is about, for messages: the bus's address or the
 * runtime directory; "" where it is neither. */
const char *mpsc_fetch_keyring_place(const struct mpsc_place *place,
                                     enum mpsc_keyring_state state);

/* The MPS_E_KEYRING of `keyring = required`. */
void mpsc_fetch_keyring_error(struct mps_error *error,
                              const struct mpsc_place *place,
                              enum mpsc_keyring_state state);

/* Begins. http: the runner's client. */
void mpsc_fetch_begin(struct mpsc_fetch *fetch, struct mpsc_http *http);

/* Moves on as far as possible. True when the fetch is over; events->over()
 * has not been called: the runner does, when it has let go of the fetch. */
int mpsc_fetch_step(struct mpsc_fetch *fetch);

/* Fills `watch` with the descriptor to poll; 0 where there is none. */
int mpsc_fetch_watch(const struct mpsc_fetch *fetch,
                     struct mpsc_http_watch *watch);

/* When step() is wanted at the latest, CLOCK_MONOTONIC milliseconds. */
int64_t mpsc_fetch_due(const struct mpsc_fetch *fetch);

/* True once the result is known (what remains is the keyring's part). */
int mpsc_fetch_is_known(const struct mpsc_fetch *fetch);

/* True once nothing that the caller wants is left: the result is known and
 * stored, or known and the deadline has passed. */
int mpsc_fetch_is_settled(const struct mpsc_fetch *fetch);

/* Makes an end of what isn't known yet, with this code and message. Also for
 * a fetch that was never begun. */
void mpsc_fetch_give_up(struct mpsc_fetch *fetch, int code, const char *why);

/* Lets go of the keyring without waiting for the helper's end. */
void mpsc_fetch_drop(struct mpsc_fetch *fetch);

#endif
