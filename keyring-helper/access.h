/* SPDX-License-Identifier: MIT */
/*
 * access: pages as the helper's sessions use them: read as they are, and
 * changed under their locks.
 */
#ifndef MPSK_ACCESS_H
#define MPSK_ACCESS_H

#include "clock.h"
#include "keyring.h"
#include "page.h"
#include "secret_service.h"

struct mpsk_access {
    const struct mpsc_keyring_query *query; /* its business doesn't matter */
    char boot_id[MPSC_BOOT_ID_SIZE];
    int dir;  /* the runtime directory; both end with the process */
    int lock; /* the lock file; set by the session when it has one */
    struct mpsk_service *service; /* made when first needed */
    unsigned raised; /* how often the generation was raised from here */
};

/* Opens the runtime directory. OK, or the state that says why not; close it
 * in both cases. */
enum mpsc_keyring_state
mpsk_access_open(struct mpsk_access *access,
                 const struct mpsc_keyring_query *query);

/* Fine on one that was never opened, if all zero. */
void mpsk_access_close(struct mpsk_access *access);

/* Connects to the service. It looks no further than the bus. */
enum mpsc_keyring_state mpsk_access_connect(struct mpsk_access *access);

/* Reads a page as it is now, in one piece and without a lock. OK with a page
 * that the caller frees. Blocks: bound it with a deadline. */
enum mpsc_keyring_state mpsk_access_read(struct mpsk_access *access,
                                         unsigned number,
                                         struct mpsk_page *page);

/*
 * Makes changes of businesses that are all on this page: takes its lock,
 * reads, checks the purge epoch, writes, raises the generation and gives the
 * lock back. Sets its own deadline, keyring_deadline_ms, which ends the
 * process with CHANGED. OK, or the state that says what was not done.
 *
 * *page becomes the page as it is then, which the caller frees; it is empty
 * where the page could not be read or written.
 */
enum mpsc_keyring_state
mpsk_access_change(struct mpsk_access *access, unsigned number,
                   const struct mpsc_keyring_change *changes, size_t count,
                   struct mpsk_page *page);

/* Empties a page in the same way, whatever is on it. */
enum mpsc_keyring_state mpsk_access_clear(struct mpsk_access *access,
                                          unsigned number);

#endif
