/* SPDX-License-Identifier: MIT */
/*
 * <mps/credential.h>: the ABI of a credential module.
 *
 * A module is a shared object that a program loads with dlopen(3), the way
 * login programs load PAM modules. It hands out the access token that acts
 * for one customer business at Meta's Multi-Partner Solution endpoint, from
 * memory, from the system keyring, or from the endpoint. The program knows
 * nothing of HTTP, JSON, D-Bus, retries or expiry.
 *
 *     void *module = dlopen("/usr/lib/.../mps-credential/provider.so",
 *                           RTLD_NOW | RTLD_LOCAL);
 *     get_credential_fn *get = dlsym(module, "get_credential");
 *
 * or, with <mps/loader.h>, one call of mps_load().
 *
 * Rules for all functions, where nothing else is said:
 *
 * Threads: each may be called from any thread at any time. None may be
 * called from a signal handler, nor from the host's log function.
 * Fork: each may be called in a child of fork(2), whatever the parent's
 * threads were doing; the child starts with an empty memory and takes nothing
 * from the parent: no lock, no descriptor, no connection. Credentials that
 * the parent held stay valid in the child; releasing them there is allowed.
 * Signals: no disposition and no mask is changed, no signal is sent or
 * raised; the module's own thread has all signals blocked. No child process
 * of the module is ever seen by the host's wait(2).
 * Cancellation: a thread that is cancelled in one of them leaves no lock
 * behind: none is a cancellation point. Asynchronous cancellation
 * (pthread_setcanceltype(3)) must not be on in them.
 * errno, locale, umask, working directory, environment, standard output and
 * standard error are left alone.
 *
 * All times are Unix seconds in 64 bits, on 32-bit machines too.
 */
#ifndef MPS_CREDENTIAL_H
#define MPS_CREDENTIAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number that credential_abi() of a module for this header returns. */
#define MPS_CREDENTIAL_ABI 1u

/* The most digits of a business_id. */
#define MPS_BUSINESS_ID_MAX 20

/* Return codes. New ones are only ever appended. */
enum {
    MPS_OK = 0, /* a usable credential */
    /* NULL or empty argument, business_id not 1 to 20 digits, bad size,
     * unknown flag. */
    MPS_E_INVALID = 1,
    /* Configuration missing, unreadable, unsafe (permissions) or wrong: the
     * message names file and key, and the line where the syntax is wrong. */
    MPS_E_CONFIG = 2,
    /* HTTP 400; Graph code 100, 131008, 131009, 2500. */
    MPS_E_BAD_REQUEST = 3,
    /* HTTP 401; Graph code 0, 102, 104, 190: the partner's own token is
     * missing, expired or revoked. */
    MPS_E_AUTH = 4,
    /* HTTP 403; Graph code 3, 10, 200 to 299, 131005, 368, 131031. */
    MPS_E_FORBIDDEN = 5,
    /* HTTP 404; Graph code 803; 100 with subcode 33. */
    MPS_E_NOT_FOUND = 6,
    /* HTTP 422: e.g. the business has shared no WhatsApp account with the
     * solution. */
    MPS_E_UNPROCESSABLE = 7,
    /* HTTP 429; Graph code 4, 17, 32, 341, 613, 80000 to 80014, 130429,
     * 131048, 131056, 133016. */
    MPS_E_RATE_LIMITED = 8,
    /* HTTP 5xx; Graph code 1, 2, 131000, 131016; is_transient. */
    MPS_E_SERVER = 9,
    MPS_E_NETWORK = 10, /* no name, no route, refused, reset */
    /* Certificate, host name or protocol version refused; never retried. */
    MPS_E_TLS = 11,
    MPS_E_TIMEOUT = 12, /* the deadline passed */
    /* An answer that is none: not JSON, wrong types, no token, too large, a
     * redirect, a token expired on arrival. */
    MPS_E_PROTOCOL = 13,
    /* `keyring = required` and it is absent, locked, refused or silent. */
    MPS_E_KEYRING = 14,
    MPS_E_NO_MEMORY = 15,
    MPS_E_AGAIN = 16, /* MPS_NO_WAIT: nothing at hand, a fetch is under way */
    MPS_E_INTERNAL = 17 /* a bug of the module */
};

