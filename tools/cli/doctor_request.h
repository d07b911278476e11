/* SPDX-License-Identifier: MIT */
/*
 * doctor_request: the one request to the endpoint, made as a host makes it,
 * and which of the checks it failed in.
 *
 * Where no business is given it names one that doesn't exist: Graph looks at
 * the partner's token first, so that a refusal for the token's sake is told
 * apart from any other; but whether the solution is right it doesn't tell.
 */
#ifndef CLI_DOCTOR_REQUEST_H
#define CLI_DOCTOR_REQUEST_H

#include "doctor_check.h"

/* Asks, unless that is done already; deadline_ms at most. A token that comes
 * is wiped unseen. The shared state and the keyring hear nothing of it. */
const struct cli_doctor_endpoint *cli_doctor_ask(struct cli_doctor *doctor);

#endif
