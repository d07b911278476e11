/* SPDX-License-Identifier: MIT */
/* What is taken from the environment, and what is not believed. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "environment.h"
#include "error.h"
#include "run_suites.h"

static char directory[] = "/tmp/mps-test-environment-XXXXXX";
static char bus_path[64];

static struct mpsc_environment environment;
static struct mpsc_place place;
static struct mps_error error;

/* Stands in for the C library's: a test can't make itself setuid. */
static int secure;

char *
secure_getenv(const char *name)
{
    return secure ? NULL : getenv(name);
}

unsigned long
getauxval(unsigned long type)
{
    static unsigned long (*real)(unsigned long);

    if (type == AT_SECURE && secure) {
        return 1;
    }
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "getauxval");
    }
    return real(type);
}

static int
make_directory(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(bus_path, sizeof(bus_path), "%s/bus", directory);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", bus_path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        return -1;
    }
    return close(fd);
}

static int
remove_directory(void)
{
    unlink(bus_path);
    return rmdir(directory);
}

static void
begin(void)
{
    static const char *const names[] = {
        "MPS_CREDENTIAL_CONF",   "MPS_CREDENTIAL_PROFILE",
        "CREDENTIALS_DIRECTORY", "DBUS_SESSION_BUS_ADDRESS",
        "XDG_RUNTIME_DIR",       "SSLKEYLOGFILE",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unsetenv(names[i]);
    }
    secure = 0;
}

static void
end(void)
{
    secure = 0;
    mpsc_environment_free(&environment);
    mpsc_place_free(&place);
}

static int
read_it(void)
{
    int code;

    mpsc_environment_free(&environment);
    mpsc_error_clear(&error);
    errno = E2BIG;
    code = mpsc_environment_read(&environment, &error);
    CU_ASSERT_EQUAL(error.code, code);
    mpsc_place_free(&place);
    CU_ASSERT_EQUAL(mpsc_environment_place(&environment, &place), 0);
    return code;
}

/* True where the string is this; both may be NULL. */
static int
is(const char *string, const char *wanted)
{
    if (string == NULL || wanted == NULL) {
        return string == wanted;
    }
    return strcmp(string, wanted) == 0;
}

/* The user of these tests may have directories of the system's. */
static int
has_system_dir(void)
{
    char path[64];

    snprintf(path, sizeof(path), "/run/mps-credential/%u",
             (unsigned)geteuid());
    return access(path, F_OK) == 0;
}

static void
test_empty(void)
{
    CU_ASSERT_EQUAL(read_it(), MPS_OK);
    CU_ASSERT_EQUAL(errno, E2BIG);
    CU_ASSERT_PTR_NULL(environment.configuration);
    CU_ASSERT_PTR_NULL(environment.profile);
    CU_ASSERT_PTR_NULL(environment.credentials);
    if (!has_system_dir()) {
        CU_ASSERT_PTR_NULL(place.bus);
        CU_ASSERT_PTR_NULL(place.runtime_dir);
    }
}

static void
test_plain(void)
{
    setenv("MPS_CREDENTIAL_CONF", "/a/conf", 1);
    setenv("MPS_CREDENTIAL_PROFILE", "billing", 1);
    setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1);
    CU_ASSERT_EQUAL(read_it(), MPS_OK);
    CU_ASSERT(is(environment.configuration, "/a/conf"));
    CU_ASSERT(is(environment.profile, "billing"));
    CU_ASSERT(is(environment.credentials, "/run/credentials/x"));
    /* Copies: the host may change its environment. */
    setenv("MPS_CREDENTIAL_PROFILE", "other", 1);
    CU_ASSERT(is(environment.profile, "billing"));
    /* "" is not set. */
    setenv("MPS_CREDENTIAL_CONF", "", 1);
    setenv("MPS_CREDENTIAL_PROFILE", "", 1);
    setenv("CREDENTIALS_DIRECTORY", "", 1);
    CU_ASSERT_EQUAL(read_it(), MPS_OK);
    CU_ASSERT_PTR_NULL(environment.configuration);
    CU_ASSERT_PTR_NULL(environment.profile);
    CU_ASSERT_PTR_NULL(environment.credentials);
}

