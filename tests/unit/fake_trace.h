/* SPDX-License-Identifier: MIT */
/*
 * fake_trace: what the fakes were asked to do and what the code under test
 * told, in order, as words with a space in between.
 */
#ifndef TEST_FAKE_TRACE_H
#define TEST_FAKE_TRACE_H

void fake_trace_clear(void);

/* Adds a word (as printf(3)). Any thread; not with fake_lock. */
void fake_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* All words so far. For one thread at a time. */
const char *fake_trace_text(void);

/* Compares, and prints both where they differ. */
int fake_trace_is(const char *name, const char *expected);

#endif
