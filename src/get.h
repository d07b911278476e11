/* SPDX-License-Identifier: MIT */
/*
 * get: what get_credential_with() does: from memory, or by a flight.
 */
#ifndef MPSC_GET_H
#define MPSC_GET_H

#include "provider.h"

/* *credential is a reference for the host, or NULL; *error is filled on
 * failure. Returns the code. */
int mpsc_get(struct mpsc_provider *provider, const struct mps_request *request,
             const struct mps_credential **credential,
             struct mps_error *error);

/* The same from memory alone: neither waits nor starts anything. MPS_E_AGAIN
 * where nothing usable is held. */
int mpsc_get_held(struct mpsc_provider *provider,
                  const struct mps_request *request,
                  const struct mps_credential **credential,
                  struct mps_error *error);

#endif
