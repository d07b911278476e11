/* SPDX-License-Identifier: MIT */
/* The look once a second: changed configuration, effective user and place. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "error.h"
#include "fake_clock.h"
#include "get.h"
#include "look.h"
#include "run_suites.h"

#define BUSINESS "4711"
#define NOBODY 65534
#define NOTHING (-1)

static char directory[32];
static char configuration_path[64];
static char token_path[64];
static char ca_path[64];
static char bus_path[64];

static struct mpsc_provider *provider;

/* What the log got. */
static unsigned lines;
static int line_priority;
static char line[512];

static void
note(void *arg, int priority, const char *text)
{
    (void)arg;
    lines++;
    line_priority = priority;
    snprintf(line, sizeof(line), "%s", text);
}

static void
write_file(const char *path, const char *text)
{
    char fresh[80];
    FILE *file;

    /* Another inode: no two versions have one stamp. */
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    file = fopen(fresh, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fputs(text, file) >= 0);
    CU_ASSERT_EQUAL(fclose(file), 0);
    CU_ASSERT_EQUAL(chmod(fresh, 0600), 0);
    CU_ASSERT_EQUAL(rename(fresh, path), 0);
}

/* The configuration from now on: what each has, and more. */
static void
configure(const char *more)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "token_file = %s\nca_file = %s\nkeyring = off\naudit = off\n%s",
             token_path, ca_path, more);
    write_file(configuration_path, text);
}

#define SOLUTION "solution_id = 1234567890123456\n"

static int
make_directory(void)
{
    snprintf(directory, sizeof(directory), "/tmp/mps-test-look-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(configuration_path, sizeof(configuration_path), "%s/conf",
             directory);
    snprintf(token_path, sizeof(token_path), "%s/token", directory);
    snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", directory);
    snprintf(bus_path, sizeof(bus_path), "%s/bus", directory);
    return chmod(directory, 0755);
}

static int
remove_directory(void)
{
    unlink(configuration_path);
    unlink(token_path);
    unlink(ca_path);
    return rmdir(directory);
}

static void
begin(void)
{
    unsetenv("MPS_CREDENTIAL_PROFILE");
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    setenv("XDG_RUNTIME_DIR", directory, 1);
    setenv("MPS_CREDENTIAL_CONF", configuration_path, 1);
    write_file(token_path, "EAApartner\n");
    write_file(ca_path, "-----BEGIN CERTIFICATE-----\n");
    configure(SOLUTION);
    fake_clock_start();
    lines = 0;
    provider = mpsc_provider_new(NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(provider);
    if (provider != NULL) {
        provider->hub.clock = fake_clock_now;
        mpsc_log_redirect(&provider->hub.log, note, NULL);
    }
}

static void
end(void)
{
    char path[96];

    mpsc_provider_shutdown(provider);
    mpsc_provider_free_unused(&provider);
    unsetenv("MPS_CREDENTIAL_CONF");
    unsetenv("XDG_RUNTIME_DIR");
    unlink(bus_path);
    snprintf(path, sizeof(path), "%s/mps-credential", directory);
    rmdir(path);
}

/* A call that looks, where a look is due, and then into memory: MPS_OK, or
 * NOTHING. */
static int
call(void)
{
    static const struct mpsc_request_rules rules = {0, 1, 0};
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = BUSINESS};
    struct mpsc_entry *entry;
    struct mps_error error;
    struct mpsc_call call;
    int code;

    mpsc_error_clear(&error);
    code = mpsc_call_begin(&call, provider, &request, &rules, &error);
    if (code == MPS_OK) {
        mpsc_provider_lock(provider);
        entry = mpsc_cache_find(call.holdings->cache, BUSINESS);
        code = entry != NULL ? mpsc_get_from_memory_unlocked(&call, entry, 0)
                             : NOTHING;
        mpsc_provider_unlock(provider);
    }
    mpsc_call_end(&call);
    return code;
}

/* The same a second later. */
static int
call_later(void)
{
    fake_clock_advance(1000);
    return call();
}

