/* SPDX-License-Identifier: MIT */
/* static.so: what its static_file may be, and what each function does. */
#include <CUnit/Basic.h>
#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "clock_shift.h"
#include "world.h"

#define FILE_NAME "tokens"
/* 9999-12-31T23:59:59Z */
#define NEVER 253402300799LL

static char written[65536];

/* Writes the file whole and renames it. */
static void
write_tokens(const char *text)
{
    char from[256];

    snprintf(from, sizeof(from), "%s", world_path(FILE_NAME ".new"));
    world_write(FILE_NAME ".new", 0600, text);
    CU_ASSERT_EQUAL_FATAL(rename(from, world_path(FILE_NAME)), 0);
}

/* "{"1001": {"access_token": "EAA...", "expires_at": in an hour}}" */
static const char *
one(const char *business, const char *token)
{
    snprintf(written, sizeof(written),
             "{\"%s\": {\"access_token\": \"%s\", \"expires_at\": %lld}}\n",
             business, token, (long long)time(NULL) + 3600);
    return written;
}

/* A module that knows nothing but this file. */
static void
start(const char *text)
{
    write_tokens(text);
    world_log_take();
    world_configure("static_file = %s\nlog = syslog\nlog_level = info\n",
                    world_path(FILE_NAME));
}

static int
code_of(const char *business)
{
    struct world_got got;

    return world_get(business, &got);
}

static void
test_get(void)
{
    struct mps_request request = {.size = sizeof(request),
                                  .business_id = "1001"};
    int64_t end = (int64_t)time(NULL) + 3600;
    struct world_got got;

    start(one("1001", "EAAone"));
    CU_ASSERT_EQUAL(world_get("1001", &got), MPS_OK);
    CU_ASSERT_STRING_EQUAL(got.token, "EAAone");
    CU_ASSERT_EQUAL(got.source, MPS_SOURCE_FILE);
    CU_ASSERT(got.expires_at >= end && got.expires_at <= end + 10);
    CU_ASSERT_EQUAL(got.endpoint_expires_at, got.expires_at);
    /* printf EAAone | sha256sum */
    CU_ASSERT_STRING_EQUAL(got.token_id, "93182366f0f4");
    CU_ASSERT_EQUAL(world_get("1002", &got), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "business 1002"));
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, world_path(FILE_NAME)));
    /* nothing that would be newer can be had */
    request.min_validity_s = 86400;
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_OK);
    CU_ASSERT_STRING_EQUAL(got.token, "EAAone");
    CU_ASSERT_EQUAL(world_requests(""), 0);
}

/* The first call, without waiting; with no thread allowed, too. */
static void
test_no_wait(void)
{
    struct mps_request request = {
        .size = sizeof(request), .business_id = "1001", .flags = MPS_NO_WAIT};
    struct world_got got;

    start(one("1001", "EAAone"));
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_OK);
    world_configure("static_file = %s\nthreads = no\n", world_path(FILE_NAME));
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_OK);
    request.business_id = "1002";
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_E_CONFIG);
}

static void
test_expiry(void)
{
    struct world_got got;
    int64_t end;

    start("{\"1\": {\"access_token\": \"EAAold\", \"expires_at\": 1735689600},"
          " \"2\": {\"access_token\": \"EAAever\", \"expires_at\": 0},"
          " \"3\": {\"access_token\": \"EAAever\"}}");
    CU_ASSERT_EQUAL(world_get("1", &got), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(got.error.message, "expired at 2025-01-01T00:00:00Z"));
    CU_ASSERT_EQUAL(world_get("2", &got), MPS_OK);
    CU_ASSERT_EQUAL(got.expires_at, NEVER);
    CU_ASSERT_EQUAL(got.endpoint_expires_at, 0);
    CU_ASSERT_EQUAL(world_get("3", &got), MPS_OK);
    CU_ASSERT_EQUAL(got.expires_at, NEVER);
    CU_ASSERT_EQUAL(got.endpoint_expires_at, -1);
    /* one that ends while the module runs */
    end = (int64_t)time(NULL) + 2;
    snprintf(written, sizeof(written),
             "{\"4\": {\"access_token\": \"EAAsoon\", \"expires_at\": %lld}}",
             (long long)end);
    start(written);
    CU_ASSERT_EQUAL(world_get("4", &got), MPS_OK);
    while (world_get("4", &got) == MPS_OK && time(NULL) < end + 10) {
        world_nap(50);
    }
    CU_ASSERT_EQUAL(got.code, MPS_E_CONFIG);
}

