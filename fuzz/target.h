/* SPDX-License-Identifier: MIT */
/*
 * target: what the fuzz targets have in common: their entry, which libFuzzer
 * or replay.c calls, and what must hold of every text that leaves the module.
 */
#ifndef MPSC_FUZZ_TARGET_H
#define MPSC_FUZZ_TARGET_H

#include <mps/credential.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

/* libFuzzer's name for it. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, with a line that says what didn't hold: a finding. */
_Noreturn void fuzz_broken(const char *condition, const char *file, int line);

#define MUST(condition) fuzz_must(condition, #condition, __FILE__, __LINE__)

static inline void
fuzz_must(int holds, const char *condition, const char *file, int line)
{
    if (!holds) {
        fuzz_broken(condition, file, line);
    }
}

/*
 * A text for people: ends within its `size` bytes, is UTF-8 without control
 * characters, and has nothing in it that looks like a token of Meta's.
 */
void fuzz_must_be_text(const char *text, size_t size);

/* The last part of that alone. */
void fuzz_must_hide_tokens(const char *text);

/* An error as it may leave the module: `code` and its facts fit, all texts
 * are texts. */
void fuzz_must_be_error(const struct mps_error *error, int code);

/* The two records say the same. */
void fuzz_must_equal(const struct mpsc_record *a, const struct mpsc_record *b);

/* A record that was accepted keeps to what record.h promises. */
void fuzz_must_be_record(const struct mpsc_record *record);

/* The input as a string of its own, which the caller frees. */
char *fuzz_string(const uint8_t *data, size_t size);

/* The moment of all targets, and its boot. */
#define FUZZ_NOW INT64_C(1767225600)
#define FUZZ_NOW_BOOT_MS INT64_C(86400000)
#define FUZZ_BOOT_ID "01234567-89ab-cdef-0123-456789abcdef"

#endif