/* What to do about a code: bits of credential_class(). */
#define MPS_CLASS_RETRY 1u    /* ask again, not before mps_error.retry_at */
#define MPS_CLASS_ALERT 2u    /* tell the administrator */
#define MPS_CLASS_BUSINESS 4u /* suspend this customer; never delete it */
#define MPS_CLASS_CALLER 8u   /* a bug in the host */

/* Flags of mps_request. */
#define MPS_NO_WAIT 1u       /* answer from memory, or MPS_E_AGAIN */
#define MPS_FORCE_REFRESH 2u /* ask the endpoint, whatever is held */

/* Where a process got a credential. */
#define MPS_SOURCE_ENDPOINT 1
#define MPS_SOURCE_KEYRING 2
#define MPS_SOURCE_FILE 3 /* static.so: the administrator's static_file */

/*
 * A credential. Immutable, reference-counted and shared between callers; the
 * memory is wiped when the last holder releases it.
 */
struct mps_credential {
    size_t size; /* what the module knows of this struct, in bytes; members
                  * are only ever appended */
    const char *access_token; /* NUL-terminated, opaque, of any length */
    int64_t expires_at;       /* when the module stops serving it; never 0 */
    int64_t endpoint_expires_at; /* as the endpoint gave it; 0 = never
                                  * expires, -1 = it gave none */
    int source;                  /* MPS_SOURCE_; later versions may add some */
    char token_id[16]; /* first 12 hex digits of the token's SHA-256: names
                        * the token in logs and audits */
};

/*
 * An error in full. The caller sets `size` to sizeof(struct mps_error); the
 * module writes no more than that. No text ever holds a secret; each is
 * NUL-terminated and cut at a UTF-8 boundary.
 */
struct mps_error {
    size_t size;
    int code;        /* the MPS_E_ code that was returned */
    int http_status; /* 0 = no response */
    int graph_code, graph_subcode, is_transient; /* 0 where none was given */
    int64_t retry_at; /* before it asking again is pointless; 0 = unknown */
    char type[64], fbtrace_id[64]; /* Meta's, for its support; may be "" */
    char message[256]; /* what failed, for which business and endpoint, what
                        * to do */
    char user_title[128], user_message[256]; /* Meta's texts for people */
};

/*
 * A request. The caller sets `size` to sizeof(struct mps_request); the rest
 * may be zero. The strings are read during the call and not kept.
 */
struct mps_request {
    size_t size;
    const char *business_id; /* 1 to MPS_BUSINESS_ID_MAX decimal digits */
    const char *profile;     /* a group of the configuration; NULL = the
                              * environment's MPS_CREDENTIAL_PROFILE, or none */
    unsigned deadline_ms;    /* for the whole call; 0 = as configured */
    unsigned min_validity_s; /* the token must live this long yet */
    unsigned flags;          /* MPS_NO_WAIT, MPS_FORCE_REFRESH */
    struct mps_error *error; /* filled on failure, where not NULL (for hosts
                              * whose tasks change threads) */
};

/*
 * The host's log. `priority` is one of syslog(3)'s, `line` has no newline
 * and is valid during the call. It is called from any thread, possibly from
 * several at once, and must not call the module.
 */
typedef void mps_log_fn(void *arg, int priority, const char *line);

/* The result of one item of prefetch_credentials(), on the calling thread. */
typedef void mps_prefetch_fn(void *arg, const char *business_id, int code);

/* The exported functions' types, for dlsym(3). */
typedef int get_credential_fn(const char *business_id,
                              const struct mps_credential **credential);
typedef int get_credential_with_fn(const struct mps_request *request,
                                   const struct mps_credential **credential);
typedef void release_credential_fn(const struct mps_credential *credential);
typedef int invalidate_credential_fn(const char *business_id,
                                     const char *access_token);
