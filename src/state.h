#ifndef MPSC_STATE_H
#define MPSC_STATE_H
#include "limit.h"
#include "trouble.h"
struct mpsc_shared {
    struct mpsc_limits limits;
    struct mpsc_trouble_view trouble;
};
struct mpsc_state;
struct mpsc_state *mpsc_state_new(const char *endpoint,
                                  const char *solution_id, const char *boot_id,
                                  mpsc_clock_fn *clock);
void mpsc_state_free(struct mpsc_state **state);
void mpsc_state_look(struct mpsc_state *state, const char *runtime_dir,
                     const char *token_digest, struct mpsc_shared *shared);
typedef void mpsc_state_change_fn(struct mpsc_shared *shared, void *arg);
void mpsc_state_change(struct mpsc_state *state, const char *runtime_dir,
                       const char *token_digest, mpsc_state_change_fn *change,
                       void *arg, struct mpsc_shared *shared);
#endif
