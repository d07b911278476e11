/* SPDX-License-Identifier: MIT */
/* The loopback socket that the server listens on. */

#ifndef EMU_LISTENER_H
#define EMU_LISTENER_H

#include "error.h"

/* Room for the longest https://[address]:port with its NUL. */
#define EMU_URL_SIZE 80

/* Listens on port (0: any free one) of address, a numeric address of the
 * loopback; any other is refused.  Fills url, of EMU_URL_SIZE bytes, with the
 * base URL under which clients come in.  Returns the socket, to be closed by
 * the caller, or -1 with error filled. */
int emu_listen(const char *address, unsigned port, char *url,
               struct emu_error *error);

#endif
