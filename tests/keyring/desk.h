/* SPDX-License-Identifier: MIT */
/*
 * desk: a user's session for tests: a directory of its own, a bus, and a
 * gnome-keyring with an unlocked default collection.
 *
 * The bus can start the Secret Service and gnome-keyring's prompter, but what
 * it starts only leaves a mark: so a test can tell that nobody asked for it.
 * Failure to set things up ends the program.
 */
#ifndef TEST_DESK_H
#define TEST_DESK_H

/* Makes the directory and starts the bus. */
void desk_open(void);

/* Ends all that runs and removes the directory. */
void desk_close(void);

/* With an unlocked default collection; without any collection. */
void desk_start_keyring(void);
void desk_start_bare_keyring(void);
void desk_stop_keyring(void);
void desk_restart_keyring(void);

/* Sends the keyring's process a signal. */
void desk_signal_keyring(int number);

/* The bus's address; the directory; a path in it, in a buffer that the next
 * but three calls overwrite. */
const char *desk_bus(void);
const char *desk_dir(void);
const char *desk_path(const char *name);

/* Runs a shell command (as printf(3)) in the session; its exit status. */
int desk_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True where the bus was asked to start the service or the prompter; the
 * marks are removed. */
int desk_started_service(void);
int desk_started_prompter(void);

#endif
