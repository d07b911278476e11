/* SPDX-License-Identifier: MIT */
/*
 * survey: what there is under a profile at this moment, for the command: the
 * keyring's records and what the user's processes share. It asks for nothing
 * and changes nothing, and keeps no token.
 */
#ifndef MPSC_SURVEY_H
#define MPSC_SURVEY_H

#include "counts.h"
#include "keyring.h"
#include "profile.h"
#include "refresh.h"

/* A token that the keyring has. Times in Unix seconds, as of now. */
struct mpsc_survey_token {
    char business_id[MPS_BUSINESS_ID_MAX + 1];
    char digest[MPSC_DIGEST_HEX_SIZE];
    int64_t received_at;
    int64_t expires_at;
    int64_t refresh_at; /* the first call from then on has it renewed */
    enum mpsc_refresh_state state;
    int is_distrusted; /* received before a purge or distrust_before: not
                        * served */
};

struct mpsc_survey {
    struct mpsc_time now;
    struct mpsc_place place;
    int has_runtime_dir; /* place.runtime_dir can be used */
    int is_keyring_off;  /* by the configuration; it was not asked then */
    enum mpsc_keyring_state keyring;
    struct mpsc_survey_token *tokens; /* by business, in numerical order */
    size_t count;
    struct mpsc_counts counts;
    struct mps_error partner;  /* why the partner's token can't be read; code
                                * MPS_OK where it can, and only then: */
    struct mpsc_shared shared; /* zeroed = nothing is known */
};

/*
 * Surveys. *survey is the caller's, to be freed after MPS_OK alone; else
 * MPS_E_NO_MEMORY. Blocks for keyring_deadline_ms at most, as far as the
 * keyring is concerned. One thread; the profile is not changed.
 */
int mpsc_survey(const struct mpsc_profile *profile, struct mpsc_survey *survey,
                struct mps_error *error);

void mpsc_survey_free(struct mpsc_survey *survey);

/* A time of CLOCK_BOOTTIME as Unix seconds, rounded down. */
int64_t mpsc_survey_wall_s(const struct mpsc_survey *survey, int64_t boot_ms);

#endif
