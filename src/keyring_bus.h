/* SPDX-License-Identifier: MIT */
/*
 * keyring_bus: what a D-Bus address may be, judged without D-Bus.
 *
 * An address is a list of entries divided by ';'. Other transports than unix:
 * are never used: autolaunch: and unixexec: start programs, tcp: and
 * nonce-tcp: leave the machine.
 */
#ifndef MPSC_KEYRING_BUS_H
#define MPSC_KEYRING_BUS_H

/* True where every entry is of the unix: transport, and there is one. */
int mpsc_keyring_bus_local(const char *address);

/*
 * True where some entry may be answered: its path is a socket, or it names
 * none that can be looked at (an abstract socket). Costs one stat(2) per
 * entry. errno may change.
 */
int mpsc_keyring_bus_present(const char *address);

#endif
