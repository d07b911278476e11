/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "random.h"

#include <sys/random.h>

uint32_t
mpsc_random_bits(void)
{
    uint32_t bits = 0;

    (void)!getrandom(&bits, sizeof(bits), GRND_NONBLOCK);
    return bits;
}
