/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(time_t) >= 8, "time_t is narrow; see configure.ac");

static int64_t
milliseconds(clockid_t id)
{
    struct timespec now = {0, 0};

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
mpsc_clock_system(struct mpsc_time *now)
{
    now->wall_s = milliseconds(CLOCK_REALTIME) / 1000;
    now->boot_ms = milliseconds(CLOCK_BOOTTIME);
    now->mono_ms = milliseconds(CLOCK_MONOTONIC);
}

int64_t
mpsc_clock_coarse_ms(void)
{
    return milliseconds(CLOCK_MONOTONIC_COARSE);
}

void
mpsc_clock_boot_id(char id[MPSC_BOOT_ID_SIZE])
{
    int saved = errno;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    memset(id, 0, MPSC_BOOT_ID_SIZE);
    if (fd >= 0) {
        if (read(fd, id, MPSC_BOOT_ID_SIZE - 1) != MPSC_BOOT_ID_SIZE - 1) {
            memset(id, 0, MPSC_BOOT_ID_SIZE);
        }
        close(fd);
    }
    errno = saved;
}