/* The provider's profile, whose reference it is. */
static struct mpsc_profile *
profile(void)
{
    struct mpsc_profile *found;

    mpsc_provider_lock(provider);
    found = mpsc_provider_find_unlocked(provider, NULL);
    mpsc_provider_unlock(provider);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    return found;
}

/* Loads the profile and puts a token into its memory. */
static void
hold_token(void)
{
    struct mpsc_record record = {.token = MPSC_SECRET_EMPTY};
    struct mpsc_entry *entry;
    struct mpsc_time now;

    CU_ASSERT_EQUAL(call(), NOTHING);
    fake_clock_now(&now);
    record.received_at = now.wall_s;
    record.expires_at = now.wall_s + 3600;
    CU_ASSERT_EQUAL(mpsc_secret_set(&record.token, "EAAheld", 7), 0);
    entry = mpsc_cache_entry(profile()->holdings->cache, BUSINESS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
    mpsc_cache_put(profile()->holdings->cache, entry,
                   mpsc_credential_new(&record, MPS_SOURCE_ENDPOINT, &now,
                                       profile()->boot_id));
    entry->credential->refresh_ms = entry->credential->end_ms;
    CU_ASSERT_EQUAL(call(), MPS_OK);
}

/* A changed value counts from the next look on, and what is known stays. */
static void
test_change(void)
{
    const struct mpsc_holdings *holdings;

    hold_token();
    holdings = profile()->holdings;
    CU_ASSERT_EQUAL(profile()->configuration->deadline_ms, 10000);
    configure(SOLUTION "deadline_ms = 5000\napi_version = v26.0\n");
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_EQUAL(profile()->configuration->deadline_ms, 5000);
    CU_ASSERT_PTR_EQUAL(profile()->means.configuration,
                        profile()->configuration);
    CU_ASSERT_PTR_EQUAL(profile()->holdings, holdings);
    CU_ASSERT_EQUAL(holdings->references, 1);
    CU_ASSERT_EQUAL(profile()->references, 1);
    CU_ASSERT_PTR_NULL(profile()->next);
    CU_ASSERT_EQUAL(lines, 0);
}

/* Without a change all stays as it is. */
static void
test_no_change(void)
{
    const struct mpsc_profile *before;

    hold_token();
    before = profile();
    profile()->stamp[0] ^= 1;
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_PTR_NOT_EQUAL(profile(), before);
    before = profile();
    for (int i = 0; i < 5; i++) {
        (void)mpsc_configuration_stamp(configuration_path, profile()->stamp);
        CU_ASSERT_EQUAL(call_later(), MPS_OK);
        CU_ASSERT_PTR_EQUAL(profile(), before);
    }
}

/* Once a second, and the one that looks does so for all. */
static void
test_pace(void)
{
    hold_token();
    CU_ASSERT_EQUAL(profile()->look_ms, FAKE_CLOCK_MS + 1000);
    configure(SOLUTION "deadline_ms = 5000\n");
    fake_clock_advance(999);
    CU_ASSERT_EQUAL(call(), MPS_OK);
    CU_ASSERT_EQUAL(profile()->configuration->deadline_ms, 10000);
    fake_clock_advance(1);
    CU_ASSERT_EQUAL(call(), MPS_OK);
    CU_ASSERT_EQUAL(profile()->configuration->deadline_ms, 5000);
    /* That of the new profile is as far away. */
    CU_ASSERT_EQUAL(profile()->look_ms, FAKE_CLOCK_MS + 2000);
    configure(SOLUTION "deadline_ms = 6000\n");
    fake_clock_advance(999);
    CU_ASSERT_EQUAL(call(), MPS_OK);
    CU_ASSERT_EQUAL(profile()->configuration->deadline_ms, 5000);
}

/* Tokens of another solution or endpoint are none of this one's. */
static void
test_other_solution(void)
{
    static const char *const changes[] = {
        "solution_id = 99\n",
        SOLUTION "base_url = https://other.example\n",
    };

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        configure(SOLUTION);
        (void)call_later();
        hold_token();
        configure(changes[i]);
        CU_ASSERT_EQUAL(call_later(), NOTHING);
        CU_ASSERT_EQUAL(profile()->holdings->references, 1);
    }
}

