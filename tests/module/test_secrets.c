/* SPDX-License-Identifier: MIT */
/*
 * A secret appears nowhere but in memory and keyring: everything that the
 * module writes or shows is collected at debug level and searched for the
 * partner's token, the app secret and every token that was handed out.
 */
#include <CUnit/Basic.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

/* Neither is long or begins as Meta's do: only who knows them can find
 * them. */
#define PARTNER "xMarkedPartnerTokenx"
#define APP_SECRET "5ec2e75ec2e75ec2e75ec2e75ec2e700"
#define PATIENT "keyring_deadline_ms = 8000\ndeadline_ms = 20000\n"

#define BUSINESSES 4
#define COLLECTED ((size_t)16 * 1024 * 1024)

/* Everything collected, NULs made blanks. */
static struct {
    pthread_mutex_t lock;
    char *text;
    size_t len;
} collection = {.lock = PTHREAD_MUTEX_INITIALIZER};

static char tokens[BUSINESSES][512];
static atomic_int log_lines;

static void
collect(const char *bytes, size_t len)
{
    pthread_mutex_lock(&collection.lock);
    if (collection.text == NULL) {
        collection.text = calloc(1, COLLECTED);
    }
    for (size_t i = 0; i < len && collection.len < COLLECTED - 2; i++) {
        collection.text[collection.len] = bytes[i];
        if (bytes[i] == '\0') {
            collection.text[collection.len] = ' ';
        }
        collection.len++;
    }
    collection.text[collection.len++] = '\n';
    pthread_mutex_unlock(&collection.lock);
}

static int
collected(const char *text)
{
    return collection.text != NULL && strstr(collection.text, text) != NULL;
}

static void
forget_collected(void)
{
    free(collection.text);
    collection.text = NULL;
    collection.len = 0;
}

/* No secret, nor the middle of one. */
static void
check_collected(const char *where)
{
    int found = collected(PARTNER) || collected(APP_SECRET);

    for (int i = 0; i < BUSINESSES; i++) {
        if (strlen(tokens[i]) == 200) {
            char middle[33];

            snprintf(middle, sizeof(middle), "%.32s", tokens[i] + 100);
            found |= collected(tokens[i]) || collected(middle);
        }
    }
    CU_ASSERT_FALSE(found);
    if (found) {
        printf("\n    a secret was seen in %s\n", where);
    }
}

static void
log_line(void *arg, int priority, const char *line)
{
    (void)arg;
    (void)priority;
    collect(line, strlen(line));
    atomic_fetch_add(&log_lines, 1);
}

static void
configure(const char *more)
{
    char lines[1024];

    snprintf(lines, sizeof(lines),
             PATIENT "log = syslog\nlog_level = debug\naudit = use\n"
                     "token_file = %s\napp_secret_file = %s\n%s",
             world_path("partner"), world_path("app_secret"), more);
    world_configure("%s", lines);
}

static void
collect_error(const char *business_id, int expected)
{
    struct world_got got;

    CU_ASSERT_EQUAL(world_get(business_id, &got), expected);
    collect((const char *)&got.error, sizeof(got.error));
}

/* --- what other processes could see ---------------------------------------
 */

static void
collect_file(const char *path)
{
    char bytes[65536];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0) {
        return;
    }
    while ((got = read(fd, bytes, sizeof(bytes))) > 0) {
        collect(bytes, (size_t)got);
    }
    close(fd);
}

struct scanner {
    pthread_t thread;
    atomic_int stop;
};

/* Each process once for each name that it has: before and after execve. */
static int
is_new(long pid, const char *name)
{
    static struct {
        long pid;
        char name[32];
    } seen[2048];
    static unsigned count;

    for (unsigned i = 0; i < count; i++) {
        if (seen[i].pid == pid && strcmp(seen[i].name, name) == 0) {
            return 0;
        }
    }
    if (count < 2048) {
        seen[count].pid = pid;
        snprintf(seen[count++].name, sizeof(seen[0].name), "%s", name);
    }
    return 1;
}

