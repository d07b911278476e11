/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "lifetime.h"

#include <string.h>

void
mpsc_lifetime_begin(struct mpsc_record *record,
                    const struct mpsc_lifetime_rules *rules,
                    int64_t endpoint_expires_at, int64_t date,
                    const struct mpsc_time *now,
                    const char boot_id[MPSC_BOOT_ID_SIZE])
{
    int64_t offset = date != 0 ? date - now->wall_s : 0;

    if (offset > -MPSC_LIFETIME_SKEW_S && offset < MPSC_LIFETIME_SKEW_S) {
        offset = 0;
    }
    record->endpoint_expires_at = endpoint_expires_at;
    record->received_at = now->wall_s;
    record->received_boot_ms = now->boot_ms;
    memcpy(record->boot_id, boot_id, MPSC_BOOT_ID_SIZE);
    record->clock_offset_s = offset;
    if (endpoint_expires_at > 0) {
        record->expires_at = endpoint_expires_at - offset;
    } else if (endpoint_expires_at == 0) {
        record->expires_at = now->wall_s + rules->max_age_s;
    } else {
        record->expires_at = now->wall_s + rules->assume_lifetime_s;
    }
}

/* An empty id is unknown, and equals none. */
static int
same_boot(const struct mpsc_record *record,
          const char boot_id[MPSC_BOOT_ID_SIZE])
{
    return boot_id[0] != '\0' && strcmp(record->boot_id, boot_id) == 0;
}

int64_t
mpsc_lifetime_end_ms(const struct mpsc_record *record,
                     const struct mpsc_time *now,
                     const char boot_id[MPSC_BOOT_ID_SIZE])
{
    if (same_boot(record, boot_id)) {
        int64_t lifetime_s = record->expires_at - record->received_at;

        return record->received_boot_ms + lifetime_s * 1000;
    }
    return now->boot_ms + (record->expires_at - now->wall_s) * 1000;
}

int64_t
mpsc_lifetime_received_ms(const struct mpsc_record *record,
                          const struct mpsc_time *now,
                          const char boot_id[MPSC_BOOT_ID_SIZE])
{
    int64_t received = record->received_boot_ms;

    if (!same_boot(record, boot_id)) {
        received = now->boot_ms - (now->wall_s - record->received_at) * 1000;
    }
    /* In the future: the wall clock was wrong, now or then. Such a record
     * must not count as young until the clock has caught up. */
    return received <= now->boot_ms ? received
                                    : now->boot_ms - MPSC_LIFETIME_BACKOFF_MS;
}

int
mpsc_lifetime_serves(int64_t received_ms, int64_t end_ms, int64_t boot_ms,
                     const struct mpsc_lifetime_wish *wish)
{
    int64_t left_ms = end_ms - boot_ms;

    if (left_ms <= 0) {
        return 0;
    }
    if (boot_ms - received_ms < MPSC_LIFETIME_BACKOFF_MS) {
        return 1;
    }
    return !wish->force_refresh &&
           left_ms >= (int64_t)wish->min_validity_s * 1000;
}
