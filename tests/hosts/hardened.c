/* SPDX-License-Identifier: MIT */
/*
 * hardened SOURCE BUSINESS...: a daemon behind the filters that systemd sets
 * for a hardened unit, and it has all that it needs: each business's token
 * comes from that source (MPS_SOURCE_).
 *
 *     NoNewPrivileges=yes
 *     RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
 *     MemoryDenyWriteExecute=yes
 *     RestrictNamespaces=yes
 *     SystemCallFilter=~@privileged @resources
 *
 * The last as far as unprivileged programs ever call these.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "house.h"

#define WRITE_EXEC (PROT_WRITE | PROT_EXEC)

/* On i386 memory is mapped by another call, and a socket's family may be in
 * memory, where no filter sees it: systemd leaves that restriction out. */
#ifdef __i386__
#define MAPPING_CALL SCMP_SYS(mmap2)
#define SEES_FAMILIES 0
#else
#define MAPPING_CALL SCMP_SYS(mmap)
#define SEES_FAMILIES 1
#endif

static int
refuse_calls(scmp_filter_ctx filter)
{
    static const int calls[] = {
        SCMP_SYS(capset),         SCMP_SYS(chown),
        SCMP_SYS(fchown),         SCMP_SYS(fchownat),
        SCMP_SYS(lchown),         SCMP_SYS(mbind),
        SCMP_SYS(nice),           SCMP_SYS(sched_setaffinity),
        SCMP_SYS(sched_setparam), SCMP_SYS(sched_setscheduler),
        SCMP_SYS(setgroups),      SCMP_SYS(setpriority),
        SCMP_SYS(setresgid),      SCMP_SYS(setresuid),
        SCMP_SYS(setreuid),       SCMP_SYS(setrlimit),
        SCMP_SYS(setns),          SCMP_SYS(setuid),
        SCMP_SYS(unshare),
    };
    int result = 0;

    for (size_t i = 0; result == 0 && i < sizeof(calls) / sizeof(*calls);
         i++) {
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
    }
    return result;
}

static int
refuse_families(scmp_filter_ctx filter)
{
    int result = 0;

    for (unsigned family = 0; SEES_FAMILIES && result == 0 && family < AF_MAX;
         family++) {
        if (family != AF_UNIX && family != AF_INET && family != AF_INET6) {
            result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT),
                                      SCMP_SYS(socket), 1,
                                      SCMP_A0(SCMP_CMP_EQ, family));
        }
    }
    return result;
}

static int
refuse_writable_code(scmp_filter_ctx filter)
{
    int result =
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), MAPPING_CALL, 1,
                         SCMP_A2(SCMP_CMP_MASKED_EQ, WRITE_EXEC, WRITE_EXEC));

    if (result == 0) {
        result = seccomp_rule_add(
            filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mprotect), 1,
            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    }
    return result;
}

/* clone3's flags are in memory, where no filter sees them. */
static int
refuse_namespaces(scmp_filter_ctx filter)
{
    static const scmp_datum_t kinds[] = {
        CLONE_NEWNS,  CLONE_NEWUSER, CLONE_NEWPID,   CLONE_NEWNET,
        CLONE_NEWIPC, CLONE_NEWUTS,  CLONE_NEWCGROUP};
    int result =
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    for (size_t i = 0; result == 0 && i < sizeof(kinds) / sizeof(*kinds);
         i++) {
        result =
            seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, kinds[i], kinds[i]));
    }
    return result;
}

static int
harden(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int result = filter != NULL && refuse_calls(filter) == 0 &&
                         refuse_families(filter) == 0 &&
                         refuse_writable_code(filter) == 0 &&
                         refuse_namespaces(filter) == 0 &&
                         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                     ? seccomp_load(filter)
                     : -1;

    seccomp_release(filter);
    return result;
}

/* That the filters hold: else the test would show nothing. */
static void
try_forbidden(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
    void *code = mmap(NULL, 1, WRITE_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    house_expect(!SEES_FAMILIES || fd < 0, "it could open a netlink socket");
    house_expect(code == MAP_FAILED, "it could map memory to write and run");
    house_expect(unshare(CLONE_NEWUSER) != 0, "it could make a namespace");
    house_expect(setpriority(PRIO_PROCESS, 0, 1) != 0,
                 "it could set its priority");
}

int
main(int argc, char **argv)
{
    int expected = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;

    if (argc < 3) {
        return 98;
    }
    house_open();
    if (harden() != 0) {
        _exit(HOUSE_CANNOT);
    }
    try_forbidden();
    house_before();
    for (char **id = argv + 2; *id != NULL; id++) {
        int source = house_get(*id, MPS_OK, 0);

        house_expect(source == expected, "business %s: from source %d", *id,
                     source);
    }
    house_after();
    return house_end();
}
