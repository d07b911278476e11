/* SPDX-License-Identifier: MIT */
/*
 * fake_sweep: what a sweep over the fake keyring finds: the records, the locks
 * of businesses and who holds them. fake_keyring.c has the sessions.
 */
#ifndef TEST_FAKE_SWEEP_H
#define TEST_FAKE_SWEEP_H

#include "keyring.h"

/* A business in the keyring. */
struct fake_sweep_entry {
    const char *business_id;
    const char *token; /* of its record; NULL = none */
    int late;          /* the record comes with the claim, not with the load */
    int taken;         /* another process holds its lock */
};

/* What there is from now on; nothing is held. */
void fake_sweep_plan(const struct fake_sweep_entry *entries, size_t count);

/* The token of a business's record; NULL = none. */
const char *fake_sweep_token(const char *business_id);

/* How many businesses are claimed now; how many the greatest batch of changes
 * named so far; how many batches there were. */
size_t fake_sweep_held(void);
size_t fake_sweep_largest_batch(void);
unsigned fake_sweep_batches(void);

/* How many pages these batches have written, each as often as one did. */
unsigned fake_sweep_pages(void);

/*
 * A session's part. fake_keyring.c alone calls these.
 */
struct fake_sweep;

struct fake_sweep *fake_sweep_new(void);

/* Gives back what is claimed; and frees. */
void fake_sweep_release(struct fake_sweep *sweep);
void fake_sweep_free(struct fake_sweep **sweep);

/* The wishes; what they make due comes by fake_sweep_next(). Each 0, or -1
 * where the port's contract forbids it. */
int fake_sweep_load(struct fake_sweep *sweep);
int fake_sweep_claim(struct fake_sweep *sweep, const char *const *ids,
                     size_t count);
int fake_sweep_change(struct fake_sweep *sweep,
                      const struct mpsc_keyring_change *changes, size_t count);
int fake_sweep_erase(struct fake_sweep *sweep);

/* What is due next; PENDING = nothing. LOADED and CHANGED are told with
 * `state`, and with another one than OK nothing has been changed. */
enum mpsc_keyring_progress fake_sweep_next(struct fake_sweep *sweep,
                                           enum mpsc_keyring_state state,
                                           struct mpsc_keyring_event *event);

/* What fake_sweep_next() would tell. */
enum mpsc_keyring_progress fake_sweep_due(const struct fake_sweep *sweep);

#endif
