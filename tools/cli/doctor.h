/* SPDX-License-Identifier: MIT */
/* doctor: mps-credential doctor. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

/*
 * mps-credential doctor: argv[0] is the name for messages, the verb's options
 * follow. Returns the exit status: 0, 1 after a warning, 2 after a failure;
 * for a wrong command line MPS_E_INVALID; or CLI_EXIT_OUTPUT.
 */
int cli_doctor(int argc, char **argv);

#endif
