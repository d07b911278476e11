/* SPDX-License-Identifier: MIT */
/* load: the module of this machine, as any other host opens it. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include <mps/loader.h>

/*
 * Fills *api. MPS_OK; or MPS_E_CONFIG with *error and *classes set, after it
 * has said on stderr what to do about it.
 */
int cli_load(struct mps_api *api, struct mps_error *error, unsigned *classes);

#endif