/* A bad file is told once, and the former one stays. */
static void
test_bad_file(void)
{
    char stamp[MPSC_DIGEST_HEX_SIZE];
    const struct mpsc_profile *before;

    hold_token();
    before = profile();
    configure(SOLUTION "nonsense = 1\n");
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_PTR_EQUAL(profile(), before);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_EQUAL(line_priority, LOG_ERR);
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "MPS_E_CONFIG"));
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "nonsense"));
    CU_ASSERT_PTR_NOT_NULL(strstr(line, configuration_path));
    CU_ASSERT(mpsc_configuration_stamp(configuration_path, stamp) >= 0 &&
              strcmp(profile()->stamp, stamp) == 0);
    /* Its stamp settles: read once more. */
    profile()->stamp[0] ^= 1;
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_EQUAL(lines, 1);
    /* Another mistake is news. */
    configure(SOLUTION "nonsense2 = 1\n");
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_EQUAL(lines, 2);
    configure(SOLUTION "deadline_ms = 5000\n");
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_PTR_NOT_EQUAL(profile(), before);
    CU_ASSERT_EQUAL(profile()->configuration->deadline_ms, 5000);
    CU_ASSERT_EQUAL(lines, 2);
}

static void
test_removed_file(void)
{
    const struct mpsc_profile *before;

    hold_token();
    before = profile();
    unlink(configuration_path);
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_PTR_EQUAL(profile(), before);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_EQUAL(lines, 1);
    configure(SOLUTION);
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_PTR_NOT_EQUAL(profile(), before);
}

static const struct mpsc_fetch_prepared *
prepared(void)
{
    const struct mpsc_fetch_prepared *found =
        atomic_load(&profile()->prepared);

    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    return found;
}

static void
prepare(void)
{
    const struct mps_request request = {.size = sizeof(request)};
    struct mps_error error;

    CU_ASSERT_EQUAL_FATAL(mpsc_provider_prepare(provider, &request, &error),
                          MPS_OK);
}

/* What was prepared goes over, where it can't be read any more. */
static void
test_prepared(void)
{
    prepare();
    hold_token();
    write_file(token_path, "EAAother\n");
    configure(SOLUTION "deadline_ms = 5000\n");
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_STRING_EQUAL(prepared()->partner.token.data, "EAAother");
    unlink(token_path);
    unlink(ca_path);
    configure(SOLUTION "deadline_ms = 6000\nlog_level = info\n");
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_EQUAL(profile()->configuration->deadline_ms, 6000);
    CU_ASSERT_STRING_EQUAL(prepared()->partner.token.data, "EAAother");
    CU_ASSERT_EQUAL(prepared()->partner.app_secret.len, 0);
    CU_ASSERT_STRING_EQUAL(prepared()->ca.data,
                           "-----BEGIN CERTIFICATE-----\n");
    /* And that the configuration is gone, too, is no surprise then. */
    unlink(configuration_path);
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_EQUAL(line_priority, LOG_INFO);
}

static void
test_not_prepared(void)
{
    hold_token();
    configure(SOLUTION "deadline_ms = 5000\n");
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_PTR_NULL(atomic_load(&profile()->prepared));
}

/* The keyring's bus appears while the process runs. */
static void
test_place(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char expected[80];
    int bus = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    hold_token();
    CU_ASSERT_PTR_NULL(profile()->place.bus);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", bus_path);
    CU_ASSERT_EQUAL(
        bind(bus, (const struct sockaddr *)&address, sizeof(address)), 0);
    CU_ASSERT_EQUAL(call(), MPS_OK);
    CU_ASSERT_PTR_NULL(profile()->place.bus);
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    snprintf(expected, sizeof(expected), "unix:path=%s", bus_path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(profile()->place.bus);
    CU_ASSERT_STRING_EQUAL(profile()->place.bus, expected);
    close(bus);
}

/* What was received before that moment is served no more; one that is still
 * to come is told, and taken as now. */
static void
test_distrust(void)
{
    hold_token();
    configure(SOLUTION "distrust_before = 2023-11-14T22:13:20Z\n");
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    configure(SOLUTION "distrust_before = 2023-11-14T22:13:21Z\n");
    CU_ASSERT_EQUAL(call_later(), NOTHING);
    CU_ASSERT_EQUAL(lines, 0);
    configure(SOLUTION "distrust_before = 2222-11-14T22:13:20Z\n");
    CU_ASSERT_EQUAL(call_later(), NOTHING);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_EQUAL(line_priority, LOG_WARNING);
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "distrust_before"));
}

