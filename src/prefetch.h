/* SPDX-License-Identifier: MIT */
/*
 * prefetch: what prefetch_credentials() does.
 */
#ifndef MPSC_PREFETCH_H
#define MPSC_PREFETCH_H

#include "provider.h"

/* Returns the worst code; *error is that item's. request may be NULL. */
int mpsc_prefetch(struct mpsc_provider *provider,
                  const struct mps_request *request,
                  const char *const *business_ids, size_t count,
                  mps_prefetch_fn *done, void *arg, struct mps_error *error);

/* How bad a code is for an administrator: a larger one is heard first. */
unsigned mpsc_prefetch_severity(int code);

#endif
