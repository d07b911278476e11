/* SPDX-License-Identifier: MIT */
/* Answers on their way over the wire, whole or not. */

#ifndef EMU_DELIVERY_H
#define EMU_DELIVERY_H

#include <microhttpd.h>

#include "answer.h"
#include "stop.h"

/* Sends the answer over the connection after its latency and with its fault,
 * on the connection's own thread.  What answer holds is taken over: it is
 * empty afterwards, in each case.  The result is the handler's: MHD_NO closes
 * the connection. */
enum MHD_Result emu_deliver(struct MHD_Connection *connection,
                            struct emu_answer *answer,
                            const struct emu_stop *stop);

#endif
