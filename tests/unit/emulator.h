/* SPDX-License-Identifier: MIT */
/*
 * emulator: an mps-graph-emulator in a directory of its own.
 *
 * MPS_GRAPH_EMULATOR names the program; by default it is the one in the
 * directory in which the test runs.
 */
#ifndef TEST_EMULATOR_H
#define TEST_EMULATOR_H

#include <sys/types.h>

struct emulator {
    pid_t pid; /* -1 = none */
    char directory[64];
    char base_url[128];
    char ca_path[96];
};

/* Starts one and waits until it answers. `certificate` as its option, the
 * text of its scenario. 0 or -1. */
int emulator_start(struct emulator *emulator, const char *certificate,
                   const char *scenario);

/* Ends it and removes its directory. */
void emulator_stop(struct emulator *emulator);

#endif
