/* SPDX-License-Identifier: MIT */
/* notify: tells the service manager how far a service is; see sd_notify(3). */
#ifndef MPSS_NOTIFY_H
#define MPSS_NOTIFY_H

/*
 * Sends one datagram, lines like "READY=1" or "STATUS=text", to the manager.
 * The protocol is one that systemd keeps stable for those without its
 * library. 0, also where no manager waits; -1 with errno.
 */
int mpss_notify(const char *lines);

#endif
