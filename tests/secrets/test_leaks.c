/* SPDX-License-Identifier: MIT */
/*
 * No secret is in a core dump of a host, nor in what host and helper write to
 * any descriptor but those that are for it. The host is dump_host; what it
 * got, this test reads from the keyring.
 */
#include <CUnit/Basic.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

#define PARTNER "xMarkedPartnerTokenx"
#define APP_SECRET "5ec2e75ec2e75ec2e75ec2e75ec2e700"
#define PATIENT "keyring_deadline_ms = 8000\ndeadline_ms = 20000\n"

/* The words before the token in a request: it is libcurl's, since the module's
 * own copy begins with the second. */
#define IN_REQUEST "\r\nAuthorization: Bearer "

#define BUSINESSES 3

/* Sanitizers keep what was freed, and map terabytes beside it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHADOWED 1
#else
#define SHADOWED 0
#endif

#define MIDDLE 32

/* What a host got, and the middle of each, for where only a part is left. */
static char tokens[BUSINESSES][512];
static char middles[BUSINESSES][MIDDLE + 1];

static void
learn_tokens(char *const ids[BUSINESSES])
{
    struct world_got got;

    for (int i = 0; i < BUSINESSES; i++) {
        CU_ASSERT_EQUAL(world_get(ids[i], &got), MPS_OK);
        CU_ASSERT_EQUAL(got.source, MPS_SOURCE_KEYRING);
        CU_ASSERT_EQUAL(strlen(got.token), 200);
        snprintf(tokens[i], sizeof(tokens[i]), "%s", got.token);
        snprintf(middles[i], sizeof(middles[i]), "%.*s", MIDDLE,
                 got.token + 100);
    }
}

/* A file's bytes, or NULL; to be unmapped. */
static char *
map_file(const char *path, size_t *len)
{
    struct stat status;
    char *bytes = MAP_FAILED;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
        *len = (size_t)status.st_size;
        bytes = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    return bytes != MAP_FAILED ? bytes : NULL;
}

/* --- core dumps -----------------------------------------------------------
 */

/* True where the kernel writes a file into the working directory. */
static int
kernel_dumps(void)
{
    char pattern[128] = "|";
    FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");

    if (file != NULL) {
        (void)!fgets(pattern, sizeof(pattern), file);
        fclose(file);
    }
    return pattern[0] != '|' && strchr(pattern, '/') == NULL;
}

/* Leaves the core of a host that got to `stage` in the directory. */
static void
dump(const char *dir, const char *stage, char *const ids[BUSINESSES])
{
    char output[WORLD_OUTPUT];
    char host[1024];

    snprintf(host, sizeof(host), "%s %s %s %s %s %s",
             world_program_path("dump_host"), dir, stage, ids[0], ids[1],
             ids[2]);
    CU_ASSERT_EQUAL(world_shell(NULL, "rm -rf %s; mkdir %s", dir, dir), 0);
    if (kernel_dumps()) {
        CU_ASSERT_EQUAL(
            world_shell(output, "exec 2>&1; %s; echo status=$?", host), 0);
        CU_ASSERT_EQUAL(world_number(output, "status"), 128 + 6);
    } else {
        CU_ASSERT_EQUAL(world_shell(output,
                                    "gdb -q -batch -ex run -ex "
                                    "'generate-core-file %s/core' -ex kill "
                                    "--args %s 2>&1",
                                    dir, host),
                        0);
    }
}

/* Where the memory begins: before it are the notes, with the registers. */
static size_t
find_memory(const char *bytes, size_t len)
{
    size_t begin = len;
    ElfW(Ehdr) head;

    CU_ASSERT_FATAL(len > sizeof(head));
    memcpy(&head, bytes, sizeof(head));
    CU_ASSERT_FATAL(memcmp(head.e_ident, ELFMAG, SELFMAG) == 0);
    for (int i = 0; i < head.e_phnum; i++) {
        size_t at = (size_t)head.e_phoff + (size_t)i * sizeof(ElfW(Phdr));
        ElfW(Phdr) segment;

        CU_ASSERT_FATAL(at + sizeof(segment) <= len);
        memcpy(&segment, bytes + at, sizeof(segment));
        if (segment.p_type == PT_LOAD && segment.p_offset < begin) {
            begin = (size_t)segment.p_offset;
        }
    }
    CU_ASSERT_FATAL(begin < len);
    return begin;
}

