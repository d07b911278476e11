/* SPDX-License-Identifier: MIT */
/*
 * keyring: the port to the system keyring, a table of functions that
 * keyring_client.c fills for the real one and tests fill for a fake.
 *
 * A session is one flight's dealing with the keyring. It takes the business's
 * lock and loads its record; the caller then stores, erases or leaves it; the
 * session ends and the lock is free. No function blocks: the caller polls
 * the session's descriptor and calls step() when it is readable. One thread
 * at a time uses a session.
 */
#ifndef MPSC_KEYRING_H
#define MPSC_KEYRING_H

#include "record.h"

/* What became of a session's wish. */
enum mpsc_keyring_state {
    MPSC_KEYRING_OK,
    MPSC_KEYRING_NO_BUS,         /* no address, or no socket there */
    MPSC_KEYRING_NO_RUNTIME_DIR, /* no usable directory for the lock */
    MPSC_KEYRING_NO_HELPER,      /* the helper can't be run */
    MPSC_KEYRING_BAD_HELPER,     /* it speaks another protocol, or died */
    MPSC_KEYRING_BUSY,           /* another holds the lock for too long */
    MPSC_KEYRING_ABSENT,         /* a bus, but no Secret Service on it */
    MPSC_KEYRING_NO_COLLECTION,  /* a service without default collection */
    MPSC_KEYRING_LOCKED,
    MPSC_KEYRING_REFUSED, /* the service answered with an error */
    MPSC_KEYRING_SILENT,  /* no answer within the deadline */
    MPSC_KEYRING_NEWER,   /* a page in a newer format, which is left alone */
    MPSC_KEYRING_NO_MEMORY
};

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
    const char *business_id;
    unsigned keyring_deadline_ms; /* for the load, and again for the change */
    unsigned lock_wait_ms;        /* for another's flight to end */
    unsigned flight_ms; /* how long the caller may take after the load */
};

enum mpsc_keyring_progress {
    MPSC_KEYRING_PENDING, /* nothing new: poll again */
    MPSC_KEYRING_LOADED,  /* `state` tells; with OK a record may be there */
    MPSC_KEYRING_CHANGED, /* `state` tells how store or erase went */
    MPSC_KEYRING_ENDED    /* reaped; nothing is left but close() */
};

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
     * Moves on as far as possible without blocking. With LOADED, *found tells
     * whether the business has a record, which the caller owns then. After
     * LOADED with another state than OK the session is over: finish() it.
     * ENDED also comes by itself, when flight_ms is over or the helper died.
     */
    enum mpsc_keyring_progress (*step)(struct mpsc_keyring_session *session,
                                       enum mpsc_keyring_state *state,
                                       struct mpsc_record *record, int *found);

    /* After LOADED with OK, one of these; CHANGED follows. 0, or -1 where
     * the helper is gone, there is no memory or the record is too large. */
    int (*store)(struct mpsc_keyring_session *session,
                 const struct mpsc_record *record);
    int (*erase)(struct mpsc_keyring_session *session);

    /* True while the helper has not been sent all of a store: the rest would
     * be lost with this process. */
    int (*unsent)(const struct mpsc_keyring_session *session);

    /* Nothing (more) is wanted; at any time, twice is fine. ENDED follows. */
    void (*finish)(struct mpsc_keyring_session *session);

    /* Frees the session; *session becomes NULL. Before ENDED it leaves the
     * helper's parent unreaped: for a host that is ending. */
    void (*close)(struct mpsc_keyring_session **session);
};

/* The real one: the helper program, see keyring_client.c. */
extern const struct mpsc_keyring mpsc_keyring_client;

#endif
