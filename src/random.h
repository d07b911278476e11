/* SPDX-License-Identifier: MIT */
/* random: bits that spread what many processes would do at one moment. */
#ifndef MPSC_RANDOM_H
#define MPSC_RANDOM_H

#include <stdint.h>

/* 32 uniform bits, without waiting; 0 where the kernel has none to give: then
 * nothing is spread, which is no reason to fail. For no secret. */
uint32_t mpsc_random_bits(void);

#endif
