/* SPDX-License-Identifier: MIT */
/*
 * redact: keeps tokens out of texts from outside, before they reach a message
 * or a log. Graph repeats a malformed token in its error message.
 */
#ifndef MPSC_REDACT_H
#define MPSC_REDACT_H

#include <stddef.h>

#include "secret.h"

/*
 * Shortens `text` in place: "[redacted]" stands for each occurrence of one of
 * the `count` secrets (NULL and empty ones are fine); one that is shorter
 * than that becomes asterisks. Text in a JSON string stays one. Use it before
 * a text is cut: a piece of a secret isn't found any more.
 */
void mpsc_redact_known(char *text, const struct mpsc_secret *const *secrets,
                       size_t count);

/*
 * The same, and for what follows "Malformed access token" and for each run of
 * the characters [A-Za-z0-9_|.-] that looks like a token: 40 or more of them,
 * or 20 or more that hold an "EAA" with 17 behind it. What is shorter, as an
 * fbtrace_id is, stays.
 */
void mpsc_redact(char *text, const struct mpsc_secret *const *secrets,
                 size_t count);

/*
 * Copies a text from outside into to[size]: redacted without known secrets,
 * then cleaned and cut as mpsc_utf8_copy() does. The whole of `from` is looked
 * at, so that no cut leaves a piece of a token that no longer looks like one.
 * Without memory the copy is "".
 */
void mpsc_redact_copy(char *to, size_t size, const char *from);

#endif
