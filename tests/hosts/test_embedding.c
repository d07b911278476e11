/* SPDX-License-Identifier: MIT */
/* Hosts with libraries, languages and ways of loading of their own. */
#include <CUnit/Basic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/relay.h"
#include "reception.h"

static void
test_modes(void)
{
    static const char *const modes[] = {"now",
                                        "lazy",
                                        "now,global",
                                        "lazy,global",
                                        "now,deepbind",
                                        "lazy,deepbind",
                                        "now,global,deepbind",
                                        "lazy,global,deepbind"};

    reception_configure("");
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        reception_host("", "loading %s %s", modes[i], world_business());
    }
}

static void
test_often(void)
{
    reception_configure("");
    reception_host("", "loading often %s", world_business());
    reception_configure("threads = no\n");
    reception_host("", "loading often %s", world_business());
}

static void
test_often_at_once(void)
{
    reception_configure("");
    reception_host("", "loading both %s", world_business());
    reception_configure("threads = no\n");
    reception_host("", "loading both %s", world_business());
}

#ifdef HAVE_CURL_GNUTLS
static void
check_own_curl(const char *lines)
{
    reception_configure(lines);
    reception_host("", "own_curl %s/__stats %s %s", world_base_url(),
                   world_path("emu/ca.pem"), world_business());
}

#endif

static void
test_own_curl(void)
{
#ifdef HAVE_CURL_GNUTLS
    check_own_curl("");
    check_own_curl("threads = no\n");
#else
    world_untried("no libcurl on GnuTLS");
#endif
}

static void
check_own_glib(const char *lines)
{
    const char *slow = world_business();

    reception_configure(lines);
    world_emulate(slow, "latency_ms=300");
    reception_host("", "own_glib %s %s", world_business(), slow);
}

static void
test_own_glib(void)
{
    check_own_glib("");
    check_own_glib("threads = no\n");
}

/* --- languages ------------------------------------------------------------
 */

/* Makes the locale in the scene; 0, or -1 where its source isn't here. */
static int
make_locale(const char *source, const char *charset, const char *name)
{
    char command[600];

    (void)mkdir(world_path("locales"), 0700);
    snprintf(command, sizeof(command), "localedef -i %s -f %s %s/%s", source,
             charset, world_path("locales"), name);
    if (world_shell(NULL, "%s >/dev/null 2>&1", command) == 0) {
        return 0;
    }
    world_untried(command);
    return -1;
}

static void
check_locale(const char *name, const char *trait, const char *lines)
{
    char prefix[300];
    const char *limited = world_business();
    const char *other = world_business();

    reception_configure(lines);
    world_emulate(limited, "fault=429&app_usage=absent&"
                           "regain_minutes=1&retry_after=absent");
    world_emulate(other, "fault=429&retry_after=60");
    snprintf(prefix, sizeof(prefix), "LOCPATH=%s LC_ALL=%s",
             world_path("locales"), name);
    reception_host(prefix, "tongues %s %s %s %s %s", name, trait,
                   world_business(), limited, other);
    reception_configure(lines);
    reception_host(prefix, "plain %s %s", world_business(), name);
}

static void
check_language(const char *source, const char *charset, const char *name,
               const char *trait)
{
    if (make_locale(source, charset, name) == 0) {
        check_locale(name, trait, "attempts = 1\n");
        check_locale(name, trait, "attempts = 1\nthreads = no\n");
    }
}

static void
test_comma(void)
{
    check_language("de_DE", "UTF-8", "de_DE.UTF-8", "comma");
}

static void
test_dot(void)
{
    check_language("tr_TR", "UTF-8", "tr_TR.UTF-8", "dot");
    check_language("tr_TR", "ISO-8859-9", "tr_TR.ISO-8859-9", "dot");
}

/* --- nobody at the other end ----------------------------------------------
 */

/* Resets the host's connections when it asks for that, once. */
static void *
reset_when_asked(void *arg)
{
    while (unlink(world_path("asked")) != 0) {
        world_nap(5);
    }
    relay_reset(arg);
    /* The host takes it away as soon as it is there. */
    world_write("reset.new", 0600, "");
    (void)rename(world_path("reset.new"), world_path("reset"));
    return NULL;
}

static void
check_deserted(const char *lines)
{
    char text[300];
    const char *lost = world_business();
    struct relay *relay =
        relay_start((unsigned)strtoul(world_port(), NULL, 10));
    pthread_t thread;

    if (relay == NULL) {
        CU_FAIL("no relay");
        return;
    }
    snprintf(text, sizeof(text),
             "base_url = https://localhost:%u\nattempts = 1\n%s",
             relay_port(relay), lines);
    reception_configure(text);
    world_emulate(lost, "fault=reset");
    CU_ASSERT_EQUAL(pthread_create(&thread, NULL, reset_when_asked, relay), 0);
    snprintf(text, sizeof(text), "%s", world_path(""));
    reception_host("", "deserted %s %s %s", world_business(), lost, text);
    world_write("asked", 0600, ""); /* where the host didn't get there */
    pthread_join(thread, NULL);
    (void)unlink(world_path("asked"));
    (void)unlink(world_path("reset"));
    relay_stop(&relay);
}

static void
test_deserted(void)
{
    check_deserted("");
    check_deserted("threads = no\n");
}

static CU_TestInfo tests[] = {
    {"RTLD_LAZY, NOW, LOCAL, GLOBAL, DEEPBIND", test_modes},
    {"dlopen and dlclose 100 times", test_often},
    {"dlopen and dlclose in two threads", test_often_at_once},
    {"GnuTLS' libcurl", test_own_curl},
    {"GLib, D-Bus and libsecret", test_own_glib},
    {"a decimal comma", test_comma},
    {"a Turkish i", test_dot},
    {"standard sockets that nobody reads", test_deserted},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"embedding hosts", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
