/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "say.h"

#include <string.h>

#include "talk.h"

const struct mpsk_deadline_frame mpsk_say_nothing;
struct mpsk_deadline_frame mpsk_say_loaded_busy;
struct mpsk_deadline_frame mpsk_say_loaded_silent;
struct mpsk_deadline_frame mpsk_say_changed_busy;
struct mpsk_deadline_frame mpsk_say_changed_silent;

/* Copies and frees an encoded frame; 0 or -1. */
static int
keep(struct mpsk_deadline_frame *to, int encoded, struct mpsc_secret *frame)
{
    if (encoded != 0 || frame->len > sizeof(to->bytes)) {
        return -1;
    }
    memcpy(to->bytes, frame->data, frame->len);
    to->len = frame->len;
    mpsc_secret_free(frame);
    return 0;
}

static int
keep_loaded(struct mpsk_deadline_frame *to, enum mpsc_keyring_state state)
{
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;

    return keep(to, mpsc_keyring_encode_loaded(state, NULL, &frame), &frame);
}

static int
keep_changed(struct mpsk_deadline_frame *to, enum mpsc_keyring_state state)
{
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;

    return keep(to, mpsc_keyring_encode_changed(state, &frame), &frame);
}

int
mpsk_say_init(void)
{
    return keep_loaded(&mpsk_say_loaded_busy, MPSC_KEYRING_BUSY) == 0 &&
                   keep_loaded(&mpsk_say_loaded_silent, MPSC_KEYRING_SILENT) ==
                       0 &&
                   keep_changed(&mpsk_say_changed_busy, MPSC_KEYRING_BUSY) ==
                       0 &&
                   keep_changed(&mpsk_say_changed_silent,
                                MPSC_KEYRING_SILENT) == 0
               ? 0
               : -1;
}

void
mpsk_say_changed(enum mpsc_keyring_state state)
{
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;

    mpsk_deadline_arm(MPSK_SAY_ANSWER_MS, &mpsk_say_nothing);
    if (mpsc_keyring_encode_changed(state, &frame) == 0) {
        (void)mpsk_talk_send(&frame);
    }
    mpsc_secret_free(&frame);
    mpsk_deadline_disarm();
}
