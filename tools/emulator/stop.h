/* SPDX-License-Identifier: MIT */
/* The end of the program, and waits that it ends. */

#ifndef EMU_STOP_H
#define EMU_STOP_H

#include <stdint.h>

/* An event that, once raised, stays so. */
struct emu_stop {
    int fd;
};

enum emu_wait {
    EMU_WAIT_PASSED, /* the time is over */
    EMU_WAIT_READY,  /* the peer takes bytes again */
    EMU_WAIT_GONE,   /* the peer has closed its side */
    EMU_WAIT_STOP    /* the program ends */
};

/* Makes *stop, not raised.  Returns 0, or -1 with errno set. */
int emu_stop_open(struct emu_stop *stop);

/* Ends all waits, those under way and those to come.  From any thread. */
void emu_stop_raise(struct emu_stop *stop);

/* Closes it; nobody may wait any more. */
void emu_stop_close(struct emu_stop *stop);

/* Waits for milliseconds (negative: for ever), but no longer than until the
 * peer of the socket closes or the program ends. */
enum emu_wait emu_stop_wait(const struct emu_stop *stop, int socket,
                            int64_t milliseconds);

/* Waits until the socket takes bytes, the peer closes or the program ends. */
enum emu_wait emu_stop_wait_writable(const struct emu_stop *stop, int socket);

#endif