/* A machine's clock is often set some time after its start. */
static void
test_clock(void)
{
    start(one("1001", "EAAone"));
    CU_ASSERT_EQUAL(code_of("1001"), MPS_OK);
    clock_shift_set(7200);
    CU_ASSERT_EQUAL(code_of("1001"), MPS_E_CONFIG);
    clock_shift_set(0);
    CU_ASSERT_EQUAL(code_of("1001"), MPS_OK);
}

/* What is wrong is told, and no token with it. */
static void
test_wrong(void)
{
#define TOKEN "\"access_token\": \"EAAsecret\""
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"", "is empty"},
        {"EAAsecret\n", "line 1, or the one before"},
        {"[]", "line 1"},
        {"{\"1\": {" TOKEN "}\n \"2\": {" TOKEN "}}", "line 2, or the one"},
        {"{\"1\": {" TOKEN "},\n\n}", "line 3, or the one"},
        {"{\"1\": {" TOKEN "}}\n{}", "line 2, or the one"},
        {"{\"1\": {" TOKEN "}", "JSON"},
        {"{\"1\": \"EAAsecret\"}", "business 1: must be {"},
        {"{\"1\": {}}", "business 1: access_token must be"},
        {"{\"1\": {\"access_token\": 1}}", "access_token must be"},
        {"{\"1\": {\"access_token\": \"\"}}", "access_token must be"},
        {"{\"1\": {\"access_token\": \"EAAsecret \"}}", "without blanks"},
        {"{\"1\": {" TOKEN ", \"expire\": 1}}", "neither access_token nor"},
        {"{\"1\": {" TOKEN ", \"expires_at\": \"1\"}}", "without quotes"},
        {"{\"1\": {" TOKEN ", \"expires_at\": -1}}", "Unix seconds"},
        {"{\"1\": {" TOKEN ", \"expires_at\": 1735689600000}}",
         "Unix seconds"},
        {"{\"1\": {" TOKEN ", \"expires_at\": 1.5}}", "Unix seconds"},
        {"{\"1\": {" TOKEN "}, \"1\": {" TOKEN "}}", "twice"},
        {"{\"1\": {" TOKEN ", " TOKEN "}}", "twice"},
        {"{\"one\": {" TOKEN "}}", "\"one\" is no business_id"},
        {"{\"123456789012345678901\": {" TOKEN "}}", "is no business_id"},
        {"{\"EAABwzLixnjYBOzYmNMJJGfHq9DgNh\": 1}", "\"[redacted]\""},
    };
    struct world_got got;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start(rows[i].text);
        CU_ASSERT_EQUAL(world_get("1", &got), MPS_E_CONFIG);
        if (strstr(got.error.message, rows[i].says) == NULL ||
            strstr(got.error.message, "static_file /") == NULL ||
            strstr(got.error.message, "EAA") != NULL) {
            printf("\n    %s\n    gives: %s\n", rows[i].text,
                   got.error.message);
            CU_FAIL("the message");
        }
    }
    start("{}\n");
    CU_ASSERT_EQUAL(world_get("1", &got), MPS_E_CONFIG);
#undef TOKEN
}