static void
scan_process(long pid)
{
    char path[64];
    char name[32] = "";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
    file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    (void)!fgets(name, sizeof(name), file);
    fclose(file);
    if (is_new(pid, name)) {
        collect(name, strlen(name));
        snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
        collect_file(path);
        snprintf(path, sizeof(path), "/proc/%ld/environ", pid);
        collect_file(path);
    }
}

static void *
scan(void *arg)
{
    struct scanner *scanner = arg;
    const struct timespec tick = {0, 2 * 1000000L};

    while (!atomic_load(&scanner->stop)) {
        DIR *all = opendir("/proc");
        struct dirent *entry;

        while (all != NULL && (entry = readdir(all)) != NULL) {
            long pid = strtol(entry->d_name, NULL, 10);

            if (pid > 0) {
                scan_process(pid);
            }
        }
        closedir(all);
        nanosleep(&tick, NULL);
    }
    return NULL;
}

/* --- tests ----------------------------------------------------------------
 */

static void
use_everything(void)
{
    struct world_got got;

    for (int i = 0; i < BUSINESSES; i++) {
        char id[24];

        snprintf(id, sizeof(id), "%d", 80001 + i);
        CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
        snprintf(tokens[i], sizeof(tokens[i]), "%s", got.token);
        CU_ASSERT_EQUAL(strlen(tokens[i]), 200);
        collect(got.token_id, strlen(got.token_id));
    }
    CU_ASSERT_EQUAL(mps.invalidate_credential("80001", tokens[0]), MPS_OK);
    CU_ASSERT_EQUAL(mps.invalidate_credential("80002", PARTNER), MPS_OK);
    collect_error("400", MPS_E_BAD_REQUEST);
    collect_error("401", MPS_E_AUTH);
    collect_error("80005", MPS_E_AUTH); /* as it is remembered */
    world_forget();
    collect_error("502", MPS_E_SERVER);
    collect_error("503", MPS_E_PROTOCOL);
    collect_error("504", MPS_E_PROTOCOL);
}

/* All of it in this process, while the machine is looked at. */
static void
test_log_and_processes(void)
{
    struct scanner scanner = {.stop = 0};

    configure("attempts = 1\n");
    mps.log_to(log_line, NULL);
    pthread_create(&scanner.thread, NULL, scan, &scanner);
    use_everything();
    mps.shutdown();
    atomic_store(&scanner.stop, 1);
    pthread_join(scanner.thread, NULL);
    mps.log_to(NULL, NULL);
    CU_ASSERT(atomic_load(&log_lines) >= 6);
    /* The audit is the administrator's: it never goes to a host's log. */
    CU_ASSERT_FALSE(collected("event=fetch"));
    CU_ASSERT(collected("MPS_E_AUTH"));
    CU_ASSERT(collected("keyring-helper")); /* it was caught sight of */
    CU_ASSERT(collected("test_secrets"));
    check_collected("log, messages, argv or environ");
    forget_collected();
}

/* The endpoint repeats the partner's token in every text that it has. */
static void
test_echoed_token(void)
{
    struct world_got got;

    configure("keyring = off\n");
    mps.log_to(log_line, NULL);
    CU_ASSERT_EQUAL(world_get("600", &got), MPS_E_AUTH);
    mps.log_to(NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "[redacted]"));
    CU_ASSERT_PTR_NULL(strstr(got.error.message, PARTNER));
    CU_ASSERT_PTR_NULL(strstr(got.error.user_title, PARTNER));
    CU_ASSERT_PTR_NULL(strstr(got.error.user_message, PARTNER));
    CU_ASSERT_PTR_NULL(strstr(got.error.type, PARTNER));
    CU_ASSERT_PTR_NULL(strstr(got.error.fbtrace_id, PARTNER));
    check_collected("the log");
    forget_collected();
}

static int
visit(const char *path, const struct stat *status, int type,
      struct FTW *position)
{
    (void)status;
    (void)position;
    collect(path, strlen(path));
    if (type == FTW_F) {
        collect_file(path);
    }
    return 0;
}

