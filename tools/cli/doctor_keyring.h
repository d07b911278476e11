/* SPDX-License-Identifier: MIT */
/*
 * doctor_keyring: where the user's programs keep tokens: the runtime
 * directory, the helper, the bus and the Secret Service.
 *
 * The round trip stores a made-up token under a solution that no program can
 * have, "doctor", which is no number: no live token is touched. It is erased
 * again; the keyring keeps an item with an empty page.
 */
#ifndef CLI_DOCTOR_KEYRING_H
#define CLI_DOCTOR_KEYRING_H

#include "doctor_check.h"

cli_doctor_run_fn cli_doctor_runtime_dir;
cli_doctor_run_fn cli_doctor_helper;
cli_doctor_run_fn cli_doctor_bus;
cli_doctor_run_fn cli_doctor_keyring;
cli_doctor_run_fn cli_doctor_round_trip;

#endif
