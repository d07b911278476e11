/* SPDX-License-Identifier: MIT */
/*
 * limited KIND BUSINESS [BUSINESS]: a service under a limit of
 * resources (systemd's LimitNOFILE= and the like, or a server with all its
 * descriptors in use). Whatever lacks, it is told by a code, and goes on when
 * the lack is over.
 *
 *     nofile   no free descriptor, then 1, 2, 3 and so on; prepared before
 *              where the word is nofile-prepared
 *     memlock  no memory may be locked
 *     fsize    no file may be written to, else SIGXFSZ ends the host; the
 *              second business is one that the endpoint limits
 *     as=KIB   so much more address space than it has after its first call:
 *              OpenSSL that got no memory to begin with never recovers
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "house.h"

/* A get that may fail, as long as it says so in one of these ways; 0 ends the
 * list. Returns the code. */
static int
try_get(const char *business_id, const int *allowed)
{
    struct mps_error error = {.size = sizeof(error)};
    const struct mps_request request = {
        .size = sizeof(request), .business_id = business_id, .error = &error};
    const struct mps_credential *credential = NULL;
    int code = mps.get_credential_with(&request, &credential);

    mps.release_credential(credential);
    house_expect((code == MPS_OK) == (credential != NULL),
                 "code %d and a credential, or neither", code);
    while (code != MPS_OK && *allowed != 0 && *allowed != code) {
        allowed++;
    }
    house_expect(code == MPS_OK || (*allowed != 0 && *error.message != '\0'),
                 "business %s: code %d: %s", business_id, code, error.message);
    return code;
}

/* --- descriptors ----------------------------------------------------------
 */

/* The limit; what the module can do without a keyring, and with one. */
#define MOST 64
#define ENOUGH 16
#define PLENTY 24

/* Takes all descriptors below the limit but the last `left`. */
static unsigned
use_up(int *held, unsigned left)
{
    unsigned count = 0;

    while (count < MOST &&
           (held[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
        count++;
    }
    house_expect(errno == EMFILE, "descriptors are not used up");
    for (unsigned i = 0; i < left && count > 0; i++) {
        count--;
        close(held[count]);
    }
    return count;
}

static int
get_with_few(const char *business_id, unsigned left)
{
    static const int allowed[] = {MPS_E_CONFIG, MPS_E_NO_MEMORY, MPS_E_KEYRING,
                                  0};
    struct rlimit before;
    struct rlimit few;
    int held[MOST];
    unsigned count;
    int code;

    (void)getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = MOST;
    (void)setrlimit(RLIMIT_NOFILE, &few);
    count = use_up(held, left);
    code = try_get(business_id, allowed);
    (void)mps.event_fd();
    mps.shutdown();
    for (unsigned i = 0; i < count; i++) {
        close(held[i]);
    }
    (void)setrlimit(RLIMIT_NOFILE, &before);
    return code;
}

static void
run_out_of_descriptors(const char *base, int prepared)
{
    char id[32];

    for (unsigned left = 0; left <= PLENTY; left++) {
        int source;
        int code;

        snprintf(id, sizeof(id), "%s%02u", base, left);
        if (prepared) {
            house_expect(mps.prepare(NULL) == MPS_OK, "prepare failed");
        }
        code = get_with_few(id, left);
        house_expect(left > 0 || code != MPS_OK, "it needs no descriptor");
        house_expect(left < ENOUGH || code == MPS_OK, "%u don't do", left);
        /* Nothing of it is remembered. */
        source = house_get(id, MPS_OK, 0);
        house_expect(left < PLENTY || source == MPS_SOURCE_KEYRING,
                     "with %u free the keyring was left out", left);
        mps.shutdown();
    }
}

/* --- locked memory --------------------------------------------------------
 */

/* root may lock all the same, until it gives that up. */
static int
forbid_locking(void)
{
    struct __user_cap_header_struct header = {.version =
                                                  _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    const struct rlimit none = {0, 0};

    if (syscall(SYS_capget, &header, data) != 0) {
        return -1;
    }
    data[0].effective &= ~(1U << CAP_IPC_LOCK);
    data[0].permitted &= ~(1U << CAP_IPC_LOCK);
    return syscall(SYS_capset, &header, data) == 0 &&
                   setrlimit(RLIMIT_MEMLOCK, &none) == 0
               ? 0
               : -1;
}

static void
live_without_locking(const char *business_id)
{
    static char page[4096];

    /* Sanitizers have an mlock() of their own. */
    house_expect(syscall(SYS_mlock, page, sizeof(page)) != 0,
                 "memory can be locked");
    house_live(business_id);
}

/* --- files ----------------------------------------------------------------
 */

static int
forbid_writing(void)
{
    const struct rlimit none = {0, 0};

    return setrlimit(RLIMIT_FSIZE, &none);
}

/* That it would be the end: of a child here. */
static void
write_and_die(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        FILE *file = tmpfile();

        _exit(file != NULL && write(fileno(file), "x", 1) == 1 ? 0 : 1);
    }
    (void)waitpid(pid, &status, 0);
    house_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ,
                 "a file can be written to");
}

static void
live_without_writing(const char *business_id, const char *limited)
{
    write_and_die();
    house_live(business_id);
    (void)house_get(limited, MPS_E_RATE_LIMITED, 0);
    (void)house_get(limited, MPS_E_RATE_LIMITED, 0);
    mps.shutdown();
}

/* --- memory ---------------------------------------------------------------
 */

static long
size_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long pages = 0;

    if (file != NULL) {
        if (fscanf(file, "%ld", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
run_out_of_memory(const char *first, const char *business_id, long more_kib)
{
    static const int allowed[] = {MPS_E_NO_MEMORY, 0};
    struct rlimit before;
    struct rlimit few;

    (void)house_get(first, MPS_OK, 0);
    mps.shutdown();
    (void)getrlimit(RLIMIT_AS, &before);
    few = before;
    few.rlim_cur = (rlim_t)(size_kib() + more_kib) * 1024;
    (void)setrlimit(RLIMIT_AS, &few);
    house_tell("code=%d", try_get(business_id, allowed));
    mps.shutdown();
    (void)setrlimit(RLIMIT_AS, &before);
    (void)house_get(business_id, MPS_OK, 0);
}

static int
live(const char *kind, char **ids)
{
    if (strncmp(kind, "nofile", 6) == 0) {
        run_out_of_descriptors(ids[0], kind[6] != '\0');
    } else if (strcmp(kind, "memlock") == 0) {
        live_without_locking(ids[0]);
    } else if (strcmp(kind, "fsize") == 0 && ids[1] != NULL) {
        live_without_writing(ids[0], ids[1]);
    } else if (strncmp(kind, "as=", 3) == 0 && ids[1] != NULL) {
        run_out_of_memory(ids[0], ids[1], strtol(kind + 3, NULL, 10));
    } else {
        return -1;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc < 3) {
        return 98;
    }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    /* Its shadow memory is larger than any limit. */
    if (strncmp(argv[1], "as=", 3) == 0) {
        return HOUSE_CANNOT;
    }
#endif
    house_open();
    if ((strcmp(argv[1], "memlock") == 0 && forbid_locking() != 0) ||
        (strcmp(argv[1], "fsize") == 0 && forbid_writing() != 0)) {
        return HOUSE_CANNOT;
    }
    house_before();
    if (live(argv[1], argv + 2) != 0) {
        return 98;
    }
    house_after();
    return house_end();
}
