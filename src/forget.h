/* SPDX-License-Identifier: MIT */
/*
 * forget: what `mps-credential forget` does: all processes of a user drop
 * their tokens, and the keyring loses its records.
 */
#ifndef MPSC_FORGET_H
#define MPSC_FORGET_H

#include "keyring.h"
#include "log.h"
#include "profile.h"

enum mpsc_forget_keyring {
    MPSC_FORGET_FAILED, /* it still has records, or may have */
    MPSC_FORGET_ERASED,
    MPSC_FORGET_OFF /* `keyring = off` */
};

struct mpsc_forget_report {
    int told; /* the running processes will hear of it within a second */
    enum mpsc_forget_keyring keyring;
    size_t records; /* that the keyring had of what was to be erased */
};

/*
 * Forgets the tokens of `count` businesses (1 to 20 digits each; more than
 * once is fine), or with count 0 of all, under the profile's endpoint and
 * solution. First the purge epoch is raised: from then on no fetch that was
 * under way is stored. Running processes drop whatever they hold from memory;
 * of the businesses that are not named they find the tokens in the keyring
 * again. With `all` no record that is older is believed, in whatever keyring
 * it turns up.
 *
 * A line of audit is written for each business, or one for "*".
 *
 * Blocks: a second at most for the epoch, keyring_deadline_ms for the
 * keyring's first answer and again for each of its pages. One thread; the
 * profile is not changed.
 *
 * Returns MPS_OK; MPS_E_KEYRING where the keyring's part failed; MPS_E_CONFIG
 * where the running processes can't be told, whatever became of the keyring;
 * MPS_E_NO_MEMORY with nothing done. *error has the details and the next
 * step, *report what was done.
 */
int mpsc_forget(const struct mpsc_profile *profile, struct mpsc_log *log,
                const char *const *business_ids, size_t count,
                struct mpsc_forget_report *report, struct mps_error *error);

#endif