typedef int invalidate_credential_with_fn(const struct mps_request *request,
                                          const char *access_token);
typedef int prefetch_credentials_fn(const struct mps_request *request,
                                    const char *const *business_ids,
                                    size_t count, mps_prefetch_fn *done,
                                    void *arg);
typedef int credential_error_fn(struct mps_error *error);
typedef const char *credential_strerror_fn(int code);
typedef unsigned credential_class_fn(int code);
typedef int credential_event_fd_fn(void);
typedef int credential_prepare_fn(const struct mps_request *request);
typedef void credential_shutdown_fn(void);
typedef void credential_log_to_fn(mps_log_fn *log, void *arg);
typedef unsigned credential_abi_fn(void);

/*
 * get_credential: a usable credential for one business.
 *
 * business_id: 1 to 20 decimal digits. *credential: set to a credential that
 * the caller releases with release_credential(), or to NULL on failure.
 *
 * Answers from memory, else from the keyring, else from the endpoint. Threads
 * that ask for one business at once share one fetch; so do the processes of
 * one user. Blocks for at most the configured deadline_ms. Any code but
 * MPS_E_AGAIN may be returned; the details are in credential_error().
 *
 * A token is refreshed in the background from a moment between 50 and 90 % of
 * its life on, drawn for each token; in its last minute, or tenth where that
 * is shorter, the call that comes refreshes it. Where that fails the old one
 * is handed out with MPS_OK to its very end, and the next refresh backs off.
 *
 * While the endpoint is known to be limited or failing, by what any process
 * of the user has met, a call without a usable token fails at once with that
 * code and a retry_at, and one process at a time probes.
 */
get_credential_fn get_credential;

/*
 * get_credential_with: the same, with all that a request can say.
 *
 * MPS_NO_WAIT: touches neither network nor D-Bus, nor a lock that is held
 * over either. Local files are looked at once a second, and a profile's first
 * call, or the one after a change, reads the configuration: for the first,
 * credential_prepare() does that before an event loop begins. Where nothing
 * usable is in memory it starts a fetch in the background and returns
 * MPS_E_AGAIN; credential_event_fd() becomes readable when that has ended. A
 * background fetch that failed returns its own code until its retry_at. With
 * `threads = no`: MPS_E_CONFIG.
 *
 * MPS_FORCE_REFRESH: asks the endpoint though a usable token is held, but not
 * more often than the back-off allows (30 s): within it, what the last fetch
 * brought is handed out. It passes a remembered no, never a rate limit. With
 * MPS_NO_WAIT it starts the refresh and answers from memory.
 *
 * min_validity_s: a token that lives shorter is fetched anew. A fresh token
 * that cannot satisfy it, because a fetch younger than the back-off brought
 * it, is handed out with MPS_OK: look at its expires_at.
 *
 * MPS_E_INVALID: also a NULL request, a size that is smaller than this
 * struct's, members behind it (of a later version) that are not zero, an
 * unknown flag.
 */
get_credential_with_fn get_credential_with;

/*
 * release_credential: gives a credential back; NULL is fine. Safe from any
 * thread, never blocks. The credential must not be used afterwards.
 */
release_credential_fn release_credential;

/*
 * invalidate_credential: the endpoint's other services refused this token.
 *
 * Drops that token of the business, and no other, from memory and keyring;
 * the next get_credential() asks the endpoint. Should that give the same
 * token again within 30 s, doubling to 15 min, it isn't believed: calls fail
 * with MPS_E_PROTOCOL until retry_at. access_token NULL: whatever is
 * held for the business, and a remembered no. Call it once for a token that
 * Meta's services refuse with code 190, then ask again.
 *
 * Returns MPS_OK also where nothing was held. Blocks for at most the deadline,
 * while another's fetch of the business ends and the keyring is changed.
 * MPS_E_INVALID, MPS_E_CONFIG, MPS_E_NO_MEMORY; MPS_E_TIMEOUT in a shutdown;
 * with `keyring = required` also MPS_E_KEYRING or MPS_E_TIMEOUT, where the
 * keyring's part couldn't be done.
 */
