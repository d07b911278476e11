/* SPDX-License-Identifier: MIT */
/*
 * nginx: an unprivileged nginx in a directory of its own, as a reverse proxy
 * in front of another server, with a certificate of its own for localhost.
 *
 * MPS_TEST_NGINX names the program; by default /usr/sbin/nginx. Knows nothing
 * of the module.
 */
#ifndef TEST_NGINX_H
#define TEST_NGINX_H

#include <sys/types.h>

struct nginx {
    pid_t pid; /* -1 = none */
    char directory[64];
    char base_url[64]; /* https://127.0.0.1:PORT */
    char ca_path[96];  /* what a client has to trust */
};

struct nginx_options {
    const char *upstream; /* https://HOST:PORT, no path */
    int http2;
    const char *lines; /* further lines of its server block; or NULL */
};

/* Starts one and waits until it takes connections. 0, or -1 with a
 * line on stderr. */
int nginx_start(struct nginx *nginx, const struct nginx_options *options);

/* Ends it and removes its directory. */
void nginx_stop(struct nginx *nginx);

/*
 * Waits until nginx has logged `requests` requests in all, and counts the
 * connections over which they came. -1 where there aren't as many within 10 s.
 */
int nginx_connections(const struct nginx *nginx, unsigned requests);

#endif
