/* SPDX-License-Identifier: MIT */
/* reception: runs a host of this directory in the world of a module test. */
#ifndef TEST_RECEPTION_H
#define TEST_RECEPTION_H

#include "../module/world.h"

/* world_configure() with deadlines that no busy machine exceeds. */
void reception_configure(const char *lines);

/*
 * Runs PROGRAM ARGUMENT... below `prefix` (a command that runs another, or
 * "") and expects that its house is whole. What the machine can't do is said.
 * Its output is good until the next call.
 */
const char *reception_host(const char *prefix, const char *arguments, ...)
    __attribute__((format(printf, 2, 3)));

#endif
