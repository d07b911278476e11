/* SPDX-License-Identifier: MIT */
/* The appsecret_proof that an app with "Require App Secret" demands. */

#ifndef EMU_PROOF_H
#define EMU_PROOF_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds for which a proof with appsecret_time is good, either way. */
#define EMU_PROOF_LIFE_S 300

/* Whether proof is the lower-case hex HMAC-SHA256 of token under secret or,
 * with time (the text of appsecret_time; NULL: there is none), of
 * "token|time", and time lies within EMU_PROOF_LIFE_S of now (Unix seconds).
 * proof may be NULL.  Safe in any thread. */
bool emu_proof_good(const char *secret, const char *token, const char *proof,
                    const char *time, int64_t now);

#endif
