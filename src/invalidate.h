/* SPDX-License-Identifier: MIT */
/*
 * invalidate: what invalidate_credential_with() does.
 */
#ifndef MPSC_INVALIDATE_H
#define MPSC_INVALIDATE_H

#include "provider.h"

/* access_token NULL: whatever is held. Returns the code, with *error. */
int mpsc_invalidate(struct mpsc_provider *provider,
                    const struct mps_request *request,
                    const char *access_token, struct mps_error *error);

#endif
