/* SPDX-License-Identifier: MIT */
/* Hosts that fork, and hosts that wait for children. */
#include <CUnit/Basic.h>

#include "reception.h"

/* ThreadSanitizer takes a child's first thread for one of the parent's, and
 * ends the child: there it does without. */
#ifdef __SANITIZE_THREAD__
static const char *const lines[] = {"threads = no\n", "threads = no\n"};
#else
static const char *const lines[] = {"", "threads = no\n"};
#endif

static void
test_fork_after(void)
{
    for (int i = 0; i < 2; i++) {
        const char *id = world_business();

        reception_configure(lines[i]);
        reception_host("", "prefork after %s", id);
        CU_ASSERT_EQUAL(world_requests(id), 1);
    }
}

static void
fork_inside(const char *function)
{
    for (int i = 0; i < 2; i++) {
        reception_configure(lines[i]);
        reception_host("", "prefork inside %s %s %s", function,
                       world_business(), world_business());
    }
}

#define FORK_INSIDE(function)                                                 \
    static void test_fork_##function(void)                                    \
    {                                                                         \
        fork_inside(#function);                                               \
    }
FORK_INSIDE(get_credential)
FORK_INSIDE(get_credential_with)
FORK_INSIDE(invalidate_credential)
FORK_INSIDE(invalidate_credential_with)
FORK_INSIDE(prefetch_credentials)
FORK_INSIDE(credential_error)
FORK_INSIDE(credential_event_fd)
FORK_INSIDE(credential_prepare)
FORK_INSIDE(credential_shutdown)
FORK_INSIDE(credential_log_to)

/*
 * No keyring, and a connection for each answer: parent and children make
 * handshakes all the time, and find OpenSSL's and the C library's locks as
 * they were at the fork.
 */
static void
test_fork_handshakes(void)
{
    const unsigned rounds = world_scale(10);
    char text[64];

    for (unsigned i = 0; i < 2 * rounds; i++) {
        const char *id = world_business();
        const char *other = world_business();

        snprintf(text, sizeof(text), "keyring = off\n%s", lines[i % 2]);
        reception_configure(text);
        world_emulate(id, "fault=cut-unframed=100000");
        world_emulate(other, "fault=cut-unframed=100000");
        reception_host("", "prefork inside invalidate_credential %s %s", id,
                       other);
    }
}

static void
check_reaper(const char *prefix, const char *kind)
{
    for (int i = 0; i < 2; i++) {
        reception_configure(lines[i]);
        reception_host(prefix, "reaper %s %s", kind, world_business());
    }
}

static void
test_handler(void)
{
    check_reaper("", "handler");
}

static void
test_ignore(void)
{
    check_reaper("", "ignore");
}

static void
test_nocldwait(void)
{
    check_reaper("", "nocldwait");
}

static void
test_subreaper(void)
{
    check_reaper("", "subreaper");
}

static void
test_init(void)
{
    const char *prefix = world_as_init();

    if (prefix == NULL) {
        world_untried("a PID namespace");
        return;
    }
    check_reaper(prefix, "init");
}

static CU_TestInfo tests[] = {
    {"8 children of a parent that used it, and theirs", test_fork_after},
    {"fork inside get_credential", test_fork_get_credential},
    {"fork inside get_credential_with", test_fork_get_credential_with},
    {"fork inside invalidate_credential", test_fork_invalidate_credential},
    {"fork inside invalidate_credential_with",
     test_fork_invalidate_credential_with},
    {"fork inside prefetch_credentials", test_fork_prefetch_credentials},
    {"fork inside credential_error", test_fork_credential_error},
    {"fork inside credential_event_fd", test_fork_credential_event_fd},
    {"fork inside credential_prepare", test_fork_credential_prepare},
    {"fork inside credential_shutdown", test_fork_credential_shutdown},
    {"fork inside credential_log_to", test_fork_credential_log_to},
    {"fork inside handshakes", test_fork_handshakes},
    {"wait(-1) and a SIGCHLD handler", test_handler},
    {"SIGCHLD ignored", test_ignore},
    {"SA_NOCLDWAIT", test_nocldwait},
    {"sub-reaper", test_subreaper},
    {"PID 1", test_init},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"hosts with processes", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    return world_run(suites);
}
