/* SPDX-License-Identifier: MIT */
/*
 * host: what the measured hosts begin with: the module, and a list of
 * businesses.
 */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <mps/loader.h>

extern struct mps_api mps;

/* The businesses, in the list's order, and how many there are. */
extern const char **host_ids;
extern size_t host_count;

/* Loads the module and reads the list, one business ID a line. Ends the
 * program with a message where that can't be done. */
void host_open(const char *module, const char *list);

/* Prefetches all of the list. Returns what prefetch_credentials() does; a
 * failure is told on standard error. */
int host_prefetch(void);

#endif
