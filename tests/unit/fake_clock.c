/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "fake_clock.h"

#include <stdatomic.h>
#include <time.h>

#define HANG_S 10

pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_cond_t kicked = PTHREAD_COND_INITIALIZER;
static unsigned kicks;
static unsigned stirs; /* kicks and rests */

/* Atomic, so that the clock can be read with and without the lock. */
static atomic_int_least64_t passed_ms;
static atomic_int_least64_t wall_step_s;

void
fake_clock_start(void)
{
    atomic_store(&passed_ms, 0);
    atomic_store(&wall_step_s, 0);
}

void
fake_clock_now(struct mpsc_time *now)
{
    int64_t passed = atomic_load(&passed_ms);

    now->wall_s =
        FAKE_CLOCK_WALL_S + passed / 1000 + atomic_load(&wall_step_s);
    /* The machine was suspended for a second before the test. */
    now->boot_ms = FAKE_CLOCK_MS + 1000 + passed;
    now->mono_ms = FAKE_CLOCK_MS + passed;
}

int64_t
fake_clock_mono_ms(void)
{
    struct mpsc_time now;

    fake_clock_now(&now);
    return now.mono_ms;
}

void
fake_clock_advance(int64_t ms)
{
    atomic_fetch_add(&passed_ms, ms);
    fake_kick();
}

void
fake_clock_step_wall(int64_t seconds)
{
    atomic_fetch_add(&wall_step_s, seconds);
}

void
fake_kick_unlocked(void)
{
    kicks++;
    fake_rest_unlocked();
}

void
fake_rest_unlocked(void)
{
    stirs++;
    pthread_cond_broadcast(&kicked);
}

void
fake_kick(void)
{
    pthread_mutex_lock(&fake_lock);
    fake_kick_unlocked();
    pthread_mutex_unlock(&fake_lock);
}

unsigned
fake_kicks_unlocked(void)
{
    return kicks;
}

int
fake_await_unlocked(void)
{
    struct timespec until;
    unsigned before = stirs;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HANG_S;
    while (stirs == before) {
        if (pthread_cond_timedwait(&kicked, &fake_lock, &until) != 0) {
            break;
        }
    }
    return stirs != before;
}
