/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "account.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <mps/credential.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/error.h"

/* The entry of a name or a UID; NULL with errno, 0 where there is none. */
static const struct passwd *
find(const char *user)
{
    const struct passwd *entry;
    unsigned long uid;
    char *end;

    errno = 0;
    entry = getpwnam(user);
    if (entry != NULL || user[0] < '0' || user[0] > '9') {
        return entry;
    }
    uid = strtoul(user, &end, 10);
    if (*end != '\0' || (unsigned long)(uid_t)uid != uid) {
        return NULL;
    }
    errno = 0;
    return getpwuid((uid_t)uid);
}

/* 0, or -1 with errno. */
static int
set_environment(const struct passwd *entry)
{
    char dir[sizeof("/run/user/") + 3 * sizeof(uid_t)];
    struct stat status;

    snprintf(dir, sizeof(dir), "/run/user/%lu", (unsigned long)entry->pw_uid);
    if (setenv("HOME", entry->pw_dir, 1) != 0 ||
        setenv("USER", entry->pw_name, 1) != 0 ||
        setenv("LOGNAME", entry->pw_name, 1) != 0 ||
        unsetenv("DBUS_SESSION_BUS_ADDRESS") != 0) {
        return -1;
    }
    if (stat(dir, &status) == 0 && S_ISDIR(status.st_mode)) {
        return setenv("XDG_RUNTIME_DIR", dir, 1);
    }
    return unsetenv("XDG_RUNTIME_DIR");
}

static int
refuse(const char *user, const char *why, struct mps_error *error)
{
    return mpsc_error_set(error, MPS_E_INVALID, "--user=%s: %s", user, why);
}

/* The user's entry, or NULL with *error where there is none. */
static const struct passwd *
look_up(const char *user, struct mps_error *error)
{
    const struct passwd *entry = find(user);

    if (entry == NULL) {
        (void)refuse(user,
                     errno == 0 ? "there is no such user" : strerror(errno),
                     error);
    }
    return entry;
}

static int
enter_root(const char *root, struct mps_error *error)
{
    if (chroot(root) == 0 && chdir("/") == 0) {
        return MPS_OK;
    }
    return mpsc_error_set(error, MPS_E_INVALID, "--root=%s: %s", root,
                          strerror(errno));
}

int
cli_account_uid(const char *user, uid_t *uid, struct mps_error *error)
{
    const struct passwd *entry = look_up(user, error);

    if (entry == NULL) {
        return MPS_E_INVALID;
    }
    *uid = entry->pw_uid;
    return MPS_OK;
}

int
cli_account_become_in(const char *root, const char *user,
                      struct mps_error *error)
{
    const struct passwd *entry = NULL;
    gid_t groups[NGROUPS_MAX];
    int count = NGROUPS_MAX;

    if (user != NULL) {
        entry = look_up(user, error);
        if (entry == NULL) {
            return MPS_E_INVALID;
        }
        if (entry->pw_uid == getuid() && entry->pw_uid == geteuid()) {
            entry = NULL;
        } else if (geteuid() != 0) {
            return refuse(user, "only root can act for another user", error);
        } else if (getgrouplist(entry->pw_name, entry->pw_gid, groups,
                                &count) < 0) {
            return refuse(user, "it is in too many groups", error);
        }
    }
    if (root != NULL && enter_root(root, error) != MPS_OK) {
        return MPS_E_INVALID;
    }
    if (entry != NULL &&
        (setgroups((size_t)count, groups) != 0 || setgid(entry->pw_gid) != 0 ||
         setuid(entry->pw_uid) != 0 || set_environment(entry) != 0)) {
        return refuse(user, strerror(errno), error);
    }
    return MPS_OK;
}

int
cli_account_become(const char *user, struct mps_error *error)
{
    return cli_account_become_in(NULL, user, error);
}
