/* SPDX-License-Identifier: MIT */
/*
 * A hostile environment: what a setuid program doesn't believe, what no
 * program believes, and what a plain one does. See besieged.c.
 */
#include <CUnit/Basic.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "reception.h"

/* Another user, who set the environment and runs the program. */
#define STRANGER 65534

/* The stranger's sockets: what connects to them was led astray. */
static struct {
    int proxy;
    unsigned port;
    int bus;
} traps;

/* Before the first test, where CUnit has no place for an assertion. */
static void
must(int holds)
{
    if (!holds) {
        perror("scene");
        exit(99);
    }
}

static void
open_traps(void)
{
    struct sockaddr_in inet = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(inet);
    int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

    traps.proxy = socket(AF_INET, type, 0);
    traps.bus = socket(AF_UNIX, type, 0);
    snprintf(local.sun_path, sizeof(local.sun_path), "%s",
             world_path("open/bus"));
    must(bind(traps.proxy, (struct sockaddr *)&inet, len) == 0);
    must(bind(traps.bus, (struct sockaddr *)&local, sizeof(local)) == 0);
    must(listen(traps.proxy, 16) == 0);
    must(listen(traps.bus, 16) == 0);
    (void)getsockname(traps.proxy, (struct sockaddr *)&inet, &len);
    traps.port = ntohs(inet.sin_port);
    must(chmod(world_path("open/bus"), 0777) == 0);
}

static void
expect_untouched(void)
{
    char output[WORLD_OUTPUT];

    CU_ASSERT(accept(traps.proxy, NULL, NULL) < 0);
    CU_ASSERT(accept(traps.bus, NULL, NULL) < 0);
    CU_ASSERT_EQUAL(world_shell(output, "ls -A %s", world_path("open")), 0);
    CU_ASSERT_STRING_EQUAL(output, "bus\nconf\nhome\nopenssl.cnf\n");
}

/* Writes a script that runs a command with these variables, in which %p is
 * the proxy's address and %d the stranger's directory. */
static void
write_script(const char *name, const char *const *variables)
{
    char text[4096] = "#!/bin/sh\n";
    size_t used = strlen(text);

    for (; *variables != NULL; variables++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "export %s\n", *variables);
    }
    snprintf(text + used, sizeof(text) - used, "exec \"$@\"\n");
    world_write(name, 0755, text);
    must(world_shell(NULL,
                     "sed -i -e s,%%p,127.0.0.1:%u, -e s,%%d,%s, "
                     "%s",
                     traps.port, world_path("open"), world_path(name)) == 0);
}

/* No program is to believe these. */
static const char *const useless[] = {
    "http_proxy=http://%p",
    "https_proxy=http://%p",
    "HTTPS_PROXY=http://%p",
    "all_proxy=socks5h://%p",
    "ALL_PROXY=socks5h://%p",
    "no_proxy=",
    "CURL_HOME=%d/home",
    "HOME=%d/home",
    "XDG_CONFIG_HOME=%d/home",
    "XDG_DATA_HOME=%d/home",
    "SSL_CERT_DIR=%d",
    "CURL_CA_BUNDLE=%d/none",
    "SECRET_BACKEND=bogus",
    "SECRET_SERVICE_BUS_NAME=org.example.bogus",
    "G_DEBUG=fatal-warnings,fatal-criticals",
    "G_MESSAGES_DEBUG=all",
    "GIO_EXTRA_MODULES=%d",
    "TMPDIR=%d",
    NULL};

/* One with raised privileges isn't to believe these, either. */
static const char *const stolen[] = {
    "MPS_CREDENTIAL_CONF=%d/conf",
    "MPS_CREDENTIAL_PROFILE=stranger",
    "XDG_RUNTIME_DIR=%d",
    "CREDENTIALS_DIRECTORY=%d",
    "DBUS_SESSION_BUS_ADDRESS=unix:path=%d/bus",
    "OPENSSL_CONF=%d/openssl.cnf",
    "OPENSSL_MODULES=%d",
    "OPENSSL_ENGINES=%d",
    "LD_LIBRARY_PATH=%d",
    "LD_PRELOAD=%d/conf",
    "LD_AUDIT=%d/conf",
    "LOCPATH=%d",
    "LANG=de_DE.UTF-8",
    "MALLOC_PERTURB_=165",
    "GLIBC_TUNABLES=glibc.malloc.check=3",
    "HOSTALIASES=%d/conf",
    "RES_OPTIONS=attempts:1",
    NULL};