/* The rule of token_file. */
static void
test_permissions(void)
{
    struct world_got got;

    start(one("1001", "EAAone"));
    CU_ASSERT_EQUAL(chmod(world_path(FILE_NAME), 0644), 0);
    CU_ASSERT_EQUAL(world_get("1001", &got), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "is open to others"));
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "run 'chmod "));
    CU_ASSERT_EQUAL(chmod(world_path(FILE_NAME), 0600), 0);
    CU_ASSERT_EQUAL(code_of("1001"), MPS_OK);
}

/* All that is needed is static_file, and it is. */
static void
test_configuration(void)
{
    char conf[600];
    struct world_got got;

    start(one("1001", "EAAone"));
    snprintf(conf, sizeof(conf), "log = off\n[test]\nstatic_file = %s\n",
             world_path(FILE_NAME));
    world_write("conf", 0644, conf);
    world_restart();
    CU_ASSERT_EQUAL(world_get("1001", &got), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(got.error.message, "static_file is not set"));
    CU_ASSERT_EQUAL(
        world_get_with(
            &(struct mps_request){.size = sizeof(struct mps_request),
                                  .business_id = "1001",
                                  .profile = "test"},
            &got),
        MPS_OK);
}

struct wanted {
    const char *business;
    const char *token;
};

static int
has_token(void *arg)
{
    const struct wanted *wanted = arg;
    struct world_got got;

    return world_get(wanted->business, &got) == MPS_OK &&
           strcmp(got.token, wanted->token) == 0;
}

static void
test_change(void)
{
    struct mps_request request = {.size = sizeof(request),
                                  .business_id = "1001",
                                  .flags = MPS_FORCE_REFRESH};
    const struct mps_credential *held;
    struct world_got got;
    int64_t begin;

    start(one("1001", "EAAone"));
    CU_ASSERT_EQUAL_FATAL(mps.get_credential("1001", &held), MPS_OK);
    begin = world_ms();
    write_tokens(one("1001", "EAAtwo"));
    CU_ASSERT(world_await(has_token, &(struct wanted){"1001", "EAAtwo"}));
    CU_ASSERT(world_ms() - begin < 1100 + world_margin());
    CU_ASSERT_STRING_EQUAL(held->access_token, "EAAone");
    mps.release_credential(held);
    write_tokens(one("1001", "EAAthree"));
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_OK);
    CU_ASSERT_STRING_EQUAL(got.token, "EAAthree");
    /* another file altogether */
    world_write("other", 0600, one("1001", "EAAother"));
    world_reconfigure("static_file = %s\n", world_path("other"));
    CU_ASSERT(world_await(has_token, &(struct wanted){"1001", "EAAother"}));
}

static int
is_told(void *arg)
{
    const struct wanted *wanted = arg;

    (void)code_of("1001");
    return world_log_count(LOG_ERR, wanted->token) > 0;
}

