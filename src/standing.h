/* SPDX-License-Identifier: MIT */
/*
 * standing: how endpoint and keyring stand, as the fetches of all of the
 * user's processes have found them: whether the endpoint may be asked, what a
 * result means for that, and what the log says of it.
 *
 * For the thread that runs a fetch; without the hub's lock.
 */
#ifndef MPSC_STANDING_H
#define MPSC_STANDING_H

#include "hub.h"
#include "profile.h"

/* Whose standing it is. */
struct mpsc_standing {
    struct mpsc_hub *hub;
    const struct mpsc_profile *profile;
    struct mpsc_holdings *holdings;
    const char *runtime_dir;    /* NULL = none */
    const char *partner_digest; /* MPSC_DIGEST_HEX_SIZE bytes; "" = the token
                                 * can't be read */
};

/* The digest of the partner's token: as it can be read now, else as it was
 * once, else "". */
void mpsc_standing_digest(struct mpsc_hub *hub,
                          const struct mpsc_profile *profile,
                          const struct mpsc_holdings *holdings,
                          char digest[MPSC_DIGEST_HEX_SIZE]);

/*
 * May the endpoint be asked? advisory: for a token that need not be refreshed
 * yet. until_ms (CLOCK_BOOTTIME): when the fetch ends at the latest. *probing
 * is set where it may as the one probe of an endpoint that has failed, and
 * goes with the fetch from then on. 0, or -1 with *error.
 */
int mpsc_standing_allow(const struct mpsc_standing *standing, int advisory,
                        int64_t until_ms, int *probing,
                        struct mps_error *error);

/* How a fetch ended. */
struct mpsc_standing_result {
    const struct mps_error *error; /* NULL = a token */
    const char *what;   /* its message, without business and endpoint */
    int counts;         /* the endpoint gave it, or failed to in fair time */
    int app_usage;      /* per cent; -1 = unknown */
    int64_t expires_at; /* of the token that is held all the same; 0 = none */
};
void mpsc_standing_result(const struct mpsc_standing *standing,
                          const struct mpsc_standing_result *result);

/* A fetch begins to ask the endpoint. */
void mpsc_standing_ask(const struct mpsc_standing *standing);

/* A fetch that says nothing: it was given up. */
#define MPSC_STANDING_NO_OUTCOME (-1)

/*
 * It has ended so. The counts in the runtime directory are written when no
 * other fetch of this process asks, and else once a second or for as many as
 * the holdings keep: a prefetch of thousands would write the file as often.
 * Where they can't be written the latest of them wait for the next time.
 */
void mpsc_standing_count(const struct mpsc_standing *standing,
                         const char *business_id, int code, int app_usage);

/* False where the keyring was met as all know it, usable: then there is
 * nothing to tell, and the partner's token need not be read for its digest. */
int mpsc_standing_keyring_is_news(struct mpsc_hub *hub,
                                  const struct mpsc_holdings *holdings,
                                  enum mpsc_keyring_state state);

/* How the keyring was met. message: what is wrong; NULL = nothing. */
void mpsc_standing_keyring(const struct mpsc_standing *standing,
                           const char *message);

#endif
