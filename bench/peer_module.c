/* SPDX-License-Identifier: MIT */
/*
 * peer_module: asks the module for one business's token.
 *
 *     peer_module MODULE BUSINESS_ID COUNT
 */
#include <mps/loader.h>

#include "repeat.h"

static struct mps_api mps;

static int
ask(void *business_id)
{
    const struct mps_credential *credential;

    if (mps.get_credential(business_id, &credential) != MPS_OK) {
        struct mps_error error = {.size = sizeof(error)};

        mps.error(&error);
        fprintf(stderr, "peer_module: %s\n", error.message);
        return -1;
    }
    mps.release_credential(credential);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc != 4 || mps_load(&mps, argv[1]) != 0) {
        fprintf(stderr, "peer_module: %s\n",
                argc != 4 ? "MODULE BUSINESS_ID COUNT" : mps.load_error);
        return 2;
    }
    return repeat(ask, argv[2], argv[3]);
}