/* What can't be taken up is told once, and the former goes on. */
static void
test_bad_change(void)
{
    struct mps_request request = {.size = sizeof(request),
                                  .business_id = "1001",
                                  .flags = MPS_FORCE_REFRESH};
    struct world_got got;

    start(one("1001", "EAAone"));
    CU_ASSERT_EQUAL(code_of("1001"), MPS_OK);
    CU_ASSERT_EQUAL(world_log_count(LOG_NOTICE, "tokens come from"), 1);
    CU_ASSERT_EQUAL(world_log_count(LOG_NOTICE, "(1 businesses)"), 1);
    write_tokens("{\"1001\": \n");
    CU_ASSERT(world_await(is_told, &(struct wanted){.token = "JSON"}));
    CU_ASSERT(has_token(&(struct wanted){"1001", "EAAone"}));
    write_tokens("{\"1001\": \n");
    CU_ASSERT_EQUAL(world_get_with(&request, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_log_count(LOG_ERR, "JSON"), 1);
    CU_ASSERT_EQUAL(unlink(world_path(FILE_NAME)), 0);
    CU_ASSERT(world_await(is_told, &(struct wanted){.token = "No such file"}));
    CU_ASSERT(has_token(&(struct wanted){"1001", "EAAone"}));
    write_tokens(one("1001", "EAAtwo"));
    CU_ASSERT(world_await(has_token, &(struct wanted){"1001", "EAAtwo"}));
    CU_ASSERT_EQUAL(world_log_count(LOG_ERR, "No such file"), 1);
}

static int
is_there(void *arg)
{
    const struct wanted *wanted = arg;

    return code_of(wanted->business) == MPS_OK;
}

static void
test_invalidate(void)
{
    struct world_got got;

    start(one("1001", "EAAone"));
    CU_ASSERT_EQUAL(mps.invalidate_credential("1001", "EAAother"), MPS_OK);
    CU_ASSERT_EQUAL(mps.invalidate_credential("1002", "EAAone"), MPS_OK);
    CU_ASSERT_EQUAL(mps.invalidate_credential("1001", ""), MPS_E_INVALID);
    CU_ASSERT_EQUAL(code_of("1001"), MPS_OK);
    CU_ASSERT_EQUAL(mps.invalidate_credential("1001", "EAAone"), MPS_OK);
    CU_ASSERT_EQUAL(world_get("1001", &got), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "was reported refused"));
    CU_ASSERT_PTR_NULL(strstr(got.error.message, "EAA"));
    /* the same token in a file that changed for another's sake */
    write_tokens("{\"1001\": {\"access_token\": \"EAAone\"},"
                 " \"1002\": {\"access_token\": \"EAAtwo\"}}");
    CU_ASSERT(world_await(is_there, &(struct wanted){.business = "1002"}));
    CU_ASSERT_EQUAL(code_of("1001"), MPS_E_CONFIG);
    write_tokens(one("1001", "EAAnew"));
    CU_ASSERT(world_await(has_token, &(struct wanted){"1001", "EAAnew"}));
    CU_ASSERT_EQUAL(mps.invalidate_credential("1001", NULL), MPS_OK);
    CU_ASSERT_EQUAL(code_of("1001"), MPS_E_CONFIG);
}

struct told {
    unsigned codes[MPS_E_INTERNAL + 1];
    unsigned count;
};

static void
take(void *arg, const char *business_id, int code)
{
    struct told *told = arg;
    const struct mps_credential *credential;

    /* A callback may call the module. */
    if (code == MPS_OK) {
        CU_ASSERT_EQUAL(mps.get_credential(business_id, &credential), MPS_OK);
        mps.release_credential(credential);
    }
    told->codes[code]++;
    told->count++;
}

static void
test_prefetch(void)
{
    static const char *const ids[] = {"1001", "x", "1002", "1001", NULL};
    struct mps_error error = {.size = sizeof(error)};
    struct told told = {.count = 0};

    start(one("1001", "EAAone"));
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, 1, NULL, NULL),
                    MPS_OK);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, 5, take, &told),
                    MPS_E_CONFIG);
    CU_ASSERT_EQUAL(told.count, 5);
    CU_ASSERT_EQUAL(told.codes[MPS_OK], 2);
    CU_ASSERT_EQUAL(told.codes[MPS_E_INVALID], 2);
    CU_ASSERT_EQUAL(told.codes[MPS_E_CONFIG], 1);
    CU_ASSERT_EQUAL(mps.error(&error), MPS_OK);
    CU_ASSERT_EQUAL(error.code, MPS_E_CONFIG);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, NULL, 1, NULL, NULL),
                    MPS_E_INVALID);
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, NULL, 0, NULL, NULL),
                    MPS_OK);
    start("no JSON");
    memset(&told, 0, sizeof(told));
    CU_ASSERT_EQUAL(mps.prefetch_credentials(NULL, ids, 4, take, &told),
                    MPS_E_CONFIG);
    CU_ASSERT_EQUAL(told.codes[MPS_E_CONFIG], 3);
    CU_ASSERT_EQUAL(told.codes[MPS_E_INVALID], 1);
}

