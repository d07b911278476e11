/* SPDX-License-Identifier: MIT */
/* The HTTPS server. */

#ifndef EMU_SERVER_H
#define EMU_SERVER_H

#include <stdio.h>

#include "certificate.h"
#include "endpoint.h"
#include "error.h"

struct emu_server;

/* What a server is made of; all of it outlives the server. */
struct emu_server_parts {
    struct emu_endpoint *endpoint;
    const struct emu_certificate *certificate;
    const char *priorities; /* GnuTLS's, the versions of TLS among them */
    FILE *log;              /* NULL: none */
};

/* Serves the endpoint on the listening socket, which it takes over (closed
 * too when it fails), with a thread per connection.  NULL with error filled
 * on failure.  Ends with emu_server_stop. */
struct emu_server *emu_server_start(int socket,
                                    const struct emu_server_parts *parts,
                                    struct emu_error *error);

/* Ends all answers under way, closes all connections, joins all threads and
 * frees the server; NULL is fine. */
void emu_server_stop(struct emu_server *server);

#endif