invalidate_credential_fn invalidate_credential;

/*
 * invalidate_credential_with: the same with a profile and a deadline; with
 * MPS_NO_WAIT the keyring is changed in the background. min_validity_s and
 * MPS_FORCE_REFRESH mean nothing here and must be zero (else MPS_E_INVALID).
 */
invalidate_credential_with_fn invalidate_credential_with;

/*
 * prefetch_credentials: fills memory and keyring for many businesses.
 *
 * request: NULL = defaults; its business_id is ignored, MPS_NO_WAIT is
 * MPS_E_INVALID. business_ids: `count` strings, which must stay as they are
 * during the call; each is answered on its own, also one that comes twice.
 * done (may be NULL): called on this thread, once for each item, in no fixed
 * order, with no lock held; it may release and get credentials.
 *
 * The keyring is read once and written in batches; of the endpoint up to 32
 * items are asked for at a time. What memory or keyring hold is not asked for,
 * and what another process fetches just now is taken from the keyring. After
 * a MPS_E_RATE_LIMITED, MPS_E_AUTH or MPS_E_CONFIG nothing more is asked for:
 * each item that would have been has that code and retry_at.
 *
 * Blocks. deadline_ms 0 gives each item the configured deadline, from when it
 * is asked for; else it bounds the whole. When it returns, what came is in
 * memory, and on its way into the keyring, where it gets though this process
 * ends. Returns MPS_OK, or the worst code of the items: the one that the
 * administrator should hear of first.
 */
prefetch_credentials_fn prefetch_credentials;

/*
 * credential_error: this thread's last failure; a success leaves it as it
 * was. The caller sets error->size. Returns MPS_OK; MPS_E_INVALID where
 * error is NULL or its size is smaller than this struct's. Where nothing
 * has failed yet, error->code is MPS_OK and the texts are empty.
 */
credential_error_fn credential_error;

/*
 * credential_strerror: a short English text for a code. Static, never NULL,
 * also for an unknown code.
 */
credential_strerror_fn credential_strerror;

/* credential_class: what to do about a code: MPS_CLASS_ bits; MPS_OK: 0. */
credential_class_fn credential_class;

/*
 * credential_event_fd: a descriptor for poll(2), readable when a background
 * fetch has ended. Read 8 bytes to clear it (it is an eventfd(2), non-
 * blocking and close-on-exec). It belongs to the module: do not close it.
 * Valid until credential_shutdown(); a child of fork(2) asks for a new one.
 * Returns -1 where none can be had.
 */
credential_event_fd_fn credential_event_fd;

/*
 * credential_prepare: for a host that will chroot or drop its privileges.
 *
 * Reads the configuration, the CA bundle and the partner's token now, and
 * keeps them for when their files can no longer be read. No network, no
 * keyring. request: NULL = defaults; only its profile and error count, flags
 * and min_validity_s must be zero.
 * Returns MPS_OK, MPS_E_INVALID, MPS_E_CONFIG or MPS_E_NO_MEMORY.
 */
credential_prepare_fn credential_prepare;

/*
 * credential_shutdown: ends the module's thread and waits for it, closes all
 * descriptors, wipes and frees all memory but the credentials that callers
 * still hold. Fetches that other threads wait for end with MPS_E_TIMEOUT
 * (with `threads = no` it waits for theirs); calls that come meanwhile wait
 * for its end. The next call of any function starts anew. Not from a callback;
 * not needed before exit(3).
 */
credential_shutdown_fn credential_shutdown;

/*
 * credential_log_to: sends the module's log lines to the host's function
 * instead of syslog, as far as `log` and `log_level` let them through; NULL =
 * to syslog again. The audit stays with syslog. Kept
 * until changed, also over credential_shutdown(). When it returns, the former
 * function is no longer running and will not be called again.
 */
credential_log_to_fn credential_log_to;

/* credential_abi: MPS_CREDENTIAL_ABI as the module was built. */
credential_abi_fn credential_abi;

#ifdef __cplusplus
}
#endif

#endif