static void
test_files(void)
{
    char path[256];
    int keyring;

    snprintf(path, sizeof(path), "%s", world_path("mps"));
    CU_ASSERT_EQUAL(nftw(path, visit, 16, FTW_PHYS), 0);
    CU_ASSERT(collected("/mps/lock"));
    /* The test before has left one, with what the endpoint said. */
    CU_ASSERT(collected("/mps/state-"));
    CU_ASSERT(collected("[redacted]"));
    check_collected("runtime_dir");
    snprintf(path, sizeof(path), "%s", world_path("run"));
    CU_ASSERT_EQUAL(nftw(path, visit, 16, FTW_PHYS), 0);
    snprintf(path, sizeof(path), "%s", world_path("data"));
    CU_ASSERT_EQUAL(nftw(path, visit, 16, FTW_PHYS), 0);
    keyring = collected("login.keyring");
    CU_ASSERT(keyring);
    check_collected("the keyring's file, in the clear");
    /* It was written there all the same. */
    forget_collected();
    {
        char text[WORLD_OUTPUT];

        world_keyring_dump(text, sizeof(text));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, tokens[2]));
    }
}

/* By the system's log, in a process that has /dev/log for itself. */
static void
test_syslog(void)
{
    char output[WORLD_OUTPUT];
    char dir[256];
    int status;

    snprintf(dir, sizeof(dir), "%s", world_path("dev"));
    CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
    configure("");
    status = world_host(output, "", "syslog %s 80003 401 80004", dir);
    if (status == WORLD_CANNOT) {
        world_untried("a mount namespace");
        return;
    }
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "mps-credential["));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "from the keyring"));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "event=fetch program=host"));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "event=use program=host"));
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "code=MPS_E_AUTH"));
    /* LOG_AUTHPRIV | LOG_INFO */
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "log <86>"));
    collect(output, strlen(output));
    check_collected("syslog");
    forget_collected();
}

static void
test_log_levels(void)
{
    struct world_got got;

    configure("log_level = error\naudit = off\n");
    CU_ASSERT_EQUAL(
        world_shell(NULL, "sed -i '/log_level = debug/d; /audit = use/d' %s",
                    world_path("conf")),
        0);
    world_log_take();
    CU_ASSERT_EQUAL(world_get("80002", &got), MPS_OK);
    mps.shutdown(); /* by then all has been written */
    CU_ASSERT_EQUAL(world_log_count(-1, ""), 0);
    CU_ASSERT_EQUAL(world_get("401", &got), MPS_E_AUTH);
    mps.shutdown();
    CU_ASSERT_EQUAL(world_log_count(LOG_CRIT, "auth_failed: "), 1);
    CU_ASSERT_EQUAL(world_log_count(LOG_ERR, "expired: "), 1);
    CU_ASSERT_EQUAL(world_log_count(-1, ""), 2);
    mps.log_to(NULL, NULL);
}

/* In a file of its own and not by argument: what the test itself shows must
 * not hold what it searches for. */
static void
open_scene(void)
{
    world_open("partner_token = " PARTNER "\napp_secret = " APP_SECRET "\n"
               "[400]\nstatus = 400\n[401]\nstatus = 401\n"
               "[502]\nfault = html\n[503]\nfault = garbage\n"
               "[504]\nfault = two-entries\n"
               "[600]\nstatus = 401\n"
               "body = {\"error\":{\"code\":190,\"type\":\"" PARTNER "\","
               "\"message\":\"Bad token " PARTNER
               "!\",\"fbtrace_id\":\"" PARTNER
               "\",\"error_user_title\":\"" PARTNER "\","
               "\"error_user_msg\":\"see " PARTNER "\"}}\n");
    world_write("partner", 0600, PARTNER "\n");
    world_write("app_secret", 0600, APP_SECRET "\n");
}

static CU_TestInfo tests[] = {
    {"log, messages, argv, environ", test_log_and_processes},
    {"an endpoint that repeats the token", test_echoed_token},
    {"runtime_dir and keyring file", test_files},
    {"/dev/log", test_syslog},
    {"log_level and audit", test_log_levels},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"secrets", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    open_scene();
    return world_run(suites);
}