static void
test_directories(void)
{
    char in_session[64];
    char at_bus[80];
    const struct {
        const char *xdg;
        const char *address;
        const char *runtime_dir;
        const char *bus;
    } rows[] = {
        {NULL, NULL, NULL, NULL},
        {"", "", NULL, NULL},
        {"relative/dir", NULL, NULL, NULL},
        {directory, NULL, in_session, at_bus},
        {directory, "", in_session, at_bus},
        {directory, "unix:abstract=x", in_session, "unix:abstract=x"},
        {NULL, "unix:abstract=x", NULL, "unix:abstract=x"},
        /* No socket is there; the directory need not be, either. */
        {"/nonexistent", NULL, "/nonexistent/mps-credential", NULL},
    };

    if (has_system_dir()) {
        return;
    }
    snprintf(in_session, sizeof(in_session), "%s/mps-credential", directory);
    snprintf(at_bus, sizeof(at_bus), "unix:path=%s", bus_path);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        if (rows[i].xdg != NULL) {
            setenv("XDG_RUNTIME_DIR", rows[i].xdg, 1);
        }
        if (rows[i].address != NULL) {
            setenv("DBUS_SESSION_BUS_ADDRESS", rows[i].address, 1);
        }
        CU_ASSERT_EQUAL(read_it(), MPS_OK);
        CU_ASSERT(is(place.runtime_dir, rows[i].runtime_dir));
        CU_ASSERT(is(place.bus, rows[i].bus));
    }
}

/* A plain file in the bus's place is none. */
static void
test_no_socket(void)
{
    char other[] = "/tmp/mps-test-environment-XXXXXX";
    char path[64];
    FILE *file;

    if (has_system_dir() || mkdtemp(other) == NULL) {
        return;
    }
    snprintf(path, sizeof(path), "%s/bus", other);
    file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fclose(file);
    setenv("XDG_RUNTIME_DIR", other, 1);
    CU_ASSERT_EQUAL(read_it(), MPS_OK);
    CU_ASSERT_PTR_NULL(place.bus);
    unlink(path);
    rmdir(other);
}

static void
test_secure(void)
{
    setenv("MPS_CREDENTIAL_CONF", "/a/conf", 1);
    setenv("MPS_CREDENTIAL_PROFILE", "billing", 1);
    setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1);
    setenv("XDG_RUNTIME_DIR", directory, 1);
    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=x", 1);
    secure = 1;
    CU_ASSERT_EQUAL(read_it(), MPS_OK);
    CU_ASSERT_PTR_NULL(environment.configuration);
    CU_ASSERT_PTR_NULL(environment.profile);
    CU_ASSERT_PTR_NULL(environment.credentials);
    if (!has_system_dir()) {
        CU_ASSERT_PTR_NULL(place.bus);
        CU_ASSERT_PTR_NULL(place.runtime_dir);
    }
}

static void
test_copy(void)
{
    struct mpsc_environment copy;

    setenv("MPS_CREDENTIAL_CONF", "/a/conf", 1);
    setenv("MPS_CREDENTIAL_PROFILE", "billing", 1);
    setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1);
    setenv("XDG_RUNTIME_DIR", directory, 1);
    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=x", 1);
    CU_ASSERT_EQUAL(read_it(), MPS_OK);
    CU_ASSERT_EQUAL_FATAL(mpsc_environment_copy(&copy, &environment), 0);
    mpsc_environment_free(&environment);
    CU_ASSERT(is(copy.configuration, "/a/conf"));
    CU_ASSERT(is(copy.profile, "billing"));
    CU_ASSERT(is(copy.credentials, "/run/credentials/x"));
    CU_ASSERT(is(copy.session_dir, directory));
    CU_ASSERT(is(copy.session_bus, "unix:abstract=x"));
    mpsc_environment_free(&copy);
}

/* A bus that comes later is found later. */
static void
test_late_bus(void)
{
    char late[] = "/tmp/mps-test-environment-XXXXXX";
    char path[64];

    if (has_system_dir() || mkdtemp(late) == NULL) {
        return;
    }
    snprintf(path, sizeof(path), "%s/bus", late);
    setenv("XDG_RUNTIME_DIR", late, 1);
    CU_ASSERT_EQUAL(read_it(), MPS_OK);
    CU_ASSERT_PTR_NULL(place.bus);
    CU_ASSERT_EQUAL(rename(bus_path, path), 0);
    mpsc_place_free(&place);
    CU_ASSERT_EQUAL(mpsc_environment_place(&environment, &place), 0);
    CU_ASSERT_PTR_NOT_NULL(place.bus);
    CU_ASSERT_EQUAL(rename(path, bus_path), 0);
    rmdir(late);
}

static void
test_key_log(void)
{
    setenv("SSLKEYLOGFILE", "/tmp/keys", 1);
    CU_ASSERT_EQUAL(read_it(), MPS_OK);
    secure = 1;
    CU_ASSERT_EQUAL(read_it(), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "SSLKEYLOGFILE"));
    CU_ASSERT_PTR_NULL(place.bus);
    CU_ASSERT_PTR_NULL(place.runtime_dir);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"empty", test_empty},
        {"plain", test_plain},
        {"directories", test_directories},
        {"no socket", test_no_socket},
        {"copy", test_copy},
        {"late bus", test_late_bus},
        {"raised privileges", test_secure},
        {"TLS key log", test_key_log},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"environment", make_directory, remove_directory, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
