/* SPDX-License-Identifier: MIT */
/* doctor_processes: programs that still run a module which was replaced since
 * they started. */
#ifndef CLI_DOCTOR_PROCESSES_H
#define CLI_DOCTOR_PROCESSES_H

#include "doctor_check.h"

/*
 * Looks at the processes that the caller may read: root at all of them, or at
 * those whose effective user has this name or UID (NULL = whoever). To be
 * called before the process becomes another user or enters another root: the
 * processes of a user who has dropped privileges are readable for root alone.
 */
void cli_doctor_look_at_processes(struct cli_doctor_processes *processes,
                                  const uid_t *user);

cli_doctor_run_fn cli_doctor_processes;

#endif
