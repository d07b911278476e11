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

/* NULL and "" become NULL. 0, or -1 without memory. */
static int
copy(char **to, const char *from)
{
    *to = NULL;
    if (from == NULL || from[0] == '\0') {
        return 0;
    }
    *to = strdup(from);
    return *to != NULL ? 0 : -1;
}

static int
take(const char *name, char **value)
{
    return copy(value, secure_getenv(name));
}

/* As the XDG Base Directory Specification demands: a path that isn't
 * absolute counts for nothing. */
static int
take_session_dir(char **value)
{
    const char *dir = secure_getenv("XDG_RUNTIME_DIR");

    return copy(value, dir != NULL && dir[0] == '/' ? dir : NULL);
}

static int
is_a(const char *path, mode_t type)
{
    struct stat about;

    return stat(path, &about) == 0 && (about.st_mode & S_IFMT) == type;
}

static int
find_runtime_dir(const char *session, char **runtime_dir)
{
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
find_bus(const struct mpsc_environment *environment, char **bus)
{
    char name[32];

    snprintf(name, sizeof(name), "%u/bus", (unsigned)geteuid());
    if (bus_in(SYSTEM_RUNTIME_DIR, name, bus) != 0) {
        return -1;
    }
    if (*bus == NULL && copy(bus, environment->session_bus) != 0) {
        return -1;
    }
    if (*bus == NULL && environment->session_dir != NULL) {
        return bus_in(environment->session_dir, "bus", bus);
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
        take("DBUS_SESSION_BUS_ADDRESS", &environment->session_bus) != 0 ||
        take_session_dir(&environment->session_dir) != 0) {
        mpsc_environment_free(environment);
        code = mpsc_error_set(error, MPS_E_NO_MEMORY, "out of memory");
    }
    errno = saved;
    return code;
}

int
mpsc_environment_copy(struct mpsc_environment *to,
                      const struct mpsc_environment *from)
{
    memset(to, 0, sizeof(*to));
    if (copy(&to->configuration, from->configuration) != 0 ||
        copy(&to->profile, from->profile) != 0 ||
        copy(&to->credentials, from->credentials) != 0 ||
        copy(&to->session_bus, from->session_bus) != 0 ||
        copy(&to->session_dir, from->session_dir) != 0) {
        mpsc_environment_free(to);
        return -1;
    }
    return 0;
}

void
mpsc_environment_free(struct mpsc_environment *environment)
{
    free(environment->configuration);
    free(environment->profile);
    free(environment->credentials);
    free(environment->session_bus);
    free(environment->session_dir);
    memset(environment, 0, sizeof(*environment));
}

int
mpsc_environment_place(const struct mpsc_environment *environment,
                       struct mpsc_place *place)
{
    int saved = errno;
    int result = 0;

    memset(place, 0, sizeof(*place));
    if (find_runtime_dir(environment->session_dir, &place->runtime_dir) != 0 ||
        find_bus(environment, &place->bus) != 0) {
        mpsc_place_free(place);
        result = -1;
    }
    errno = saved;
    return result;
}

int
mpsc_place_copy(struct mpsc_place *to, const struct mpsc_place *from)
{
    memset(to, 0, sizeof(*to));
    if (copy(&to->bus, from->bus) != 0 ||
        copy(&to->runtime_dir, from->runtime_dir) != 0) {
        mpsc_place_free(to);
        return -1;
    }
    return 0;
}

void
mpsc_place_free(struct mpsc_place *place)
{
    free(place->bus);
    free(place->runtime_dir);
    memset(place, 0, sizeof(*place));
}
