/* SPDX-License-Identifier: MIT */
/* helper: finds a running keyring helper. Others may run the module on this
 * machine, too. */
#ifndef TEST_HELPER_H
#define TEST_HELPER_H

#include <sys/types.h>

/* One that began under this process or its descendants; 0 = there is none, -1
 * where /proc can't be read. */
pid_t helper_below(pid_t above);

#endif
