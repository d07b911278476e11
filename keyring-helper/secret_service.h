/* SPDX-License-Identifier: MIT */
/*
 * secret_service: pages in the default collection of the Secret Service.
 *
 * Never starts a service, never unlocks, never prompts: calls go to the
 * unique name of the service that runs, its prompts are not called, and
 * nothing is stored before the collection was seen unlocked. No call has a
 * time limit of its own: bound all with a deadline.
 */
#ifndef MPSK_SECRET_SERVICE_H
#define MPSK_SECRET_SERVICE_H

#include "keyring.h"
#include "secret.h"

struct mpsk_service;

/* Which page; also its public description, stored in the clear. */
struct mpsk_item {
    const char *endpoint;
    const char *solution_id;
    unsigned page;
};

/*
 * Connects to the bus at the address, which mpsc_keyring_bus_local() has
 * accepted. It becomes the process's session bus: call it once, before any
 * thread is. OK with *service, which is closed with mpsk_service_close().
 */
enum mpsc_keyring_state mpsk_service_open(const char *bus,
                                          struct mpsk_service **service);

/*
 * Appends the page's bytes to `bytes`; *found 0 where there is no page yet.
 * Looks anew for service, collection and lock each time.
 */
enum mpsc_keyring_state mpsk_service_read(struct mpsk_service *service,
                                          const struct mpsk_item *item,
                                          struct mpsc_secret *bytes,
                                          int *found);

/*
 * Reads all pages of the item's endpoint and solution (its page is ignored)
 * with as few calls as the service allows. OK with *all, *count buffers of
 * which some may be empty, to be freed with mpsk_service_free_all(). Which
 * page each is, its contents tell: to ask for the attributes would be one
 * more call per page.
 */
enum mpsc_keyring_state mpsk_service_read_all(struct mpsk_service *service,
                                              const struct mpsk_item *item,
                                              struct mpsc_secret **all,
                                              size_t *count);

/* Wipes, frees and empties. Fine on none. */
void mpsk_service_free_all(struct mpsc_secret **all, size_t *count);

/* Replaces the page that was read last, or creates it where none was
 * found. `bytes` is one line. */
enum mpsc_keyring_state mpsk_service_write(struct mpsk_service *service,
                                           const struct mpsk_item *item,
                                           const struct mpsc_secret *bytes);

/* Fine on NULL. */
void mpsk_service_close(struct mpsk_service **service);

#endif