/* A call that goes on with the former profile has a reference to it. */
static void
test_former(void)
{
    struct mps_error error;
    struct mpsc_profile *former;
    struct mpsc_profile *fresh = NULL;

    hold_token();
    former = mpsc_provider_profile(provider, NULL, &error);
    CU_ASSERT_PTR_EQUAL_FATAL(former, profile());
    CU_ASSERT_EQUAL(former->references, 2);
    configure(SOLUTION "deadline_ms = 5000\n");
    CU_ASSERT_EQUAL(call_later(), MPS_OK);
    CU_ASSERT_EQUAL(former->references, 1);
    CU_ASSERT_EQUAL(former->configuration->deadline_ms, 10000);
    CU_ASSERT_EQUAL(former->holdings->references, 2);
    /* It was replaced by another already. */
    pthread_mutex_lock(&provider->loading);
    CU_ASSERT_EQUAL_FATAL(mpsc_profile_load(NULL, former, &fresh, &error),
                          MPS_OK);
    CU_ASSERT_PTR_EQUAL(mpsc_provider_replace(provider, former, fresh),
                        former);
    pthread_mutex_unlock(&provider->loading);
    CU_ASSERT_EQUAL(former->references, 1);
    CU_ASSERT_EQUAL(profile()->configuration->deadline_ms, 5000);
    mpsc_provider_drop(provider, former);
    CU_ASSERT_EQUAL(profile()->holdings->references, 1);
}

/* A step of test_user()'s child. */
#define STEP(condition)                                                       \
    do {                                                                      \
        if (!(condition)) {                                                   \
            printf("\n    line %d: %s\n", __LINE__, #condition);              \
            (void)fflush(stdout);                                             \
            _exit(1);                                                         \
        }                                                                     \
    } while (0)

static void
change_user(void)
{
    const struct mps_request request = {.size = sizeof(request),
                                        .business_id = BUSINESS};
    const struct mpsc_holdings *holdings = profile()->holdings;
    const struct mpsc_profile *former;
    struct mps_error error;

    /* By a call, within a second. */
    STEP(seteuid(NOBODY) == 0);
    STEP(call() == MPS_OK);
    STEP(call_later() == NOTHING);
    STEP(profile()->holdings != holdings);
    STEP(profile()->user == NOBODY);
    STEP(profile()->holdings->references == 1);
    /* By one that goes to the keyring, at once. */
    STEP(seteuid(0) == 0);
    STEP(mpsc_invalidate(provider, &request, NULL, &error) == MPS_OK);
    STEP(profile()->user == 0);
    /* Together with a changed configuration. */
    STEP(chmod(configuration_path, 0644) == 0);
    STEP(seteuid(NOBODY) == 0);
    holdings = profile()->holdings;
    former = profile();
    STEP(call_later() == NOTHING);
    STEP(profile() != former);
    STEP(profile()->holdings != holdings);
    STEP(profile()->user == NOBODY);
    _exit(0);
}

/* Another effective user has nothing of the former one's. */
static void
test_user(void)
{
    int status = -1;
    pid_t child;

    hold_token();
    if (geteuid() != 0) {
        printf("(needs root) ");
        return;
    }
    child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) {
        change_user();
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"change", test_change},
        {"no change", test_no_change},
        {"pace", test_pace},
        {"other solution or endpoint", test_other_solution},
        {"bad file", test_bad_file},
        {"removed file", test_removed_file},
        {"prepared", test_prepared},
        {"not prepared", test_not_prepared},
        {"place", test_place},
        {"distrust", test_distrust},
        {"former profile", test_former},
        {"effective user", test_user},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"look", make_directory, remove_directory, begin, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
