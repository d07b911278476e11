/* SPDX-License-Identifier: MIT */
/* collection: in what state the default collection of a Secret Service is. */
#ifndef MPSS_COLLECTION_H
#define MPSS_COLLECTION_H

#include <gio/gio.h>

enum mpss_collection {
    MPSS_COLLECTION_NONE, /* no service, collection or answer as yet */
    MPSS_COLLECTION_LOCKED,
    MPSS_COLLECTION_UNLOCKED,
};

/* Asks over the bus twice, and waits for each answer a second at the most.
 * Starts nothing and has nobody prompted. */
enum mpss_collection mpss_collection_state(GDBusConnection *bus);

#endif
