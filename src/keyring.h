/* SPDX-License-Identifier: MIT */
/*
 * keyring: the port to the system keyring, a table of functions that
 * keyring_client.c fills for the real one and tests fill for a fake.
 *
 * A session is of one of two kinds. A flight is about one business: it takes
 * the business's lock and loads its record; the caller then stores, erases or
 * leaves it; the session ends and the lock is free. A sweep is about all
 * businesses of an endpoint and solution: it loads what there is, without any
 * lock; the caller then claims businesses, whose locks are only tried, and
 * changes records in batches, as often as it likes.
 *
 * No function blocks: the caller polls the session's descriptor and calls
 * step() when it is readable. One thread at a time uses a session.
 */
#ifndef MPSC_KEYRING_H
#define MPSC_KEYRING_H

#include <mps/credential.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

/* What became of a session's wish. */
enum mpsc_keyring_state {
    MPSC_KEYRING_OK,
    MPSC_KEYRING_NO_BUS,         /* no address, or no socket there */
    MPSC_KEYRING_NO_RUNTIME_DIR, /* no usable directory for the lock */
    MPSC_KEYRING_NO_HELPER,      /* the helper can't be run */
    MPSC_KEYRING_BAD_HELPER,     /* it died, or made no sense */
    MPSC_KEYRING_BUSY,           /* another holds the lock for too long */
    MPSC_KEYRING_ABSENT,         /* a bus, but no Secret Service on it */
    MPSC_KEYRING_NO_COLLECTION,  /* a service without default collection */
    MPSC_KEYRING_LOCKED,
    MPSC_KEYRING_REFUSED, /* the service answered with an error */
    MPSC_KEYRING_SILENT,  /* no answer within the deadline */
    MPSC_KEYRING_NEWER,   /* a page in a newer format, which is left alone */
    MPSC_KEYRING_NO_MEMORY,
    MPSC_KEYRING_PURGED, /* tokens were purged meanwhile: nothing is stored */
    /* The helper speaks another version of the protocol. It is the client
     * that finds this, so it stays behind the last that a helper may tell. */
    MPSC_KEYRING_OTHER_HELPER
};

/* What helps a program without a session, in an advice. */
#define MPSC_KEYRING_FOR_A_SERVICE                                            \
    "for a service: mps-credential keyring-setup USER"

/* A short text, e.g. "the keyring is locked", and what to do, e.g. "unlock
 * it". Static, never NULL. */
const char *mpsc_keyring_text(enum mpsc_keyring_state state);
const char *mpsc_keyring_advice(enum mpsc_keyring_state state);

/* What a session is about. The strings are read during open() alone. */
struct mpsc_keyring_query {
    const char *helper;      /* path of the helper program */
    const char *bus;         /* D-Bus address; NULL = none is known */
    const char *runtime_dir; /* NULL = none is known */
    const char *endpoint;    /* e.g. "https://graph.facebook.com" */
    const char *solution_id;
    const char *business_id; /* NULL = a sweep over all of them */
    uint64_t epoch; /* the purge epoch that the caller has seen; a store under
                     * another one is refused with PURGED */
    unsigned keyring_deadline_ms; /* for the load, and again for each page
                                   * that is changed */
    unsigned lock_wait_ms;        /* for another's flight to end; none in a
                                   * sweep */
    unsigned flight_ms; /* how long the caller may take after the load, with
                         * all that it does in a sweep; a batch that was
                         * handed over in it has 2 * keyring_deadline_ms
                         * more */
};

enum mpsc_keyring_progress {
    MPSC_KEYRING_PENDING, /* nothing new: poll again */
    MPSC_KEYRING_LOADED,  /* `state` tells how the load went */
    MPSC_KEYRING_CHANGED, /* `state` tells how the changes went */
    MPSC_KEYRING_RECORD,  /* sweep: one more record that the keyring has */
    MPSC_KEYRING_CLAIMED, /* sweep: `found` tells whether it is ours */
    MPSC_KEYRING_ENDED    /* reaped; nothing is left but close() */
};

/* What step() tells. Which members count depends on the progress. */
struct mpsc_keyring_event {
    enum mpsc_keyring_state state; /* LOADED, CHANGED */
    int found; /* a flight's LOADED: there is a record. CLAIMED: the
                * business's lock is this session's */
    char business_id[MPS_BUSINESS_ID_MAX + 1]; /* RECORD, CLAIMED */
    struct mpsc_record record; /* RECORD, and LOADED with `found` */
};

