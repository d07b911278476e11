/* SPDX-License-Identifier: MIT */
/* interrupt: the signals that end a program, as a descriptor to poll. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

/*
 * Blocks SIGINT, SIGTERM and SIGHUP in this thread, and in those that it
 * starts from now on, and gives a descriptor (signalfd(2)) that is readable
 * when one has come. One that the caller's parent has set to be ignored
 * (nohup, a job in the background) stays so. -1 with errno on failure.
 */
int cli_interrupt_open(void);

/* Takes a signal off the descriptor: its number, 0 where none has come. */
int cli_interrupt_take(int fd);

/* Closes the descriptor and lets the signals act as before. */
void cli_interrupt_close(int fd);

#endif
