/* SPDX-License-Identifier: MIT */
/*
 * starve: a program's memory that runs out at a chosen moment.
 *
 * A program that is linked with this has its own malloc() and its kin, mmap()
 * and pthread_create(): it is before all libraries in the order in which
 * symbols are looked up, so the module that it loads and the libraries behind
 * it get these, too. Each allocation has an owner: the first on the stack that
 * is neither the C library nor the program; so strdup() in the module counts
 * as the module's.
 *
 * While it counts, the allocations of the chosen owners are numbered, and the
 * one whose turn it is fails, once or with all that follow. Those of all
 * threads count: so the program has to be still meanwhile.
 */
#ifndef TEST_STARVE_H
#define TEST_STARVE_H

#include <stdio.h>

enum starve_owner {
    STARVE_MODULE, /* the object that starve_know() was told of */
    STARVE_CURL,
    STARVE_TLS, /* libssl, libcrypto */
    STARVE_JSON,
    STARVE_GLIB, /* and libsecret */
    STARVE_OTHER,
    STARVE_OWNERS
};

/* Takes down where the objects are that are loaded by now; `name` is part of
 * the module's path. From now on it is known who holds how many blocks. */
void starve_know(const char *name);

/* Counts from now on; owners: bits. turn: which one fails, from 1 on; 0 =
 * none. all: so do those that follow. */
void starve_begin(unsigned owners, unsigned turn, int all);
void starve_end(void);

/* What the last count has seen: how many there were, how many failed. */
unsigned starve_seen(void);
unsigned starve_failed(void);

/* The blocks that the owner holds and has got since starve_know(). */
int starve_held(enum starve_owner owner);

/* Where the one that failed first was asked for: OBJECT+OFFSET, from the
 * inside out, for addr2line(1). One line without its end. */
void starve_tell(FILE *to);

#endif
