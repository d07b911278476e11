/* SPDX-License-Identifier: MIT */
/* fault: how the tests of this directory see that a fault is over. */
#ifndef TEST_FAULT_H
#define TEST_FAULT_H

/* A configuration for world_configure(): what is logged, and deadlines long
 * enough for a machine that is busy with other tests; all but the keyring's,
 * and with it. */
#define FAULT_LINES                                                           \
    "log = syslog\nlog_level = notice\ndeadline_ms = 60000\n"                 \
    "connect_timeout_ms = 20000\n"
#define FAULT_PATIENT FAULT_LINES "keyring_deadline_ms = 20000\n"

/* What is fetched now is found by the next process. */
void fault_check_used(void);

/* For world_await(): tokens come, and the log has said that the keyring is
 * used again. */
int fault_is_told_over(void *arg);

#endif
