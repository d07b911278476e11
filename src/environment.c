/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

/* Made by tmpfiles.d for a system service's user. */
#define SYSTEM_RUNTIME_DIR "/run/mps-credential"

/* Copies a variable that is set and not "". 0, or -1 without memory. */
static int
take(const char *name, char **value)
{
    const char *found = secure_getenv(name);

    *value = NULL;
    if (found == NULL || found[0] == '\0') {
        return 0;
    }
    *value = strdup(found);
    return *value != NULL ? 0 : -1;
}

static int
is_a(const char *path, mode_t type)
{
    struct stat about;

    return stat(path, &about) == 0 && (about.st_mode & S_IFMT) == type;
}

/* XDG_RUNTIME_DIR, or NULL where it isn't an absolute path, as the XDG Base
 * Directory Specification demands. */
static const char *
session_dir(void)
{
    const char *dir = secure_getenv("XDG_RUNTIME_DIR");

    return dir != NULL && dir[0] == '/' ? dir : NULL;
}

static int
find_runtime_dir(char **runtime_dir)
{
    const char *session = session_dir();
    char *path;

    if (asprintf(&path, SYSTEM_RUNTIME_DIR "/%u", (unsigned)geteuid()) < 0) {
        return -1;
    }
    if (!is_a(path, S_IFDIR)) {
        free(path);
        path = NULL;
        if (session != NULL &&
            asprintf(&path, "%s/mps-credential", session) < 0) {
            return -1;
        }
    }
    *runtime_dir = path;
    return 0;
}

/* What needs no escape in a D-Bus address, by the D-Bus specification. */
#define ADDRESS_BYTES                                                         \
    "-_/.\\*0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* The address of the socket `name` in `dir`, or NULL where none is there. */
static int
bus_in(const char *dir, const char *name, char **bus)
{
    char *address;

    *bus = NULL;
    if (dir[strspn(dir, ADDRESS_BYTES)] != '\0') {
        return 0;
    }
    if (asprintf(&address, "unix:path=%s/%s", dir, name) < 0) {
        return -1;
    }
    if (is_a(address + strlen("unix:path="), S_IFSOCK)) {
        *bus = address;
    } else {
        free(address);
    }
    return 0;
}

static int
find_bus(char **bus)
{
    char name[32];

    snprintf(name, sizeof(name), "%u/bus", (unsigned)geteuid());
    if (bus_in(SYSTEM_RUNTIME_DIR, name, bus) != 0) {
        return -1;
    }
    if (*bus == NULL && take("DBUS_SESSION_BUS_ADDRESS", bus) != 0) {
        return -1;
    }
    if (*bus == NULL && session_dir() != NULL) {
        return bus_in(session_dir(), "bus", bus);
    }
    return 0;
}

int
mpsc_environment_read(struct mpsc_environment *environment,
                      struct mps_error *error)
{
    int saved = errno;
    int code = MPS_OK;

    memset(environment, 0, sizeof(*environment));
    if (getauxval(AT_SECURE) != 0 && getenv("SSLKEYLOGFILE") != NULL) {
        return mpsc_error_set(
            error, MPS_E_CONFIG,
            "SSLKEYLOGFILE is set for a program that runs with raised "
            "privileges: it would disclose the TLS keys; unset it");
    }
    if (take("MPS_CREDENTIAL_CONF", &environment->configuration) != 0 ||
        take("MPS_CREDENTIAL_PROFILE", &environment->profile) != 0 ||
        take("CREDENTIALS_DIRECTORY", &environment->credentials) != 0 ||
        find_runtime_dir(&environment->runtime_dir) != 0 ||
        find_bus(&environment->keyring_bus) != 0) {
        mpsc_environment_free(environment);
        code = mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    errno = saved;
    return code;
}

void
mpsc_environment_free(struct mpsc_environment *environment)
{
    free(environment->configuration);
    free(environment->profile);
    free(environment->credentials);
    free(environment->keyring_bus);
    free(environment->runtime_dir);
    memset(environment, 0, sizeof(*environment));
}
