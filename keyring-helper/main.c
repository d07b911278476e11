/* SPDX-License-Identifier: MIT */
/*
 * keyring-helper: one flight of mps-credential with the system keyring, or
 * one sweep over it.
 *
 * The module runs it with a socket as descriptor 0 and nothing else: no
 * argument, no environment. For a flight it takes the business's lock, reads
 * its page, answers, waits for what the module has to store or erase, writes,
 * and ends; for a sweep see sweep.h. The locks end with it. GLib and libsecret
 * live here, since a host that forks, prompts, or sets its own signals would
 * not survive them.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deadline.h"
#include "flight.h"
#include "keyring_protocol.h"
#include "sweep.h"
#include "talk.h"

/* Tokens will be in this memory. */
static void
harden(void)
{
    const struct rlimit none = {0, 0};

    umask(077);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    /* So that no file system is kept from being unmounted. */
    (void)!chdir("/");
    /* As the module has set them; for whoever else runs this. */
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

static int
serve(const struct mpsc_keyring_query *query)
{
    return query->business_id != NULL ? mpsk_flight(query) : mpsk_sweep(query);
}

int
main(int argc, char **argv)
{
    struct mpsc_keyring_message open;
    struct mpsc_secret frame = MPSC_SECRET_EMPTY;
    int result = 0;

    (void)argv;
    if (argc > 1 || !mpsk_talk_ready()) {
        fputs("keyring-helper: a part of mps-credential that its module "
              "runs; it is of no use by hand\n",
              stderr);
        return 2;
    }
    harden();
    if (mpsk_deadline_init() != 0) {
        return 1;
    }
    switch (mpsk_talk_receive(&open)) {
    case MPSC_KEYRING_MESSAGE:
        if (open.type == MPSC_KEYRING_MSG_OPEN) {
            result = serve(&open.query) == 0 ? 0 : 1;
        }
        break;
    case MPSC_KEYRING_OTHER_VERSION:
        if (mpsc_keyring_encode_bare(MPSC_KEYRING_MSG_VERSION, &frame) == 0) {
            mpsk_talk_send(&frame);
        }
        mpsc_secret_free(&frame);
        break;
    case MPSC_KEYRING_MORE:
    case MPSC_KEYRING_BAD:
        break;
    }
    mpsc_keyring_message_free(&open);
    return result;
}
