/* SPDX-License-Identifier: MIT */
/*
 * house: what a host is, before and after the module was its guest. For the
 * programs in this directory, which know nothing of the module but its ABI.
 *
 *     house_open();
 *     house_before();
 *     ... what this kind of host does with `mps` ...
 *     house_after();
 *     return house_end();
 *
 * Between before and after nothing may be printed: standard output and error
 * go to a file that has to stay empty. What went wrong is kept, and printed by
 * house_end(): a line "broken: ..." each, then "house=ok" or "house=broken".
 */
#ifndef TEST_HOUSE_H
#define TEST_HOUSE_H

#include <mps/loader.h>
#include <stdint.h>

/* What a host exits with where the machine doesn't let it do its part; the
 * same as WORLD_CANNOT. */
#define HOUSE_CANNOT 77

/* The house's own descriptors are this or above: a host that closes others
 * leaves these alone. */
#define HOUSE_FDS 100

/* The module under test: MPS_TEST_MODULE. */
extern struct mps_api mps;

/* Loads the module. Whatever happens, this program ends after four minutes. */
void house_open(void);

/* Takes stock: signal dispositions and mask, descriptors, threads, children,
 * umask, directory, locale, environment, limits, process attributes. */
void house_before(void);

/* Compares. Descriptors and threads are those after credential_shutdown(),
 * which it calls; a helper that still works is waited for. */
void house_after(void);

/* Prints what was noted; main's return value. */
int house_end(void);

/* The same, and ends the process with it at once: past the leak sanitizer,
 * for a host that has no /proc any more or may start no thread. */
_Noreturn void house_leave(void);

/* What has to hold, else it is noted with this text. Any thread may call it.
 * Returns `holds`. */
int house_expect(int holds, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What is to be told beside the result: a line of KEY=VALUE. */
void house_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * get_credential_with(): expects the code, that errno is as it was, and that
 * the deadline held (0 = that of the configuration isn't looked at). Returns
 * the source of the credential, which is released, or 0.
 */
int house_get(const char *business_id, int code, unsigned deadline_ms);

/* Calls every function of the ABI, the way a host would; the module is shut
 * down after it. The business's credential has to be there: code 0. */
void house_live(const char *business_id);

/* Takes the module's log from now on, until house_live(), which gives it back
 * to syslog. How many of the lines have this text; house_end() prints all. */
void house_log_take(void);
unsigned house_log_count(const char *text);

/* The monotonic clock; a nap. */
int64_t house_ms(void);
void house_nap(long ms);

/* What a deadline may be missed by on a busy machine, or under valgrind. */
int64_t house_margin(void);

/*
 * Whether a child did its part: ended by itself with 0. AddressSanitizer's
 * allocator is not fork-safe (before LLVM 18): where another thread held its
 * lock, the child hangs in its first malloc(), the module's or not, until its
 * alarm. Only there is that forgiven; the other builds run the same children.
 */
int house_child_did_well(int status);

/* Once the locale is set, for the leak sanitizer: newlocale(3), which json-c
 * calls, loses a copy of $LOCPATH each time (glibc 2.36). */
void house_forget_locpath(void);

/* True where the house is still whole: nothing was noted so far. */
int house_is_whole(void);

#endif
