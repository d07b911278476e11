/* SPDX-License-Identifier: MIT */
/* Hosts that may do less than the module would like to: see confined.c. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "reception.h"

/* How often the text is there. */
static unsigned
count(const char *text, const char *part)
{
    unsigned found = 0;

    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        found++;
    }
    return found;
}

/* A host shut in this way, with these lines in its configuration. */
struct confinement {
    const char *prefix;
    const char *kind;
    const char *lines;
    const char *why; /* what the log says of it */
};

/* Hands out tokens of the endpoint, kept in memory alone; the log says so
 * once, and why. */
static void
check_memory_alone(const struct confinement *way, const char *lines)
{
    const char *id = world_business();
    const char *other = world_business();
    char text[1024];
    const char *output;

    /* What was said once by the last one isn't said again. */
    CU_ASSERT_EQUAL(world_shell(NULL, "rm -rf %s/* %s", world_path("theirs"),
                                world_path("jail/theirs")),
                    0);
    snprintf(text, sizeof(text), "log = syslog\naudit = off\n%s%s", lines,
             way->lines);
    reception_configure(text);
    output = reception_host(way->prefix, "confined %s 0 %s %s", way->kind, id,
                            other);
    if (*world_value(output, "house") == '\0') {
        return; /* not possible here */
    }
    CU_ASSERT_EQUAL(count(output, "keyring_degraded"), 1);
    CU_ASSERT_EQUAL(count(output, way->why), 1);
    CU_ASSERT_EQUAL(world_requests(id), 1);
    CU_ASSERT_EQUAL(world_requests(other), 1);
}

static void
check_confined(const struct confinement *way)
{
    const char *id = world_business();
    char text[1024];

    check_memory_alone(way, "");
    check_memory_alone(way, "threads = no\n");
    snprintf(text, sizeof(text), "keyring = required\n%s", way->lines);
    reception_configure(text);
    reception_host(way->prefix, "confined %s %d %s", way->kind, MPS_E_KEYRING,
                   id);
    CU_ASSERT_EQUAL(world_requests(id), 0);
}

static void
check_chroot(const char *dir, const char *lines, const char *why)
{
    const char *prefix = geteuid() == 0 ? "" : "unshare -Ur";
    char kind[300];
    const struct confinement way = {prefix, kind, lines, why};

    if (world_shell(NULL, "%s true 2>/dev/null", prefix) != 0) {
        world_untried("chroot");
        return;
    }
    snprintf(kind, sizeof(kind), "chroot=%s", dir);
    check_confined(&way);
}

static void
test_empty_chroot(void)
{
    char dir[256];

    snprintf(dir, sizeof(dir), "%s", world_path("empty"));
    CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
    check_chroot(dir, "", "no D-Bus bus can be reached");
    /* nothing was written there */
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

/* With a place for the shared state and what may pass for a bus; its state
 * gets there. */
static void
test_chroot_without_helper(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int bus = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char dir[256];

    snprintf(dir, sizeof(dir), "%s", world_path("jail"));
    snprintf(name.sun_path, sizeof(name.sun_path), "%s",
             world_path("jail/bus"));
    CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
    CU_ASSERT_EQUAL(bind(bus, (struct sockaddr *)&name, sizeof(name)), 0);
    check_chroot(dir, "keyring_bus = unix:path=/bus\nruntime_dir = /theirs\n",
                 "the keyring helper cannot be run");
    close(bus);
}

static void
test_seccomp_processes(void)
{
    const struct confinement way = {"", "processes", "",
                                    "the keyring helper cannot be run"};

    check_confined(&way);
}

static void
test_seccomp_clone(void)
{
    const struct confinement way = {"", "clone", "",
                                    "the keyring helper cannot be run"};

    check_confined(&way);
}

/* Where the host is root it becomes another user: with all that this user
 * needs for a keyring but the process. */
static void
test_nproc(void)
{
    char lines[300];
    const struct confinement way = {"", "nproc", lines,
                                    "the keyring helper cannot be run"};

    snprintf(lines, sizeof(lines), "runtime_dir = %s\n", world_path("theirs"));
    if (geteuid() == 0) {
        CU_ASSERT_EQUAL(chmod(world_path(""), 0711), 0);
        CU_ASSERT_EQUAL(chown(world_path("theirs"), 65534, 65534), 0);
    }
    check_confined(&way);
    if (geteuid() == 0) {
        CU_ASSERT_EQUAL(chmod(world_path(""), 0700), 0);
        CU_ASSERT_EQUAL(chown(world_path("theirs"), 0, 0), 0);
    }
}

#ifdef HAVE_SECCOMP
/* One process stores its token in the keyring, the next finds it there. */
static void
check_hardened(const char *lines)
{
    const char *id = world_business();

    reception_configure(lines);
    reception_host("", "hardened %d %s", MPS_SOURCE_ENDPOINT, id);
    reception_host("", "hardened %d %s", MPS_SOURCE_KEYRING, id);
    CU_ASSERT_EQUAL(world_requests(id), 1);
}
#endif

static void
test_hardened(void)
{
#ifdef HAVE_SECCOMP
    check_hardened("");
    check_hardened("threads = no\n");
    check_hardened("keyring = required\n");
#else
    world_untried("no libseccomp");
#endif
}

static CU_TestInfo tests[] = {
    {"credential_prepare, then an empty chroot", test_empty_chroot},
    {"credential_prepare, then a chroot with a bus",
     test_chroot_without_helper},
    {"seccomp: no process", test_seccomp_processes},
    {"seccomp: no process and no thread", test_seccomp_clone},
    {"RLIMIT_NPROC", test_nproc},
    {"seccomp: a hardened unit", test_hardened},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"confined hosts", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    if (mkdir(world_path("theirs"), 0700) != 0) {
        return 99;
    }
    return world_run(suites);
}