/* Runs the setuid copy as the stranger, with a configuration of ours in
 * place of the machine's. */
static void
write_raise(void)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "#!/bin/sh\n"
             "shift\n"
             "mount -t overlay -o lowerdir=%s:" MPS_SYSCONFDIR
             " overlay " MPS_SYSCONFDIR " || exit %d\n"
             "exec setpriv --reuid=%d --regid=%d --clear-groups "
             "${SCRIPT:-env} %s \"$@\"\n",
             world_path("etc"), WORLD_CANNOT, STRANGER, STRANGER,
             world_path("besieged"));
    world_write("raise", 0755, text);
}

static void
set_scene(void)
{
    static const char *const keys[] = {"SSLKEYLOGFILE=%d/keys", NULL};
    char text[256];

    must(mkdir(world_path("open"), 0700) == 0);
    must(mkdir(world_path("etc"), 0755) == 0);
    must(chmod(world_path("open"), 0777) == 0);
    must(chmod(world_path(""), 0711) == 0);
    open_traps();
    world_write("open/conf", 0644, "[stranger]\nno such key = 1\n");
    world_write("open/openssl.cnf", 0644,
                "openssl_conf = a\n[a]\nssl_conf = b\n[b]\n"
                "system_default = c\n[c]\nMaxProtocol = TLSv1.1\n");
    must(mkdir(world_path("open/home"), 0777) == 0);
    snprintf(text, sizeof(text), "proxy = 127.0.0.1:%u\ninsecure\n",
             traps.port);
    world_write("open/home/.curlrc", 0644, text);
    write_script("useless", useless);
    write_script("stolen", stolen);
    write_script("keys", keys);
    write_raise();
}

/* Takes a key out of a configuration. */
static void
leave_out(const char *file, const char *key)
{
    CU_ASSERT_EQUAL(
        world_shell(NULL, "sed -i '/^%s = /d' %s", key, world_path(file)), 0);
}

/* It was seen, and its environment was empty. Nobody but root may look. */
static void
expect_helper(const char *output)
{
    if (geteuid() == 0) {
        CU_ASSERT_EQUAL(world_number(output, "helper"), 1);
    } else {
        world_untried("to look at the helper's environment");
    }
}

/* --- a plain program ------------------------------------------------------
 */

/* ThreadSanitizer's library is loaded by every program, with what the
 * environment does to it, and is too large for a hostile one. */
static int
is_possible(void)
{
#ifdef __SANITIZE_THREAD__
    world_untried("ThreadSanitizer");
    return 0;
#else
    return 1;
#endif
}

/* No variable that isn't ours has an effect, nor has any on the helper. */
static void
test_plain(void)
{
    const char *id = world_business();
    const char *output;

    if (!is_possible()) {
        return;
    }
    reception_configure("");
    world_emulate(id, "latency_ms=300");
    output = reception_host(world_path("useless"), "besieged 0 %d 0 %s",
                            MPS_SOURCE_ENDPOINT, id);
    expect_helper(output);
    reception_host(world_path("useless"), "besieged 0 %d 0 %s",
                   MPS_SOURCE_KEYRING, id);
    expect_untouched();
}

/* The emulator's authority isn't among the system's. */
static void
test_plain_authority(void)
{
    char prefix[300];

    if (!is_possible()) {
        return;
    }
    reception_configure("attempts = 1\n");
    leave_out("conf", "ca_file");
    snprintf(prefix, sizeof(prefix), "SSL_CERT_FILE=%s",
             world_path("emu/ca.pem"));
    reception_host(prefix, "besieged %d 0 0 %s", MPS_E_TLS, world_business());
}