enum mpsc_keyring_what {
    MPSC_KEYRING_STORE,
    MPSC_KEYRING_RELEASE, /* only give the lock back */
    MPSC_KEYRING_ERASE
};

/* One business's part of a batch. */
struct mpsc_keyring_change {
    const char *business_id;
    enum mpsc_keyring_what what;
    const struct mpsc_record *record; /* STORE */
};

/* How many businesses a claim or a batch may name. The tokens of a batch
 * must not exceed 1 MiB together. */
#define MPSC_KEYRING_BATCH_MAX 1024

struct mpsc_keyring_session;

struct mpsc_keyring {
    /*
     * Starts a session. NULL with *state set where that can't be. The first
     * answer is due lock_wait_ms + keyring_deadline_ms from now; the caller
     * keeps the time and gives up by finish().
     */
    struct mpsc_keyring_session *(*open)(
        const struct mpsc_keyring_query *query,
        enum mpsc_keyring_state *state);

    /* The descriptor to poll for POLLIN; changes only in step(), and is -1
     * where the host has taken it for something of its own. */
    int (*fd)(const struct mpsc_keyring_session *session);

    /*
     * Moves on as far as possible without blocking and fills *event, whose
     * former content is overwritten; a record in it is the caller's then. A
     * caller who can, steps until PENDING comes.
     *
     * A flight tells LOADED, and CHANGED after its one store or erase. A
     * sweep tells RECORD for each record, then LOADED; a page that can't be
     * used (its format is newer) is passed over, and a change on it will
     * tell. After LOADED with another state than OK, and after a flight's
     * CHANGED, the session is over: finish() it. A sweep goes on after
     * CHANGED, whatever the state; where the helper had to give up (SILENT,
     * BUSY), ENDED follows, as it does in place of what a claim has due.
     *
     * ENDED also comes by itself, when flight_ms is over or the helper died.
     */
    enum mpsc_keyring_progress (*step)(struct mpsc_keyring_session *session,
                                       struct mpsc_keyring_event *event);

    /* A flight after LOADED with OK: one of these; CHANGED follows. 0, or -1
     * where the helper is gone, there is no memory or the record is too
     * large. In a sweep, whenever nothing else is due, erase() empties every
     * page of the endpoint and solution, whoever holds which business; a page
     * in a newer format is left alone (NEWER). */
    int (*store)(struct mpsc_keyring_session *session,
                 const struct mpsc_record *record);
    int (*erase)(struct mpsc_keyring_session *session);

    /*
     * A sweep after LOADED with OK, while nothing else is due: tries the
     * locks of 1 to MPSC_KEYRING_BATCH_MAX businesses. First comes RECORD for
     * each that could be locked and that has a record on a page which changed
     * since this session read it; then CLAIMED for each business, in their
     * order. A business that this session has already is claimed once more
     * with success. The lock is held until the business is named in a batch,
     * or the session's end. 0, or -1 as above.
     */
    int (*claim)(struct mpsc_keyring_session *session, const char *const *ids,
                 size_t count);

    /*
     * A sweep likewise: a batch of 1 to MPSC_KEYRING_BATCH_MAX changes, done
     * page by page: each page is read, changed and written under its lock,
     * then the locks of the businesses named on it are free, whatever became
     * of the page. A STORE is for a business that was claimed; ERASE and
     * RELEASE for any. CHANGED follows, with the first state that isn't OK;
     * it is due keyring_deadline_ms for each page. 0, or -1 as above. The
     * strings and records are read during the call alone. One more batch
     * may be handed over while the CHANGED of one is due, so that a host that
     * ends need not wait for that one; it is done after it.
     */
    int (*change)(struct mpsc_keyring_session *session,
                  const struct mpsc_keyring_change *changes, size_t count);

    /* True while the helper has not been sent all of a store or batch: the
     * rest would be lost with this process. */
    int (*unsent)(const struct mpsc_keyring_session *session);

    /* Nothing (more) is wanted; at any time, twice is fine. What has been
     * handed over whole is still written. ENDED follows. */
    void (*finish)(struct mpsc_keyring_session *session);

    /* Frees the session; *session becomes NULL. Before ENDED it leaves the
     * helper's parent unreaped: for a host that is ending. */
    void (*close)(struct mpsc_keyring_session **session);
};

/* The real one: the helper program, see keyring_client.c. */
extern const struct mpsc_keyring mpsc_keyring_client;

#endif