static void
test_event(void)
{
    struct pollfd wait = {.events = POLLIN};

    start(one("1001", "EAAone"));
    wait.fd = mps.event_fd();
    CU_ASSERT(wait.fd > 2);
    CU_ASSERT_EQUAL(mps.event_fd(), wait.fd);
    CU_ASSERT_EQUAL(code_of("1001"), MPS_OK);
    CU_ASSERT_EQUAL(poll(&wait, 1, 0), 0);
    mps.shutdown();
    CU_ASSERT_EQUAL(poll(&wait, 1, 0), 1);
    CU_ASSERT_EQUAL(wait.revents, POLLNVAL);
    CU_ASSERT_EQUAL(code_of("1001"), MPS_OK);
}

static int
is_known_gone(void *arg)
{
    (void)arg;
    (void)code_of("1001");
    return world_log_count(LOG_INFO, "can't be taken up") > 0;
}

/* A host that can't see its files any more; nothing is wrong with that. */
static void
test_prepare(void)
{
    start(one("1001", "EAAone"));
    CU_ASSERT_EQUAL(mps.prepare(NULL), MPS_OK);
    CU_ASSERT_EQUAL(unlink(world_path(FILE_NAME)), 0);
    CU_ASSERT(world_await(is_known_gone, NULL));
    CU_ASSERT_EQUAL(code_of("1001"), MPS_OK);
    CU_ASSERT_EQUAL(world_log_count(LOG_ERR, ""), 0);
    mps.shutdown();
    CU_ASSERT_EQUAL(code_of("1001"), MPS_E_CONFIG);
    CU_ASSERT_EQUAL(mps.prepare(NULL), MPS_E_CONFIG);
}

/* The child starts with what the file says by then. */
static void
test_fork(void)
{
    const struct mps_credential *held;
    int status = -1;
    pid_t child;

    start(one("1001", "EAAone"));
    CU_ASSERT_EQUAL_FATAL(mps.get_credential("1001", &held), MPS_OK);
    write_tokens(one("1001", "EAAtwo"));
    child = fork();
    if (child == 0) {
        int ok = has_token(&(struct wanted){"1001", "EAAtwo"});

        ok = ok && strcmp(held->access_token, "EAAone") == 0;
        mps.release_credential(held);
        _exit(!ok);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    mps.release_credential(held);
}

static unsigned
count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned count = 0;

    while (tasks != NULL && readdir(tasks) != NULL) {
        count++;
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return count;
}

/* No thread, no helper, no request: in none of the tests before, either. */
static void
test_quiet(void)
{
    unsigned threads = count_threads();

    start(one("1001", "EAAone"));
    CU_ASSERT_EQUAL(code_of("1001"), MPS_OK);
    CU_ASSERT_EQUAL(code_of("1002"), MPS_E_CONFIG);
    CU_ASSERT_EQUAL(mps.invalidate_credential("1001", NULL), MPS_OK);
    CU_ASSERT_EQUAL(count_threads(), threads);
    CU_ASSERT(!world_helper_runs());
    CU_ASSERT_EQUAL(world_requests(""), 0);
    CU_ASSERT_EQUAL(world_keyring_items(), 0);
}

static CU_TestInfo tests[] = {
    {"a token", test_get},
    {"MPS_NO_WAIT", test_no_wait},
    {"expiry", test_expiry},
    {"a clock that is set", test_clock},
    {"wrong files", test_wrong},
    {"permissions", test_permissions},
    {"configuration", test_configuration},
    {"a changed file", test_change},
    {"a bad or missing file", test_bad_change},
    {"invalidate_credential", test_invalidate},
    {"prefetch_credentials", test_prefetch},
    {"credential_event_fd", test_event},
    {"credential_prepare", test_prepare},
    {"fork", test_fork},
    {"no thread, network or keyring", test_quiet},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"static", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    world_open(NULL);
    setenv("MPS_TEST_CLOCK_SHIFT", world_path("clock"), 1);
    clock_shift_set(0);
    return world_run(suites);
}