/* Ours have one: the stranger's configuration is read, and refused. */
static void
test_plain_believes(void)
{
    char prefix[600];

    if (!is_possible()) {
        return;
    }
    reception_configure("");
    snprintf(prefix, sizeof(prefix),
             "MPS_CREDENTIAL_CONF=%s MPS_CREDENTIAL_PROFILE=stranger",
             world_path("open/conf"));
    reception_host(prefix, "besieged %d 0 0 %s", MPS_E_CONFIG,
                   world_business());
    reception_host("MPS_CREDENTIAL_PROFILE=stranger", "besieged %d 0 0 %s",
                   MPS_E_CONFIG, world_business());
}

/* --- a setuid program -----------------------------------------------------
 */

/* 0, or -1 where that can't be. */
static int
copy_raised(void)
{
    struct statvfs about;

    if (geteuid() != 0 || statvfs(world_path(""), &about) != 0 ||
        (about.f_flag & ST_NOSUID) != 0) {
        world_untried("a setuid program");
        return -1;
    }
    CU_ASSERT_EQUAL(world_shell(NULL, "cp %s %s && chmod 4755 %s",
                                world_program_path("besieged"),
                                world_path("besieged"),
                                world_path("besieged")),
                    0);
    return 0;
}

/* Its configuration is where the machine's is. */
static void
configure(const char *lines)
{
    char text[WORLD_OUTPUT];

    reception_configure(lines);
    CU_ASSERT_EQUAL(world_shell(text, "cat %s", world_path("conf")), 0);
    world_write("etc/mps-credential.conf", 0644, text);
}

static const char *
raised(const char *script, int code, int source, const char *business_id)
{
    char prefix[600];

    snprintf(prefix, sizeof(prefix), "SCRIPT=%s unshare -m %s",
             world_path(script), world_path("raise"));
    return reception_host(prefix, "besieged %d %d 1 %s", code, source,
                          business_id);
}

static void
check_raised(void)
{
    const char *id = world_business();
    char lines[300];

    snprintf(lines, sizeof(lines), "keyring_bus = unix:path=%s\n",
             world_path("bus"));
    configure(lines);
    world_emulate(id, "latency_ms=300");
    expect_helper(raised("stolen", MPS_OK, MPS_SOURCE_ENDPOINT, id));
    raised("stolen", MPS_OK, MPS_SOURCE_KEYRING, id);
    raised("useless", MPS_OK, MPS_SOURCE_KEYRING, id);
    expect_untouched();
}

/* With no bus and no directory but the stranger's: memory alone. */
static void
check_raised_alone(void)
{
    const char *id = world_business();

    configure("");
    leave_out("etc/mps-credential.conf", "runtime_dir");
    raised("stolen", MPS_OK, MPS_SOURCE_ENDPOINT, id);
    raised("stolen", MPS_OK, MPS_SOURCE_ENDPOINT, id);
    expect_untouched();
}

/* The one that would give away what is sent: nothing is. */
static void
check_raised_keys(void)
{
    const char *id = world_business();

    configure("");
    raised("keys", MPS_E_CONFIG, 0, id);
    CU_ASSERT_EQUAL(world_requests(id), 0);
    expect_untouched();
}

static void
test_raised(void)
{
    int made = 0;

    if (!is_possible()) {
        return;
    }
    if (copy_raised() != 0) {
        return;
    }
    made = mkdir(MPS_SYSCONFDIR, 0755) == 0;
    check_raised();
    check_raised_alone();
    check_raised_keys();
    if (made) {
        CU_ASSERT_EQUAL(rmdir(MPS_SYSCONFDIR), 0);
    }
}

static CU_TestInfo tests[] = {
    {"plain program", test_plain},
    {"plain program: SSL_CERT_FILE", test_plain_authority},
    {"plain program: what it believes", test_plain_believes},
    {"setuid program", test_raised},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"hostile environment", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    set_scene();
    return world_run(suites);
}
