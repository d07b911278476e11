/* SPDX-License-Identifier: MIT */
/*
 * helper_newer and helper_older: helpers whose protocol is HELPER_STEP
 * versions from the module's. They do what keyring_protocol.h says of one:
 * answer with VERSION, and end.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "keyring_protocol.h"

int
main(void)
{
    char heard[MPSC_KEYRING_HEADER_SIZE];
    char frame[] = "MPSK\0\0\0\6\0\0\0\2{}";

    if (recv(STDIN_FILENO, heard, sizeof(heard), MSG_WAITALL) !=
        (ssize_t)sizeof(heard)) {
        return 1;
    }
    frame[5] = MPSC_KEYRING_PROTOCOL + HELPER_STEP;
    frame[7] = MPSC_KEYRING_MSG_VERSION;
    return send(STDIN_FILENO, frame, sizeof(frame) - 1, MSG_NOSIGNAL) > 0 ? 0
                                                                          : 1;
}
