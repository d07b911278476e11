/* SPDX-License-Identifier: MIT */
/*
 * counts: what became of the requests that a user's processes made to an
 * endpoint for a solution, and of which businesses the last one failed: for
 * people and for monitoring. No decision of the module rests on it.
 *
 * A small file in the runtime directory, replaced as a whole. It has no
 * secret, and of businesses only those that failed last. Unlike the shared
 * state it outlives a change of the partner's token and, where the directory
 * does, a boot.
 */
#ifndef MPSC_COUNTS_H
#define MPSC_COUNTS_H

#include <mps/credential.h>
#include <stddef.h>
#include <stdint.h>

#define MPSC_COUNTS_CODES (MPS_E_INTERNAL + 1)

/* The most failures that are kept; then the oldest goes. */
#define MPSC_COUNTS_FAILURES 64

/* How a fetch ended that asked the endpoint. */
struct mpsc_outcome {
    char business_id[MPS_BUSINESS_ID_MAX + 1];
    int code;
    int app_usage; /* per cent; -1 = unknown */
    int64_t at_s;  /* Unix seconds */
};

/* Zeroed: nothing is known. */
struct mpsc_counts {
    int64_t ended[MPSC_COUNTS_CODES]; /* fetches, by code */
    int64_t success_s;   /* the last one, Unix seconds; 0 = none */
    int app_usage;       /* per cent, as it was told last */
    int64_t app_usage_s; /* when that was; 0 = never */
    size_t failure_count;
    /* Each business once, none that has succeeded since; the latest last. */
    struct mpsc_outcome failures[MPSC_COUNTS_FAILURES];
};

/* Counts outcomes, in their order. Pure. */
void mpsc_counts_apply(struct mpsc_counts *counts,
                       const struct mpsc_outcome *outcomes, size_t count);

/* Reads the file's `len` bytes, which may be anything. 0 with *counts filled,
 * within its bounds, or -1 with it zeroed. Pure. */
int mpsc_counts_from_json(const char *bytes, size_t len,
                          struct mpsc_counts *counts);

/* Reads the file; *counts is zeroed where there is no directory, no file or
 * none that makes sense. Keeps errno. */
void mpsc_counts_read(const char *runtime_dir, const char *endpoint,
                      const char *solution_id, struct mpsc_counts *counts);

/* Counts outcomes in the file, for whoever reads it. Waits
 * MPSC_RUNTIME_LOCK_MS at most for other processes. 0, or -1 where it can't be
 * written or the others took longer, and none is counted. Keeps errno. */
int mpsc_counts_add(const char *runtime_dir, const char *endpoint,
                    const char *solution_id,
                    const struct mpsc_outcome *outcomes, size_t count);

#endif
