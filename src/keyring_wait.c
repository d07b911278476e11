/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "keyring_wait.h"

#include <poll.h>

/* The helper keeps its own time and tells; this much later it is mute. */
#define SLACK_MS 250

/* A helper that has nothing more to do is gone at once. */
#define ENDING_MS 1000

static int64_t
mono_ms(const struct mpsc_keyring_wait *wait)
{
    struct mpsc_time now;

    wait->clock(&now);
    return now.mono_ms;
}

enum mpsc_keyring_state
mpsc_keyring_wait_open(struct mpsc_keyring_wait *wait,
                       const struct mpsc_keyring_query *query)
{
    enum mpsc_keyring_state state = MPSC_KEYRING_OK;

    wait->ended = 0;
    wait->session = wait->port->open(query, &state);
    return wait->session != NULL ? MPSC_KEYRING_OK : state;
}

/* Waits until the session tells something; PENDING where it doesn't in time.
 */
static enum mpsc_keyring_progress
await(struct mpsc_keyring_wait *wait, int64_t until_ms,
      struct mpsc_keyring_event *event)
{
    for (;;) {
        enum mpsc_keyring_progress progress =
            wait->port->step(wait->session, event);
        struct pollfd fd = {wait->port->fd(wait->session), POLLIN, 0};
        int64_t left = until_ms - mono_ms(wait);

        wait->ended = progress == MPSC_KEYRING_ENDED;
        if (progress != MPSC_KEYRING_PENDING || left <= 0) {
            return progress;
        }
        (void)poll(&fd, 1, (int)left);
    }
}

enum mpsc_keyring_state
mpsc_keyring_wait_for(struct mpsc_keyring_wait *wait,
                      enum mpsc_keyring_progress due, int64_t wait_ms,
                      mpsc_keyring_wait_fn *record, void *arg)
{
    int64_t until_ms = mono_ms(wait) + wait_ms + SLACK_MS;
    struct mpsc_keyring_event event;

    for (;;) {
        enum mpsc_keyring_progress progress = await(wait, until_ms, &event);

        if (event.record.token.len > 0 && record != NULL) {
            record(arg, event.business_id, &event.record);
        }
        mpsc_record_free(&event.record);
        if (progress == due) {
            return event.state;
        }
        if (progress == MPSC_KEYRING_PENDING) {
            return MPSC_KEYRING_SILENT;
        }
        if (progress != MPSC_KEYRING_RECORD) {
            return MPSC_KEYRING_BAD_HELPER;
        }
    }
}

void
mpsc_keyring_wait_end(struct mpsc_keyring_wait *wait)
{
    int64_t until_ms = mono_ms(wait) + ENDING_MS;
    enum mpsc_keyring_progress progress = MPSC_KEYRING_RECORD;
    struct mpsc_keyring_event event;

    wait->port->finish(wait->session);
    while (!wait->ended && progress != MPSC_KEYRING_PENDING) {
        progress = await(wait, until_ms, &event);
        mpsc_record_free(&event.record);
    }
    wait->port->close(&wait->session);
}
