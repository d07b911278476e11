/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "load.h"

#include <string.h>
#include <time.h>

#include "output.h"

int
cli_load(struct mps_api *api, struct mps_error *error, unsigned *classes)
{
    if (mps_load(api, MPS_MODULE) == 0) {
        return MPS_OK;
    }
    memset(error, 0, sizeof(*error));
    error->size = sizeof(*error);
    error->code = MPS_E_CONFIG;
    snprintf(error->message, sizeof(error->message), "%s", api->load_error);
    *classes = MPS_CLASS_RETRY | MPS_CLASS_ALERT;
    cli_output_error(stderr, error, *classes, time(NULL));
    fputs("  Install the package that has it, or mend " MPS_MODULE ".\n",
          stderr);
    return error->code;
}
