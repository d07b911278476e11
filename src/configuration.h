/* SPDX-License-Identifier: MIT */
/*
 * configuration: what the administrator has set, read and checked, as one
 * constant struct per profile.
 *
 * Files, later ones override earlier ones key by key: the vendor's
 * mps-credential.conf in $(datadir) unless $(sysconfdir) has one, then the
 * drop-ins mps-credential.conf.d/ *.conf of both, in the byte order of their
 * names; of two with one name that in $(sysconfdir) alone. Keys without a
 * group are the host's; a group [name] overrides them for the profile of that
 * name.
 */
#ifndef MPSC_CONFIGURATION_H
#define MPSC_CONFIGURATION_H

#include <mps/credential.h>
#include <stdint.h>

#include "digest.h"

/* A file that was changed less than this ago may be changed again without a
 * trace: times on a disk are whole milliseconds at best, on some whole
 * seconds, on FAT every other one. */
#define MPSC_CONFIGURATION_SETTLED_S 2

enum mpsc_keyring_use {
    MPSC_KEYRING_PREFERRED,
    MPSC_KEYRING_REQUIRED,
    MPSC_KEYRING_OFF
};

enum mpsc_audit { MPSC_AUDIT_FETCH, MPSC_AUDIT_USE, MPSC_AUDIT_OFF };

enum mpsc_log_target { MPSC_LOG_SYSLOG, MPSC_LOG_OFF };

/* The options, each as mps-credential.conf(5) describes it. Strings are never
 * "": an option that is not set and has no default is NULL. */
struct mpsc_configuration {
    char *profile; /* NULL = the keys without a group */
    char *solution_id;
    char *api_version;
    char *base_url; /* no slash at its end */
    char *token_file;
    char *token_credential;
    char *app_secret_file;
    char *app_secret_credential;
    char *ca_file;
    char *proxy;
    unsigned deadline_ms;
    unsigned connect_timeout_ms;
    unsigned attempts;
    enum mpsc_keyring_use keyring;
    char *keyring_bus;
    unsigned keyring_deadline_ms;
    char *runtime_dir;
    char *static_file;
    int threads;
    unsigned assume_lifetime_s;
    unsigned max_age_s;
    unsigned negative_ttl_s;
    int64_t distrust_before; /* Unix seconds; 0 = none */
    enum mpsc_audit audit;
    enum mpsc_log_target log;
    int log_level; /* as in syslog: LOG_ERR .. LOG_DEBUG */
};

/*
 * Reads the configuration for `profile` (NULL = none). `file` (NULL = the
 * host's files) is the one file to read instead. On success *configuration is
 * a new struct that the caller frees. Else MPS_E_CONFIG or MPS_E_NO_MEMORY
 * with a message that names file and key, the line of a syntax error, and the
 * next step. Unknown keys and bad values in any group are errors, so that a
 * slip shows at once and not when that profile is first used.
 */
int mpsc_configuration_load(const char *file, const char *profile,
                            struct mpsc_configuration **configuration,
                            struct mps_error *error);

/*
 * The same for static.so: of the options static_file must be set, and none
 * else.
 */
int mpsc_configuration_load_static(const char *file, const char *profile,
                                   struct mpsc_configuration **configuration,
                                   struct mps_error *error);

/*
 * The same as the first with the host's files looked for in other directories
 * than those of the build: for tests.
 */
int mpsc_configuration_load_in(const char *vendor_dir, const char *host_dir,
                               const char *profile,
                               struct mpsc_configuration **configuration,
                               struct mps_error *error);

/* An option as it is in effect; the texts are there during the call alone. */
struct mpsc_configuration_fact {
    const char *key;
    const char *value; /* as it is written; NULL = not set, and no default */
    const char *path;  /* of the file that sets it; NULL = the default */
    unsigned line;     /* in that file, from 1 */
    int may_be_secret; /* by mistake: not to be shown as it is */
};

typedef void
mpsc_configuration_fact_fn(void *arg,
                           const struct mpsc_configuration_fact *fact);

/* Reads the configuration likewise and tells each option, in the order of
 * their names. Nothing is told on failure. */
int mpsc_configuration_explain(const char *file, const char *profile,
                               mpsc_configuration_fact_fn *tell, void *arg,
                               struct mps_error *error);

/*
 * Stamps what mpsc_configuration_load() would look at, whatever the profile
 * (with `file`, that file alone, which may as well be another of ours): a
 * digest of the name, place, size, times, mode and owner of each file and
 * directory, there or not. No file is opened, only the drop-ins are listed.
 * Equal stamps: nothing was changed, added, removed or renamed between. Take
 * the stamp before loading, so that a change in between shows next time.
 *
 * 0; 1 where it is unsettled: something was changed so recently that one more
 * change might leave the same times; -1 without memory or descriptors. An
 * unsettled stamp differs from the settled one of the same files, so that who
 * loads at each change of the stamp loads once more when it has settled, and
 * misses nothing. Any thread at any time; errno is kept.
 */
int mpsc_configuration_stamp(const char *file,
                             char stamp[MPSC_DIGEST_HEX_SIZE]);

/* The same with other directories and another time than now (Unix seconds):
 * for tests. */
int mpsc_configuration_stamp_in(const char *file, const char *vendor_dir,
                                const char *host_dir, int64_t now_s,
                                char stamp[MPSC_DIGEST_HEX_SIZE]);

/* Frees and sets to NULL; NULL in it is fine. */
void mpsc_configuration_free(struct mpsc_configuration **configuration);

#endif