/* How often the text is there, but behind `but_behind`. */
static unsigned
count(const char *bytes, size_t len, const char *text, const char *but_behind)
{
    size_t skip = strlen(but_behind);
    const char *end = bytes + len;
    const char *at = bytes;
    unsigned found = 0;

    while ((at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL) {
        found += skip == 0 || (size_t)(at - bytes) < skip ||
                 memcmp(at - skip, but_behind, skip) != 0;
        at += strlen(text);
    }
    return found;
}

static void
check_core(const char *stage, const char *bytes, size_t len)
{
    unsigned partner = count(bytes, len, PARTNER, IN_REQUEST);
    unsigned app_secret = count(bytes, len, APP_SECRET, "");
    unsigned found = 0;

    for (int i = 0; i < BUSINESSES; i++) {
        found += count(bytes, len, tokens[i], "");
        found += count(bytes, len, middles[i], "");
    }
    CU_ASSERT_EQUAL(partner, 0);
    CU_ASSERT_EQUAL(app_secret, 0);
    CU_ASSERT_EQUAL(found, 0);
    if (partner + app_secret + found > 0) {
        printf("\n    %s: partner's token %u, app secret %u, tokens %u\n",
               stage, partner, app_secret, found);
    }
    printf("(%zu KiB, %u in requests) ", len / 1024,
           count(bytes, len, PARTNER, ""));
}

static void
check_stage(const char *stage)
{
    char *const ids[BUSINESSES] = {world_business(), world_business(),
                                   world_business()};
    char path[256];
    char output[WORLD_OUTPUT];
    char *bytes;
    size_t len = 0;

    dump(world_path("cores"), stage, ids);
    learn_tokens(ids);
    (void)world_shell(output, "ls %s/core*", world_path("cores"));
    snprintf(path, sizeof(path), "%.*s", (int)strcspn(output, "\n"), output);
    bytes = map_file(path, &len);
    CU_ASSERT_PTR_NOT_NULL(bytes);
    if (bytes != NULL) {
        /* It is one, and has what isn't hidden. */
        CU_ASSERT(count(bytes, len, ids[0], "") > 0);
        size_t memory = find_memory(bytes, len);

        check_core(stage, bytes + memory, len - memory);
        munmap(bytes, len);
    }
    CU_ASSERT_EQUAL(world_shell(NULL, "rm -r %s", world_path("cores")), 0);
}

static void
test_core(void)
{
    if (SHADOWED) {
        world_untried("a core dump, with a sanitizer's memory");
        return;
    }
    check_stage("held");
    check_stage("released");
    check_stage("shutdown");
}

/* --- what is written ------------------------------------------------------
 */

static int
has_mark(const char *line)
{
    int found =
        strstr(line, PARTNER) != NULL || strstr(line, APP_SECRET) != NULL;

    for (int i = 0; i < BUSINESSES; i++) {
        found |= strstr(line, middles[i]) != NULL;
    }
    return found;
}

/* "PID call(FD<what it is>, ...": true for a socket pair between host and
 * helper. The host has no other stream of this kind (syslog's is none); the
 * helper's is 0, the bus's is not. */
static int
is_pair(const char *line, const char *helpers)
{
    char pid[32];
    const char *fd = strchr(line, '(');

    snprintf(pid, sizeof(pid), " %ld ", strtol(line, NULL, 10));
    if (fd == NULL || strstr(fd, "<UNIX-STREAM:[") == NULL ||
        strstr(fd, "<UNIX-STREAM:[") > fd + 12) {
        return 0;
    }
    return strstr(helpers, pid) == NULL || strncmp(fd, "(0<", 3) == 0;
}

static void
check_writes(const char *path)
{
    static char line[512 * 1024];
    char helpers[8192] = " ";
    unsigned lines = 0;
    unsigned to_pair = 0;
    unsigned elsewhere = 0;
    FILE *file = fopen(path, "re");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        size_t used = strlen(helpers);

        lines++;
        if (strstr(line, "execve(") != NULL &&
            strstr(line, "/keyring-helper\"") != NULL) {
            snprintf(helpers + used, sizeof(helpers) - used, "%ld ",
                     strtol(line, NULL, 10));
        }
        if (has_mark(line)) {
            *(is_pair(line, helpers) ? &to_pair : &elsewhere) += 1;
        }
    }
    fclose(file);
    CU_ASSERT(strlen(helpers) > 1);
    /* The host's stores, and the helper's answers where it had one. */
    CU_ASSERT(to_pair >= BUSINESSES);
    CU_ASSERT_EQUAL(elsewhere, 0);
    printf("(%u calls, %u with a token, to the helper) ", lines, to_pair);
}

static void
test_writes(void)
{
    char *const ids[BUSINESSES] = {world_business(), world_business(),
                                   world_business()};
    char output[WORLD_OUTPUT];
    char trace[256];
    int status;

    snprintf(trace, sizeof(trace), "%s", world_path("trace"));
    status = world_shell(
        output,
        "ASAN_OPTIONS=detect_leaks=0 strace -f -yy -s 131072 -o %s "
        "-e trace=execve,write,writev,pwrite64,pwritev,pwritev2,?send,sendto,"
        "sendmsg,sendmmsg,splice,tee,vmsplice,sendfile "
        "%s %s quiet %s %s %s 2>&1",
        trace, world_program_path("dump_host"), world_path(""), ids[0], ids[1],
        ids[2]);
    if (strstr(output, "ptrace") != NULL) {
        world_untried("ptrace");
        return;
    }
    CU_ASSERT_EQUAL(status, 0);
    learn_tokens(ids);
    check_writes(trace);
    CU_ASSERT_EQUAL(unlink(trace), 0);
}

/* In a file of its own and not by argument: what the test itself shows must
 * not hold what it searches for. */
static void
open_scene(void)
{
    world_open("partner_token = " PARTNER "\napp_secret = " APP_SECRET "\n");
    world_write("partner", 0600, PARTNER "\n");
    world_write("app_secret", 0600, APP_SECRET "\n");
    world_configure(PATIENT "log = syslog\nlog_level = debug\naudit = use\n"
                            "token_file = %s\napp_secret_file = %s\n",
                    world_path("partner"), world_path("app_secret"));
}

static CU_TestInfo tests[] = {
    {"core dumps: held, released, shut down", test_core},
    {"what is written, and to whom", test_writes},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"leaks", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    open_scene();
    return world_run(suites);
}
