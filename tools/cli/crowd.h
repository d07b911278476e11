/* SPDX-License-Identifier: MIT */
/*
 * crowd: one call of prefetch_credentials() for many businesses, with its
 * progress on a terminal, and an orderly end when a signal comes.
 */
#ifndef CLI_CROWD_H
#define CLI_CROWD_H

#include <mps/loader.h>

#include "ids.h"
#include "tally.h"

struct cli_crowd_outcome {
    int interrupted;        /* the signal, or 0 */
    unsigned classes;       /* of the error's code */
    struct mps_error error; /* the worst, MPS_OK where all is well */
};

/*
 * Runs the call. The request's error is not used. *tally must have room for
 * all ids; after an interrupt those that were given up are not counted in it.
 *
 * Returns 0; -1 with errno where there is no thread or descriptor for it.
 * After an interrupt the module may still be at work, so that api, request,
 * ids and tally have to live as long as the process, and the next thing to do
 * is to say so and exit.
 */
int cli_crowd_run(const struct mps_api *api, const struct mps_request *request,
                  const struct cli_ids *ids, struct cli_tally *tally,
                  struct cli_crowd_outcome *outcome);

#endif
