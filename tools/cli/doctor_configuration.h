/* SPDX-License-Identifier: MIT */
/* doctor_configuration: the module, its configuration and the partner's
 * secrets, as a host comes by them. */
#ifndef CLI_DOCTOR_CONFIGURATION_H
#define CLI_DOCTOR_CONFIGURATION_H

#include "doctor_check.h"

/*
 * Loads module and configuration, as the user that the process is; with
 * doctor->root the partner's secrets and CA certificates, too, as
 * credential_prepare() does. What fails the checks below tell.
 */
void cli_doctor_load(struct cli_doctor *doctor);

/* Where keyring and shared files are, in the root and for the user of this
 * moment: after cli_doctor_load(). */
void cli_doctor_find_place(struct cli_doctor *doctor);

/* Undoes both. */
void cli_doctor_unload(struct cli_doctor *doctor);

cli_doctor_run_fn cli_doctor_module;
cli_doctor_run_fn cli_doctor_configuration;
cli_doctor_run_fn cli_doctor_secrets;

#endif
